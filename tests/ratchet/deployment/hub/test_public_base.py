"""Every base that a package brings has a public name, and a way for others to the very same content."""

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from ratchet.config.publish import PublishPolicy
from ratchet.core.errors import RatchetError
from ratchet.deployment.hub.public_base import ORIGINS, name_base
from ratchet.models.adapters.folder import read_folder
from ratchet.models.adapters.format import AdapterCard, read_card
from ratchet.models.base_models import PACKAGED, base_folder, resolve_base
from ratchet.models.gguf_bases import cache_folder
from ratchet.testing.tiny_adapter import write_tiny_adapter


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> AdapterCard:
    """A card whose base is a folder."""
    place = tmp_path_factory.mktemp("carded") / "adapter"
    return read_card(read_folder(write_tiny_adapter(place, resolve_base(str(tiny_base)), ("a", "b"))))


@pytest.mark.parametrize("name", PACKAGED)
def test_every_packaged_base_can_be_published(card: AdapterCard, name: str) -> None:
    """With its own content as the revision, and with the truth about a package that holds no folder of the model."""
    found = name_base(replace(card, base=name), PublishPolicy())
    assert found.origin is not None
    assert (found.revision, found.claimed, "/" in found.name) == (card.base_revision, False, True)
    assert bool(found.origin.packed) == any(".gguf" in part for part in PACKAGED[name].parts)
    assert set(ORIGINS) == set(PACKAGED)


@pytest.mark.parametrize("name", PACKAGED)
def test_what_a_card_says_finds_the_base(name: str) -> None:
    """The command of the card prints the folder that Ratchet uses."""
    if find_spec(PACKAGED[name].parts[0].partition("/")[0]) is None:
        pytest.skip(f"{name} is not installed")
    if ORIGINS[name].packed and not any((cache_folder() / "bases").glob(f"{name}-*")):
        pytest.skip(f"{name} was not unpacked yet, which takes long")
    done = subprocess.run(
        [sys.executable, "-c", ORIGINS[name].find], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == str(base_folder(name)), done.stderr


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("./models/own", "is a folder of this machine"),
        ("Other-1B", "'Other-1B' has no known public source"),
        ("org/name", "'org/name' has no known public source"),
    ],
)
def test_a_base_that_others_cannot_find_is_refused_for_what_it_is(card: AdapterCard, base: str, said: str) -> None:
    """A folder is one, and a name that nobody knows is none."""
    with pytest.raises(RatchetError, match=said) as refused:
        name_base(replace(card, base=base), PublishPolicy())
    assert "publish.base_model" in refused.value.hint
