"""The file `review/label_rules.jsonl`: how labels changed, signed and append-only.

Add here how its lines are written and read; what they mean is `ratchet/data/label_rules.py`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.core.label_names import label_form
from ratchet.data.label_rules import ACTIONS, LabelRule, LabelRules
from ratchet.storage.home import Home
from ratchet.storage.review.signed_lines import SignedLine, SignedLines

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelRuleFile:
    """The label rules of one classifier."""

    home: Home
    classifier: str
    disk: FileSystem = DISK

    @property
    def file(self) -> SignedLines:
        """The signed file."""
        return SignedLines(self.home, self.classifier, "label_rules", self.disk)

    def read(self) -> LabelRules:
        """Read every rule; raises `RatchetError` for a file that cannot be believed: no row has a meaning then."""
        return LabelRules(tuple(self._of(line) for line in self.file.read()))

    def try_read(self) -> LabelRules | None:
        """Return the rules; None for a file that cannot be believed, which the log names."""
        try:
            return self.read()
        except (RatchetError, OSError) as error:
            _LOG.warning("%s no label counts until then", error.message if isinstance(error, RatchetError) else error)
            return None

    def record(self, actor: str, decide: Callable[[LabelRules], LabelRule | None]) -> LabelRule | None:
        """Append the rule that `decide` returns for those so far, durable on return; None where it returns none."""

        def content(lines: Any) -> dict[str, Any] | None:
            rule = decide(LabelRules(tuple(map(self._of, lines))))
            if rule is None:
                return None
            at = rule.at.astimezone(UTC).isoformat()
            return {"action": rule.action, "old": list(rule.old), "new": list(rule.new), "at": at, "why": rule.why}

        line = self.file.append(actor, content)
        return None if line is None else self._of(line)

    def _of(self, line: SignedLine) -> LabelRule:
        try:
            action, at = line.content["action"], datetime.fromisoformat(line.content["at"])
            old, new = (tuple(label_form(name) for name in line.content[key]) for key in ("old", "new"))
            if action not in ACTIONS or at.tzinfo is None:
                raise ValueError(action)
        except (KeyError, TypeError, ValueError):
            raise self.file.broken(f"line {line.sequence} is not a label rule of this version") from None
        return LabelRule(action, old, new, at, str(line.content.get("why") or ""), line.actor, line.sequence)
