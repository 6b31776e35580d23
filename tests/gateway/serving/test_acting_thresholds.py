"""An adapter acts from the threshold that was sealed with it, and never below that of the policy."""

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ratchet.config.action import ActionLimit
from ratchet.config.spec import Label, Spec
from ratchet.metrics.calibration import UNCALIBRATED
from ratchet.models.inference.predictor import load_predictor
from ratchet.rollout.sealed_policy import raise_thresholds
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.workflows.fit_acting import fit_acting, read_thresholds

TEXTS = ["money back please number 1", "where is the parcel number 2"]


@pytest.mark.parametrize(("sealed", "acts"), [(0.0, True), (1.0, False)])
def test_the_answers_action_follows_the_sealed_threshold(
    home: Home, made: tuple[Home, list[str]], enter: Callable[..., None], serve: Callable[..., TestClient],
    sealed: float, acts: bool,
) -> None:  # fmt: skip
    """The policy asks for nothing: the adapter's own threshold alone sends an answer to review."""
    path = home.spec("small")
    for label in ("amber", "green", "violet"):
        named = f'[[label]]\nname = "{label}"\n'
        path.write_text(path.read_text().replace(named, f'{named}action = "reply"\nthreshold = 0.0\n', 1))
    source = home.adapters("small") / made[1][1]
    digest = AdapterStore(home).seal("small", source, {"thresholds": {"amber": sealed, "green": sealed}})
    assert read_thresholds(home, "small", digest) == {"amber": sealed, "green": sealed}
    from orchestration.cli.app import main

    assert main(["--home", str(home.root), "policy", "small", "--why", "act"]) == 0
    enter(digest)
    found = serve().post("/v1/classifiers/small", json={"texts": TEXTS}).json()["answers"]
    assert [answer["action"] for answer in found] == ["reply" if acts else "review"] * 2


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [({}, [0.5, 0.9]), ({"a": 0.7, "b": 0.7}, [0.7, 0.9]), ({"a": 0.4}, [0.5, 0.9]), ({"x": 1.0}, [0.5, 0.9])],
)
def test_the_policys_threshold_is_a_floor(thresholds: dict[str, float], expected: list[float]) -> None:
    """Of policy and adapter the higher one counts, for labels of the policy."""
    spec = raise_thresholds(Spec("t", (Label("a"), Label("b", threshold=0.9))), thresholds)
    assert [label.threshold for label in spec.label] == expected


def test_a_new_adapter_is_fitted_on_what_it_answers(home: Home, made: tuple[Home, list[str]], tmp_path: Path) -> None:
    """On drawn texts of its week, by its own answers; what live was sealed with stays where they show nothing."""
    import pandas as pd

    predictor = load_predictor(AdapterStore(home).open("small", made[1][0]))
    texts = [f"{text[:-2]} {n}" for n in range(60) for text in TEXTS]
    labels = predictor.predict(texts).labels
    drawn = pd.DataFrame({"text": texts, "label": list(labels)})
    spec = Spec(
        "small", tuple(Label(name, action="reply", threshold=0.0) for name in predictor.labels),
        action=(ActionLimit("reply", 0.05),),
    )  # fmt: skip
    found, records = fit_acting(home, spec, predictor, UNCALIBRATED, drawn)
    assert set(found) == set(predictor.labels)
    assert (records[0]["acted"], records[0]["errors"]) == (120, 0)
    for few in (9, 0):  # none, where only labelled examples judge
        assert fit_acting(home, spec, predictor, UNCALIBRATED, drawn[:few])[0] == {}
    assert fit_acting(home, Spec("small", spec.label), predictor, UNCALIBRATED, drawn) == ({}, [])
