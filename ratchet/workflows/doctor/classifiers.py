"""The checks of `ratchet doctor` on each classifier: its files, what serves, its rows and its warehouse.

Add one function for each thing to check. Checks of the machine are in `doctor.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.ingest.row_counts import describe_rows, find_uncounted, summarise
from ratchet.models.frontier.transport import find_key
from ratchet.models.text_fit import measure_texts
from ratchet.rollout.sealed_policy import find_policy
from ratchet.rollout.state import state_after
from ratchet.storage.given_up import describe_given_up
from ratchet.storage.home import Home
from ratchet.storage.newest_requests import read_newest_requests
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.specs import Specs
from ratchet.workflows.doctor.findings import Finding
from ratchet.workflows.doctor.gate_key import examine_gate_key
from ratchet.workflows.golden_use import describe_golden_use
from ratchet.workflows.integrity import examine as look_at_things
from ratchet.workflows.label_state import describe_labels
from ratchet.workflows.rollout.policy import check_policy
from ratchet.workflows.rollout.serving_state import compare_serving


def examine_classifiers(home: Home, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Return the findings of every classifier of a home."""
    yield from _specs(home)
    yield from examine_gate_key(home)
    yield from _frontiers(home, environment)
    yield from _warehouses(home)


def _specs(home: Home) -> Iterator[Finding]:
    specs = Specs(home)
    looks: dict[str, Callable[[str], str]] = {
        "specification": lambda name: f"{len(specs[name].labels)} labels",
        "golden set": lambda name: _golden(specs, name),
        "ledger": lambda name: f"{len(Ledger(home).entries(name))} entries",
        "serving": lambda name: _serving(home, name),
        "quarantine": lambda name: f"{len(Quarantine(home).entries(name))} lines",
        "label rules": lambda name: f"{len(LabelRuleFile(home, name).read().rules)} lines",
        "suspensions": lambda name: f"{len(Suspensions(home, name).entries())} lines",
    }
    for name in home.classifiers():
        for what, look in looks.items():
            try:
                yield Finding(f"{what} of {name}", "ok", look(name))
            except RatchetError as error:
                yield Finding(f"{what} of {name}", "fail", error.message, error.hint or "Fix the file it names.")
            except OSError as error:
                yield Finding(f"{what} of {name}", "fail", str(error), "Fix the file it names.")
        yield from _remarks(specs, name)
        if (use := describe_golden_use(home, name)) is not None:
            yield Finding(
                f"looks at the golden set of {name}", "warn" if use["advice"] else "ok", use["sentence"], use["advice"]
            )
        yield from _integrity(home, name)
        yield from _labels(home, name)
        yield _rows(home, name)
        for what, reason in describe_given_up(home, name).items():
            yield Finding(f"{what} of {name}", "warn", reason, "Look at its failed runs in Dagster, and fix the cause.")
        yield from examine_texts(home, name)


def examine_texts(home: Home, name: str) -> Iterator[Finding]:
    """Return findings about the newest requests of a classifier and its golden set."""
    try:
        specs = Specs(home)
        spec, golden = specs[name], specs.golden(name)
        rows = [*read_newest_requests(home, name), *((item.text, item.label) for item in golden)]
        found = measure_texts(spec.candidate, [text for text, _ in rows], [label for _, label in rows])
    except RatchetError:
        return  # specification and golden set have findings of their own
    what = f"texts of {name}"
    if unknown := [each for each in found if each["language_sentence"]]:
        yield Finding(what, "warn", f"{unknown[0]['language_sentence']}", unknown[0]["hint"])
    if cut := [each for each in found if each["sentence"]]:
        hint = "Raise max_tokens of the candidate if what decides stands in the middle; it costs time in proportion."
        yield Finding(what, "warn" if 2 * cut[0]["cut"] > cut[0]["n"] else "ok", cut[0]["sentence"], hint)
    if found and not unknown and not cut:
        yield Finding(what, "ok", f"{found[0]['n']} looked at; the candidates read them whole")


def _integrity(home: Home, name: str) -> Iterator[Finding]:
    """Look at adapters and landed files themselves; a broken ledger is a finding of its own."""
    try:
        entries = Ledger(home).entries(name)
        state = state_after(entries)
    except (RatchetError, OSError):
        return
    try:
        found = check_policy(home, name, entries)
        hint = f"Look at classifier.toml, then run 'ratchet advance {name}': the next entry seals it as it is."
        unsealed = state.live is not None and find_policy(entries) is None  # a home of before
        yield Finding(f"policy of {name}", "warn" if unsealed else "ok", found, hint if unsealed else "")
    except RatchetError as error:
        if error.code == "unsealed_policy":  # a file that cannot be read is a finding of its own
            yield Finding(f"policy of {name}", "warn", error.message, error.hint)
    for each in look_at_things(home, name, state, whole=False):
        hint = f"Restore it from a backup; 'ratchet verify {name}' reads everything." if each.fault else ""
        yield Finding(f"{each.what} of {name}", "fail" if each.fault else "ok", each.fault or each.detail, hint)


def _labels(home: Home, name: str) -> Iterator[Finding]:
    """Say how the labels of live, the file and the rows differ; what cannot be read is a finding of its own."""
    try:
        found = describe_labels(home, name)
    except RatchetError:
        return
    what = f"labels of {name}"
    if found.fault:
        yield Finding(what, "fail", found.sentence, f"Change the file, or record another rule: ratchet labels {name}.")
    elif found.only_live:
        hint = f"Record what became of them (ratchet labels {name} --help), or list them again: no cycle runs so far."
        yield Finding(what, "fail", found.sentence, hint)  # it prevents the next cycle
    elif found.left_out:
        hint = "Rows of these labels are kept and do not train; list a label again where they should."
        yield Finding(what, "warn", found.sentence, hint)
    else:
        yield Finding(what, "ok", found.sentence or "live answers the labels of classifier.toml, or nothing is live")


def _rows(home: Home, name: str) -> Finding:
    """Say which rows are not in the warehouse, and why; rows that only wait are not a fault."""
    if uncounted := find_uncounted(home, name):
        hint = f"Restore it from a backup of the home, or run 'ratchet ingest {name}'."
        return Finding(f"rows of {name}", "warn", uncounted, hint)
    rows = describe_rows(home, name)
    bad = [reason for place in ("damaged", "lost", "rejected") for reason in rows[place]]
    found = summarise(rows) or "every row is in the warehouse or on its way"
    if nulled := rows["nulled"]:
        most = max(nulled, key=lambda reason: nulled[reason])
        found += f"; {sum(nulled.values())} value(s) were left out of rows that were taken, most for: {most}"
    if not bad:
        return Finding(f"rows of {name}", "ok", found)
    hint = f"See 'ratchet status {name}' for each reason, and {home.rejected(name)} for the rows."
    return Finding(f"rows of {name}", "warn", f"{found}; the first reason: {bad[0]}", hint)


def _serving(home: Home, name: str) -> str:
    serving = compare_serving(home, name, Ledger(home).state(name))
    if serving.gap:
        raise RatchetError(serving.gap, f"Run 'ratchet advance {name}', or restart that gateway.", code="not_followed")
    return serving.followers.sentence if serving.sequence else "nothing is live"


def _frontiers(home: Home, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check that each frontier model that a specification names has its key."""
    specs = Specs(home)
    for name in home.classifiers():
        try:
            frontier = specs[name].frontier
        except RatchetError:
            continue  # the specification's own finding says why
        if frontier is None:
            continue
        what, variable = f"frontier of {name}", frontier.key_variable
        if frontier.is_local or find_key(frontier, environment):
            yield Finding(what, "ok", f"{frontier.model} at {frontier.base_url}")
        else:
            message = (
                f"{variable} holds no key that can be sent" if environment.get(variable) else f"{variable} is not set"
            )
            hint = f"Export {variable} where cycles run, the daemon included; without it {frontier.model} is not used."
            yield Finding(what, "warn", message, hint)


def _remarks(specs: Specs, name: str) -> Iterator[Finding]:
    try:
        remarks = specs.remarks(name)
    except RatchetError:
        return  # the specification's own finding says why
    for remark in remarks:
        yield Finding(f"settings of {name}", "warn", remark.found, remark.cure)


def _golden(specs: Specs, name: str) -> str:
    items = specs.golden(name)
    absent = sorted(set(specs[name].labels) - {item.label for item in items})
    if absent:
        raise RatchetError(
            f"no golden item of {', '.join(absent)}.",
            "Add some: the golden set does not protect that class.",
            code="thin_golden",
        )
    return f"{len(items)} items"


def _warehouses(home: Home) -> Iterator[Finding]:
    for name in home.classifiers():
        yield _warehouse(f"warehouse of {name}", home.warehouse(name), landed=home.manifest(name).exists())
    if home.former_warehouse.exists():
        hint = f"Delete {home.former_warehouse}, unless you go back to the earlier version."
        yield Finding("former warehouse", "warn", "each classifier has its own now; nothing reads the shared one", hint)


def _warehouse(what: str, path: Path, *, landed: bool) -> Finding:
    if not path.exists():
        if not landed:
            return Finding(what, "ok", "none yet")
        hint = f"Run 'ratchet ingest {path.parent.name}' or the next cycle: it is rebuilt from the landed files."
        return Finding(what, "warn", "there is none, but files have landed", hint)
    import duckdb

    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        message = str(error).splitlines()[0][:200]
        if "Could not set lock" in message:
            return Finding(what, "warn", message, "Close that process, or wait for its cycle to end.")
        return Finding(what, "fail", message, f"Move {path} away: it is rebuilt from the landed files.")
    return Finding(what, "ok", f"{path.stat().st_size / 1e6:.1f} MB, not locked")
