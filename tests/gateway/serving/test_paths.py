"""Two targets: the edge answers labels that need no confidence, the calibrated path the high stakes; and exports that
serve."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.digests import digest_file
from ratchet.deployment.exports.batched_predictor import ExportPredictor
from ratchet.deployment.exports.onnx import ONNX
from ratchet.models.adapters.format import Form
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import Predictor, load_predictor
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import left_behind, read_journal
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.exports import RECORD, Exports
from ratchet.storage.specs import Specs
from ratchet.testing.homes import WORDS, SmallClassifier, keep_receipts
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.workflows.gates.target_gates import judge_artifact
from ratchet.workflows.rollout.reconcile import record

pytestmark = [pytest.mark.xdist_group("gateway_paths"), pytest.mark.slow]

URL = "/v1/classifiers/small"
WEEK = "2026-01-05"
EDGE = """
[edge]
runtime = "onnx"
takes = "merged"
families = ["encoder"]
log_probabilities = false
"""
TWO = '[[target]]\nname = "edge"\n\n[[target]]\nname = "in_process"\n'
ONE = '[[target]]\nname = "onnx"\n'


@dataclass(frozen=True)
class Made:
    """A home with two sealed adapters, each with its ONNX export, and a text that each of them gives each label."""

    home: Home
    adapters: tuple[str, str]
    texts: dict[str, str]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Copy it before changing anything."""
    root = tmp_path_factory.mktemp("paths")
    words = [word for phrases in WORDS.values() for phrase in phrases for word in phrase.split()]
    base = resolve_base(str(write_tiny_encoder(root / "base", words)))
    home = Home(root / "home")
    SmallClassifier(home).write(ONE)
    (home.root / "targets.toml").write_text(EDGE)
    store, found = AdapterStore(home), list[str]()
    for seed in (9, 6):  # two that give every label to some text
        folder = write_tiny_adapter(root / f"made{seed}", base, tuple(WORDS), seed=seed, rank=16)
        found.append(store.seal("small", folder, {}))
        Exports(home).make("small", found[-1], "onnx")
    asked = [*words, *(phrase for phrases in WORDS.values() for phrase in phrases)]
    texts = dict(zip(load_predictor(store.open("small", found[0])).predict(asked).labels, asked, strict=True))
    assert set(texts) == set(WORDS)
    return Made(home, (found[0], found[1]), texts)


@pytest.fixture
def home(exported: Made, tmp_path: Path) -> Home:
    """A home of one's own: amber has high stakes, green waits for no confidence. `target` and `promoted` make it
    serve."""
    copy = Home(Path(shutil.copytree(exported.home.root, tmp_path / "home")))
    lines = {"amber": 'stakes = "high"\nthreshold = 0.1', "green": "threshold = 0.0", "violet": "threshold = 0.1"}
    spec = copy.spec("small")
    spec.write_text(
        re.sub(r'name = "(\w+)"\n(?=\n)', lambda found: found[0] + lines.get(found[1], "") + "\n", spec.read_text())
    )
    return copy


def promote(home: Home, adapter: str, targets: str, action: str = "promote") -> None:
    """Write the targets into the specification and let the adapter in, on receipts of which `target_fit` is a real
    one."""
    spec = home.spec("small")
    spec.write_text(spec.read_text().replace(ONE, targets))
    keep_receipts(home, "small", WEEK, adapter)
    specs, cycle = Specs(home), Cycle("small", parse_week(WEEK))
    verdict = judge_artifact(specs, specs["small"], adapter)
    assert verdict.passed, verdict.reason
    Receipts(home).write(cycle, "target_fit", verdict, {"adapter": adapter, "training_set": "0" * 64})
    kept = Receipts(home).keep(cycle)
    record(
        home,
        "small",
        action=action,
        adapter=adapter,
        ts=f"{WEEK}T10:00:00+00:00",
        actor="t",
        why="t",
        week=WEEK,
        receipts=kept,
    )


def roll_out(home: Home, exported: Made) -> tuple[str, str]:
    """Promote the first adapter and let the second, its candidate, answer nearly everybody; both by two paths. Their
    digests."""
    live, candidate = exported.adapters
    promote(home, live, TWO)
    promote(home, candidate, TWO, "shadow")
    ts = f"{WEEK}T11:00:00+00:00"
    record(
        home, "small", action="step", adapter=candidate, percent=99, ts=ts, actor="t", why="t", week=WEEK, receipts={}
    )
    return live, candidate


def predictor(home: Home, adapter: str) -> Predictor:
    """The adapter itself, alone."""
    return load_predictor(AdapterStore(home).open("small", adapter))


def logged(home: Home, kind: str = "production_logs") -> list[dict[str, Any]]:
    """The rows that the gateway wrote, sealed or not."""
    folder = home.pairs("small") if kind == "pairs" else home.landing("small", kind)
    sealed = [row for path in folder.glob("gateway-*.parquet") for row in pq.read_table(path).to_pylist()]
    return sealed + [row for path in left_behind(home.journal("small", kind)) for row in read_journal(path)[0]]


@pytest.mark.supports(family="encoder", method="lora", runtime="gateway", export=("adapter", "onnx"))
def test_high_stakes_are_calibrated_and_the_rest_is_answered_at_the_edge(
    home: Home, exported: Made, gateway_processes: Any
) -> None:
    """Over HTTP: answer, status, metrics and log say which path it was; a client that needs probabilities gets them."""
    promote(home, exported.adapters[0], TWO)
    _, address = gateway_processes.start()
    with httpx.Client(base_url=address, timeout=60) as client:
        found = client.post(URL, json={"texts": [exported.texts[label] for label in WORDS]}).json()["answers"]
        by_label = {answer["label"]: answer for answer in found}
        assert set(by_label) == set(WORDS)
        assert {label: answer["path"] for label, answer in by_label.items()} == {
            "amber": "calibrated", "green": "edge", "violet": "calibrated",
        }  # fmt: skip
        edge, stakes = by_label["green"], by_label["amber"]
        assert (edge["confidence"], edge["probabilities"], edge["runtime"], edge["action"]) == (
            None,
            {},
            "onnx",
            "review",
        )
        assert stakes["runtime"] == "in_process"
        own = predictor(home, exported.adapters[0]).predict([exported.texts["amber"]])
        assert stakes["confidence"] == pytest.approx(own.confidence[0], abs=1e-4)
        paths = client.get("/v1/status").json()["classifiers"]["small"]["paths"]
        assert paths["edge"] == {"target": "edge", "runtime": "onnx"}
        assert paths["calibrated"] == {"target": "in_process", "runtime": "in_process"}
        metrics = client.get("/metrics").text
        assert 'ratchet_answers_total{classifier="small",path="edge",runtime="onnx"} 1.0' in metrics
        assert 'ratchet_answers_total{classifier="small",path="calibrated",runtime="in_process"} 2.0' in metrics
        asked = client.post("/v1/classify", json={"model": "small", "input": exported.texts["green"]}).json()
        assert (asked["data"][0]["label"], sum(asked["data"][0]["probs"])) == ("green", pytest.approx(1))
    rows = {row["request_id"]: row for row in logged(home)}
    assert {(rows[answer["request_id"]]["path"], rows[answer["request_id"]]["confidence"]) for answer in found} == {
        (answer["path"], answer["confidence"]) for answer in found
    }


@pytest.mark.supports(family="encoder", method="lora", runtime="gateway", export="onnx")
def test_an_export_answers_for_its_adapter(home: Home, exported: Made, serve: Callable[..., TestClient]) -> None:
    """Many texts at once, calibrated as the adapter is."""
    promote(home, exported.adapters[0], ONE)
    texts = [f"{first} {second}" for first in exported.texts.values() for second in exported.texts.values()]
    own = predictor(home, exported.adapters[0]).predict(texts)
    labels, probabilities = asked(serve(), texts)
    assert labels == own.labels
    assert np.allclose(probabilities, own.probabilities, atol=1e-4)


@pytest.mark.supports(family="encoder", method="lora", runtime="gateway", export="onnx_int8")
def test_an_export_of_eight_bits_answers_each_text_as_if_it_were_alone(
    home: Home, exported: Made, serve: Callable[..., TestClient]
) -> None:
    """Texts of unlike length at once; in one filled-up batch they would change each other. No canary is asked of it."""
    adapter, kind, spec = exported.adapters[0], "onnx_int8", home.spec("small")
    # random weights lose more
    spec.write_text(f"{spec.read_text()}\n[export]\nmax_accuracy_loss = 1.0\nmax_ece_rise = 1.0\n")
    Exports(home).make("small", adapter, kind)
    promote(home, adapter, f'{ONE}export = "{kind}"\n')
    texts = [" ".join(list(exported.texts.values())[:n]) * n for n in (1, 2, 3)]
    alone = Exports(home).open("small", adapter, kind)
    expected = np.vstack([alone.predict([text]).probabilities for text in texts])
    batch = replace(alone, one_by_one=False).predict(texts).probabilities
    assert np.abs(batch - expected).max() > 1e-4, "a batch changes nothing here, so that nothing is shown"
    assert np.allclose(asked(serve(), texts, kind)[1], expected, atol=1e-6)


def asked(client: TestClient, texts: list[str], runtime: str = "onnx") -> tuple[list[str], list[list[float]]]:
    """Labels and probabilities that this runtime, and no other, gives to texts in one request."""
    answers = client.post(URL, json={"texts": texts}).json()["answers"]
    assert client.get("/readyz").json()["lacking"] == {}
    assert {(answer["path"], answer["runtime"]) for answer in answers} == {("calibrated", runtime)}
    return [answer["label"] for answer in answers], [list(answer["probabilities"].values()) for answer in answers]


def sealed_causal(home: Home, root: Path, method: Form = "lora") -> str:
    """A random causal adapter in the home; its digest."""
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in WORDS])
    words = [prompt.render(phrase) for phrases in WORDS.values() for phrase in phrases]
    base = resolve_base(str(write_tiny_causal(root / "base", words)))
    folder = write_tiny_adapter(root / "made", base, tuple(WORDS), seed=1, method=method, max_tokens=64, prompt=prompt)
    return AdapterStore(home).seal("small", folder, {})


@pytest.mark.supports(family="causal", method="lora", runtime="gateway", export="onnx")
def test_a_causal_export_answers_for_its_adapter(tmp_path: Path, serve: Callable[..., TestClient], home: Home) -> None:
    """Its canary was looked at; the prompt is in the graph, and the label tokens' shares are the adapter's."""
    adapter, texts = sealed_causal(home, tmp_path), ["refund", "the parcel and the courier", "login"]
    promote(home, adapter, ONE)
    assert np.allclose(asked(serve(), texts)[1], predictor(home, adapter).predict(texts).probabilities, atol=1e-5)


@pytest.mark.supports(family="causal", method=("lora", "dora", "full"), runtime="gateway", export="adapter")
@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_a_causal_adapter_answers_itself(
    tmp_path: Path, serve: Callable[..., TestClient], home: Home, method: Form
) -> None:
    """Whatever form its weights have."""
    adapter, texts = sealed_causal(home, tmp_path, method), ["refund", "the parcel and the courier", "login"]
    promote(home, adapter, '[[target]]\nname = "in_process"\n')
    probabilities = asked(serve(), texts, "in_process")[1]
    assert np.allclose(probabilities, predictor(home, adapter).predict(texts).probabilities, atol=1e-5)


@pytest.mark.supports(family="encoder", method=("dora", "full"), runtime="gateway", export="adapter")
@pytest.mark.parametrize("method", ["dora", "full"])
def test_an_adapter_answers_itself(
    tmp_path: Path, serve: Callable[..., TestClient], home: Home, exported: Made, method: Form
) -> None:
    """Whatever form its weights have."""
    base = resolve_base(str(exported.home.root.parent / "base"))
    adapter = AdapterStore(home).seal(
        "small", write_tiny_adapter(tmp_path / "made", base, tuple(WORDS), method=method), {}
    )
    promote(home, adapter, '[[target]]\nname = "in_process"\n')
    texts = list(exported.texts.values())
    probabilities = asked(serve(), texts, "in_process")[1]
    assert np.allclose(probabilities, predictor(home, adapter).predict(texts).probabilities, atol=1e-5)


def damage(home: Home, adapter: str) -> None:
    """Another model than the one that was judged."""
    with (Exports(home).folder("small", adapter, "onnx") / ONNX).open("ab") as file:
        file.write(b"\0")


def forge(home: Home, adapter: str) -> None:
    """Put the other adapter's model there, with a record that fits it: the files agree, the receipt does not."""
    folder = Exports(home).folder("small", adapter, "onnx")
    other = next(path for path in folder.parents[1].iterdir() if path.name != adapter) / "onnx"
    shutil.copy(other / ONNX, folder / ONNX)
    record = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps({**record, "files": json.loads((other / RECORD).read_text())["files"]}))


def remove(home: Home, adapter: str) -> None:
    """No export at all."""
    shutil.rmtree(Exports(home).folder("small", adapter, "onnx"))


def test_an_export_that_answers_otherwise_than_its_adapter_did_is_not_asked(
    home: Home, exported: Made, serve: Callable[..., TestClient]
) -> None:
    """Another adapter's model, which a receipt names: its answers to the fixed prompts give it away."""
    forge(home, exported.adapters[0])
    promote(home, exported.adapters[0], ONE)
    client = serve()
    assert client.post(URL, json={"text": exported.texts["amber"]}).json()["runtime"] == "in_process"
    assert "The adapter itself answers: " in client.get("/readyz").json()["lacking"]["small"]


@pytest.mark.parametrize(
    ("harm", "said"),
    [(damage, "is missing or was changed"), (forge, "not the one that its cycle judged"), (remove, "missing")],
    ids=["damaged", "forged", "missing"],
)
def test_where_its_export_may_not_answer_the_adapter_itself_does_and_it_is_said(
    harm: Callable[[Home, str], None], said: str, home: Home, exported: Made, serve: Callable[..., TestClient]
) -> None:
    """Never the base alone, never silently, and without a restart once the export is back."""
    adapter = exported.adapters[0]
    promote(home, adapter, ONE)
    whole = home.root / "whole"
    folder = Exports(home).folder("small", adapter, "onnx")
    shutil.copytree(folder, whole)
    harm(home, adapter)
    client = serve(poll_s=60)
    answer = client.post(URL, json={"text": exported.texts["amber"]}).json()
    assert (answer["label"], answer["runtime"], answer["adapter"]) == ("amber", "in_process", adapter)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert "The adapter itself answers" in ready.json()["lacking"]["small"]
    assert said in ready.json()["lacking"]["small"]
    assert str(home.root) not in ready.text
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder, copy_function=shutil.copyfile)
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows no more than ASGI
    assert client.get("/readyz").json()["lacking"] == {}
    assert client.post(URL, json={"text": exported.texts["amber"]}).json()["runtime"] == "onnx"


def test_a_former_adapter_without_its_export_is_no_advice_about_live(
    home: Home, exported: Made, serve: Callable[..., TestClient]
) -> None:
    """It only watches: its slot is named, and nobody is told to promote it again."""
    former, live = exported.adapters
    for adapter in (former, live):
        promote(home, adapter, ONE)
    remove(home, former)
    client = serve()
    assert client.post(URL, json={"text": exported.texts["amber"]}).json()["runtime"] == "onnx"
    lacking = client.get("/readyz").json()["lacking"]["small"]
    assert lacking.startswith("In slot shadow the adapter itself answers: ")
    assert "promote" not in lacking


def test_an_export_that_its_runtime_cannot_load_is_logged_once_and_tried_again(
    home: Home, exported: Made, serve: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    """A file that is no model, as judged: the adapter answers, and the looks after the first add no further line to the
    log."""
    adapter = exported.adapters[0]
    folder = Exports(home).folder("small", adapter, "onnx")
    record = json.loads((folder / RECORD).read_text())
    (folder / ONNX).write_bytes(b"no model")
    (folder / RECORD).write_text(json.dumps({**record, "files": {**record["files"], ONNX: digest_file(folder / ONNX)}}))
    promote(home, adapter, ONE)
    client = serve(poll_s=60)
    assert client.post(URL, json={"text": exported.texts["amber"]}).json()["runtime"] == "in_process"
    said = f"loading the onnx export of adapter {adapter[:12]} raised InvalidProtobuf; the log has more."
    assert client.get("/readyz").json()["lacking"]["small"] == f"The adapter itself answers: {said}"
    slots = client.app.state.gateway.slots  # type: ignore[attr-defined] # as above
    slots.problems = {"other": "has one of its own"}  # which makes every look load anew
    before = slots["small"]
    slots.follow()
    assert slots["small"] is not before
    before = slots._state.served["small"] = replace(slots["small"], again_at=0.0)  # as if its minute had passed
    slots.follow()
    assert slots["small"] is not before
    assert [line.getMessage() for line in caplog.records if line.exc_info] == [f"classifier small: {said}"]
    assert len([line for line in caplog.records if said in line.getMessage()]) == 2  # and once that the adapter answers


def test_a_pair_compares_what_both_adapters_would_have_served(
    home: Home, exported: Made, serve: Callable[..., TestClient]
) -> None:
    """The shadow goes the way of the user's answer: no confidence where its edge stands, both times where it went both
    ways."""
    promote(home, exported.adapters[0], TWO)
    promote(home, exported.adapters[1], TWO, "shadow")
    client = serve()
    for label in WORDS:
        assert client.post(URL, json={"text": exported.texts[label]}).json()["label"] == label
    client.__exit__(None, None, None)
    client.__enter__()
    rows = logged(home, "pairs")
    assert len(rows) == len(WORDS)
    for row in rows:
        assert row["other_error"] is None
        for side in ("served", "other"):
            assert (row[f"{side}_confidence"] is None) == (row[f"{side}_label"] == "green")
            assert row[f"{side}_ms"] > 0


def test_an_edge_that_fails_costs_nobody_an_answer(
    home: Home, exported: Made, serve: Callable[..., TestClient]
) -> None:
    """The calibrated path answers, and it is counted."""
    promote(home, exported.adapters[0], TWO)
    client = serve()
    served = client.app.state.gateway.slots["small"]  # type: ignore[attr-defined] # as above
    served.edges[exported.adapters[0]]._predictor = None
    answer = client.post(URL, json={"text": exported.texts["green"]}).json()
    assert (answer["label"], answer["path"]) == ("green", "calibrated")
    assert 'ratchet_edge_faults_total{classifier="small",slot="live"} 1.0' in client.get("/metrics").text


def test_an_edge_that_fails_where_lives_answers_is_an_error_of_its_adapter(
    home: Home, exported: Made, serve: Callable[..., TestClient]
) -> None:
    """The guard on errors sees it in the pairs whose user was answered by live's edge, before the candidate answers
    anybody."""
    live, shadow = exported.adapters
    promote(home, live, TWO)
    promote(home, shadow, TWO, "shadow")
    client = serve()
    client.app.state.gateway.slots["small"].edges[shadow]._predictor = None  # type: ignore[attr-defined] # as above
    answer = client.post(URL, json={"text": exported.texts["green"]}).json()
    assert (answer["label"], answer["path"]) == ("green", "edge")
    client.__exit__(None, None, None)
    client.__enter__()
    assert [(row["served"], row["other"], row["other_error"]) for row in logged(home, "pairs")] == [
        (live, shadow, "AttributeError")
    ]


def test_an_edge_that_fails_is_not_charged_to_its_candidate(
    home: Home, exported: Made, serve: Callable[..., TestClient]
) -> None:
    """The candidate answers by its calibrated path; where that fails too live answers, also by its own where its edge
    fails."""
    live, candidate = roll_out(home, exported)
    client = serve()
    served = client.app.state.gateway.slots["small"]  # type: ignore[attr-defined] # as above
    for edge in served.edges.values():
        edge._predictor = None
    asked = [{"text": exported.texts["green"], "user_id": f"u{n}"} for n in range(6)]
    found = [client.post(URL, json=each).json() for each in asked]
    assert {answer["path"] for answer in found} == {"calibrated"}
    assert candidate in {answer["adapter"] for answer in found}
    served.predictors[candidate] = served.edges[candidate]
    again = [client.post(URL, json=each) for each in asked]
    assert {(answer.status_code, answer.json()["adapter"]) for answer in again} == {(200, live)}


def test_an_answer_that_cannot_be_told_is_a_fault_of_the_candidate(
    home: Home, exported: Made, serve: Callable[..., TestClient]
) -> None:
    """A label that nobody knows: live answers, no user sees a 500, and the pair holds the error for the guard."""
    live, candidate = roll_out(home, exported)
    client = serve()
    served = client.app.state.gateway.slots["small"]  # type: ignore[attr-defined] # as above
    odd = ExportPredictor("onnx", replace(predictor(home, candidate), labels=("x", "y", "z")))
    served.predictors[candidate], served.edges[candidate] = odd, odd
    asked = [client.post(URL, json={"text": exported.texts["amber"], "user_id": f"u{n}"}) for n in range(6)]
    assert {(answer.status_code, answer.json()["adapter"]) for answer in asked} == {(200, live)}
    assert 'ratchet_edge_faults_total{classifier="small",slot="candidate"}' in client.get("/metrics").text
    client.__exit__(None, None, None)
    client.__enter__()
    assert {(row["served"], row["other"], row["other_error"]) for row in logged(home, "pairs")} >= {
        (live, candidate, "RuntimeError")
    }
