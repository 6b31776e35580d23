"""Rows of training data as other tools write them: chat messages, instruction and response, prompt and completion.

Both directions are here: an example as a row, and the example that a row holds. Add another tool's row beside its
reader. Files of such rows are written by `ratchet/storage/dataset_files.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.core.label_names import label_of

_ROLES = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant",
    "gpt": "assistant", "model": "assistant",
}  # fmt: skip
"""Role of a message by the name that a tool gives it; ShareGPT says human and gpt."""
_ANSWERS = ("response", "output", "completion", "answer")
_CONTEXTS = ("input", "context")


@dataclass(frozen=True)
class ReadExample:
    """Example that a row holds: its text and label, or the reason why it holds none."""

    text: str = ""
    label: str = ""
    reason: str = ""


def describe_task(labels: Sequence[str], description: str = "") -> str:
    """Return the instruction that stands beside each text: the task and its labels."""
    return f"{description or 'Classify the text.'} Answer with one label: {', '.join(labels)}."


def chat_row(text: str, label: str, task: str) -> dict[str, Any]:
    """Return an example as chat messages: the task, the text, the label."""
    return {
        "messages": [{"role": r, "content": c} for r, c in (("system", task), ("user", text), ("assistant", label))]
    }


def instruction_row(text: str, label: str, task: str) -> dict[str, Any]:
    """Return an example as instruction, input and response."""
    return {"instruction": task, "input": text, "response": label}


def completion_row(text: str, label: str, task: str) -> dict[str, Any]:
    """Return an example as prompt and completion; the space keeps the two apart where they are joined."""
    return {"prompt": text, "completion": f" {label}"}


def plain_row(text: str, label: str, task: str) -> dict[str, Any]:
    """Return an example as text and label."""
    return {"text": text, "label": label}


ROWS: dict[str, Callable[[str, str, str], dict[str, Any]]] = {
    "chat": chat_row, "instruction": instruction_row, "prompt-completion": completion_row, "jsonl": plain_row,
}  # fmt: skip
"""Row of each format that is written as JSON lines."""


def has_shape(row: Mapping[str, Any]) -> bool:
    """Return True for a row that is not text and label as they stand, but one of the shapes that are read here."""
    keys = {str(key).strip().casefold() for key in row}
    plain = {"text", "label"} <= keys
    return not plain and bool(keys & {"messages", "conversations", "prompt", "instruction"})


def read_example(row: Mapping[str, Any]) -> ReadExample:
    """Return the example in a row of any shape, with its text and label as they stand, spaces around them aside."""
    values = {str(key).strip().casefold(): value for key, value in row.items()}
    for key in ("messages", "conversations"):
        if key in values:
            return _of_messages(values[key], key)
    if "prompt" in values:
        return _of_prompt(values)
    if "instruction" in values:
        context = next((values[key] for key in _CONTEXTS if values.get(key) not in (None, "")), None)
        text = values["instruction"] if context is None else context
        return _checked(text, next((values[key] for key in _ANSWERS if key in values), None), "instruction")
    return _checked(values.get("text"), values.get("label"), "text")


def _of_prompt(values: Mapping[str, Any]) -> ReadExample:
    """Read prompt and completion, each a text or, of a chat, a list of messages."""
    prompt, answer = values["prompt"], next((values[key] for key in _ANSWERS if key in values), None)
    if isinstance(prompt, list) and isinstance(answer, list):
        return _of_messages([*prompt, *answer], "prompt and completion")
    if isinstance(prompt, list) and isinstance(answer, str):
        return _of_messages([*prompt, {"role": "assistant", "content": answer}], "prompt")
    return _checked(prompt, answer, "prompt")


def _of_messages(messages: Any, name: str) -> ReadExample:
    """Read one turn: system messages, one text of the user, one label of the assistant."""
    if not isinstance(messages, list) or not all(isinstance(each, Mapping) for each in messages):
        return ReadExample(reason=f"{name} is not a list of messages with role and content")
    turns: list[tuple[str, str]] = []
    for message in messages:
        named_role = message.get("role", message.get("from"))
        role = _ROLES.get(named_role.casefold()) if isinstance(named_role, str) else None
        if role is None:
            return ReadExample(reason="a message has a role that is not one of system, user, assistant")
        content = _content_of(message.get("content", message.get("value")))
        if content is None:
            return ReadExample(reason=f"the content of a message of the {role} is not text")
        if role != "system":
            turns.append((role, content))
    roles = [role for role, _ in turns]
    if roles == ["user", "assistant"]:
        return _checked(turns[0][1], turns[1][1], "message of the user")
    if "user" not in roles or "assistant" not in roles:
        return ReadExample(reason=f"{name} has no message of the {'assistant' if 'user' in roles else 'user'}")
    if roles[-1] != "assistant" or sorted(roles) == ["assistant", "user"]:
        return ReadExample(reason="the last message is not the assistant's, so it has no label")
    return ReadExample(reason="it has several turns: an example is one text and one label")


def _content_of(content: Any) -> str | None:
    """Return the text of a message: itself, or the texts of its parts where it has no other part."""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
        texts = [part for part in parts if isinstance(part, str)]
        return "\n".join(texts) if texts and len(texts) == len(parts) else None
    return content if isinstance(content, str) else None


def _checked(text: Any, label: Any, name: str) -> ReadExample:
    if text is None:
        return ReadExample(reason=f"{name} is missing")
    if not isinstance(text, str):
        return ReadExample(reason=f"{name} is not text")
    named = label_of(label.strip() if isinstance(label, str) else label)
    if label is None or label == "" or named is None:
        return ReadExample(
            reason="label is missing" if label in (None, "") or isinstance(label, str) else "label is not text"
        )
    return ReadExample(text.strip(), named)
