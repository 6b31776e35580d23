"""What hostile clients send: names that would be paths, poison rows, bombs, and words that would be log lines."""

import io
import json
import logging
import logging.config
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

import gateway.routes.feedback
from gateway.observability.json_logs import log_lines
from gateway.row_log import REQUESTS, RowLog
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import left_behind, read_journal

Serve = Callable[..., TestClient]
Put = Callable[..., list[Any]]
Walk = Callable[[TestClient], list[tuple[str, str]]]
URL = "/v1/classifiers/small"
OPENED: list[str] = []
_WATCHING: list[bool] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _WATCHING and event in {
        "open",
        "os.listdir",
        "os.scandir",
        "os.mkdir",
        "os.rename",
        "os.remove",
        "os.symlink",
        "os.link",
    }:
        OPENED.extend(str(each) for each in arguments[:1])


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Every path that this process touches during the test, as Python's own audit hook hears it."""
    if not OPENED:
        sys.addaudithook(_hear)  # it stays for the rest of the process, and is deaf outside this fixture
    OPENED.clear()
    OPENED.append("heard")
    _WATCHING.append(True)
    yield OPENED
    _WATCHING.clear()


def draw_names(count: int = 500) -> list[str]:
    """Names that would leave a folder, if any name were a path; always the same ones."""
    draw = random.Random(13)  # noqa: S311 - test data, guards nothing
    ups = [
        "../",
        "..\\",
        "%2e%2e/",
        "%2e%2e%2f",
        "..%2f",
        "..%252f",
        "%252e%252e%252f",
        "..%c0%af",
        "..%ef%bc%8f",
        "....//",
        "..;/",
        "\uff0e\uff0e/",
    ]
    ends = [
        "etc/passwd",
        "small/ledger.jsonl",
        "keys.json",
        "request_ids.secret",
        "flags.json",
        "proc/self/environ",
        "small",
        "",
    ]
    names = [
        "", ".", "..", "/", "//", "~", "~root", "#", "?", "%", "%00", "small%00", "small%00.json", "CON", "NUL",
        "COM1", "aux.txt", "small/",
        "small/.", "./small", "SMALL", "small ", " small", "small.", "\u0455mall", "sm\u0430ll", "small\u202e",
        "small\u200b", "x" * 300, "x" * 60000,
        "-rf", "--help", "$(id)", "`id`", "${HOME}", "{{7*7}}", "%s%s%n", "{0.__class__}", "a\nb",
        "a\r\nSet-Cookie: x", "%0d%0aX: y",
        "file:///etc/passwd", "http://127.0.0.1/", "\\\\host\\share", "C:\\Windows\\win.ini", "small;drop",
        "small' or 1=1--", "*", "small*",
    ]  # fmt: skip
    while len(names) < count:
        start = draw.choice(["", "small/", "/", "./", "small%2f", "\\"])
        names.append(
            start
            + draw.choice(ups) * draw.randrange(1, 9)
            + draw.choice(ends)
            + draw.choice(["", "%00", "#", "?x", ".jsonl"])
        )
    return names[:count]


def raw(name: str) -> bytes:
    """A name as bytes of a request line: as it is, but for what cannot stand there."""
    return "".join(
        c if c.isascii() and c.isprintable() and c != " " else "".join(f"%{b:02x}" for b in c.encode()) for c in name
    ).encode()


def test_five_hundred_names_open_nothing_outside(
    serve: Serve, home: Home, put: Put, walk: Walk, opened: list[str]
) -> None:
    """T13: in every path with a name, and in every field of every body: no answer, no 5xx, no file outside the home."""
    client, names = serve(), draw_names()
    before = sorted(path.name for path in home.root.iterdir())
    assert len(set(names)) > 350
    client.post(URL, json={"text": "warm up"})
    opened.clear()
    named = [(method, path) for path, method in walk(client) if "{name}" in path]
    assert named
    requests = [
        (method, path.encode().replace(b"{name}", raw(name)), b'{"text": "a"}', [])
        for method, path in named
        for name in names
    ]
    bodies: list[tuple[str, dict[str, Any]]] = []
    for name in names:
        bodies += [
            ("/v1/classify", {"model": name or "/", "input": "a"}),  # an empty one means the default
            ("/v1/feedback", {"classifier": name, "request_id": "r1", "verdict": "wrong"}),
            ("/v1/feedback", {"classifier": "small", "request_id": name, "verdict": "wrong"}),
            (
                "/v1/corrections",
                {"classifier": name, "request_id": "r", "label": "green", "saw_prediction": True},
            ),
            (
                "/v1/corrections",
                {"classifier": "small", "request_id": "r", "label": name, "saw_prediction": True},
            ),
        ]
    requests += [("POST", path.encode(), json.dumps(body).encode(), []) for path, body in bodies]
    replies = put(client, requests)
    assert {reply.status for reply in replies} <= {404, 405, 413, 422}
    _WATCHING.clear()
    code = str(Path(gateway.routes.feedback.__file__).parents[2])  # FastAPI reads our own sources, once
    expected = (str(home.root), code, sys.prefix, sys.base_prefix)
    assert [path for path in opened if path.startswith("/") and not path.startswith(expected)] == []
    assert sorted(path.name for path in home.root.iterdir()) == before


def test_a_name_that_becomes_a_path_is_caught(
    serve: Serve, home: Home, put: Put, opened: list[str], plant: Callable[..., ModuleType]
) -> None:
    """Mutant: the specification is looked for by the client's name, before anyone asks whether it serves."""
    client = serve()
    lax = plant(
        gateway.routes.feedback,
        "    if classifier not in gateway.slots:\n",
        '    (gateway.slots.home.root / classifier / "classifier.toml").is_file() and open(gateway.slots.home.root /'
        " classifier)\n    if classifier not in gateway.slots:\n",
    )
    client.app.include_router(lax.router, prefix="/lax")  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    outside = home.root.parent / "outside"
    outside.mkdir()
    (outside / "classifier.toml").touch()
    body = json.dumps({"classifier": "../outside", "request_id": "r1", "verdict": "wrong"}).encode()
    put(client, [("POST", b"/lax/v1/feedback", body, [])])
    assert any("outside" in path for path in opened)


POISON: list[tuple[str, bytes, set[int]]] = [
    ("lone surrogate", b'{"text": "\\ud800"}', {422}),
    ("NUL", b'{"text": "a\\u0000b"}', {422}),
    ("raw NUL", b'{"text": "a\x00b"}', {422}),
    ("NaN", b'{"text": NaN}', {422}),
    ("infinity", b'{"text": 1e999}', {422}),
    ("number of 5,000 digits", b'{"text": ' + b"9" * 5000 + b"}", {422}),
    ("array 30,000 deep", b"[" * 30_000 + b"]" * 30_000, {422}),
    ("objects 10,000 deep", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, {422}),
    ("100,000 deep", b"[" * 100_000, {422}),
    ("300,000 deep", b"[" * 300_000, {413}),
    ("50 MB", b'{"text": "' + b"a" * 50_000_000 + b'"}', {413}),
    ("a key twice", b'{"text": "a", "text": "b"}', {422}),
    ("a key twice, below", b'{"text": "a", "user_id": {"x": 1, "x": 2}}', {422}),
    ("UTF-16", '{"text": "a"}'.encode("utf-16"), {422}),
    ("UTF-32", '{"text": "a"}'.encode("utf-32"), {422}),
    ("byte order mark", b'\xef\xbb\xbf{"text": "a"}', {422}),
    ("overlong UTF-8", b'{"text": "\xc0\xae"}', {422}),
    ("only U+2028", '{"text": "\u2028"}'.encode(), {422}),
    ("a million keys", json.dumps({str(n): 0 for n in range(1_000_000)}).encode(), {413}),
    ("5,000 keys", json.dumps({str(n): 0 for n in range(5000)}).encode(), {422}),
    ("compressed", b"\x1f\x8b\x08\x00" + b"\x00" * 100, {422}),
    ("form", b"text=a", {422}),
    ("multipart", b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\na\r\n--x--', {422}),
]


def test_poison_is_refused_and_its_neighbours_land(serve: Serve, home: Home, put: Put) -> None:
    """F06: each poisoned body between two good ones: 413 or 422 without an echo, and every good row is on disk."""
    client = serve(durable=True)
    good = [
        json.dumps({"text": f"good neighbour {n} with U+2028 \u2028 and é"}).encode() for n in range(len(POISON) + 1)
    ]
    for (what, body, statuses), before in zip(POISON, good[:-1], strict=True):
        kept, refused = put(client, [("POST", URL.encode(), before, []), ("POST", URL.encode(), body, [])])
        assert (kept.status, refused.status in statuses) == (200, True), what
        assert len(refused.content) < 500, what
        assert b"aaaa" not in refused.content, what
    assert put(client, [("POST", URL.encode(), good[-1], [])])[0].status == 200
    client.__exit__(None, None, None)
    client.__enter__()
    folder = RowLog(home).target("small", REQUESTS)
    rows = [text for path in folder.glob("gateway-*.parquet") for text in pq.read_table(path)["text"].to_pylist()]
    assert sorted(rows) == sorted(json.loads(body)["text"] for body in good)


def test_one_poisoned_text_refuses_its_batch_only(serve: Serve, home: Home) -> None:
    """A batch is taken whole or not at all, and what came before it stays."""
    client = serve(durable=True)
    assert client.post(URL, json={"texts": ["one", "two"]}).status_code == 200
    assert client.post(URL, json={"texts": ["three", "\x00"]}).status_code == 422
    rows = [row for path in left_behind(home.journal("small", REQUESTS)) for row in read_journal(path)[0]]
    assert [row["text"] for row in rows] == ["one", "two"]


INJECTIONS = [
    start + middle + end
    for start in ("", "ok", "=cmd|' /C calc'!A0 ", "%s %n ", "{0.__class__} ")
    for middle in ("\n", "\r\n", "\u2028", "\x1b[2J\x1b[31m", "\x85")
    for end in ('{"level": "error", "message": "forged"}', "WARNING:root:forged")
]


def logged(words: list[str], configuration: dict[str, Any]) -> list[str]:
    """The lines of the log after each word was a message, a value, and the text of a fault."""
    stream = io.StringIO()
    logging.config.dictConfig(configuration)
    handler = logging.getLogger().handlers[-1]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    for word in words:
        logging.getLogger("ratchet.gateway").warning("the client said %s", word)
    try:
        raise ValueError(words[0])
    except ValueError:
        logging.getLogger("ratchet.gateway").exception("a fault")
    return stream.getvalue().split("\n")[:-1]


def test_fifty_injections_are_one_line_each(kept_logging: None) -> None:
    """T10: no message begins a line of its own, no control character reaches the terminal, no fault quotes what was
    sent."""
    assert len(INJECTIONS) == 50
    lines = logged(INJECTIONS, log_lines())
    assert len(lines) == 51
    assert [json.loads(line)["message"] for line in lines[:50]] == [f"the client said {word}" for word in INJECTIONS]
    assert all(line.isascii() and line.isprintable() for line in lines)
    fault = json.loads(lines[50])
    assert fault["fault"]["kind"] == "ValueError"
    assert "forged" not in lines[50]


def test_a_plain_log_is_caught(kept_logging: None) -> None:
    """Mutant: the usual formatter writes what it is given."""
    plain = {**log_lines(), "formatters": {"lines": {"format": "%(message)s"}}}
    assert len(logged(INJECTIONS, plain)) > 51


def test_a_clients_words_never_reach_the_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """T10, T23: whatever field an injection comes in, the log says nothing of it; a fault of ours is told without its
    words."""
    client = serve()
    private = "my card number is 4111"
    for word in [*INJECTIONS, private]:
        client.post(f"/v1/classifiers/{raw(word).decode()}", json={"text": word})
        client.post(URL, json={"text": word, "user_id": word})
        client.post("/v1/feedback", json={"classifier": word, "request_id": word, "verdict": word, "source": word})
        client.get("/v1/status", headers={"Authorization": "Bearer " + raw(word).decode()})

    @client.app.post("/broken")  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    def broken() -> None:
        raise ValueError(private)

    assert client.post("/broken").json()["error"]["code"] == "fault"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("ratchet")]
    assert ours == [message for message in ours if "forged" not in message and "4111" not in message]
    assert any("ValueError in broken" in message for message in ours)


def test_requests_of_other_kinds_are_refused_in_the_same_form(serve: Serve) -> None:
    """No such route, no such method: 404 and 405 in the form of every refusal, with what is allowed."""
    client = serve()
    assert client.get("/none").json()["error"]["code"] == "http"
    found = client.put(URL, json={"text": "a"})
    assert (found.status_code, found.headers["Allow"], found.json()["error"]["code"]) == (405, "POST", "http")


def test_odd_headers_change_nothing(serve: Serve, put: Put) -> None:
    """T14: ranges, lengths that lie, encodings, hosts and keys of any length: the same answer or a refusal, never a
    fault."""
    client, body = serve(), b'{"text": "a"}'
    odd = [
        (b"range", b"bytes=0-" + b",0-" * 5000), (b"content-length", b"-1"), (b"content-length", b"9" * 100),
        (b"content-type", b"\xff" * 5000),
        (b"content-encoding", b"gzip, br, zstd"), (b"transfer-encoding", b"chunked"), (b"host", b"evil\r\n"),
        (b"expect", b"200-maybe"),
        (b"authorization", b"Bearer " + b"x" * 60000), (b"authorization", b"\xff\xfe"), (b"authorization", b""),
        (b"cookie", b"a=b;" * 10000),
        (b"x-forwarded-for", b"127.0.0.1," * 5000),
        (b"content-type", b"multipart/form-data; boundary=" + b"x" * 5000), (b"accept", b"*/*" * 9999),
    ]  # fmt: skip
    replies = put(client, [("POST", URL.encode(), body, [header] * times) for header in odd for times in (1, 50)])
    refused = {b"content-type": 415, b"host": 403, b"x-forwarded-for": 403}  # an open home has no proxy before it
    expected = [413 if value == b"9" * 100 else refused.get(name, 200) for name, value in odd for _ in (1, 50)]
    assert [reply.status for reply in replies] == expected


def test_the_form_of_a_refusal_is_the_same_in_the_document(serve: Serve) -> None:
    """OpenAPI says of each refusal the form that it has."""
    found = serve().get("/openapi.json").json()
    described = found["paths"]["/v1/feedback"]["post"]["responses"]
    for status in ("401", "403", "404", "409", "413", "415", "422", "429", "500", "503", "507"):
        assert described[status]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Refused"}
    tei = found["paths"]["/predict"]["post"]["responses"]["422"]["content"]["application/json"]["schema"]
    assert tei == {"$ref": "#/components/schemas/ErrorResponse"}
