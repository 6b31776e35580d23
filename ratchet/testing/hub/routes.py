"""Routes of the local Hub: one function for each route that `huggingface_hub` calls.

Add a route to `ROUTES` with its function. Requests are received, and faults occur, in `server.py`; repositories are in
`repository.py`.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from email.message import Message
from typing import Any

from ratchet.testing.hub.card_metadata import look_at_card
from ratchet.testing.hub.repository import BRANCH, HubState, RefusedError, Repository, git_oid


class HubRequest:
    """A request: method, matched path, query, body and token."""

    def __init__(
        self,
        method: str,
        place: Mapping[str, str],
        query: Mapping[str, str],
        body: bytes,
        headers: Message,
        *,
        halve: bool,
    ) -> None:
        self.method, self.place, self.query, self.body, self.headers, self.halve = (
            method,
            place,
            query,
            body,
            headers,
            halve,
        )
        self.token = headers.get("Authorization", "").removeprefix("Bearer ")

    @property
    def json(self) -> dict[str, Any]:
        """Body, parsed as JSON."""
        return dict(json.loads(self.body))

    def repository(self, hub: HubState) -> Repository:
        """Find the repository of the request; without a token, a private one looks as if it did not exist."""
        if self.token and self.token != hub.token:
            raise RefusedError(401, "Invalid credentials in Authorization header")
        result = hub.repositories.get(self.place["repo"])
        if result is None or (result.private and not self.token):
            raise RefusedError(404 if self.token else 401, "Repository not found", "RepoNotFound")
        return result

    def need_token(self, hub: HubState) -> None:
        """Raise `RefusedError` (401) unless the request has the token."""
        if self.token != hub.token:
            raise RefusedError(401, "Invalid username or password.")


RouteResponse = tuple[int, Any, dict[str, str]]
"""Status, content (bytes, or an object to send as JSON) and headers."""


def _create(hub: HubState, request: HubRequest) -> RouteResponse:
    request.need_token(hub)
    name = f"{request.json.get('organization') or 'me'}/{request.json['name']}"
    created = {"url": f"{hub.endpoint}/{name}", "name": name, "id": name}
    if name in hub.repositories:
        return 409, {**created, "error": "You already created this model repo"}, {}
    private = request.json.get("visibility") == "private" or bool(request.json.get("private"))
    hub.repositories[name] = Repository(name, private)
    return 200, created, {}


def _info(hub: HubState, request: HubRequest) -> RouteResponse:
    repository = request.repository(hub)
    commit = repository.at(request.place.get("rev") or BRANCH)
    siblings = [{"rfilename": path} for path in sorted(commit.files)]
    fields = {"id": repository.name, "modelId": repository.name, "sha": commit.oid, "private": repository.private}
    return 200, {**fields, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0}, {}


def _tree(hub: HubState, request: HubRequest) -> RouteResponse:
    """List the files of the whole commit for `recursive`, else those of the root; folders are listed either way."""
    repository, deep = request.repository(hub), request.query.get("recursive", "").lower() in {"true", "1"}
    files = repository.at(request.place["rev"]).files
    folders = sorted({path[:end] for path in files for end, letter in enumerate(path) if letter == "/"})
    result: list[dict[str, Any]] = [
        {"type": "directory", "path": path, "size": 0, "oid": git_oid(path.encode())}
        for path in folders
        if deep or "/" not in path
    ]
    for path, sha in sorted(files.items()):
        if "/" in path and not deep:
            continue
        content = repository.blobs[sha]
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": git_oid(content)}
        if hub.large_files and path.endswith(".safetensors"):
            entry["lfs"] = {"oid": sha, "size": len(content), "pointerSize": 130}
        result.append(entry)
    return 200, result, {}


def _refs(hub: HubState, request: HubRequest) -> RouteResponse:
    repository = request.repository(hub)
    tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid} for name, oid in repository.tags.items()]
    branch = {"name": BRANCH, "ref": f"refs/heads/{BRANCH}", "targetCommit": repository.head.oid}
    return 200, {"branches": [branch], "tags": tags, "converts": []}, {}


def _commits(hub: HubState, request: HubRequest) -> RouteResponse:
    repository = request.repository(hub)
    newest = repository.at(request.place["rev"]).number
    fields = {"message": "", "authors": [{"user": "someone"}], "date": "2026-01-01T00:00:00.000Z"}
    return (
        200,
        [{"id": each.oid, "title": each.title, **fields} for each in reversed(repository.commits[: newest + 1])],
        {},
    )


def _preupload(hub: HubState, request: HubRequest) -> RouteResponse:
    request.need_token(hub)
    files = request.repository(hub).at(request.place["rev"]).files
    blobs = request.repository(hub).blobs
    result = []
    for each in request.json["files"]:
        large = hub.large_files and each["path"].endswith(".safetensors")
        sha = files.get(each["path"])
        known = {"oid": sha if large else git_oid(blobs[sha])} if sha else {}
        result.append(
            {"path": each["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, **known}
        )
    return 200, {"files": result}, {}


def _large(hub: HubState, request: HubRequest) -> RouteResponse:
    request.need_token(hub)
    blobs = request.repository(hub).blobs
    result = []
    for each in request.json["objects"]:
        href = f"{hub.endpoint}/large/{request.place['repo']}/{each['oid']}"
        wanted = {} if each["oid"] in blobs else {"actions": {"upload": {"href": href, "header": {}}}}
        result.append({"oid": each["oid"], "size": each["size"], **wanted})
    return 200, {"transfer": "basic", "objects": result}, {}


def _put_large(hub: HubState, request: HubRequest) -> RouteResponse:
    if hub.repositories[request.place["repo"]].keep(request.body) != request.place["oid"]:
        raise RefusedError(400, "the content does not match the digest in its name")
    return 200, {}, {}


def _commit(hub: HubState, request: HubRequest) -> RouteResponse:
    request.need_token(hub)
    repository, added, deleted = request.repository(hub), {}, []
    lines = [json.loads(line) for line in request.body.splitlines()]
    header = lines.pop(0)["value"]
    for line in lines[: (len(lines) + 1) // 2] if request.halve else lines:
        value: dict[str, Any] = line["value"]
        match line["key"]:
            case "file":
                added[value["path"]] = base64.b64decode(value["content"])
            case "lfsFile":
                added[value["path"]] = value["oid"]
            case _:
                deleted.append(value["path"])
    commit = repository.commit(
        added, title=header["summary"], deleted=tuple(deleted), parent=header.get("parentCommit")
    )
    url = f"{hub.endpoint}/{repository.name}/commit/{commit.oid}"
    return 200, {"success": True, "commitOid": commit.oid, "commitUrl": url, "hookOutput": ""}, {}


def _tag(hub: HubState, request: HubRequest) -> RouteResponse:
    request.need_token(hub)
    request.repository(hub).tag(request.json["tag"], request.place["rev"])
    return 200, {}, {}


def _settings(hub: HubState, request: HubRequest) -> RouteResponse:
    request.need_token(hub)
    request.repository(hub).private = request.json["visibility"] == "private"
    return 200, {"private": request.repository(hub).private}, {}


def _resolve(hub: HubState, request: HubRequest) -> RouteResponse:
    repository, path = request.repository(hub), request.place["path"]
    commit = repository.at(request.place["rev"])
    try:
        content = repository.read(commit.oid, path)
    except RefusedError as refused:
        refused.message += f" at {commit.oid}"
        raise
    large = hub.large_files and path.endswith(".safetensors")
    etag = f'"{commit.files[path] if large else git_oid(content)}"'
    headers = {
        "ETag": etag,
        "X-Repo-Commit": commit.oid,
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
    }
    if result := re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", "")):
        start = int(result[1])
        return 206, content[start:], {**headers, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
    return 200, content, headers


def _yaml(hub: HubState, request: HubRequest) -> RouteResponse:
    faults, warnings = look_at_card(request.json["content"])
    findings = {
        "errors": [{"message": fault} for fault in faults],
        "warnings": [{"message": warning} for warning in warnings],
    }
    return (400 if faults else 200), findings, {}


ROUTES: tuple[tuple[str, str, str, Callable[[HubState, HubRequest], RouteResponse]], ...] = (
    ("POST", r"/api/repos/create", "create", _create),
    ("POST", r"/api/validate-yaml", "yaml", _yaml),
    ("POST", r"/api/models/{repo}/preupload/(?P<rev>[^/]+)", "preupload", _preupload),
    ("POST", r"/api/models/{repo}/commit/(?P<rev>[^/]+)", "commit", _commit),
    ("POST", r"/api/models/{repo}/tag/(?P<rev>[^/]+)", "tag", _tag),
    ("PUT", r"/api/models/{repo}/settings", "settings", _settings),
    ("GET", r"/api/models/{repo}/refs", "refs", _refs),
    ("GET", r"/api/models/{repo}/commits/(?P<rev>[^/]+)", "commits", _commits),
    ("GET", r"/api/models/{repo}/tree/(?P<rev>[^/]+)", "tree", _tree),
    ("GET", r"/api/models/{repo}/revision/(?P<rev>[^/]+)", "info", _info),
    ("GET", r"/api/models/{repo}", "info", _info),
    ("POST", r"/{repo}\.git/info/lfs/objects/batch", "large", _large),
    ("PUT", r"/large/{repo}/(?P<oid>[0-9a-f]{64})", "large", _put_large),
    ("GET|HEAD", r"/{repo}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve", _resolve),
)
"""Methods, pattern of the path, name of the operation for faults, and function."""
