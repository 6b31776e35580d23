"""What must not leave the house is found wherever it stands, and said without being repeated."""

import json

import numpy as np
import pytest
from safetensors.numpy import save

from ratchet.errors import BlockedError
from ratchet.publishing.scan import need_clean, scan_files

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
    assert scan_files({"README.md": lines.encode(), "r.json": json.dumps({"password": 0.5, "n": [1, 2.5]}).encode()}) == []


def test_the_token_of_this_process_is_found_in_any_bytes() -> None:
    """Also in weights."""
    hits = scan_files(
        {"adapter_model.safetensors": save({"a": np.frombuffer(b"s3cr3t..", dtype=np.uint8)})}, {"the token": "s3cr3t"}
    )
    assert [str(hit) for hit in hits] == ["the token in adapter_model.safetensors its bytes"]
