"""The options of the demo's family; what each plays is in the tests of the demo's home."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_a_base_for_the_encoders_demo_is_wrong_usage(call: Callable[..., Any], tmp_path: Path) -> None:
    """The option belongs to the causal family, and a base that is missing is named before anything else happens."""
    assert call("--home", tmp_path, "demo", "--base", "./x").code == 64
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / ".ratchet-demo").write_text("")
    missing = call("--home", tmp_path, "demo", "--family", "causal", "--base", "./none")
    assert missing.code == 1
    assert "holds no config.json" in missing.err
    assert (tmp_path / "demo" / ".ratchet-demo").exists()
