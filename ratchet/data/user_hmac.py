"""Codes of users: rows tell the requests of one user apart from those of others, and nobody learns who that is.

Add here another way to name a user without naming them; the key is the secret of the home.
"""

import hmac

_BYTES = 12


def user_hmac(key: bytes, classifier: str, user: str) -> str | None:
    """Return the code of a user of one classifier, None where the client named no user."""
    if not user:
        return None
    content = f"user\0{classifier}\0{user}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, content, "sha256")[:_BYTES].hex()
