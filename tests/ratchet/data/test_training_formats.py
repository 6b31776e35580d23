"""Each shape of a row of training data is written and read, and a row without one text and one label says why."""

from typing import Any

import pytest

from ratchet.data.training_formats import ROWS, ReadExample, describe_task, has_shape, read_example

USER, ANSWER = {"role": "user", "content": "where is my parcel"}, {"role": "assistant", "content": "green"}
FOUND = ReadExample("where is my parcel", "green")

READ: dict[str, tuple[dict[str, Any], ReadExample]] = {
    "chat": ({"messages": [USER, ANSWER]}, FOUND),
    "chat, system": ({"messages": [{"role": "system", "content": "Classify."}, USER, ANSWER]}, FOUND),
    "chat, developer": ({"messages": [{"role": "developer", "content": "Classify."}, USER, ANSWER]}, FOUND),
    "chat, parts": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "where is my parcel"}]}, ANSWER]},
        FOUND,
    ),
    "sharegpt": (
        {"conversations": [{"from": "human", "value": "where is my parcel"}, {"from": "gpt", "value": "green"}]},
        FOUND,
    ),
    "prompt and completion": ({"prompt": "where is my parcel", "completion": " green"}, FOUND),
    "prompt and completion, chat": ({"prompt": [USER], "completion": [ANSWER]}, FOUND),
    "instruction alone": ({"instruction": "where is my parcel", "output": "green"}, FOUND),
    "instruction and input": (
        {"instruction": "Classify.", "input": "where is my parcel", "output": "green"},
        FOUND,
    ),
    "instruction and context": (
        {"instruction": "Classify.", "context": "where is my parcel", "response": "green"},
        FOUND,
    ),
    "plain": ({"Text": "where is my parcel", "LABEL": "green"}, FOUND),
    "a number as label": ({"prompt": "where is my parcel", "completion": 3}, ReadExample("where is my parcel", "3")),
    "no list": ({"messages": "hello"}, ReadExample(reason="messages is not a list of messages with role and content")),
    "a tool": (
        {"messages": [USER, {"role": "tool", "content": "x"}, ANSWER]},
        ReadExample(reason="a message has a role that is not one of system, user, assistant"),
    ),
    "no role": (
        {"messages": [{"content": "x"}, ANSWER]},
        ReadExample(reason="a message has a role that is not one of system, user, assistant"),
    ),
    "no user": ({"messages": [ANSWER]}, ReadExample(reason="messages has no message of the user")),
    "no assistant": ({"messages": [USER]}, ReadExample(reason="messages has no message of the assistant")),
    "reversed": (
        {"messages": [ANSWER, USER]},
        ReadExample(reason="the last message is not the assistant's, so it has no label"),
    ),
    "several turns": (
        {"messages": [USER, ANSWER, USER, ANSWER]},
        ReadExample(reason="it has several turns: an example is one text and one label"),
    ),
    "an image": (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, ANSWER]},
        ReadExample(reason="the content of a message of the user is not text"),
    ),
    "no completion": ({"prompt": "where is my parcel"}, ReadExample(reason="label is missing")),
    "an empty label": ({"prompt": "where is my parcel", "completion": "  "}, ReadExample(reason="label is missing")),
    "a label of two": (
        {"prompt": "where is my parcel", "completion": {"a": 1}},
        ReadExample(reason="label is not text"),
    ),
    "no text": ({"text": None, "label": "green"}, ReadExample(reason="text is missing")),
}


@pytest.mark.parametrize("name", READ)
def test_a_row_is_its_example_or_says_why_it_is_none(name: str) -> None:
    """Roles, turns, parts and values that are missing are each named."""
    row, expected = READ[name]
    assert read_example(row) == expected


@pytest.mark.parametrize("name", ROWS)
def test_what_is_written_in_a_shape_is_read_back(name: str) -> None:
    """The row holds the text and the label as they were, beside the task."""
    row = ROWS[name]("where is my parcel", "green", describe_task(["amber", "green"]))
    assert read_example(row) == FOUND
    assert has_shape(row) == (name != "jsonl")
