"""Rows 1 to 3: promotion and rollback by the betting test, computed exactly and simulated beside it."""

from benchmarks.gates.figures import Curve, Figure, Measured, Plot, counted, exact, number, over_a_year
from benchmarks.gates.walks import first_crossings
from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.betting import Crossing, find_crossing

POLICY = PromotionPolicy()
LIMIT = POLICY.cycles_per_year / POLICY.alpha_year
BACK = 2 / POLICY.alpha_back
"""Limit of a rollback: half of the error is for the whole evidence, half for that of each step."""
WEEK = 1740
"""Requests that a team with 200 labels compares in a week where answers differ on 11.5 %."""
DIFFER = 0.10
_WALKS = 4000


def crossing(gain: float, differ: float, compared: int, *, limit: float = LIMIT, worse: bool = False) -> Crossing:
    """Return when the evidence shows, for a truth of `gain` where one model alone is right on `differ` of requests."""
    return find_crossing((differ - gain) / 2, (differ + gain) / 2, compared, POLICY.margin, limit, worse=worse)


def measure_error() -> Measured:
    """Return row 1: how often a model that is worse is promoted, in a rollout and in a year."""
    figures: list[Figure] = []
    curves = []
    compared = round(WEEK * POLICY.max_weeks)
    for margins, limit in ((1, 0.05), (2, 0.01)):
        gain = -margins * POLICY.margin
        chances = {d: float(crossing(gain, d, compared).by_compared[-1]) for d in (0.04, 0.06, 0.10, 0.15, 0.20)}
        worst = max(chances, key=lambda d: chances[d])
        once = exact(f"truth {100 * gain:+.0f} points, {compared:,} compared, answers differ on {worst:.0%}: a rollout",
                     chances[worst])  # fmt: skip
        year = over_a_year(once, POLICY.cycles_per_year, f"the same in a year of {POLICY.cycles_per_year}", at_most=limit)
        figures += [once, year]
        curves.append(Curve(f"{100 * gain:+.0f} points", tuple((100 * d, 100 * over_a_year(exact("", p), 52, "", at_most=1).value) for d, p in chances.items())))  # fmt: skip
    figures.append(_cross_check(-POLICY.margin, compared))
    plot = Plot("promoted_by_mistake", "A worse model promoted in a year of weekly rollouts, exact",
                "answers differ with one of them right, % of requests", "% of years", tuple(curves), 5.0)  # fmt: skip
    return Measured(tuple(figures), (plot,))


def _cross_check(gain: float, compared: int, *, limit: float = LIMIT, worse: bool = False) -> Figure:
    """Return the simulated share; it is met where its 99.9 % interval holds the exact one."""
    value = float(crossing(gain, DIFFER, compared, limit=limit, worse=worse).by_compared[-1])
    losses, wins = (DIFFER - gain) / 2, (DIFFER + gain) / 2
    crossed, _ = first_crossings(losses, wins, compared, POLICY.margin, limit, _WALKS, worse=worse)
    return agrees(f"cross-check: {_WALKS:,} simulated, truth {100 * gain:+.0f}, {DIFFER:.0%}", int((crossed > 0).sum()), _WALKS, value)  # fmt: skip


def agrees(what: str, hits: int, trials: int, computed: float) -> Figure:
    """Return a simulated share, whose demand is that its exact 99.9 % interval holds the computed one."""
    from ratchet.metrics.intervals import proportion_interval

    low, high = proportion_interval(hits, trials, 0.999)
    shown = counted(what, hits, trials)
    return Figure(what, shown.value, f"agrees with {100 * computed:.3g} %", low <= computed <= high, shown.low, shown.high)


def measure_rollback() -> Measured:
    """Return row 2: how often a model that is 5 points worse is rolled back."""
    compared = WEEK
    now = float(crossing(-0.05, DIFFER, compared, limit=BACK, worse=True).by_compared[-1])
    ripe = round(compared * (7 - POLICY.ripe_hours / 24) / 7)
    late = float(crossing(-0.05, DIFFER, ripe, limit=BACK, worse=True).by_compared[-1])
    honest = float(crossing(-POLICY.margin, DIFFER, round(WEEK * POLICY.max_weeks), limit=BACK, worse=True).by_compared[-1])
    powers = tuple((-gain / 10, 100 * float(crossing(-gain / 1000, DIFFER, compared, limit=BACK, worse=True).by_compared[-1])) for gain in range(0, 85, 5))  # fmt: skip
    plot = Plot("rolled_back", "Rolled back within a week of 200 labels, exact", "truth, points", "% of rollouts",
                (Curve("labels at once", powers[::-1]),))  # fmt: skip
    return Measured(
        (
            exact("truth -5 points, 200 labels a week, at once", now, at_least=0.78),
            exact("the same, labels 12 h late, by the end of day 7, when five days' requests are ripe", late, at_least=0.70),
            exact("truth at the margin, two weeks: rolled back", honest, at_most=POLICY.alpha_back),
            _cross_check(-0.05, compared, limit=BACK, worse=True),
        ),
        (plot,),
    )


def measure_power() -> Measured:
    """Return row 3: how often and by how many labels a better model is promoted within a week."""
    five, two = crossing(0.05, DIFFER, WEEK), crossing(0.02, DIFFER, WEEK)
    by_labels = {name: found.by_decided.cumsum() for name, found in (("+5 points", five), ("+2 points", two))}
    median = two.quantile(0.5)
    curves = tuple(Curve(name, tuple((n, 100 * float(sums[n])) for n in range(0, 221, 4) if n < len(sums))) for name, sums in by_labels.items())  # fmt: skip
    gains = [each / 1000 for each in range(-20, 55, 5)]
    powers = tuple(
        Curve(f"{weeks} week{'s' if weeks > 1 else ''}", tuple((100 * g, 100 * float(crossing(g, DIFFER, WEEK * weeks).by_compared[-1])) for g in gains))  # fmt: skip
        for weeks in (1, 2)
    )
    return Measured(
        (
            exact("+5 points: promoted with at most 70 counted labels", float(by_labels["+5 points"][70]), at_least=0.90),
            exact("+2 points: promoted within the week", float(two.by_compared[-1]), at_least=0.85),
            number("+2 points: median of the counted labels", float("inf") if median is None else median, "labels", at_most=120),
            exact("equal models: shown not worse within the week", float(crossing(0.0, DIFFER, WEEK).by_compared[-1])),
            _cross_check(0.02, WEEK),
        ),
        (
            Plot("labels_until_promoted", "Promoted by the number of labels, one week, exact", "counted labels", "% of rollouts", curves),
            Plot("promotion_power", "Promoted, by the truth, exact (200 labels a week)", "truth, points", "% of rollouts", powers),
        ),
    )  # fmt: skip
