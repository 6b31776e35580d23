"""A label that live answers outlives classifier.toml: the gateway restarts with it, and its rows are taken."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from ratchet.core.errors import BlockedError
from ratchet.data.label_changes import LabelChange
from ratchet.data.label_rules import RENAME
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.workflows.doctor.classifiers import examine_classifiers
from ratchet.workflows.label_state import describe_labels
from ratchet.workflows.review.label_rows import count_labels
from ratchet.workflows.review.labels import change_labels
from ratchet.workflows.rollout.live_labels import need_labels_of_live

pytestmark = pytest.mark.slow


def test_a_label_that_was_renamed_goes_on_being_answered_corrected_and_taken(
    home: Home, serve: Callable[..., TestClient]
) -> None:
    """Through a restart; an annotator may also withdraw, and a candidate without the label is not nominated."""
    path = home.spec("small")
    path.write_text(path.read_text().replace('"amber"', '"refund"'))
    path = home.golden("small")
    path.write_text(path.read_text().replace('"amber"', '"refund"'))
    client = serve(durable=True)
    texts = [f"money back please number {n}" for n in range(4)]
    answers = client.post("/v1/classifiers/small", json={"texts": texts}).json()["answers"]
    assert "amber" in {answer["label"] for answer in answers}
    for answer, word in zip(answers, ({"label": "amber"}, {"answer": "none"}, {"answer": "withdrawn"}), strict=False):
        body = {"classifier": "small", "request_id": answer["request_id"], "saw_prediction": False, **word}
        assert client.post("/v1/corrections", json=body).status_code == 201
    client.__exit__(None, None, None)
    client.__enter__()
    taken = Landing(home, open_warehouse(home, "small")).take(Specs(home)["small"])
    assert {found.kind: (found.accepted, found.rejected) for found in taken} == {
        "production_logs": (4, 0), "corrections": (3, 0)
    }  # fmt: skip

    found = describe_labels(home, "small")
    assert (found.only_live, found.only_file) == (["amber"], ["refund"])
    shown = {each.what: each for each in examine_classifiers(home, {})}["labels of small"]
    assert (shown.state, shown.found) == ("fail", found.sentence)
    assert "live answers amber, which classifier.toml does not list" in found.sentence
    with pytest.raises(BlockedError, match="does not know amber, which live answers"):
        need_labels_of_live(home, "small", ("green", "refund", "violet"))

    assert correct(client, answers[3]["request_id"], "refund") == 422
    change_labels(home, "small", LabelChange(RENAME, ("amber",), ("refund",)), "the new word", "test")
    assert [correct(client, answers[3]["request_id"], label) for label in ("refund", "refnd")] == [201, 422]
    assert correct(client, answers[2]["request_id"], "amber") == 201  # which was withdrawn
    found = describe_labels(home, "small")
    assert (found.only_live, found.only_file, found.renamed) == ([], [], {"amber": ["refund"]})
    need_labels_of_live(home, "small", ("green", "refund", "violet"))
    assert client.post("/v1/classifiers/small", json={"texts": texts}).json()["answers"][0]["label"] == "amber"
    Landing(home, open_warehouse(home, "small")).take(Specs(home)["small"])
    assert set(count_labels(open_warehouse(home, "small"), "small")) == {"refund"}


def correct(client: TestClient, request_id: str, label: str) -> int:
    """Correct a request, and return the status."""
    body = {"classifier": "small", "request_id": request_id, "saw_prediction": False, "label": label}
    return client.post("/v1/corrections", json=body).status_code
