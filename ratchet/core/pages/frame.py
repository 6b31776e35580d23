"""Frame of a page: where it stands among the pages, whose it is, and who reads it.

Add here what the header of every page needs; it is drawn by `templates/site.html.j2`.
"""

from dataclasses import dataclass

_READING = frozenset({"read", "admin"})


@dataclass(frozen=True)
class Frame:
    """Facts about one page: every address in it is relative to `root`."""

    root: str
    """Way from the page to the root of the gateway, such as `../`; empty at the top."""
    classifier: str = ""
    """Classifier that the page is about."""
    place: str = ""
    """Entry of the navigation that the page is: home, reports, rollout, trends, review, docs or manual."""
    person: str = ""
    """Name of the key that is logged in."""
    logout: str = ""
    """Token of the logout; empty without a session."""
    scopes: frozenset[str] = frozenset()
    """Scopes of the caller."""

    @property
    def home(self) -> str:
        """Way to the home page."""
        return self.root or "./"

    @property
    def may_read(self) -> bool:
        """True where the caller may open pages with verdicts, figures and texts."""
        return not _READING.isdisjoint(self.scopes)

    @property
    def may_review(self) -> bool:
        """True where the caller may open the review."""
        return not self.scopes.isdisjoint({"review", "admin"})

    @property
    def may_act(self) -> bool:
        """True where the caller may use the buttons of a rollout."""
        return "admin" in self.scopes
