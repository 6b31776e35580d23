"""A home's own targets are read strictly."""

from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.target_profiles import read_targets

OWN = '[edge]\nruntime = "other"\ntakes = "adapter"\nfamilies = ["causal"]\nlog_probabilities = false\n'


def test_own_targets_stand_beside_the_built_in_ones(tmp_path: Path) -> None:
    """What is not given is unknown."""
    (tmp_path / "targets.toml").write_text(OWN)
    assert read_targets(Home(tmp_path))["edge"].documented.rank is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN + "takse = 1\n", "Did you mean 'takes'?"),
        (OWN + "[edge.proven]\nrnak = 8\n", "Did you mean 'rank'?"),
        (OWN + "[edge.proven]\nrank = 8\n", "rank has no source"),
        (OWN.replace("edge", "vllm"), "built-in target"),
        (OWN + '[edge.proven]\nsource = "tried"\nmethods = ["full", "dpo"]\n', "methods names 'dpo'"),
        (OWN + '[edge.documented]\nsource = "a page"\nmethods = ["qlora"]\n', 'Write "lora" instead'),
        ("rank = 8\n", "outside every target"),
    ],
)
def test_a_wrong_file_is_refused_with_its_cure(tmp_path: Path, text: str, said: str) -> None:
    """Each names the file."""
    (tmp_path / "targets.toml").write_text(text)
    with pytest.raises(RatchetError) as caught:
        read_targets(Home(tmp_path))
    assert said in str(caught.value)
