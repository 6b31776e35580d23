"""Label agreement: how far annotators who labelled the same requests agree, and the verdict on it.

Add here rules on agreement; its measures are in `ratchet/metrics/agreement.py`. `ratchet/data/consensus.py` makes one
label of several corrections, `ratchet/data/curation.py` decides which of them train.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ratchet.config.policy import Limits
from ratchet.core.verdict import Verdict
from ratchet.gates.adjudication import Adjudicated, after_adjudication
from ratchet.metrics.agreement import Agreement, LabelAgreement, measure_agreement
from ratchet.metrics.annotator_pairs import DifferingAnnotator, Pairs, find_differing
from ratchet.metrics.intervals import proportion_interval

DOUBLES_SQL = """
SELECT request_id, annotator, label, week,
       bool_or(chosen IS NOT NULL) OVER (PARTITION BY request_id) AS recorded
FROM votes WHERE classifier = $classifier AND week BETWEEN $first AND $week AND label IS NOT NULL
AND coalesce(drawn, true) AND adjudicates IS NULL
AND request_id IN (SELECT request_id FROM votes WHERE classifier = $classifier AND label IS NOT NULL
                     AND adjudicates IS NULL AND coalesce(drawn, true)
                   GROUP BY request_id HAVING count(DISTINCT annotator) > 1)
ORDER BY request_id, annotator
"""
"""Newest correction by each person of every request that two or more labelled by chance, as the cycle kept them.

Answers that were asked for by value are left out: people differ on such requests more often. An adjudication is not a
vote. `recorded` is true where the queue asked for one of them: then it must have drawn the request for a second label,
too (`ratchet/workflows/review/random_doubles.py`).
"""

AGREEMENT_RULE = 4
"""Revision of the rule, which its evidence names; the first counted requests on which all annotators were of one mind,
the second let a label fail that was outvoted everywhere, and so trains nothing, the third named nobody."""
_SINCE_NAMED = 4
_CONFIDENCE = 0.99
_COUNTS = ("mentioned", "both", "won_mentioned", "won_both")
_MAJORITY = 0.5
"""Share of confirmed votes below which a label is more often contested than confirmed."""


def decide_agreement(found: Agreement, limits: Limits) -> Verdict:
    """Decide whether pairs of annotators agree on at least `min_agreement` of the doubles.

    It fails where the upper end of the exact 99 % interval of the agreement lies below the limit, and where that of a
    label's confirmed votes (the error shared among labels) lies below one half, on the requests that the label wins or
    ties: such a label is contested more often than confirmed, which a frequent label cannot hide. It warns where the
    agreement, or the upper end of a label's interval on all requests, lies below the limit: one annotator who is always
    outvoted teaches nothing wrong. Whoever differs from all others (`find_differing`) is pointed out, by a number. Too
    few doubles are inconclusive.
    """
    needed = {"min_doubles": limits.min_doubles, "min_agreement": limits.min_agreement}
    measured = {key: value for key, value in vars(found).items() if value is not None}
    return _judge({**measured, "limits": needed, "rule": AGREEMENT_RULE})


def _judge(evidence: Mapping[str, Any]) -> Verdict:
    found, n, least = dict(evidence), evidence["doubles"], evidence["limits"]["min_doubles"]
    limit, by_label = evidence["limits"]["min_agreement"], evidence["by_label"]
    pairs = evidence["pairs"] if evidence["rule"] >= _SINCE_NAMED else ()
    if n < max(1, least):
        few = f"No verdict: {n} doubly labelled requests, at least {least} are needed."
        return Verdict("inconclusive", few, found)
    found["agreement_ci"] = list(proportion_interval(evidence["agreement"] * n, n))
    agreement, (_, high) = evidence["agreement"], proportion_interval(evidence["agreement"] * n, n, _CONFIDENCE)
    labels = {label: LabelAgreement(**{key: counts[key] for key in _COUNTS}) for label, counts in by_label.items()}
    each = 1 - (1 - _CONFIDENCE) / max(1, len(labels))
    upper = {label: counts.bounds(each)[1] for label, counts in labels.items()}
    contested = [label for label in labels if labels[label].won_bounds(each)[1] < min(_MAJORITY, limit)]
    differing = find_differing(pairs, limit)
    if evidence["rule"] >= _SINCE_NAMED:
        found["differing"] = [each.as_json() for each in differing]
    failed = high < limit or bool(contested)
    weak = contested if failed else [label for label in labels if upper[label] < limit]
    warned = agreement < limit or bool(weak or differing)
    word = "Fails" if failed else "Warns" if warned else "Passes"
    alpha, alpha_ci = evidence.get("alpha"), evidence.get("alpha_ci")
    spread = "" if alpha is None or alpha_ci is None else (
        f"; Krippendorff's alpha {alpha:.3f}, 95 % CI [{alpha_ci[0]:.3f}, {alpha_ci[1]:.3f}]"
    )  # fmt: skip
    worst = f"; most confused: {next(iter(evidence['confusions']))}" if evidence.get("confusions") else ""
    rare = "".join(
        f"; of the votes for {label} another annotator confirms {labels[label].confirmed:.1%}" for label in weak[:3]
    )
    reason = (
        f"{word}: annotators agree on {agreement:.1%} of {n} doubly labelled requests, by pairs (limit {limit:.0%},"
        f" upper end of the 99 % interval {high:.1%}){rare}{spread}{worst if failed or warned else ''}."
        f"{_describe_differing(differing, pairs)}"
    )
    return Verdict("failed" if failed else "warned" if warned else "passed", reason, found)


def _describe_differing(differing: Sequence[DifferingAnnotator], pairs: Pairs) -> str:
    """Return the sentences about who differs, by numbers: a receipt names nobody."""
    if not differing:
        return ""
    people = len({annotator for pair in pairs for annotator in pair[:2]})
    shares = "; ".join(
        f"{each.agreed:.0f} of {each.n:.0f} labels agree with the others', who agree on {each.others_agreed:.0f} of"
        f" {each.others_n:.0f}"
        for each in differing
    )
    differ = "differs" if len(differing) == 1 else "differ"
    return f" {len(differing)} of {people} annotators {differ} from all others ({shares}): 'ratchet people' says who."


def judge_weeks(
    doubles: pd.DataFrame, labels: Sequence[str], limits: Limits, adjudicated: Mapping[str, Adjudicated] | None = None
) -> dict[str, tuple[Verdict, pd.DataFrame]]:
    """Return the verdict on each week of `doubles` (with a column `week`), and the rows that it is about.

    `adjudicated` is what was decided in a week, where anything was.
    """
    judged = {}
    for week, rows in doubles.groupby(doubles["week"].astype(str).str[:10], sort=True):
        verdict = decide_agreement(measure_agreement(rows, labels), limits)
        judged[str(week)] = with_decisions(verdict, (adjudicated or {}).get(str(week))), rows
    return judged


def with_decisions(verdict: Verdict, found: Adjudicated | None) -> Verdict:
    """Return the verdict on a week after what people decided in it; the same where they decided nothing."""
    return after_adjudication(verdict, found.as_evidence()) if found and found.annotators else verdict


def with_earlier_weeks(own: Verdict, earlier: Mapping[str, Verdict]) -> Verdict:
    """Return the verdict on the cycle's own week with those on earlier weeks as evidence; a failed one is named.

    A failed earlier week blocks nothing: it does not train.
    """
    failed = [
        f"{week} ({verdict.evidence['agreement']:.1%})" for week, verdict in earlier.items() if not verdict.passed
    ]
    held = f" Earlier weeks that fail, and do not train: {', '.join(failed)}." if failed else ""
    weeks = {
        week: {"outcome": verdict.outcome, "reason": verdict.reason, "agreement": verdict.evidence.get("agreement")}
        for week, verdict in earlier.items()
    }
    return Verdict(own.outcome, f"{own.reason}{held}", {**own.evidence, "weeks": weeks})


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something.

    Alpha decides nothing, and is taken as it stands.
    """
    earlier = {
        week: Verdict(judged["outcome"], judged["reason"], {"agreement": judged["agreement"]})
        for week, judged in evidence["weeks"].items()
    }
    own = {key: evidence[key] for key in evidence if key not in {"weeks", "adjudication"}}
    verdict = _judge({**own, "rule": evidence["rule"]})
    if "adjudication" in evidence:
        verdict = after_adjudication(verdict, evidence["adjudication"])
    return with_earlier_weeks(verdict, earlier)
