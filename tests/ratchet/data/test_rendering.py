"""Renderings are versions: the names that settings and cards take are those with a function, and none changes."""

from typing import get_args, get_type_hints

from ratchet.config.candidate import Candidate
from ratchet.core.digests import digest_json
from ratchet.data.rendering import RENDERINGS, render

TRACE = (
    "scroll:page(2500ms), focus:card_number, input:card_number(x16), blur:card_number(invalid_luhn), "
    "focus:card_number, input:card_number, scroll:page(120000ms), input:email(x90), note:[EMAIL], exit"
)


def test_settings_and_cards_know_the_same_renderings() -> None:
    """A name in the settings without a function would fail in the middle of a training."""
    assert set(get_args(get_type_hints(Candidate)["rendering"])) == set(RENDERINGS)


def test_no_rendering_ever_changes() -> None:
    """Adapters were trained on it: another result needs a new version beside the old one."""
    found = {name: digest_json(render(TRACE, name))[:12] for name in RENDERINGS}
    assert found == {"": "ba24f750e32d", "form_events/1": "68c678d94fcb"}


def test_a_candidate_without_a_rendering_keeps_its_digest() -> None:
    """Plans and adapters of before are the same ones."""
    assert "rendering" not in Candidate().as_json()
    assert Candidate(rendering="form_events/1").as_json()["rendering"] == "form_events/1"
