"""Publishing: one revision for each adapter, whatever the Hub answers and whoever is killed, and a tag only for what
was proved."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.digests import digest_json
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.deployment.hub.contents import FILES
from ratchet.deployment.hub.subprocesses import Timeouts, ask_hub
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.home import Home
from ratchet.storage.keys.gate_key import replace_gate_key
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.publications import Publication, Publications
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.testing.homes import WORDS, SmallClassifier, keep_receipts, write_publishable
from ratchet.testing.hub.faults import Fault
from ratchet.testing.hub.server import LocalHub
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.workflows.publication.audit import read_back
from ratchet.workflows.publication.prepare import Upload, prepare
from ratchet.workflows.publication.publish import publish
from ratchet.workflows.rollout.reconcile import record

pytestmark = pytest.mark.slow

QUICK = Timeouts(timeout_s=1.5, attempts=3, wait_s=0.01, deadline_s=60)
PUBLISH = """
import os, sys
from pathlib import Path
from ratchet.deployment.hub.subprocesses import Timeouts
from ratchet.storage.home import Home
from ratchet.workflows.publication.publish import publish
from ratchet.workflows.publication.prepare import prepare
home = Home(Path(sys.argv[1]))
proof = lambda *asked: {"texts": 1, "distance": 0.0, "limit": 1.0}
publish(home, prepare(home, "small", sys.argv[2]), os.environ, patience=Timeouts(1.5, 3, 0.01, 60), proof=proof)
"""


TOLD = """
import json, sys
import torch
from huggingface_hub import hf_hub_download
from transformers import AutoTokenizer

told = json.load(sys.stdin)
BASE, COMMIT = told["base"], told["commit"]
torch.set_grad_enabled(False)
card = json.load(open(hf_hub_download(told["repo"], "ratchet.json", revision=COMMIT)))
"""
PROMPTED = """
prompt, reader = card["prompt"], AutoTokenizer.from_pretrained(BASE, revision=told["base_commit"])
plain = lambda text: reader(text, add_special_tokens=False)["input_ids"]
before, after = [reader.bos_token_id, *plain(prompt["before"])], plain(prompt["after"])
codes = [plain(prompt["after"] + code)[-1] for code in prompt["codes"]]
rows = [[*before, *plain(text)[:card["max_tokens"]], *after] for text in told["texts"]]
input_ids = torch.tensor(rows[:1])
"""
SAID = """
ours = [name for name in sys.modules if name.startswith("ratchet")]
print(json.dumps({"labels": card["labels"], "first": logits.tolist(), "logits": found, "ratchet": ours}))
"""


def follow_the_card(
    hub: LocalHub, record: Publication, base: str, texts: list[str], place: Path, *, causal: bool
) -> dict[str, Any]:
    """What a stranger with transformers and PEFT gets by the lines of the card that lies at the Hub, and no others for
    loading."""
    assert record.commit is not None
    shown = hub.repositories[record.repo].read(record.commit, "README.md").decode()
    (lines,) = re.findall(r"```python\n(.*?)```", shown, re.DOTALL)
    ask = (
        "[model(input_ids=torch.tensor([row])).logits[0, -1, codes].tolist() for row in rows]"
        if causal
        else "[model(**tokenizer(text, return_tensors='pt')).logits[0].tolist() for text in told['texts']]"
    )
    script = f"{TOLD}{PROMPTED if causal else ''}\n{lines}\nfound = {ask}\n{SAID}"
    head = hub.repositories[base].head.oid
    job = {"repo": record.repo, "commit": record.commit, "base": base, "base_commit": head, "texts": texts}
    environment = {**os.environ, **hub.environment, "HF_HOME": str(place)}
    bare = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        input=json.dumps(job),
        env=bare,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def believed(*asked: Any) -> dict[str, float]:
    """Instead of loading it back, which takes seconds and is tried elsewhere."""
    return {"texts": 1, "distance": 0.0, "limit": 1.0}


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A Hub without repositories."""
    with LocalHub() as started:
        yield started


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> tuple[Home, Upload]:
    """A home that may publish one adapter to `me/small`, and what would be uploaded. Copy the home to publish from
    it."""
    home = Home(tmp_path_factory.mktemp("publishable"))
    told = f'repo = "me/small"\nbase_model = "org/base"\nbase_revision = "{"a" * 40}"'
    return home, prepare(home, "small", write_publishable(home, tiny_base, publish=told))


@pytest.fixture
def send(made: tuple[Home, Upload], hub: LocalHub, tmp_path: Path) -> Callable[..., tuple[Publication, bool]]:
    """Publish from an own home without loading back: `send(week="2026-01-12", note="x")` sends another adapter's
    files."""

    def run(week: str = "2026-01-05", note: str = "", *, root: str = "own", **more: Any) -> tuple[Publication, bool]:
        upload = made[1]
        if note:
            files = {**upload.files, "receipt.json": json.dumps({"note": note}).encode()}
            upload = replace(upload, files=files, week=week, adapter=format(len(note), "064x"))
        (tmp_path / root / "small").mkdir(parents=True, exist_ok=True)
        return publish(
            Home(tmp_path / root), upload, {**os.environ, **hub.environment}, patience=QUICK, proof=believed, **more
        )

    return run


FAULTS: dict[str, list[Fault]] = {
    "stale parent": [Fault("commit", "refuse", 412)],
    "too many requests": [Fault("commit", "refuse", 429, {"Retry-After": "0"})],
    "failed but committed": [Fault("commit", "lose", 500)],
    "silent after it was sent": [Fault("commit", "hang")],
    "connection lost after it was sent": [Fault("commit", "drop")],
    "half of it was sent": [Fault("commit", "cut")],
    "twice in a row": [Fault("commit", "cut"), Fault("commit", "lose", 503)],
    "made but not told, and tagged but not told": [Fault("create", "lose", 500), Fault("tag", "lose", 502)],
    "no tag yet": [Fault("tag", "refuse", 503), Fault("tag", "drop")],
    "reading back fails too": [Fault("commit", "lose", 500), Fault("info", "refuse", 503), Fault("tree", "drop")],
}


def try_fault(hub: LocalHub, send: Callable[..., tuple[Publication, bool]], faults: list[Fault], root: str) -> None:
    """Publish through `faults`, then again: one revision, one tag, and a record that says so."""
    hub.fail(*faults)
    record, was_made = send(root=root)
    repository = hub.repositories["me/small"]
    assert (record.step, was_made, hub.faults.waiting) == ("published", True, [])
    assert [commit.title[:6] for commit in repository.commits] == ["initia", "small "]
    assert repository.tags == {"2026-01-05": record.commit}
    assert set(repository.head.files) == {*FILES, ".gitattributes"}
    assert send(root=root) == (record, False)
    assert len(repository.commits) == 2
    hub.repositories.clear()


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_leaves_it_open_is_read_back(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]], fault: str
) -> None:
    """F37: whatever the Hub answers, there is one revision for the adapter, and none twice."""
    try_fault(hub, send, FAULTS[fault], "own")


@pytest.mark.faults
def test_an_answer_that_leaves_it_open_is_read_back_200_times(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]]
) -> None:
    """F37 in full: each kind of answer twenty times."""
    for trial in range(20):
        for name, faults in FAULTS.items():
            try_fault(hub, send, list(faults), f"{trial} {name}")


def test_somebody_else_is_never_overwritten(hub: LocalHub, send: Callable[..., tuple[Publication, bool]]) -> None:
    """A push before ours, and one between our look and our commit, are conflicts until a person names the commit."""
    send()
    repository = hub.repositories["me/small"]
    foreign = repository.commit({"README.md": b"mine now"}, title="a stranger's").oid
    with pytest.raises(RatchetError, match="which was published last") as caught:
        send("2026-01-12", "second")
    assert f"--parent {foreign}" in caught.value.hint
    hub.fail(Fault("commit", "overtake"))
    with pytest.raises(RatchetError, match=r"moved to .* meanwhile"):
        send("2026-01-12", "second", parent=foreign)
    assert repository.head.title == "another's"
    with pytest.raises(RatchetError, match=r"holds OVERTAKEN\.md"):
        send("2026-01-12", "second", parent=repository.head.oid)
    assert set(repository.tags) == {"2026-01-05"}
    repository.commit({}, title="tidied", deleted=("OVERTAKEN.md",))
    record, _ = send("2026-01-12", "second", parent=repository.head.oid)
    assert repository.tags["2026-01-12"] == record.commit == repository.head.oid


def test_a_refused_second_attempt_leaves_the_record_of_the_first(
    made: tuple[Home, Upload], hub: LocalHub, send: Callable[..., tuple[Publication, bool]], tmp_path: Path
) -> None:
    """The same adapter with another card is a conflict while the tag stands, and no alarm; without the tag it follows
    the first."""
    first, _ = send()
    home, environment = Home(tmp_path / "own"), {**os.environ, **hub.environment}
    other = replace(made[1], files={**made[1].files, "README.md": b"# told otherwise"})
    with pytest.raises(RatchetError, match=r"tag 2026-01-05 of me/small names commit"):
        publish(home, other, environment, patience=QUICK, proof=believed)
    (kept,) = Publications(home).all("small")
    assert kept.attempt is not None
    assert (replace(kept, attempt=None), kept.attempt.files) == (first, other.digests)
    assert [each.fault for each in read_back(home, "small", environment, patience=QUICK) if each.fault] == []
    repository = hub.repositories["me/small"]
    repository.tags.clear()
    record, was_made = publish(home, other, environment, patience=QUICK, proof=believed)
    assert (record.step, was_made, record.parent, record.attempt) == ("published", True, first.commit, None)
    assert repository.tags == {"2026-01-05": repository.head.oid}
    assert Publications(home).all("small") == [record]


def test_a_tag_that_was_deleted_is_set_again(hub: LocalHub, send: Callable[..., tuple[Publication, bool]]) -> None:
    """The commit is there and is what was proved: no second revision."""
    record, _ = send()
    repository = hub.repositories["me/small"]
    repository.tags.clear()
    assert send() == (record, False)
    assert repository.tags == {"2026-01-05": record.commit}
    assert len(repository.commits) == 2


@pytest.mark.faults
def test_an_old_week_is_found_below_many_newer_commits(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]]
) -> None:
    """By the record, which knows its commit; without a record by what it is called: no second revision, and main
    stays."""
    record, _ = send()
    send("2026-01-12", "second")
    repository = hub.repositories["me/small"]
    for number in range(40):
        repository.commit({"README.md": b"%d" % number}, title="edited")
    newest = repository.head.oid
    for root, parent in (("own", record.parent), ("another home", None)):
        repository.tags.pop("2026-01-05")
        asked = len(hub.requests)
        assert send(root=root) == (replace(record, parent=parent), False)
        assert (repository.tags["2026-01-05"], repository.head.oid) == (record.commit, newest)
        if root == "own":
            assert not [path for _, path in hub.requests[asked:] if "/commits/" in path]


def test_what_is_for_everyone_opens_a_private_repository_at_the_end(
    made: tuple[Home, Upload], hub: LocalHub, send: Callable[..., tuple[Publication, bool]], tmp_path: Path
) -> None:
    """After loading back and tag, once; a Hub that does not open it is told, and the next call does the rest."""
    send()
    second, _ = send("2026-01-12", "second")
    home, environment = Home(tmp_path / "own"), {**os.environ, **hub.environment}
    repository, upload = hub.repositories["me/small"], replace(made[1], private=False)
    hub.fail(Fault("settings", "refuse", 403))
    with pytest.raises(RatchetError, match=r"did not make me/small public: .*403") as refused:
        publish(home, upload, environment, patience=QUICK, proof=believed)
    assert (refused.value.code, repository.private) == ("no_permission", True)
    hub.fail(Fault("settings", "lose", 500))
    record, was_made = publish(home, upload, environment, patience=QUICK, proof=believed)
    assert (was_made, record.private, repository.private) == (False, False, False)
    assert (len(repository.commits), repository.head.oid) == (3, second.commit)
    assert [each.fault for each in read_back(home, "small", environment, patience=QUICK) if each.fault] == []
    asked = len(hub.requests)
    assert publish(home, upload, environment, patience=QUICK, proof=believed) == (record, False)
    assert not [path for method, path in hub.requests[asked:] if method == "PUT"]
    repository.private = True  # closed by hand
    assert publish(home, upload, environment, patience=QUICK, proof=believed) == (record, False)
    assert repository.private is False
    unproved = replace(upload, adapter="f" * 64, week="2026-01-19", files={**upload.files, "receipt.json": b"{}"})
    repository.private = True

    def refuse(*asked: Any) -> dict[str, float]:
        raise RatchetError("other logits", "", code="not_equal")

    with pytest.raises(RatchetError, match="other logits"):
        publish(home, unproved, environment, patience=QUICK, proof=refuse)
    assert repository.private


def test_what_no_trusted_gate_key_signed_is_not_published(tiny_base: Path, tmp_path: Path) -> None:
    """T17: receipts by a key that replaced the home's beside the ledger, and one that is not signed at all."""
    home = Home(tmp_path)
    told = f'repo = "me/small"\nbase_model = "org/base"\nbase_revision = "{"a" * 40}"'
    digest = write_publishable(home, tiny_base, publish=told)
    prepare(home, "small", digest)
    replace_gate_key(home)
    with pytest.raises(BlockedError, match="is not published: its receipt of row_quality was signed by gate key"):
        prepare(home, "small", digest)
    path = home.receipts(Cycle("small", parse_week("2026-01-05"))) / "row_quality.json"
    document = json.loads(path.read_bytes())
    content = {key: document[key] for key in ("classifier", "week", "gate", "verdict", "binds")} | {"schema": 1}
    path.write_text(json.dumps({**content, "digest": digest_json(content)}))
    with pytest.raises(BlockedError, match="row_quality is not signed, and gate key"):
        prepare(home, "small", digest)


def test_the_card_tells_only_of_what_was_judged(tiny_base: Path, tmp_path: Path) -> None:
    """The receipt names the specification and golden set of the verdicts, and an edit of either blocks; of terms none
    does."""
    home = Home(tmp_path)
    told = f'repo = "me/small"\nbase_model = "org/base"\nbase_revision = "{"a" * 40}"'
    digest = write_publishable(home, tiny_base, publish=told)
    spec, golden = home.spec("small"), home.golden("small")
    was, rows = spec.read_text(), golden.read_text()
    spec.write_text(was.replace("Made for tests.", "Made for a test."))
    receipt = json.loads(prepare(home, "small", digest).files["receipt.json"])
    binds = Receipts(home).read(Cycle("small", parse_week("2026-01-05")))["golden_set_regression"].binds
    assert (receipt["specification"], receipt["golden_set"]) == (binds["policy"], binds["golden"])
    spec.write_text(was.replace('name = "green"', 'name = "green"\ndescription = "Parcels."'))
    with pytest.raises(BlockedError, match=r"classifier\.toml changed since its evaluation") as refused:
        prepare(home, "small", digest)
    assert "Run the cycle again" in refused.value.hint
    spec.write_text(was)
    golden.write_text("".join(rows.splitlines(keepends=True)[:-1]))
    with pytest.raises(BlockedError, match=r"golden\.jsonl changed since its evaluation"):
        prepare(home, "small", digest)


def test_half_a_commit_is_no_publication(hub: LocalHub, send: Callable[..., tuple[Publication, bool]]) -> None:
    """A Hub that took only some of the files is told apart by content; nothing is tagged."""
    hub.fail(Fault("commit", "halve", 500))
    with pytest.raises(RatchetError, match="half of this upload"):
        send()
    assert hub.repositories["me/small"].tags == {}


def test_each_week_is_a_commit_upon_the_last_and_an_old_one_is_found_again(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]]
) -> None:
    """The same content is never a second revision, also when newer weeks lie on top, or the records are lost."""
    first, _ = send()
    second, _ = send("2026-01-12", "second")
    assert send() == (first, False)
    assert send(root="another home") == (replace(first, step="published", parent=None), False)
    with pytest.raises(RatchetError, match="tag 2026-01-12 of me/small names commit"):
        send("2026-01-12", "the same week otherwise")
    repository = hub.repositories["me/small"]
    assert [commit.oid for commit in repository.commits][1:] == [first.commit, second.commit]
    assert first.number < second.number


def test_what_is_to_be_private_goes_to_no_public_repository(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]]
) -> None:
    """Somebody made it public before: nothing is uploaded."""
    hub.push("me/small", {}, private=False)
    with pytest.raises(RatchetError, match="can be read by everyone"):
        send()
    assert not any("preupload" in path or "/commit/" in path for _, path in hub.requests)


def test_a_repository_with_foreign_files_or_a_token_that_may_not_write_is_refused(
    made: tuple[Home, Upload], hub: LocalHub, send: Callable[..., tuple[Publication, bool]], tmp_path: Path
) -> None:
    """With the cure, and without the token in what is said."""
    hub.push("me/small", {"pytorch_model.bin": b"\x80"}, private=True)
    with pytest.raises(RatchetError, match=r"holds pytorch_model.bin, which this home did not publish"):
        send()
    environment = {**os.environ, **hub.environment, "HF_TOKEN": "hf_another"}
    with pytest.raises(RatchetError, match="401") as caught:
        publish(Home(tmp_path / "own"), made[1], environment, patience=QUICK, proof=believed)
    assert (caught.value.code, "hf_another" in str(caught.value)) == ("no_permission", False)


@pytest.mark.parametrize(
    ("point", "step", "commits"),
    [
        ("before_commit", "sending", 0),
        ("after_commit", "sending", 2),
        ("before_tag", "verified", 2),
        ("after_tag", "verified", 2),
    ],
)
def test_a_publisher_that_is_killed_is_finished_by_the_next(
    made: tuple[Home, Upload], hub: LocalHub, point: str, step: str, commits: int
) -> None:
    """Kill -9 between any two steps: the next call finds what was done, does the rest, and nothing twice."""
    home, upload = made
    environment = {**os.environ, **hub.environment}
    command = [sys.executable, "-c", PUBLISH, str(home.root), upload.adapter]
    killed = subprocess.run(
        command,
        env={**environment, "RATCHET_FAILPOINT": f"publishing.{point}:kill"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert killed.returncode == -9, killed.stderr
    records = Publications(home)
    (left,) = records.of("small", hub.endpoint, "me/small")
    assert left.step == step
    assert (len(hub.repositories["me/small"].commits) if commits else len(hub.repositories)) == commits
    record, _ = publish(home, upload, environment, patience=QUICK, proof=believed)
    repository = hub.repositories["me/small"]
    assert (record.step, repository.tags) == ("published", {"2026-01-05": repository.head.oid})
    assert len(repository.commits) == 2
    assert records.of("small", hub.endpoint, "me/small") == [record]


def test_another_adapter_may_follow_one_whose_answer_was_lost_with_its_publisher(
    made: tuple[Home, Upload], hub: LocalHub, send: Callable[..., tuple[Publication, bool]], tmp_path: Path
) -> None:
    """Killed before the commit was written down, then another week: what lies there is known as ours, and is found
    later."""
    first, _ = send()
    records = Publications(Home(tmp_path / "own"))
    records.keep("small", replace(first, step="sending", commit=None, loaded=None))
    hub.repositories["me/small"].tags.clear()
    second, _ = send("2026-01-12", "second")
    assert send()[0].commit == first.commit
    assert len(hub.repositories["me/small"].commits) == 3
    assert hub.repositories["me/small"].head.oid == second.commit


def test_what_was_published_is_loaded_back_or_gets_no_tag(hub: LocalHub, tiny_base: Path, tmp_path: Path) -> None:
    """A base on the Hub that is not the one the adapter was judged on gives other logits: told, and not tagged."""
    other = {path.name: path.read_bytes() for path in tiny_base.iterdir() if path.is_file()}
    config = json.loads(other["config.json"])
    other["config.json"] = json.dumps({**config, "layer_norm_eps": 0.5}).encode()
    sha = hub.push("org/base", other).oid
    home = Home(tmp_path / "home")
    told = f'repo = "me/small"\nbase_model = "org/base"\nbase_revision = "{sha}"'
    upload = prepare(home, "small", write_publishable(home, tiny_base, publish=told))
    with pytest.raises(
        RatchetError, match="does not answer as the evaluated adapter does: its logits on the golden set are"
    ):
        publish(home, upload, {**os.environ, **hub.environment}, patience=replace(QUICK, timeout_s=10, deadline_s=300))
    assert hub.repositories["me/small"].tags == {}
    assert [each.step for each in Publications(home).all("small")] == ["committed"]
    assert {path.split("/")[4] for _, path in hub.requests if path.startswith("/me/small/resolve/")} == {
        hub.repositories["me/small"].head.oid
    }


def test_a_causal_adapter_gives_a_stranger_the_same_label_logits(hub: LocalHub, tmp_path: Path) -> None:
    """A tiny Llama in bfloat16: published, loaded back, tagged; whoever follows its card gets the judged logits without
    Ratchet.

    Left to itself transformers loads such a base as bfloat16, and the logits are further away than is allowed.
    """
    import torch
    from transformers import AutoModelForCausalLM

    prompt = make_prompt(PromptPolicy(), [Label(name) for name in WORDS])
    known = [
        *(word for words in WORDS.values() for word in words),
        prompt.render("golden"),
        "blue kettle",
        "since monday",
    ]
    base = write_tiny_causal(tmp_path / "base", known, "llama")
    AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(base)
    sha, home = hub.push("org/llama", base).oid, Home(tmp_path / "home")
    told = f'repo = "me/small"\nbase_model = "org/llama"\nbase_revision = "{sha}"'
    digest = write_publishable(home, base, publish=told, prompt=prompt)
    environment = {**os.environ, **hub.environment}
    record, made = publish(
        home, prepare(home, "small", digest), environment, patience=replace(QUICK, timeout_s=10, deadline_s=300)
    )
    assert (made, record.step, (record.loaded or {})["texts"]) == (True, "published", 30)
    texts = [item.text for item in Specs(home).golden("small")][:5]
    found = follow_the_card(hub, record, "org/llama", texts, tmp_path / "hf", causal=True)
    assert (found["labels"], found["ratchet"]) == (list(WORDS), [])
    expected = load_predictor(AdapterStore(home).open("small", digest)).logits(texts)
    np.testing.assert_allclose(found["logits"], expected, atol=1e-4)
    np.testing.assert_allclose(found["first"], expected[:1], atol=1e-4)
    assert len({tuple(row) for row in found["logits"]}) == len(texts)


def test_an_encoder_whose_base_has_another_head_is_loaded_by_its_card(
    hub: LocalHub, tiny_base: Path, tmp_path: Path
) -> None:
    """A base that sorts into five labels: the card's lines put the adapter's own head there, and give the judged
    logits."""
    from transformers import AutoModelForSequenceClassification

    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    AutoModelForSequenceClassification.from_pretrained(base, num_labels=5).save_pretrained(base)
    sha, home = hub.push("org/five", base).oid, Home(tmp_path / "home")
    told = f'repo = "me/small"\nbase_model = "org/five"\nbase_revision = "{sha}"'
    digest = write_publishable(home, base, publish=told)
    environment = {**os.environ, **hub.environment}
    record, _ = publish(home, prepare(home, "small", digest), environment, patience=QUICK, proof=believed)
    texts = [item.text for item in Specs(home).golden("small")][:5]
    found = follow_the_card(hub, record, "org/five", texts, tmp_path / "hf", causal=False)
    expected = load_predictor(AdapterStore(home).open("small", digest)).logits(texts)
    np.testing.assert_allclose(found["logits"], expected, atol=1e-4)
    assert (np.shape(found["first"]), found["ratchet"]) == ((1, len(WORDS)), [])


def test_only_what_others_can_load_is_published(tiny_base: Path, tmp_path: Path) -> None:
    """No probe, no base that is a folder of this machine, nothing without terms or without a passing cycle."""
    home = Home(tmp_path)
    digest = write_publishable(home, tiny_base, publish='repo = "me/small"')
    with pytest.raises(RatchetError, match="a folder of this machine"):
        prepare(home, "small", digest)
    probe = write_publishable(home, tiny_base, "probe", method="probe", publish='repo = "me/small"')
    with pytest.raises(RatchetError, match="is a probe, which PEFT cannot load"):
        prepare(home, "probe", probe)
    (home.root / "small" / "receipts" / "2026-01-05" / "cycle.json").unlink()
    with pytest.raises(BlockedError, match="no cycle of small vouches for"):
        prepare(home, "small", digest)


def test_reading_back_notices_whatever_a_stranger_changes(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]], tmp_path: Path
) -> None:
    """T12: a push, a moved tag, a rewritten history, a repository that was opened or removed."""
    record, _ = send()
    home, environment = Home(tmp_path / "own"), {**os.environ, **hub.environment}
    repository = hub.repositories["me/small"]

    def faults() -> str:
        return "; ".join(each.fault for each in read_back(home, "small", environment, patience=QUICK) if each.fault)

    assert faults() == ""
    foreign = repository.commit({"adapter_model.safetensors": b"x"}, title="a stranger's")
    repository.private, repository.tags = False, {"2026-01-05": foreign.oid}
    said = faults()
    assert "which this home did not publish" in said
    assert "can be read by everyone" in said
    assert f"tag 2026-01-05 now names {foreign.oid[:12]}" in said
    repository.commits[1:] = [foreign]
    assert f"commit {(record.commit or '')[:12]} no longer exists" in faults()
    hub.repositories.clear()
    assert "the Hub has no repository me/small" in faults()
    elsewhere = read_back(home, "small", {**environment, "HF_ENDPOINT": "http://127.0.0.1:9"}, patience=QUICK)
    assert [each.fault for each in elsewhere] == [f"not checked: it is on {hub.endpoint}. Set HF_ENDPOINT to it."]


def test_reading_back_knows_what_was_sent_and_not_written_down(
    made: tuple[Home, Upload], hub: LocalHub, send: Callable[..., tuple[Publication, bool]], tmp_path: Path
) -> None:
    """Killed between commit and record: our own push is no stranger's; whatever is pushed upon it is."""
    home, environment = Home(tmp_path / "own"), {**os.environ, **hub.environment}
    records = Publications(home)

    def look() -> tuple[str, str]:
        found = read_back(home, "small", environment, patience=QUICK)
        return "; ".join(each.detail for each in found), "; ".join(filter(None, (each.fault for each in found)))

    upload = made[1]
    intended = Publication(
        upload.adapter,
        upload.week,
        hub.endpoint,
        "me/small",
        1,
        upload.digests,
        step="sending",
        parent=None,
        private=True,
    )
    (tmp_path / "own" / "small").mkdir(parents=True)
    records.keep("small", intended)
    assert look()[1] == ""  # killed before anything was sent: there is no repository
    hub.push("me/small", {"README.md": b"another's"}, private=True)
    assert look()[1] == ""  # refused, since it is another's: nothing of ours is there to be watched
    hub.repositories.clear()
    send()
    published = records.all("small")[0]
    records.keep("small", intended)
    said, fault = look()
    assert ("stopped before it recorded that" in said, fault) == (True, "")
    records.keep("small", published)
    second, _ = send("2026-01-12", "second")
    lost = replace(second, step="sending", commit=None, loaded=None)
    for state in (lost, replace(published, attempt=lost)):
        for path in home.published("small").glob(f"{second.adapter}.*"):
            path.unlink()
        records.keep("small", state)
        said, fault = look()
        assert ("stopped before it recorded that" in said, fault) == (True, "")
        foreign = hub.repositories["me/small"].commit({"README.md": b"x"}, title="a stranger's").oid
        assert f"is at {foreign[:12]}, which this home did not publish" in look()[1]
        hub.repositories["me/small"].commits.pop()


def test_without_a_token_nothing_is_said_to_be_gone(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]], tmp_path: Path
) -> None:
    """The token is named; what everyone may read is looked at without one."""
    send()
    home, environment = Home(tmp_path / "own"), {**os.environ, **hub.environment, "HF_TOKEN": ""}
    with pytest.raises(
        RatchetError, match="HF_TOKEN is not set, and without a token the Hub shows no repository me/small"
    ) as refused:
        read_back(home, "small", environment, patience=QUICK)
    assert refused.value.code == "no_token"
    hub.repositories["me/small"].private = False
    faults = [each.fault for each in read_back(home, "small", environment, patience=QUICK) if each.fault]
    assert faults == ["can be read by everyone, but was published as private"]


def try_foreign_pushes(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]], home: Home, environment: dict[str, str], pushes: int
) -> None:
    """Push as a stranger with a stolen token would, each time otherwise; every push is told by the next look, and moves
    nothing."""
    record, _ = send()
    digest = write_flag(home)
    served = home.flags.read_bytes()
    for number in range(pushes):
        repository = hub.repositories["me/small"]
        file = FILES[number % len(FILES)] if number % 7 else "pytorch_model.bin"
        gone = FILES[1:2] if number % 3 == 2 else ()
        foreign = repository.commit({file: b"a stranger's %d" % number}, title="improved", deleted=gone)
        found = [each.fault for each in read_back(home, "small", environment, patience=QUICK) if each.fault]
        assert any(foreign.oid[:12] in fault for fault in found), (number, found)
        assert home.flags.read_bytes() == served
        assert Ledger(home).state("small").live == digest
        assert [each.commit for each in Publications(home).all("small")] == [record.commit]
        repository.commits.pop()  # the stranger is thrown out: the next look is quiet
    assert [each.fault for each in read_back(home, "small", environment, patience=QUICK) if each.fault] == []


def write_flag(home: Home) -> str:
    """Let an adapter serve in `home`: the digest of the flag that names it."""
    SmallClassifier(home).write()
    digest = format(7, "064x")
    kept = keep_receipts(home, "small", "2026-01-05", digest)
    content = {
        "ts": "2026-01-06T00:00:00+00:00",
        "actor": "a test",
        "action": "promote",
        "why": "for a test",
        "week": "2026-01-05",
    }
    record(home, "small", adapter=digest, receipts=kept, **content)
    return digest


def test_a_stolen_token_moves_nothing_that_serves(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]], tmp_path: Path
) -> None:
    """T12: a foreign commit on main is told by the next look; what serves is what the ledger says, byte for byte."""
    try_foreign_pushes(hub, send, Home(tmp_path / "own"), {**os.environ, **hub.environment}, 2)


@pytest.mark.faults
def test_a_stolen_token_moves_nothing_that_serves_50_times(
    hub: LocalHub, send: Callable[..., tuple[Publication, bool]], tmp_path: Path
) -> None:
    """T12 in full: 50 pushes of 50."""
    try_foreign_pushes(hub, send, Home(tmp_path / "own"), {**os.environ, **hub.environment}, 50)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    """It is not taken for another, and not for none."""
    folder = Home(tmp_path).published("small")
    folder.mkdir(parents=True)
    (folder / "x.json").write_text('{"schema": 1, "adapter": "x"}')
    with pytest.raises(RatchetError, match="is not a record of a publication"):
        Publications(Home(tmp_path)).all("small")


def test_the_process_that_speaks_with_the_hub_ends_and_says_so(hub: LocalHub) -> None:
    """A Hub that never answers is not waited for for ever."""
    hub.push("me/small", {}, private=True)
    hub.fail(*[Fault("info", "hang")] * 4)
    job = {"job": "look", "repo": "me/small", "commits": [], "pending": []}
    with pytest.raises(RatchetError, match="does not answer about me/small: ReadTimeout"):
        ask_hub(job, {**os.environ, **hub.environment}, Timeouts(timeout_s=0.3, attempts=2, wait_s=0.01, deadline_s=30))
    hub.faults.waiting.clear()
    hub.fail(Fault("info", "hang"))
    with pytest.raises(RatchetError, match="did not finish within 2 s"):
        ask_hub(job, {**os.environ, **hub.environment}, Timeouts(timeout_s=30, deadline_s=2))
