"""A digest of what the file sets: an upgrade makes no candidate stale, and receipts of before go on counting."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.storage.specs import load_spec

TWO = '[[label]]\nname = "x"\n[[label]]\nname = "y"\n'
FORMER: dict[str, tuple[str, str]] = {
    "a": (
        f'{TWO}threshold = 0.7\naction = "pay"\n[limits]\nmin_doubles = 3\n[promotion]\nsteps = [10, 100]\n[[target]]\n'
        'name = "in_process"\n[[candidate]]\nmethod = "probe"\n[[candidate]]\nlayers = "top:2"\nrank = 8\n',
        "17cc007a2d04",
    ),
    "b": (
        f'description = "d"\n{TWO}[window]\nearliest = 2026-01-01\n[limits]\nmax_ece = 0.1\n', "3ffd87228152"
    ),
    "c": (
        f'{TWO}[prompt]\ntemplate = """Which?\n{{labels}}\n{{text}}\n="""\n[[candidate]]\nfamily = "causal"\n'
        'base = "all-MiniLM-L6-v2"\n',  # a base that is always installed
        "a8a1bbf5a563",
    ),
}  # fmt: skip
"""Files of classifiers a (settings of every kind), b (no candidate) and c (a prompt) with the digests that commit
ee5f5f4 made of them, when they held every setting; its receipts hold these."""


def write(folder: Path, text: str, name: str = "c") -> Path:
    """Write a specification; its folder is its name."""
    path = folder / name / "classifier.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("case", FORMER)
def test_a_receipt_of_a_former_version_names_the_same_file(case: str, tmp_path: Path) -> None:
    """Its digest is derived from the file and that version's defaults, whatever the defaults are now."""
    text, former = FORMER[case]
    spec = load_spec(write(tmp_path, text, case))
    assert former in {digest[:12] for digest in spec.digests}
    assert spec.digest in spec.digests
    assert spec.digest[:12] != former


SAME: dict[str, str] = {
    "people": '[people]\nann = ["ann@example.org"]\n',
    "a setting of the report": "[evaluation]\nmax_texts = 0\n",
    "the machine": "[machine]\nwatts = 100.0\n",
    "a step": "[promotion]\nsteps = [50, 100]\n",
    "the age of receipts": "[receipts]\nmax_age_days = 3\n",
}
OTHER: dict[str, str] = {
    "a limit": "[limits]\nmin_doubles = 3\n",
    "a default that is written down": "[limits]\nmin_doubles = 20\n",
    "a candidate": '[[candidate]]\nmethod = "probe"\n',
    "a window": "[window]\nlookback_weeks = 3\n",
}


@pytest.mark.parametrize("case", [*SAME, *OTHER])
def test_only_what_decides_and_is_set_enters(case: str, tmp_path: Path) -> None:
    """By the table, over a file of two labels."""
    before = load_spec(write(tmp_path, TWO)).digest
    after = load_spec(write(tmp_path, f"# a comment\n{TWO}{({**SAME, **OTHER})[case]}")).digest
    assert (before == after) is (case in SAME)


def test_an_upgrade_with_new_keys_and_changed_defaults_changes_no_digest(
    tmp_path: Path, plant_in_copy: Callable[[str, str, str], dict[str, str]]
) -> None:
    """A later version is planted: another default, one key more in a table that the file has, one in a candidate."""
    path = write(tmp_path, FORMER["a"][0])
    old = "    min_agreement: float = 0.9\n"
    environment = plant_in_copy(
        "ratchet/config/policy.py", old, "    min_agreement: float = 0.8\n    brand_new: int = 7\n"
    )
    candidate = Path(environment["PYTHONPATH"]) / "ratchet" / "config" / "candidate.py"
    source = candidate.read_text()
    assert source.count("    rank: int = 16\n") == 1
    candidate.write_text(source.replace("    rank: int = 16\n", "    rank: int = 32\n    brand_new: int = 1\n"))
    code = (
        "import sys; from pathlib import Path; from ratchet.storage.specs import load_spec\n"
        "spec = load_spec(Path(sys.argv[1])); assert spec.limits.brand_new == 7; print(spec.digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == load_spec(path).digest
