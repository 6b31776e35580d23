"""Links to the pages of a home: absolute addresses on the gateway and in Dagster, as `[addresses]` of its settings say.

Add here the address of another page; a page itself links relative to itself, so that it works behind any proxy.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from ratchet.config.home_settings import HomeSettings


@dataclass(frozen=True)
class Links:
    """Addresses of pages. Names, weeks and ids are quoted, whoever chose them."""

    settings: HomeSettings = field(default_factory=HomeSettings)

    def home(self) -> str:
        """Return the address of the home page."""
        return self._gateway()

    def trends(self, name: str) -> str:
        """Return the address of a classifier's trends."""
        return self._gateway("trends", name)

    def reports(self, name: str) -> str:
        """Return the address of the list of a classifier's reports."""
        return self._gateway("reports", name)

    def report(self, name: str, week: object) -> str:
        """Return the address of one week's report."""
        return self._gateway("reports", name, str(week))

    def rollout(self, name: str) -> str:
        """Return the address of a classifier's rollout."""
        return self._gateway("rollout", name)

    def review(self, name: str) -> str:
        """Return the address of a classifier's review page."""
        return self._gateway("review", name)

    def why(self, request_id: str) -> str:
        """Return the address of the history of one request."""
        return self._gateway("why", request_id)

    def manual(self, topic: str = "") -> str:
        """Return the address of the manual, or of one of its pages; a fragment after '#' is kept."""
        page, hash_sign, anchor = topic.partition("#")
        parts = [part for part in page.split("/") if part]
        return self._gateway("manual", *parts) + ("/" if parts else "") + hash_sign + quote(anchor, safe="")

    def run(self, run_id: str) -> str:
        """Return the address of a run in Dagster."""
        return f"{self.settings.addresses.dagster.rstrip('/')}/runs/{quote(run_id, safe='')}"

    def _gateway(self, *parts: str) -> str:
        root = self.settings.addresses.gateway.rstrip("/")
        return "/".join([root, *(quote(part, safe="") for part in parts)]) if parts else f"{root}/"
