"""The local Hub over HTTP: what `huggingface_hub` asks, answered from repositories in memory. For tests and for a dry run.

    with LocalHub() as hub:
        sha = hub.push("org/name", {"config.json": b"{}"}).oid
        subprocess.run(..., env={**os.environ, **hub.environment})

Add here a route that the client calls; what a repository holds is `repository.py`, what may fail `faults.py`.
"""

import base64
import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from ratchet.local_hub.faults import Fault, FaultPlan
from ratchet.local_hub.repository import BRANCH, Commit, RefusedError, Repository, git_oid

TOKEN = "hf_" + "LocalHubToken0123456789abcdefghij"
"""What the local Hub lets in; the same for everyone, as nothing here is worth keeping."""
_REPO = r"(?P<repo>[\w.-]+(?:/[\w.-]+)?)"
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


class LocalHub:
    """A Hub at `endpoint`, from `with` on. Its repositories, the requests it met and its faults are open to the test."""

    def __init__(self, *, token: str = TOKEN, large_files: bool = False) -> None:
        self.token, self.large_files = token, large_files
        self.repositories: dict[str, Repository] = {}
        self.requests: list[tuple[str, str]] = []
        """Method and path of each request, in the order in which they came."""
        self.faults = FaultPlan()
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self.connections: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def endpoint(self) -> str:
        """The address, for `HF_ENDPOINT`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to take this for the Hub; `huggingface_hub` reads it when it is imported."""
        return {"HF_ENDPOINT": self.endpoint, "HF_TOKEN": self.token, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}

    def push(self, name: str, files: Mapping[str, bytes] | Path, *, private: bool = False, title: str = "pushed") -> Commit:
        """Commit files (a mapping, or a folder) as somebody else would, past HTTP; makes the repository where there is none."""
        if isinstance(files, Path):
            files = {path.relative_to(files).as_posix(): path.read_bytes() for path in files.rglob("*") if path.is_file()}
        with self.lock:
            repository = self.repositories.setdefault(name, Repository(name, private))
            return repository.commit(files, title=title)

    def fail(self, *faults: Fault) -> None:
        """Plant faults, to be met in this order."""
        with self.lock:
            self.faults.waiting.extend(faults)

    def __enter__(self) -> "LocalHub":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closing.set()
        self._server.shutdown()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended by itself
                continue
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    hub: LocalHub

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are gone are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.hub.connections.add(self.connection)

    def finish(self) -> None:
        self.server.hub.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Nothing is printed; `LocalHub.requests` keeps them."""

    def do_GET(self) -> None:
        """Also answers HEAD, POST and PUT."""
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        hub.requests.append((self.command, path))
        for method, pattern, operation, answer in _ROUTES:
            if self.command in method.split("|") and (found := re.fullmatch(pattern.replace("{repo}", _REPO), path)):
                return self._meet(operation, answer, found.groupdict())
        self._body()
        return self._send(404, {"error": "Not found"})

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - the library's names

    def _meet(self, operation: str, answer: "Callable[[LocalHub, _Asked], _Answer]", place: dict[str, str]) -> None:
        hub = self.server.hub
        with hub.lock:
            fault = hub.faults.next(operation)
        kind = fault.kind if fault else ""
        if fault and kind == "cut":
            self.rfile.read(int(self.headers.get("Content-Length", 0)) // 2)
            return self._end()
        body = self._body()
        if fault and kind == "refuse":
            return self._send(fault.status, {"error": "planted"}, fault.headers)
        try:
            with hub.lock:
                if kind == "overtake":
                    hub.repositories[place["repo"]].commit({"OVERTAKEN.md": b"another's\n"}, title="another's")
                status, content, headers = answer(hub, _Asked(self.command, place, body, self.headers, halve=kind == "halve"))
        except RefusedError as refused:
            said = {"X-Error-Message": refused.message, **({"X-Error-Code": refused.code} if refused.code else {})}
            return self._send(refused.status, {"error": refused.message}, said)
        if kind == "hang":
            hub.closing.wait()
        if kind in {"hang", "drop"}:
            return self._end()
        if fault and (kind == "lose" or (kind == "halve" and operation == "commit")):
            return self._send(fault.status, {"error": "planted"}, fault.headers)
        return self._send(status, content, headers, halve=kind == "halve")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _end(self) -> None:
        self.close_connection = True

    def _send(self, status: int, content: Any, headers: Mapping[str, str] | None = None, *, halve: bool = False) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if halve else data)
        if halve:
            self._end()


class _Asked:
    """One request: where, with what, by whom."""

    def __init__(self, method: str, place: Mapping[str, str], body: bytes, headers: Message, *, halve: bool) -> None:
        self.method, self.place, self.body, self.headers, self.halve = method, place, body, headers, halve
        self.token = headers.get("Authorization", "").removeprefix("Bearer ")

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def repository(self, hub: LocalHub) -> Repository:
        """The repository that is asked for; one that is private looks as if there were none to whoever has no token."""
        if self.token and self.token != hub.token:
            raise RefusedError(401, "Invalid credentials in Authorization header")
        found = hub.repositories.get(self.place["repo"])
        if found is None or (found.private and not self.token):
            raise RefusedError(404 if self.token else 401, "Repository not found", "RepoNotFound")
        return found

    def need_token(self, hub: LocalHub) -> None:
        """Nothing is written without the token."""
        if self.token != hub.token:
            raise RefusedError(401, "Invalid username or password.")


_Answer = tuple[int, Any, dict[str, str]]


def _create(hub: LocalHub, asked: _Asked) -> _Answer:
    asked.need_token(hub)
    name = f"{asked.json.get('organization') or 'me'}/{asked.json['name']}"
    said = {"url": f"{hub.endpoint}/{name}", "name": name, "id": name}
    if name in hub.repositories:
        return 409, {**said, "error": "You already created this model repo"}, {}
    private = asked.json.get("visibility") == "private" or bool(asked.json.get("private"))
    hub.repositories[name] = Repository(name, private)
    return 200, said, {}


def _info(hub: LocalHub, asked: _Asked) -> _Answer:
    repository = asked.repository(hub)
    commit = repository.at(asked.place.get("rev") or BRANCH)
    siblings = [{"rfilename": path} for path in sorted(commit.files)]
    said = {"id": repository.name, "modelId": repository.name, "sha": commit.oid, "private": repository.private}
    return 200, {**said, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0}, {}


def _tree(hub: LocalHub, asked: _Asked) -> _Answer:
    repository = asked.repository(hub)
    found = []
    for path, sha in sorted(repository.at(asked.place["rev"]).files.items()):
        content = repository.blobs[sha]
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": git_oid(content)}
        if hub.large_files and path.endswith(".safetensors"):
            entry["lfs"] = {"oid": sha, "size": len(content), "pointerSize": 130}
        found.append(entry)
    return 200, found, {}


def _refs(hub: LocalHub, asked: _Asked) -> _Answer:
    repository = asked.repository(hub)
    tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid} for name, oid in repository.tags.items()]
    branch = {"name": BRANCH, "ref": f"refs/heads/{BRANCH}", "targetCommit": repository.head.oid}
    return 200, {"branches": [branch], "tags": tags, "converts": []}, {}


def _commits(hub: LocalHub, asked: _Asked) -> _Answer:
    repository = asked.repository(hub)
    newest = repository.at(asked.place["rev"]).number
    said = {"message": "", "authors": [{"user": "someone"}], "date": "2026-01-01T00:00:00.000Z"}
    return 200, [{"id": each.oid, "title": each.title, **said} for each in reversed(repository.commits[: newest + 1])], {}


def _preupload(hub: LocalHub, asked: _Asked) -> _Answer:
    asked.need_token(hub)
    files = asked.repository(hub).at(asked.place["rev"]).files
    blobs = asked.repository(hub).blobs
    found = []
    for each in asked.json["files"]:
        large = hub.large_files and each["path"].endswith(".safetensors")
        sha = files.get(each["path"])
        known = {"oid": sha if large else git_oid(blobs[sha])} if sha else {}
        found.append({"path": each["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, **known})
    return 200, {"files": found}, {}


def _large(hub: LocalHub, asked: _Asked) -> _Answer:
    asked.need_token(hub)
    blobs = asked.repository(hub).blobs
    found = []
    for each in asked.json["objects"]:
        href = f"{hub.endpoint}/large/{asked.place['repo']}/{each['oid']}"
        wanted = {} if each["oid"] in blobs else {"actions": {"upload": {"href": href, "header": {}}}}
        found.append({"oid": each["oid"], "size": each["size"], **wanted})
    return 200, {"transfer": "basic", "objects": found}, {}


def _put_large(hub: LocalHub, asked: _Asked) -> _Answer:
    if hub.repositories[asked.place["repo"]].keep(asked.body) != asked.place["oid"]:
        raise RefusedError(400, "the content is not what its name says")
    return 200, {}, {}


def _commit(hub: LocalHub, asked: _Asked) -> _Answer:
    asked.need_token(hub)
    repository, added, deleted = asked.repository(hub), {}, []
    lines = [json.loads(line) for line in asked.body.splitlines()]
    header = lines.pop(0)["value"]
    for line in lines[: (len(lines) + 1) // 2] if asked.halve else lines:
        value: dict[str, Any] = line["value"]
        match line["key"]:
            case "file":
                added[value["path"]] = base64.b64decode(value["content"])
            case "lfsFile":
                added[value["path"]] = value["oid"]
            case _:
                deleted.append(value["path"])
    commit = repository.commit(added, title=header["summary"], deleted=tuple(deleted), parent=header.get("parentCommit"))
    url = f"{hub.endpoint}/{repository.name}/commit/{commit.oid}"
    return 200, {"success": True, "commitOid": commit.oid, "commitUrl": url, "hookOutput": ""}, {}


def _tag(hub: LocalHub, asked: _Asked) -> _Answer:
    asked.need_token(hub)
    asked.repository(hub).tag(asked.json["tag"], asked.place["rev"])
    return 200, {}, {}


def _resolve(hub: LocalHub, asked: _Asked) -> _Answer:
    repository, path = asked.repository(hub), asked.place["path"]
    commit = repository.at(asked.place["rev"])
    try:
        content = repository.read(commit.oid, path)
    except RefusedError as refused:
        refused.message += f" at {commit.oid}"
        raise
    large = hub.large_files and path.endswith(".safetensors")
    etag = f'"{commit.files[path] if large else git_oid(content)}"'
    headers = {"ETag": etag, "X-Repo-Commit": commit.oid, "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
    if found := re.fullmatch(r"bytes=(\d+)-", asked.headers.get("Range", "")):
        start = int(found[1])
        return 206, content[start:], {**headers, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
    return 200, content, headers


def _yaml(hub: LocalHub, asked: _Asked) -> _Answer:
    front = _FRONT.match(asked.json["content"])
    if front is None:
        return 200, {"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]}, {}
    try:
        data = yaml.safe_load(front[1])
        faults = [] if isinstance(data, dict) else ["metadata is no mapping"]
    except yaml.YAMLError as error:
        data, faults = {}, [f"invalid YAML: {error}"]
    if not faults:
        faults = [f"{key} is required in a model-index" for each in data.get("model-index", []) for key in _lacks(each)]
    return (400 if faults else 200), {"errors": [{"message": fault} for fault in faults], "warnings": []}, {}


def _lacks(model: dict[str, Any]) -> list[str]:
    missing = [key for key in ("name", "results") if key not in model]
    for result in model.get("results", []):
        missing += [key for key in ("task", "dataset", "metrics") if not result.get(key)]
        missing += [f"dataset.{key}" for key in ("name", "type") if key not in result.get("dataset", {})]
        missing += [f"metrics.{key}" for each in result.get("metrics", []) for key in ("type", "value") if key not in each]
    return missing


_ROUTES: tuple[tuple[str, str, str, Callable[[LocalHub, _Asked], _Answer]], ...] = (
    ("POST", r"/api/repos/create", "create", _create),
    ("POST", r"/api/validate-yaml", "yaml", _yaml),
    ("POST", r"/api/models/{repo}/preupload/(?P<rev>[^/]+)", "preupload", _preupload),
    ("POST", r"/api/models/{repo}/commit/(?P<rev>[^/]+)", "commit", _commit),
    ("POST", r"/api/models/{repo}/tag/(?P<rev>[^/]+)", "tag", _tag),
    ("GET", r"/api/models/{repo}/refs", "refs", _refs),
    ("GET", r"/api/models/{repo}/commits/(?P<rev>[^/]+)", "commits", _commits),
    ("GET", r"/api/models/{repo}/tree/(?P<rev>[^/]+)", "tree", _tree),
    ("GET", r"/api/models/{repo}/revision/(?P<rev>[^/]+)", "info", _info),
    ("GET", r"/api/models/{repo}", "info", _info),
    ("POST", r"/{repo}\.git/info/lfs/objects/batch", "large", _large),
    ("PUT", r"/large/{repo}/(?P<oid>[0-9a-f]{64})", "large", _put_large),
    ("GET|HEAD", r"/{repo}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve", _resolve),
)
