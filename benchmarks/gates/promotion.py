"""Rows 1 to 3: promotion and rollback by the betting test, computed exactly and simulated beside it."""

from benchmarks.gates.figures import Curve, Figure, Measured, Plot, agrees, exact, number, over_a_year
from benchmarks.gates.played import DIFFER, LIMIT, POLICY, WEEK, measure_decisions
from benchmarks.gates.walks import first_crossings
from ratchet.metrics.betting import Crossing, find_crossing

BACK = 2 / POLICY.alpha_back
"""Limit of a rollback: half of the error is for the whole evidence, half for that of each step."""
_SHARES = (0.04, 0.10, 0.15, 0.20)
_WALKS = 4000


def cross(gain: float, differ: float, compared: int, *, limit: float = LIMIT, worse: bool = False) -> Crossing:
    """Return when the evidence shows, for a truth of `gain` where one model alone is right on `differ` of requests."""
    return find_crossing((differ - gain) / 2, (differ + gain) / 2, compared, POLICY.margin, limit, worse=worse)


def chance(gain: float, differ: float, compared: int, *, limit: float = LIMIT, worse: bool = False) -> float:
    """Return how often it shows within `compared` requests, 0..1."""
    return float(cross(gain, differ, compared, limit=limit, worse=worse).by_compared[-1])


def measure_error() -> Measured:
    """Return row 1: how often a model that is worse is promoted, in a rollout and in a year."""
    figures: list[Figure] = []
    curves = []
    compared, cycles = round(WEEK * POLICY.max_weeks), POLICY.cycles_per_year
    for margins, limit in ((1, 0.05), (2, 0.01)):
        gain = -margins * POLICY.margin
        once = {d: exact("", chance(gain, d, compared)) for d in _SHARES}
        years = {d: over_a_year(figure, cycles, "", at_most=limit) for d, figure in once.items()}
        worst = max(_SHARES, key=lambda d: years[d].value)
        what = f"truth {100 * gain:+.0f} points, {compared:,} compared, each looked at, one right on {worst:.0%}"
        figures += [
            exact(f"{what}: in a rollout", once[worst].value),
            over_a_year(once[worst], cycles, f"the same in a year of {cycles}", at_most=limit),
        ]
        points = tuple((100 * d, 100 * year.value) for d, year in years.items())
        curves.append(Curve(f"{100 * gain:+.0f} points", points))
    plot = Plot(
        "promoted_by_mistake",
        "A worse model promoted in a year of weekly rollouts, exact",
        "one model alone is right, % of requests",
        "% of years",
        tuple(curves),
        5.0,
    )
    decided = measure_decisions(-POLICY.margin, chance(-POLICY.margin, DIFFER, WEEK))
    return Measured((*figures, _cross_check(-POLICY.margin, compared), *decided), (plot,))


def measure_rollback() -> Measured:
    """Return row 2: how often a model that is 5 points worse is rolled back."""

    def back(gain: float, compared: int) -> float:
        return chance(gain, DIFFER, compared, limit=BACK, worse=True)

    ripe = round(WEEK * (7 - POLICY.ripe_hours / 24) / 7)
    powers = tuple((gain / 10, 100 * back(gain / 1000, WEEK)) for gain in range(-80, 10, 10))
    plot = Plot(
        "rolled_back",
        "Rolled back within a week of 200 labels, exact",
        "truth, points",
        "% of rollouts",
        (Curve("one week", powers),),
    )
    early = f"the same by the end of day 7, when {ripe:,} of the requests are ripe, so that labels 12 h late are there"
    honest = "truth at the margin, two weeks: rolled back"
    return Measured(
        (
            exact("truth -5 points, a week of 200 labels, labels at once", back(-0.05, WEEK), at_least=0.78),
            exact(early, back(-0.05, ripe), at_least=0.70),
            exact(honest, back(-POLICY.margin, 2 * WEEK), at_most=POLICY.alpha_back),
            _cross_check(-0.05, WEEK, limit=BACK, worse=True),
        ),
        (plot,),
    )


def measure_power() -> Measured:
    """Return row 3: how often and by how many labels a better model is promoted within a week."""
    found = {gain: cross(gain / 100, DIFFER, WEEK) for gain in (5, 2)}
    sums = {gain: each.by_decided.cumsum() for gain, each in found.items()}
    median = found[2].quantile(0.5)
    by_labels = tuple(
        Curve(
            f"{gain:+} points", tuple((n, 100 * float(sums[gain][n])) for n in range(0, min(221, len(sums[gain])), 4))
        )
        for gain in (5, 2)
    )
    gains = [each / 1000 for each in range(-20, 60, 10)]
    powers = tuple(
        Curve(name, tuple((100 * gain, 100 * chance(gain, DIFFER, compared)) for gain in gains))
        for name, compared in (("one week", WEEK), ("two weeks", 2 * WEEK))
    )
    labels = float("inf") if median is None else float(median)
    return Measured(
        (
            exact("+5 points: promoted with at most 70 counted labels", float(sums[5][70]), at_least=0.90),
            exact("+2 points: promoted within the week", float(found[2].by_compared[-1]), at_least=0.85),
            number("+2 points: median of the counted labels", labels, "labels", at_most=120),
            exact("equal models: shown not worse within the week", chance(0.0, DIFFER, WEEK)),
            _cross_check(0.02, WEEK),
            *measure_decisions(0.02, chance(0.02, DIFFER, WEEK)),
        ),
        (
            Plot(
                "labels_until_promoted",
                "Promoted by the number of labels, one week, exact",
                "counted labels",
                "% of rollouts",
                by_labels,
            ),
            Plot(
                "promotion_power",
                "Promoted, by the truth, exact (200 labels a week)",
                "truth, points",
                "% of rollouts",
                powers,
            ),
        ),
    )


def _cross_check(gain: float, compared: int, *, limit: float = LIMIT, worse: bool = False) -> Figure:
    """Return the share of simulated rollouts, by a formula of their own, beside the exact one."""
    computed = chance(gain, DIFFER, compared, limit=limit, worse=worse)
    losses, wins = (DIFFER - gain) / 2, (DIFFER + gain) / 2
    crossed, _ = first_crossings(losses, wins, compared, POLICY.margin, limit, _WALKS, worse=worse)
    what = f"cross-check by {_WALKS:,} simulated rollouts, truth {100 * gain:+.0f}, one right on {DIFFER:.0%}"
    return agrees(what, int((crossed > 0).sum()), _WALKS, computed)
