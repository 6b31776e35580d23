"""Table `[publish]` of the specification: repository, visibility and licences of published adapters.

None of it decides how an adapter is trained or judged, so it is not part of the specification's digest. Add a setting
here with the error for a wrong value; `ratchet/deployment/hub/contents.py` and `ratchet/deployment/hub/model_card.py`
read it.
"""

import re
from dataclasses import dataclass

from ratchet.config.validation import STRICT, bad_spec
from ratchet.core.errors import RatchetError

_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{1,40}")
COMMIT = re.compile(r"[0-9a-f]{40}")
"""Commit id, which names one state of a repository for good; a branch or a tag may move."""


@dataclass(frozen=True)
class PublishPolicy:
    """Settings with which this classifier's adapters are published."""

    __pydantic_config__ = STRICT

    repo: str = ""
    """Repository `owner/name`; empty when `ratchet publish --repo` names it."""
    private: bool = True
    """True makes the repository readable to its owner only."""
    licence: str = ""
    """Licence of the adapter, as the Hub names it: `apache-2.0`, `mit`, `other`."""
    provenance: str = ""
    """Origin of the texts and their labels, in a sentence or two."""
    data_licence: str = ""
    """Terms of use of those texts, in a sentence."""
    base_model: str = ""
    """Hub repository with the same base, when the base here comes from a package or a folder. It is named only after
    the published adapter gave equal logits on it."""
    base_revision: str = ""
    """Commit of `base_model`, 40 hex digits."""

    def __post_init__(self) -> None:
        for name in ("repo", "base_model"):
            if value := getattr(self, name):
                check_repo(value, f"publish.{name}")
        if self.licence and not _LICENCE.fullmatch(self.licence):
            raise bad_spec(
                f"publish.licence = {self.licence[:60]!r} is not a licence name of the Hub.",
                "Write for instance 'apache-2.0', 'mit' or 'other'.",
            )
        if bool(self.base_model) != bool(self.base_revision):
            raise bad_spec(
                "publish.base_model and publish.base_revision belong together.",
                "Give both, or neither; the revision is a commit of 40 hex digits.",
            )
        if self.base_revision and not COMMIT.fullmatch(self.base_revision):
            raise bad_spec(
                f"publish.base_revision = {self.base_revision[:60]!r} is not a commit.",
                "Give its 40 hex digits; a branch or a tag may move.",
            )

    def need_terms(self) -> None:
        """Raise `RatchetError` unless licence and origin are set: a model card needs them."""
        missing = [name for name in ("licence", "provenance", "data_licence") if not getattr(self, name).strip()]
        if missing:
            raise RatchetError(
                f"{' and '.join(f'publish.{name}' for name in missing)} {'is' if len(missing) == 1 else 'are'} not set,"
                " and the model card needs it.",
                "Set them in table [publish] of classifier.toml: the adapter's licence, where its texts come from"
                " (provenance) and their terms of use (data_licence).",
                code="no_terms",
            )


def check_repo(name: str, where: str) -> str:
    """Return `name` if it is a valid repository name; otherwise raise `RatchetError`."""
    if not _REPO.fullmatch(name) or name.endswith(".git") or ".." in name or "--" in name:
        raise bad_spec(f"{where} = {name[:100]!r} is not a repository.", "Write it as 'owner/name'.")
    return name
