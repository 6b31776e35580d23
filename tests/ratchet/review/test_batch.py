"""Composition of batches and draws: shares hold, no reason starves, and the key decides."""

from ratchet.review.batch import compose_batch, shuffle
from ratchet.review.draw import AUDIT, DOUBLE, is_drawn


def test_half_of_a_batch_is_drawn_at_random_and_no_reason_starves() -> None:
    """A reason with ten thousand requests leaves room for one with three."""
    drawn = [f"r{n}" for n in range(100)]
    reasons = {"low_confidence": [f"l{n}" for n in range(10_000)], "user_feedback": ["u1", "u2", "u3"], "blocked": []}
    batch = compose_batch(drawn, reasons, 50, 0.5)
    assert len(batch) == len(set(batch)) == 50
    assert sum(one.startswith("r") for one in batch) == 25
    assert {"u1", "u2", "u3"} <= set(batch)


def test_what_is_missing_of_one_share_is_filled_from_the_other() -> None:
    """A batch is as full as the queue allows, and a request that waits for two reasons is in it once."""
    assert compose_batch([], {"a": ["1", "2"], "b": ["2", "3"]}, 50, 0.5) == ["1", "2", "3"]
    assert len(compose_batch([str(n) for n in range(80)], {}, 50, 0.2)) == 50
    assert compose_batch([], {}, 50, 0.5) == []


def test_the_order_of_a_batch_tells_nothing_and_stays() -> None:
    """The same batch has the same order, another one another."""
    ids = [str(n) for n in range(20)]
    assert shuffle("one", ids) == shuffle("one", ids[::-1]) != ids
    assert shuffle("two", ids) != shuffle("one", ids)


def test_draws_take_the_share_and_depend_on_key_and_purpose() -> None:
    """Of 20,000 requests 20 % are drawn, as far as chance lets them; another key or purpose draws others."""
    ids = [f"rq_{n}" for n in range(20_000)]
    drawn = {one for one in ids if is_drawn(b"key", AUDIT, one, 0.2)}
    assert 3800 < len(drawn) < 4200
    assert drawn < {one for one in ids if is_drawn(b"key", AUDIT, one, 0.3)}
    for other in ({one for one in ids if is_drawn(b"other", AUDIT, one, 0.2)},
                  {one for one in ids if is_drawn(b"key", DOUBLE, one, 0.2)}):  # fmt: skip
        assert 600 < len(drawn & other) < 1000
    assert not any(is_drawn(b"key", AUDIT, one, 0.0) for one in ids)
    assert all(is_drawn(b"key", AUDIT, one, 1.0) for one in ids)
