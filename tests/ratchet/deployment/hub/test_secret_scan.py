"""What must not leave the house is found wherever it stands, and said without being repeated."""

import json

import numpy as np
import pytest
from safetensors.numpy import save

from ratchet.core.errors import BlockedError
from ratchet.deployment.hub.secret_scan import need_clean, scan_files

HITS = {
    "hf_" + "a1B2" * 8: "Hub token",
    "sk-proj-" + "a1B2" * 8: "API key",
    "AKIA" + "A1B2" * 4: "AWS key",
    "ghp_" + "a1B2" * 9: "GitHub token",
    "xoxb-" + "12345678901": "Slack token",
    "-----BEGIN RSA PRIVATE KEY-----": "private key",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl": "JSON web token",
    "password = hunter22": "password",
    "https://jane:secret@host/x": "address with a password",
    "see /home/jane/data.csv": "path of this machine",
    "write to jane@shop.example": "EMAIL",
    "call 555-123-4567": "PHONE",
    "card 4111 1111 1111 1111": "CREDIT_CARD",
    "from 192.168.10.1": "IP_ADDRESS",
    "see /srv/customers/jane.csv": "path of this machine",
    "see /opt/acme/data": "path of this machine",
    "see C:\\Users\\jane\\data.csv": "path of this machine",
    "see ~/data.csv": "path of this machine",
    "npm_" + "a1B2" * 9: "npm token",
    "pypi-" + "a1B2" * 15: "PyPI token",
    "Bearer " + "a1B2" * 6: "authorization",
    "DB_PASSWORD=correcthorse": "password",
    "password: correct-horse-battery": "password",
    'passphrase: "correct horse"': "password",
    "secret: hunter$twenty": "password",
    "call 0301.2345678 now": "PHONE",
    "call (030) 901 82 05": "PHONE",
    "pay to DE89 3704 0044 0532 0130 00": "IBAN",
    "REF GB82WEST12345698765432": "IBAN",
    "to DE89370400440532013000 BY FRIDAY 2026": "IBAN",
    "AT61-1904-3002-3457-3201": "IBAN",
}


@pytest.mark.parametrize("text", HITS)
def test_secrets_personal_data_and_paths_are_found_in_every_file(text: str) -> None:
    """In a line, in a string or a key of JSON, in the notes of safetensors; the message does not hold them."""
    tensors = {"a": np.zeros(1, dtype=np.float32)}
    files = {
        "README.md": f"fine\n{text}\n".encode(),
        "ratchet.json": json.dumps({"labels": ["a", text]}).encode(),
        "receipt.json": json.dumps({text: 1}).encode(),
        "adapter_model.safetensors": save(tensors, metadata={"note": text}),
    }
    for name, content in files.items():
        assert HITS[text] in {hit.kind for hit in scan_files({name: content})}, name
    with pytest.raises(BlockedError) as caught:
        need_clean(files)
    assert text not in f"{caught.value} {caught.value.details}"
    assert f"{HITS[text]} in README.md line 2" in str(caught.value)


def test_figures_dates_and_digests_are_no_hits() -> None:
    """Else no card could ever be published."""
    lines = f"| 0.857 (0.795 to 0.910) | 1,234 |\n2026-01-05 {'0123456789' * 4} 12345678901 bytes\n{'98765432' * 8}"
    assert (
        scan_files({"README.md": lines.encode(), "r.json": json.dumps({"password": 0.5, "n": [1, 2.5]}).encode()}) == []
    )


CLEAN = (
    "Password: reset or forgotten", "password: single-sign-on", "secret = none",
    "a bearer token-based-authentication-scheme",
    "and/or /opt, or opt-in", "Q: what? A:/B:", "0.0001234567 of 2026.5", "05.01.2026 and 1 000 000 texts",
    "1,234,567.25",
    "GB83 WEST ABCD EFGH IJKL MN", "ISO27001 AND 12345678 MORE", "https://host/opt/x", "R&amp;D", "$\\alpha$: C:",
    "ratio 3:\\2",
    "`~/.cache/ratchet`", "api_key=os.environ.get(NAME)",
)  # fmt: skip


@pytest.mark.parametrize("line", CLEAN)
def test_ordinary_sentences_are_no_hits(line: str) -> None:
    """Words of secrets in prose, numbers that are nobody's, an account number with wrong check digits."""
    assert scan_files({"README.md": line.encode(), "ratchet.json": json.dumps([line]).encode()}) == []


def test_what_markdown_escapes_is_found_as_a_reader_sees_it() -> None:
    """A card writes `_` with a stroke before it: a token is one nevertheless, and so is that of this process."""
    token = "hf\\_" + "a1B2" * 8
    hits = scan_files(
        {"README.md": f"| a | {token} x&amp;y |".encode()}, {"the token": token.replace("\\", ""), "other": "x&y"}
    )
    assert {str(hit) for hit in hits} == {f"{kind} in README.md line 1" for kind in ("Hub token", "the token", "other")}


def test_the_token_of_this_process_is_found_in_any_bytes() -> None:
    """Also in weights."""
    hits = scan_files(
        {"adapter_model.safetensors": save({"a": np.frombuffer(b"s3cr3t..", dtype=np.uint8)})}, {"the token": "s3cr3t"}
    )
    assert [str(hit) for hit in hits] == ["the token in adapter_model.safetensors its bytes"]
