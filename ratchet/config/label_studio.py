"""Address of Label Studio, the key `label_studio` of table `[review]`: https, or plain http on this machine.

Add here another rule about that address. The token is never a setting: it comes from the environment, or from the file
that `make label-studio` writes.
"""

from urllib.parse import urlsplit

from ratchet.config.validation import bad_spec

LABEL_STUDIO_URL = "http://127.0.0.1:8080"
"""Address at which `make label-studio` serves."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_url(url: str) -> str:
    """Return `url` where it may be talked to: https, or plain http on this machine; raises `RatchetError`.

    The address is not repeated in the error: it may hold a token by mistake.
    """
    try:
        address = urlsplit(url)
        _ = address.port
    except ValueError:
        address = urlsplit("")
    plain = url.isascii() and url.isprintable() and " " not in url and "@" not in address.netloc
    if not plain or not address.hostname or address.query or address.fragment:
        raise bad_spec(
            "review.label_studio is not the address of a Label Studio.",
            "Write it as 'https://host' or 'http://127.0.0.1:8080', without name, password, '?' or '#'.",
        )
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOOPBACK):
        raise bad_spec(
            "review.label_studio would send texts and the token in the clear.",
            "Use https; plain http is allowed for localhost and 127.0.0.1 only.",
        )
    return url


def is_local(url: str) -> bool:
    """True where `url` is an address of this machine."""
    return (urlsplit(url).hostname or "") in _LOOPBACK
