"""The page `docs/how-to/upgrading.md`, step by step on a home that commit b97b3cb wrote."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from orchestration.cli.app import main
from ratchet.core.digests import digest_file
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.doctor.doctor import examine
from ratchet.workflows.rollout.admission import admit
from ratchet.workflows.rollout.reconcile import reconcile
from ratchet.workflows.verify import verify_ledger

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "home_b97b3cb.tar.xz"
FORMER_KEYS = {
    "sequence", "ts", "actor", "action", "why", "previous_adapter", "adapter", "week", "receipts", "previous",
    "percent", "key", "evidence", "digest", "signature",
}  # fmt: skip
"""Keys of a ledger's line that the version of the fixture knows; it rejects a line with any other."""
READING = (
    ("status",), ("status", "small", "--json"), ("verify", "small"), ("doctor",), ("report", "small"), ("log", "small"),
    ("policy", "small"), ("keys",),
)  # fmt: skip


@pytest.fixture
def former(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An unpacked copy, with its base model."""
    with tarfile.open(ARCHIVE) as archive:
        # Python 3.11.2, which Debian 12 has, does not know `filter` yet; the archive is our own.
        archive.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # noqa: S202
    monkeypatch.setenv("RATCHET_CACHE", str(tmp_path / "cache"))
    return Home(tmp_path / "home")


def content(home: Home) -> dict[str, str]:
    """Digest of every file but locks, Dagster's history and logs."""
    files = [path for path in home.root.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    shown = {str(path.relative_to(home.root)): path for path in files}
    return {name: digest_file(path) for name, path in shown.items() if not name.startswith("dagster/")}


def differing(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Names of the files that were made, changed or removed."""
    return {name for name in {**before, **after} if before.get(name) != after.get(name)}


def test_commands_that_read_change_no_file(former: Home) -> None:
    """The older version could simply start again."""
    before = content(former)
    for words in READING:
        assert main(["--home", str(former.root), *words]) in {0, 1}, words  # doctor may find this machine odd
    assert differing(before, content(former)) == set()


def test_a_policy_that_is_not_sealed_yet_is_a_warning_with_its_fix(former: Home) -> None:
    """Until then whoever writes classifier.toml decides; doctor says how it is sealed, and then that it is."""
    (before,) = [each for each in examine(former, {}) if each.what == "policy of small"]
    assert (before.state, "ratchet advance small" in before.cure) == ("warn", True)
    reconcile(former, "small")
    (after,) = [each for each in examine(former, {}) if each.what == "policy of small"]
    assert (after.state, after.found) == ("ok", "classifier.toml is as entry 3 seals it")


def test_the_policy_is_sealed_once(former: Home) -> None:
    """One entry for the ledger; checkpoint and flag follow, and live and candidate go on."""
    before, entries = content(former), Ledger(former).entries("small")
    rollout = reconcile(former, "small")
    assert differing(before, content(former)) == {
        "flags.json", ".flags.generation", "small/ledger.jsonl", "small/checkpoint.txt",
    }  # fmt: skip
    *same, sealed = Ledger(former).entries("small")
    assert same == entries
    assert (sealed.action, sealed.actor) == ("policy", "ratchet")
    assert rollout is not None
    admit(former, "small", rollout)
    assert [each.fault for each in verify_ledger(former, "small") if each.fault] == []
    reconcile(former, "small")
    assert len(Ledger(former).entries("small")) == len(entries) + 1


def test_going_back_needs_the_copy_and_loses_no_row(former: Home, tmp_path: Path) -> None:
    """A former version rejects a ledger with the new entry; the copy has only lines that it knows, and rows that landed
    since are copied beside those that are there."""
    copy = Home(Path(shutil.copytree(former.root, tmp_path / "before")))
    reconcile(former, "small")
    landed = former.landing("small", "corrections") / "later.jsonl"
    landed.write_text('{"request_id": "late"}\n')
    lines = [json.loads(line) for line in former.ledger("small").read_text().splitlines()]
    assert set(lines[-1]) - FORMER_KEYS == {"policy"}
    former.root.rename(tmp_path / "newer")
    back = Home(Path(shutil.copytree(copy.root, former.root)))
    there = content(back)
    for kind in ("production_logs", "corrections"):
        source = Home(tmp_path / "newer").landing("small", kind)
        for path in source.iterdir():  # cp -an: what is there stays
            if not (back.landing("small", kind) / path.name).exists():
                shutil.copy2(path, back.landing("small", kind))
    assert differing(there, content(back)) == {"small/corrections/later.jsonl"}
    lines = [json.loads(line) for line in back.ledger("small").read_text().splitlines()]
    assert all(set(line) == FORMER_KEYS for line in lines)
    assert Ledger(back).live("small") == lines[0]["adapter"]


def test_a_checkpoint_of_after_the_upgrade_rejects_the_copy(former: Home, tmp_path: Path) -> None:
    """So the page says to take it away; nothing is promoted on a ledger that lost an entry."""
    copy = Path(shutil.copytree(former.root, tmp_path / "before"))
    reconcile(former, "small")
    from ratchet.rollout.trust import Trust

    with pytest.raises(RatchetError, match="holds 2 entries, but"):
        Ledger(Home(copy, Trust(None, (former.checkpoint("small"),)))).entries("small")
