"""A request id proves that this home gave it, for which classifier and to which key; nothing else passes."""

import random
from collections.abc import Callable
from types import ModuleType

import pytest

import gateway.request_ids
from gateway.request_ids import RequestIds

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def foreign_keys_accepted(ids: RequestIds, tries: int) -> int:
    """How many of `tries` ids, each given to one key, another key can use."""
    return sum(ids.judge(ids.make("small", f"tenant_{n}"), "small", "other").own for n in range(tries))


def other_classifiers_accepted(ids: RequestIds, tries: int) -> int:
    """How many ids of one classifier pass for another."""
    return sum(ids.judge(ids.make("small", "web"), f"small{n}", "web").genuine for n in range(tries))


def changed_ids_accepted(ids: RequestIds, tries: int) -> int:
    """How many ids in which one letter was changed, or that were invented, pass."""
    draw, accepted = random.Random(7), 0  # noqa: S311 - test data, guards nothing
    for n in range(tries):
        letters = list(ids.make("small", "web"))
        place = 3 + n % 52
        letters[place] = draw.choice(LETTERS.replace(letters[place], ""))
        invented = "rq_" + "".join(draw.choice(LETTERS) for _ in range(52))
        changed = ids.judge("".join(letters), "small", "web")
        accepted += changed.own or ids.judge(invented, "small", "web").genuine
    return accepted


def test_an_id_is_the_askers_own() -> None:
    """It has the form of ours, is genuine, and is own to the key that asked; no two are alike."""
    ids = RequestIds(b"s" * 32)
    given = {ids.make("small", "web") for _ in range(1000)}
    assert len(given) == 1000
    for request_id in given:
        assert len(request_id) == 55
        proof = ids.judge(request_id, "small", "web")
        assert (proof.ours, proof.genuine, proof.own) == (True, True, True)


def test_ten_thousand_tries_with_ids_of_others_fail() -> None:
    """T15, T02: another key's, another classifier's, changed and invented ids, 10,000 of each: none passes."""
    ids = RequestIds(b"s" * 32)
    assert foreign_keys_accepted(ids, 10_000) == 0
    assert other_classifiers_accepted(ids, 10_000) == 0
    assert changed_ids_accepted(ids, 10_000) == 0


def test_another_keys_id_is_still_an_answer_of_the_classifier() -> None:
    """An annotator may correct what any key asked; a secret of another home proves nothing here."""
    ids, request_id = RequestIds(b"s" * 32), RequestIds(b"s" * 32).make("small", "web")
    assert ids.judge(request_id, "small", "").genuine
    assert not ids.judge(request_id, "small", "").own
    assert not RequestIds(b"t" * 32).judge(request_id, "small", "web").genuine


@pytest.mark.parametrize(
    "request_id",
    ["", "r1", "rq_", "rq_" + "A" * 51, "rq_" + "A" * 53, "rq_" + "é" * 52, "RQ_" + "A" * 52, "rq_" + "A" * 52 + "\n"],
)
def test_other_forms_are_foreign(request_id: str) -> None:
    """They may be logs that came from elsewhere; they are nobody's answer here."""
    proof = RequestIds(b"s" * 32).judge(request_id, "small", "web")
    assert (proof.ours, proof.genuine, proof.own) == (False, False, False)


@pytest.mark.parametrize(
    ("old", "new", "breaks"),
    [
        (
            'self._code("asker", classifier, drawn, asker)) & genuine',
            'self._code("asker", classifier, drawn, asker)) | genuine',
            foreign_keys_accepted,
        ),
        (
            'genuine = hmac.compare_digest(answer, self._code("answer", classifier, drawn))',
            "genuine = hmac.compare_digest(answer, answer)",
            changed_ids_accepted,
        ),
        ('"\\0".join(parts).encode()', '"\\0".join(parts[:1] + parts[2:]).encode()', other_classifiers_accepted),
    ],
)
def test_a_weaker_id_is_caught(
    plant: Callable[..., ModuleType], old: str, new: str, breaks: Callable[..., int]
) -> None:
    """Mutants: the asker is not compared, the code is not compared, the classifier is not under the code."""
    mutant = plant(gateway.request_ids, old, new)
    assert breaks(mutant.RequestIds(b"s" * 32), 100) > 0
