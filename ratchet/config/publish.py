"""Table `[publish]` of the specification: where an adapter is published, for whom, and under which terms.

Nothing here decides how an adapter is trained or judged, so none of it is in the specification's digest. Add a setting
here with the sentence that refuses a wrong value; who reads it is `ratchet/deployment/hub/contents.py` and
`ratchet/deployment/hub/model_card.py`.
"""

import re
from dataclasses import dataclass

from ratchet.config.validation import STRICT, bad_spec
from ratchet.core.errors import RatchetError

_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{1,40}")
COMMIT = re.compile(r"[0-9a-f]{40}")
"""What names one state of a repository for good; a branch or a tag does not."""


@dataclass(frozen=True)
class PublishPolicy:
    """How this classifier's adapters are published."""

    __pydantic_config__ = STRICT

    repo: str = ""
    """`owner/name`; empty where `ratchet publish --repo` names it."""
    private: bool = True
    """Whether only the owner may read it."""
    licence: str = ""
    """The adapter's licence, as the Hub names it: `apache-2.0`, `mit`, `other`."""
    provenance: str = ""
    """Where the texts and their labels come from, in a sentence or two."""
    data_licence: str = ""
    """On which terms those texts may be used, in a sentence."""
    base_model: str = ""
    """The Hub repository that holds the same base, where the base here is a package's or a folder; believed only after
    the published adapter gave equal logits on it."""
    base_revision: str = ""
    """The commit of `base_model`, 40 hex digits."""

    def __post_init__(self) -> None:
        for name in ("repo", "base_model"):
            if value := getattr(self, name):
                check_repo(value, f"publish.{name}")
        if self.licence and not _LICENCE.fullmatch(self.licence):
            raise bad_spec(
                f"publish.licence = {self.licence[:60]!r} is no licence as the Hub names them.",
                "Write for instance 'apache-2.0', 'mit' or 'other'.",
            )
        if bool(self.base_model) != bool(self.base_revision):
            raise bad_spec(
                "publish.base_model and publish.base_revision belong together.",
                "Give both, or neither; the revision is a commit of 40 hex digits.",
            )
        if self.base_revision and not COMMIT.fullmatch(self.base_revision):
            raise bad_spec(
                f"publish.base_revision = {self.base_revision[:60]!r} is no commit.",
                "Give its 40 hex digits: a branch or a tag may move.",
            )

    def need_terms(self) -> None:
        """Raise unless licence and origin are said: a model card without them tells its readers nothing."""
        missing = [name for name in ("licence", "provenance", "data_licence") if not getattr(self, name).strip()]
        if missing:
            raise RatchetError(
                f"{' and '.join(f'publish.{name}' for name in missing)} {'is' if len(missing) == 1 else 'are'} not set,"
                " and the model card needs it.",
                "Say in table [publish] of classifier.toml under which licence the adapter goes out, where its texts"
                " come from (provenance) and on which terms they may be used (data_licence).",
                code="no_terms",
            )


def check_repo(name: str, where: str) -> str:
    """Return `name` when it can be a repository, else raise `RatchetError`."""
    if not _REPO.fullmatch(name) or name.endswith(".git") or ".." in name or "--" in name:
        raise bad_spec(f"{where} = {name[:100]!r} is no repository.", "Write it as 'owner/name'.")
    return name
