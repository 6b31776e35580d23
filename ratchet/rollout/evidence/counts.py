"""Counts over the requests that two adapters answered, and over the labels that people gave since.

Add a count here, and to the query that fills it: `pairs_sql.py` for all compared requests, `stream_sql.py` for those
that decide. Decisions from the counts are made in `ratchet/rollout/decision.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Evidence:
    """Counts over the requests that two adapters answered: the incumbent (live) and the challenger (the candidate).

    While a newly promoted adapter is watched, the incumbent is the previous live adapter and the challenger is live.
    """

    requests: int = 0
    errors: int = 0
    """Requests that the challenger failed to answer."""
    disagreements: int = 0
    """Requests with answers that mean different labels."""
    answered: int = 0
    """Requests whose user saw the challenger's answer."""
    labelled: int = 0
    """Requests with a blind consensus label."""
    only_incumbent: int = 0
    """Labelled requests that only the incumbent answered correctly."""
    only_challenger: int = 0
    incumbent_p95_ms: float | None = None
    challenger_p95_ms: float | None = None
    timed: int = 0
    """Requests that both answered in like batches, with the processor time of each."""
    slower: int = 0
    """Timed pairs on which the challenger took over the largest allowed ratio of the incumbent's time."""
    median_time_ratio: float | None = None
    """Median of the challenger's time over the incumbent's, on the same request; text lengths cancel."""
    stalls: int = 0
    """Timed pairs on which the challenger alone stalled (`timed_pairs.py`)."""
    live_stalls: int = 0
    by_label: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """For each consensus label: labelled, only_incumbent, only_challenger."""
    quarantined: int = 0
    """Requests with a blind consensus label of a quarantined week, which counts nowhere else."""
    one_sided: int = 0
    """Requests with a blind consensus label of a week whose labels hardly ever confirm what was served: they were
    labelled for being wrong, and count nowhere else."""
    confirming: int = 0
    """Those of `one_sided` whose label confirms what was served."""
    daily_labels: float | None = None
    """Blind labels a day that could count, over the last four weeks of all requests; None where nobody measured."""
    renamed: int = 0
    """Requests with answers of different names that mean one label, or of which one covers the other since it was
    split."""
    people: int = 0
    """People whose blind votes the labels are made of: by person, however many names they write under."""
    compared: int = 0
    """Requests of the evidence stream that are ripe, one of each group of near-duplicates and of each user and day."""
    losses: int = 0
    """Labelled disagreements among them where only the incumbent is right."""
    wins: int = 0
    """Labelled disagreements where only the challenger is right."""
    neither: int = 0
    """Labelled disagreements where both are wrong, "none of these" included."""
    waiting: int = 0
    """Disagreements without a usable vote: losses for the climb, wins for the way back."""
    cannot_tell: int = 0
    """Those of `waiting` with the vote "cannot tell"."""
    unripe: int = 0
    """Disagreements that are too young to count."""
    stream_disagreements: int = 0
    """Disagreements among `compared`: losses, wins, neither and waiting."""
    by_label_counts: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """For each label: compared, losses, wins."""
    by_person: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """For each person: losses and wins that rest on their votes."""
    labelled_share_of_differences: float | None = None
    """Share of the labelled requests whose answers differ; None where nobody counted."""
    selection_p: float | None = None
    """Exact chance that labelled requests drawn like all compared ones differ so much or so little from them."""
    drawn: bool = False
    """True where the compared requests were drawn by us, before anybody looked at the answers."""
    digests: int = 0
    """Different adapters that were compared; 0 where nobody counted."""
    pace_labels_per_day: float | None = None
    """Labels on disagreements a day, over the last four weeks; None where nobody measured."""
    dropped: int = 0
    """Requests of the stream whose second answer was dropped under load; they are among `waiting`."""
    relabelled: int = 0
    """Requests of the stream with an answer or a label that the list of now lacks, and that no rule explains."""
    repeated_users: int = 0
    """Drawn requests of a user who had asked earlier that day; they count nowhere in the stream."""
    repeated_texts: int = 0
    """Drawn requests that are near-duplicates of an earlier one; they count nowhere in the stream."""
    agreements_labelled: int = 0
    """Requests with one answer that were drawn to be labelled, and have a verdict."""
    agreements_right: int = 0
    """Those of them on which both are right."""
    cost_rises: tuple[tuple[float, int], ...] = ()
    """For each rise of cost from live's answer to the candidate's: the labelled disagreements of the stream with it."""
    largest_cost: float = 0.0
    """Largest `cost_wrong` of a label, which bounds a rise."""

    def __post_init__(self) -> None:
        parts = (self.errors, self.disagreements, self.answered, self.labelled, self.quarantined, self.one_sided)
        if min(self.requests, self.only_incumbent, self.only_challenger, *parts) < 0 or max(parts) > self.requests:
            raise ValueError(f"the counts contradict each other: {self}")
        if max(self.slower, self.stalls + self.live_stalls) > self.timed or self.timed > self.requests:
            raise ValueError(f"more pairs were slow than timed: {self}")
        if not 0 <= self.confirming <= self.one_sided:
            raise ValueError(f"more labels confirm than were left out: {self}")
        if self.only_incumbent + self.only_challenger > self.labelled:
            raise ValueError(f"more requests were decided than labelled: {self}")
        stream = (self.losses, self.wins, self.neither, self.waiting)
        if min(*stream, self.cannot_tell, self.unripe, self.stream_disagreements, self.digests) < 0:
            raise ValueError(f"the counts contradict each other: {self}")
        if max(sum(stream), self.stream_disagreements) > self.compared or self.cannot_tell > self.waiting:
            raise ValueError(f"more requests were decided than compared: {self}")

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON types: as whoever reads the entry of the ledger gets them, people by number."""
        result: dict[str, Any] = _listed(asdict(self))
        # an entry is kept for ever, and leaving out any one person needs no name
        result["by_person"] = {str(n): counts for n, counts in enumerate(sorted(result["by_person"].values()), 1)}
        return result


def _listed(value: Any) -> Any:
    """Return a value with lists in place of tuples."""
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in value.items()}
    return [_listed(each) for each in value] if isinstance(value, list | tuple) else value
