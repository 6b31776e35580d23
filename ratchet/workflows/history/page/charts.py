"""Charts of the trends page: which figures stand in which chart, in which section, under which words.

Add a chart here, and it is drawn, explained and tested; how one is drawn is `drawing.py`, the figures are named in
`ratchet/workflows/history/week_metrics.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """One figure over the weeks: its key, its name in the legend, its style, and the key of its interval."""

    key: str
    name: str
    style: str = "own"
    """`own` solid line, `live` long dashes, `raw` dots, `one` to `three` other dashes, `limit` a thin line alone."""
    interval: str = ""


@dataclass(frozen=True)
class Chart:
    """Figures that share a scale."""

    title: str
    note: str
    rounding: str
    series: tuple[Series, ...]
    from_zero: bool = False
    """True where a scale that begins elsewhere would mislead: counts, times, costs."""
    optional: bool = False
    """True where the chart is left out of a history that has none of its figures."""


@dataclass(frozen=True)
class ChartSection:
    """Charts that answer one question."""

    anchor: str
    title: str
    question: str
    charts: tuple[Chart, ...]


SECTIONS = (
    ChartSection("quality", "Quality", "Do the candidates get better?", (
        Chart("Macro-F1, test", "Of each week's blind labels; lines are 95 % intervals.", "3", (
            Series("test_macro_f1", "candidate", "own", "test_macro_f1_ci"),
            Series("live_test_macro_f1", "live", "live"),
            Series("baseline_best", "best baseline", "raw"),
        )),
        Chart("Macro-F1, golden", "Of the hand-reviewed set, which is the same for weeks.", "3", (
            Series("golden_macro_f1", "candidate", "own", "golden_macro_f1_ci"),
            Series("live_golden_macro_f1", "live", "live"),
        )),
        Chart("Against the baselines, test", "Macro-F1 of what needs no adapter.", "3", (
            Series("test_macro_f1", "candidate", "own"),
            Series("baseline_linear_probe", "linear probe", "live"),
            Series("baseline_tfidf_logreg", "TF-IDF", "raw"),
            Series("baseline_base_model", "untuned base", "one"),
            Series("baseline_majority", "majority", "two"),
        ), from_zero=True),
        Chart("Golden items lost", "Right by live, wrong by the candidate.", "0", (
            Series("golden_lost", "lost", "own"),
        ), from_zero=True),
    )),
    ChartSection("calibration", "Calibration", "Do its confidences mean what they say?", (
        Chart("ECE", "Lower is better.", "3", (
            Series("test_ece", "test", "own"), Series("golden_ece", "golden", "raw"),
            Series("live_test_ece", "live, test", "live"),
        ), from_zero=True),
        Chart("NLL", "Lower is better.", "3", (
            Series("test_nll", "test", "own"), Series("golden_nll", "golden", "raw"),
            Series("live_test_nll", "live, test", "live"),
        ), from_zero=True),
    )),
    ChartSection("labels-of-people", "Labels", "Do the people who label agree?", (
        Chart("Agreement", "Of pairs on requests with two blind labels; below the limit a week can be blocked.", "%1", (
            Series("agreement", "agreement", "own", "agreement_ci"), Series("agreement_limit", "limit", "limit"),
        )),
        Chart("Krippendorff's alpha", "Agreement beyond chance; 1 is perfect, 0 is chance.", "3", (
            Series("alpha", "alpha", "own", "alpha_ci"),
        )),
        Chart("Label noise", "Share of wrong labels, as estimated.", "%1", (
            Series("label_noise", "noise", "own"),
        ), from_zero=True, optional=True),
    )),
    ChartSection("drift", "Drift", "Does production change?", (
        Chart("Drift of labels", "Jensen-Shannon distance of the week's labels from train; the limit counts what is"
              " beyond chance.", "3", (
            Series("label_drift", "distance", "own"), Series("label_drift_beyond_chance", "beyond chance", "raw"),
            Series("label_drift_limit", "limit", "limit"),
        ), from_zero=True),
        Chart("Drift of confidence", "Jensen-Shannon distance of the confidences from the week before.", "3", (
            Series("confidence_drift", "distance", "own"),
        ), from_zero=True),
        Chart("Drift of texts", "Distance of the week's texts from train.", "3", (
            Series("text_drift", "distance", "own"),
        ), from_zero=True, optional=True),
        Chart("Confidence as served", "Mean over the week's requests.", "3", (
            Series("mean_confidence", "mean", "own"),
        )),
        Chart("Share below threshold", "Answers on which nobody acts.", "%1", (
            Series("below_threshold", "below", "own"),
        ), from_zero=True),
    )),
    ChartSection("work", "Traffic and review", "How much is asked, and how much is reviewed?", (
        Chart("Requests", "Of the week, as served.", "0", (Series("requests", "requests", "own"),), from_zero=True),
        Chart("Corrections and review", "Corrections of the week's requests, requests that people answered, and what"
              " waited when the cycle ran.", "0", (
            Series("corrections", "corrections", "own"), Series("reviewed", "reviewed", "live"),
            Series("waiting", "waiting", "raw"),
        ), from_zero=True),
    )),
    ChartSection("cost", "Time and cost", "What does it take?", (
        Chart("Seconds of a cycle", "Sum of its stages.", "s0", (Series("seconds", "seconds", "own"),), from_zero=True),
        Chart("Cost of a cycle", "Its seconds at the price of an hour in [machine].", "~3", (
            Series("cost", "cost", "own"),
        ), from_zero=True),
        Chart("Cost of 1,000 answers", "As measured on the week's test texts.", "~3", (
            Series("cost_per_1000", "cost", "own"),
        ), from_zero=True),
        Chart("Error budget spent", "Chance of a false promotion that 52 weeks have spent.", "%1", (
            Series("error_budget_spent", "spent", "own"), Series("error_budget_limit", "limit", "limit"),
        ), from_zero=True),
    )),
)  # fmt: skip
LABEL_CHART = Chart("F1", "", "3", (Series("f1", "F1", "own"),))
TABLES: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("Verdicts and quality", (
        ("test_macro_f1", "F1, test", "3"),
        ("golden_macro_f1", "F1, golden", "3"),
        ("live_test_macro_f1", "live, test", "3"),
        ("live_golden_macro_f1", "live, golden", "3"),
        ("baseline_best", "best baseline", "3"),
        ("golden_lost", "golden lost", "0"),
        ("test_ece", "ECE", "3"),
        ("test_nll", "NLL", "3"),
    )),
    ("Data, review and cost", (
        ("agreement", "agreement", "%1"),
        ("alpha", "alpha", "3"),
        ("label_drift", "label drift", "3"),
        ("confidence_drift", "confidence drift", "3"),
        ("mean_confidence", "confidence", "3"),
        ("below_threshold", "below threshold", "%1"),
        ("requests", "requests", "0"),
        ("corrections", "corrections", "0"),
        ("reviewed", "reviewed", "0"),
        ("waiting", "waiting", "0"),
        ("seconds", "seconds", "s0"),
        ("cost", "cost", "~3"),
        ("cost_per_1000", "cost of 1,000", "~3"),
        ("error_budget_spent", "budget spent", "%1"),
    )),
)  # fmt: skip
"""Figures of the tables of weeks: key, words, rounding. The first has verdict and reason, too."""
