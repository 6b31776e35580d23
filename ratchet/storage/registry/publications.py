"""Publications: a record of each adapter that was sent to a repository, with its commit and its step.

`<home>/<classifier>/published/` holds one record for each adapter and repository, replaced as a whole at each step:
`sending`, `committed`, `verified`, `published`. Add here what must be remembered of a publication; the steps themselves
are `ratchet/workflows/publication/publish.py`, requests to the Hub `ratchet/deployment/hub/client_process.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ratchet.config.publish import COMMIT
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.files import read_if_there, write_json
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.core.names import DIGEST
from ratchet.storage.home import Home

Step = Literal["sending", "committed", "verified", "published"]
STEPS: tuple[Step, ...] = ("sending", "committed", "verified", "published")


@dataclass(frozen=True)
class Publication:
    """One adapter in one repository. `number` counts the publications of the home's classifier, in their order."""

    adapter: str
    week: str
    endpoint: str
    repo: str
    number: int
    files: dict[str, str]
    """SHA-256 of each file of the upload."""
    step: Step
    parent: str | None
    """The newest commit of the repository when it was sent."""
    private: bool
    """True where only its owner may read the repository, as far as this home knows."""
    commit: str | None = None
    loaded: dict[str, float] | None = None
    """Figures of loading it back: texts, the largest distance of a logit, and its limit."""
    attempt: "Publication | None" = None
    """Other content of the same adapter that was sent after this commit, and whose commit is not known yet."""

    def __post_init__(self) -> None:
        if (
            self.step not in STEPS
            or not DIGEST.fullmatch(self.adapter)
            or (self.step != "sending") != (self.commit is not None)
        ):
            raise ValueError("a publication has a step, an adapter, and a commit once it was sent")
        if self.commit is not None and not COMMIT.fullmatch(self.commit):
            raise ValueError("a commit has 40 hex digits")

    @property
    def tag(self) -> str:
        """Tag of the commit on the Hub: the week."""
        return self.week

    @property
    def url(self) -> str:
        """Address of the repository, at its commit if there is one."""
        return f"{self.endpoint}/{self.repo}" + (f"/tree/{self.commit}" if self.commit else "")

    def at(self, step: Step, **changes: Any) -> "Publication":
        """Return the same publication at another step."""
        return replace(self, step=step, **changes)


def pending(records: Sequence[Publication]) -> list[dict[str, str]]:
    """Return the files of publications that were sent and whose commit is not known: they may have arrived."""
    return [sent.files for each in records if (sent := each.attempt or each).step == "sending"]


class Publications:
    """The records of one home."""

    def __init__(self, home: Home, disk: FileSystem = DISK) -> None:
        self._home, self._disk = home, disk

    def all(self, name: str) -> list[Publication]:
        """Read every record of a classifier, oldest first; raises `RatchetError` for one that cannot be read."""
        folder = self._home.published(name)
        return sorted((self._read(folder / file) for file in self._files(name)), key=lambda each: each.number)

    def exist(self, name: str) -> bool:
        """Return True where a classifier has any record; none is opened, so damaged ones raise nothing."""
        return bool(self._files(name))

    def _files(self, name: str) -> list[str]:
        listed = self._disk.list(self._home.published(name))
        return [file for file in listed if file.endswith(".json") and not file.startswith(".")]

    def find(self, name: str, adapter: str, endpoint: str, repo: str) -> Publication | None:
        """Return the record of an adapter in a repository, or None."""
        return next((each for each in self.of(name, endpoint, repo) if each.adapter == adapter), None)

    def of(self, name: str, endpoint: str, repo: str) -> list[Publication]:
        """Return the records of one repository, oldest first."""
        return [each for each in self.all(name) if (each.endpoint, each.repo) == (endpoint, repo)]

    def keep(self, name: str, found: Publication) -> Publication:
        """Write a record, whole or not at all, and return it."""
        place = digest_json([found.endpoint, found.repo])[:12]
        path = self._home.published(name) / f"{found.adapter}.{place}.json"
        write_json(path, {"schema": 1, **asdict(found)}, disk=self._disk)
        return found

    def next_number(self, name: str) -> int:
        """Return the number of the next publication of the classifier."""
        return max(((each.attempt or each).number for each in self.all(name)), default=0) + 1

    def lock(self, name: str) -> Any:
        """Lock out a second publisher of this home's classifier."""
        return self._disk.lock(self._home.classifier(name) / ".publish.lock")

    def _read(self, path: Any) -> Publication:
        try:
            document = json.loads(read_if_there(path, self._disk) or b"")
            if document.pop("schema") != 1:
                raise ValueError("another schema")
            if document.get("attempt") is not None:
                document["attempt"] = Publication(**document["attempt"])
            return Publication(**document)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise RatchetError(
                f"{path} is not a record of a publication.",
                "Restore it from a backup, or move it away: the publication is found again on the Hub by its tag.",
                code="bad_publication",
            ) from None
