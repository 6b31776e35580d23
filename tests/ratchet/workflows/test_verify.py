"""`ratchet verify`: a good home holds, and each planted fault of ledger, anchors, flag and receipts is a finding."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from orchestration.cli.app import main
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.gates.leakage import Leak, decide_leakage
from ratchet.gates.registry import DATA_GATES, TARGET_GATES, WORDING
from ratchet.models.base_models import resolve_base
from ratchet.rollout.trust import Trust
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout import ledger as ledger_module
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import WORDS, SmallClassifier, keep_receipts
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.workflows import verify as verification
from ratchet.workflows.rollout.admission import check_entry
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.verify import verify_ledger
from ratchet.workflows.verify_receipt import verify_receipt

A, B = "a" * 64, "b" * 64
SAID = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}


def made(root: Path, adapters: Path) -> Home:
    """The first of two sealed adapters is live, the other one answers a quarter of users: three entries."""
    home = Home(root)
    SmallClassifier(home).write()
    shutil.copytree(adapters, home.adapters("small"))
    first, second = sorted(path.name for path in adapters.iterdir())
    for action, adapter, percent in (("promote", first, 0), ("shadow", second, 0), ("step", second, 25)):
        receipts = {} if percent else keep_receipts(home, "small", "2026-01-05", adapter)
        record(home, "small", action=action, adapter=adapter, percent=percent, receipts=receipts, **SAID)
    return home


@pytest.fixture(scope="session")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two sealed adapters of random weights."""
    root = tmp_path_factory.mktemp("adapters")
    base = resolve_base(str(write_tiny_encoder(root / "base", ["one text", "another text"])))
    store = AdapterStore(Home(root / "home"))
    for seed in range(2):
        folder = write_tiny_adapter(root / f"adapter-{seed}", base, tuple(WORDS), seed=seed, method="probe")
        store.seal("small", folder, {})
    return Home(root / "home").adapters("small")


@pytest.fixture
def home(tmp_path: Path, adapters: Path) -> Home:
    """A home with three entries."""
    return made(tmp_path / "home", adapters)


def live(home: Home) -> str:
    """The adapter of the first entry."""
    return min(path.name for path in home.adapters("small").iterdir())


def candidate(home: Home) -> str:
    """The adapter of the second and third entry."""
    return max(path.name for path in home.adapters("small").iterdir())


@pytest.fixture
def kept(home: Home, tmp_path: Path) -> tuple[Path, Path]:
    """Public key and checkpoint of the home, copied elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = (elsewhere / "key.pub", elsewhere / "checkpoint.txt")
    for source, target in zip((home.public_key, home.checkpoint("small")), found, strict=True):
        shutil.copy(source, target)
    return found


def pinned(home: Home, key: Path | None, *checkpoints: Path) -> Home:
    """The home as a process sees it that trusts a key and checkpoints from elsewhere."""
    return replace(home, trust=Trust(key, checkpoints))


def edit(home: Home, number: int, **changed: Any) -> None:
    """Change one entry, and give it a fitting digest."""
    rows = home.ledger("small").read_text().splitlines()
    row = {key: value for key, value in json.loads(rows[number]).items() if key != "digest"} | changed
    digest = digest_json({key: value for key, value in row.items() if key != "signature"})
    rows[number] = json.dumps({**row, "digest": digest})
    home.ledger("small").write_text("\n".join(rows) + "\n")


def cut(home: Home, lines: int) -> None:
    """Keep only the first lines of the ledger."""
    home.ledger("small").write_text("".join(home.ledger("small").read_text().splitlines(keepends=True)[:lines]))


def write_anew(home: Home) -> None:
    """The whole history and every anchor in the home by another key: all that an operator can reach is consistent."""
    other = made(home.root.with_name("forged"), home.adapters("small"))
    for path in (home.ledger("small"), home.checkpoint("small"), home.public_key, home.signing_key, home.flags):
        shutil.copy(other.root / path.relative_to(home.root), path)


def publish(home: Home, **changed: Any) -> None:
    """Write the flag by hand."""
    flags = Flags(home)
    seen = flags.read()
    flags.publish(
        "small", type(seen.rollouts["small"])(**{**vars(seen.rollouts["small"]), **changed}), seen=seen.generation
    )


def receipt_of(home: Home, adapter: str) -> Path:
    """A kept receipt of an adapter's entrance."""
    entry = next(entry for entry in Ledger(home).entries("small") if entry.adapter == adapter)
    return home.kept_receipts("small") / f"{entry.receipts['leakage']}.json"


FAULTS: dict[str, tuple[Callable[[Home], object], str, str]] = {
    "an edited entry": (lambda home: edit(home, 1, why="no reason"), "ledger", "line 2 is not signed"),
    "an entry of another order": (
        lambda home: edit(home, 1, sequence=3),
        "ledger",
        "line 2 does not continue the chain",
    ),
    "a cut tail": (lambda home: cut(home, 2), "ledger", "holds 2 entries, but the signed checkpoint vouches for 3"),
    "an empty ledger": (
        lambda home: cut(home, 0),
        "ledger",
        "holds 0 entries, but the signed checkpoint vouches for 3",
    ),
    "no checkpoint": (lambda home: home.checkpoint("small").unlink(), "ledger", "checkpoint.txt is missing"),
    "a checkpoint of another key": (
        lambda home: home.checkpoint("small").write_text(
            home.checkpoint("small").read_text().replace("\n3\n", "\n2\n")
        ),
        "ledger",
        "checkpoint.txt is not signed",
    ),
    "a flag of nobody's making": (
        lambda home: publish(home, live=candidate(home), candidate=None, percent=0),
        "flag",
        "although the ledger asks",
    ),
    "a flag of a larger share": (
        lambda home: publish(home, percent=90),
        "flag",
        "although the ledger asks for another",
    ),
    "an edited receipt": (
        lambda home: receipt_of(home, candidate(home)).write_text(
            receipt_of(home, candidate(home)).read_text().replace("passed", "failed")
        ),
        "receipts of entry 2",
        "does not match its digest",
    ),
    "a receipt that is gone": (
        lambda home: receipt_of(home, candidate(home)).unlink(),
        "receipts of entry 2",
        "is missing",
    ),
    "another's receipt": (
        lambda home: shutil.copy(receipt_of(home, live(home)), receipt_of(home, candidate(home))),
        "receipts of entry 2",
        "is not the one that the ledger names",
    ),
}


def test_a_good_home_holds(home: Home, kept: tuple[Path, Path]) -> None:
    """Every finding is without a fault, also by key and checkpoint that were kept elsewhere; exit code 0."""
    found = verify_ledger(pinned(home, *kept), "small")
    assert [each.fault for each in found] == [""] * 13
    assert [each.what for each in found] == [
        "ledger", "checkpoints kept elsewhere", "receipts of entry 1", "receipts of entry 2", "flag", "policy",
        "quarantine", "suspensions", "label rules",
        f"live adapter {live(home)[:12]}", f"candidate adapter {candidate(home)[:12]}", "landed files",
        "warehouse",
    ]  # fmt: skip
    options = ["--public-key", str(kept[0]), "--checkpoint", str(kept[1])]
    assert main(["--home", str(home.root), "verify", "small", *options]) == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_a_finding(home: Home, capsys: pytest.CaptureFixture[str], fault: str) -> None:
    """T18, T20: the finding names what is amiss, and the command exits with 1."""
    plan, what, said = FAULTS[fault]
    plan(home)
    faults = [(each.what, each.fault) for each in verify_ledger(home, "small") if each.fault]
    assert faults
    assert faults[0][0] == what
    assert said in faults[0][1]
    assert main(["--home", str(home.root), "verify", "small", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] is False
    assert said in str(told["findings"])


def test_a_ledger_that_was_set_back_is_seen_by_its_flag(home: Home) -> None:
    """T20: ledger and checkpoint of one entry ago, both rightly signed: the flag has seen more."""
    before = [path.read_bytes() for path in (home.ledger("small"), home.checkpoint("small"))]
    record(home, "small", action="step", adapter=candidate(home), percent=50, receipts={}, **SAID)
    for path, content in zip((home.ledger("small"), home.checkpoint("small")), before, strict=True):
        path.write_bytes(content)
    (fault,) = [each for each in verify_ledger(home, "small") if each.fault]
    assert (fault.what, "but the flag vouches for 4" in fault.fault) == ("flag", True)


def test_a_home_that_was_set_back_as_a_whole_is_seen_from_elsewhere(home: Home, tmp_path: Path) -> None:
    """T20: the whole home of an hour ago is good in itself; a checkpoint that was copied since says otherwise."""
    old = Home(Path(shutil.copytree(home.root, tmp_path / "old")))
    record(home, "small", action="step", adapter=candidate(home), percent=50, receipts={}, **SAID)
    assert not [each for each in verify_ledger(old, "small") if each.fault]
    (fault,) = [each for each in verify_ledger(pinned(old, None, home.checkpoint("small")), "small") if each.fault]
    assert "holds 3 entries" in fault.fault
    assert main(["--home", str(old.root), "verify", "small", "--checkpoint", str(home.checkpoint("small"))]) == 1


def test_a_fork_of_the_same_key_is_seen_from_elsewhere(home: Home, kept: tuple[Path, Path], tmp_path: Path) -> None:
    """T20: two heads of one length, both rightly signed; the checkpoint of one does not vouch for the other."""
    fork = Home(Path(shutil.copytree(home.root, tmp_path / "fork")))
    for each, percent in ((home, 50), (fork, 75)):
        record(each, "small", action="step", adapter=candidate(each), percent=percent, receipts={}, **SAID)
    assert not [each for each in verify_ledger(pinned(fork, *kept), "small") if each.fault]
    (fault,) = [each for each in verify_ledger(pinned(fork, None, home.checkpoint("small")), "small") if each.fault]
    assert "holds another entry 4" in fault.fault


def test_a_history_written_anew_is_seen_by_the_kept_key(home: Home, kept: tuple[Path, Path]) -> None:
    """T20: with its own key pair, checkpoint and flag it is consistent; not by the key, nor by the checkpoint, kept
    elsewhere."""
    write_anew(home)
    assert "ledger" not in [each.what for each in verify_ledger(home, "small") if each.fault]
    (fault,) = verify_ledger(pinned(home, kept[0]), "small")
    assert "is not signed with this home's key" in fault.fault
    assert main(["--home", str(home.root), "verify", "small", "--checkpoint", str(kept[1])]) == 1


def step_on(home: Home) -> None:
    """A fourth entry for which no checkpoint vouches yet."""
    note = home.checkpoint("small").read_bytes()
    record(home, "small", action="step", adapter=candidate(home), percent=50, receipts={}, **SAID)
    home.checkpoint("small").write_bytes(note)


def edit_plainly(home: Home) -> None:
    """Change a word of the newest entry, and nothing else."""
    step_on(home)
    home.ledger("small").write_text(home.ledger("small").read_text().replace('"percent": 50', '"percent": 99'))


def edit_newest(home: Home) -> None:
    """Change the newest entry, with a fitting digest."""
    step_on(home)
    edit(home, 3, percent=99)


SIGNED = 'not is_signed(key, f"entry {classifier}", claimed, str(signature))'
ANCHORED = 'check_head(path, entries, anchor or Head(), "the signed checkpoint")'
MUTANTS: dict[str, tuple[str, str, Callable[[Home], object]]] = {
    "signatures are not checked": (SIGNED, "False", edit_newest),
    "the digest is not compared": ("if entry.digest != claimed or", "if", edit_plainly),
    "the checkpoint is not asked": (ANCHORED, "", lambda home: cut(home, 2)),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_ledger_that_looks_away_is_noticed(home: Home, plant: Callable[..., ModuleType], mutant: str) -> None:
    """Each fault is seen by the real one, and not by a ledger without its check."""
    old, new, spoil = MUTANTS[mutant]
    spoil(home)
    assert verify_ledger(home, "small")[0].fault
    plant(ledger_module, old, new)
    looks_away = plant(verification, "from ratchet.storage.rollout.ledger import", "from mutant_ledger import")
    assert not looks_away.verify_ledger(home, "small")[0].fault


def test_a_receipt_is_verified_by_itself(home: Home) -> None:
    """Its form and digest; edited, or no receipt at all, it is a fault and exit code 1."""
    path = receipt_of(home, live(home))
    assert [each.what for each in verify_receipt(home, path) if not each.fault] == ["receipt", "verdict", "signature"]
    assert "cannot be derived again: its evidence lacks" in verify_receipt(home, path)[1].detail
    assert main(["--home", str(home.root), "verify", str(path)]) == 0
    for content in (path.read_text().replace("passed", "failed"), "{}", "[", ""):
        path.write_text(content)
        (found,) = verify_receipt(home, path)
        assert found.fault
        assert main(["--home", str(home.root), "verify", str(path)]) == 1


def reseal(path: Path, **changed: Any) -> None:
    """Change a receipt's verdict, and give the file a fitting digest in the form of before signatures."""
    document = json.loads(path.read_bytes())
    document["verdict"] |= changed
    content = {key: document[key] for key in ("classifier", "week", "gate", "verdict", "binds")} | {"schema": 1}
    path.write_text(json.dumps({**content, "digest": digest_json(content)}))


@pytest.mark.parametrize("place", ["kept", "its week", "elsewhere", "a home without the classifier"])
def test_an_altered_receipt_with_a_new_digest_is_unvouched(home: Home, tmp_path: Path, place: str) -> None:
    """T18: whoever edits a receipt can digest it again; only the signed ledger vouches, and it names another one."""
    path = receipt_of(home, live(home))
    if place == "its week":
        path = home.classifier("small") / "receipts" / "2026-01-05" / "row_quality.json"
    elif place != "kept":
        path = Path(shutil.copy(path, tmp_path / "receipt.json"))
    if place == "a home without the classifier":
        shutil.rmtree(home.classifier("small"))
    else:
        reseal(path, reason="Passes: 0.99 of the annotators agree.")
    faults = [each for each in verify_receipt(home, path) if each.fault]
    assert [each.what for each in faults] == ["signature" if "without" in place else "ledger"]
    assert faults[0].fault.startswith("unvouched: ")
    assert main(["--home", str(home.root), "verify", str(path)]) == 1


def forge(verdict: dict[str, Any]) -> None:
    """Call a failed verdict a pass, in words that the rule would use."""
    verdict |= {"outcome": "passed", "reason": "Passes: none of 9 training examples is like any of 3 held-out items."}


def alter(verdict: dict[str, Any]) -> None:
    """Take the leaks out of the evidence, and word the verdict accordingly."""
    forge(verdict)
    verdict["evidence"] |= {"leaks": 0, "first": []}


@pytest.mark.parametrize(
    ("change", "faults"), [(None, ["signature"]), (forge, ["verdict", "ledger"]), (alter, ["ledger"])]
)
def test_a_verdict_of_the_data_follows_from_its_evidence(
    home: Home, capsys: pytest.CaptureFixture[str], change: Callable[[dict[str, Any]], None] | None, faults: list[str]
) -> None:
    """T18: a forged one is a fault by itself; one whose evidence was altered with it is unvouched, as is any that no
    entry names."""
    cycle = Cycle("small", parse_week("2026-01-12"))
    verdict = decide_leakage([Leak("row-1", "golden-1", 0.9)], 9, 3, 0.8)
    Receipts(home).write(cycle, "leakage", verdict, {"wording": WORDING})
    path = home.receipts(cycle) / "leakage.json"
    if change is not None:
        document = json.loads(path.read_bytes())["verdict"]
        change(document)
        reseal(path, **document)
    found = {each.what: each for each in verify_receipt(home, path)}
    assert [what for what, each in found.items() if each.fault] == faults
    assert found[faults[-1]].fault.startswith("unvouched: ")
    if "verdict" in faults:
        assert "the figures in its evidence give: failed" in found["verdict"].fault
    else:
        assert found["verdict"].detail == "follows from the figures in its evidence"
    assert main(["--home", str(home.root), "verify", str(path)]) == 1


def test_an_entry_answers_for_the_gates_that_it_names(tmp_path: Path) -> None:
    """What is live is not taken down by a gate that came later; gates of the data alone let nothing in."""
    home = Home(tmp_path)
    SmallClassifier(home).write()
    named = keep_receipts(home, "small", "2026-01-05", A)
    for missing in (TARGET_GATES, TARGET_GATES[:1], ()):
        receipts = {gate: digest for gate, digest in named.items() if gate not in missing}
        record(home, "small", action="promote", adapter=A, receipts=receipts, **SAID)
        check_entry(home, "small", Ledger(home).entries("small"), A)
        of_b = keep_receipts(home, "small", "2026-01-05", B)
        record(home, "small", action="promote", adapter=B, receipts=of_b, **SAID)
    data = {gate: digest for gate, digest in named.items() if gate in DATA_GATES}
    record(home, "small", action="promote", adapter=A, receipts=data, **SAID)
    with pytest.raises(RatchetError, match="none of its receipts judged the adapter itself"):
        check_entry(home, "small", Ledger(home).entries("small"), A)
