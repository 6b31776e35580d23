"""Base models of the Hub: named by repository and commit, kept on the local disk, and verified before they are loaded.

Nothing here uses the network; only `ratchet fetch-base` does (`ratchet/workflows/publication/fetch_base.py`), never a
cycle. Add here rules for the name and the files of a base from the Hub.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.core.digests import digest_file
from ratchet.core.errors import RatchetError
from ratchet.models.gguf_bases import cache_folder

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_]|[.-](?![.-])){0,95}"
_NAME = re.compile(rf"({_PART}/{_PART})(?:@(.*))?", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_WANTED = re.compile(
    r"(?:config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|model\.safetensors\.index)\.json"
    r"|model(?:-\d{1,5}-of-\d{1,5})?\.safetensors|(?:vocab|merges)\.txt|(?:tokenizer|spm|spiece|sentencepiece\.bpe)\.model"
    r"|chat_template\.jinja"
)
MANIFEST, FILES = "manifest.json", "files"


@dataclass(frozen=True)
class HubName:
    """`org/name` and the 40 hex digits of a commit: never a branch or a tag, since both may move."""

    repo: str
    revision: str

    @property
    def place(self) -> Path:
        """Folder of its download: a manifest, and a folder with the files."""
        return cache_folder() / "hub" / f"{self.repo.replace('/', '--')}@{self.revision}"


def is_hub_name(name: str) -> bool:
    """True where a base's name means a repository of the Hub, with or without a commit."""
    return _NAME.fullmatch(name) is not None


def parse_hub_name(name: str, what: str = "base") -> HubName:
    """Parse `org/name@commit` of `what`, a base or an adapter; raises `RatchetError` for anything else."""
    parsed = _NAME.fullmatch(name)
    if parsed is None:
        raise RatchetError(
            f"{name[:120]!r} is not the name of a repository of the Hub.",
            "Write org/name@ and the 40 digits of a commit.",
            code="no_base",
        )
    repo, revision = parsed[1], parsed[2] or ""
    if not _COMMIT.fullmatch(revision):
        fault = f"names {revision[:60]!r}, which is not a commit and may move" if revision else "names no commit"
        shown = f'base = "{repo}@<40 hex digits>"' if what == "base" else f"{repo}@<40 hex digits>"
        raise RatchetError(
            f"{what} {repo!r} {fault}.",
            f"Write {shown}; 'git ls-remote https://huggingface.co/{repo} HEAD' prints them, "
            "as does the page 'History' of the repository.",
            code="no_commit",
        )
    return HubName(repo, revision)


def choose_files(listed: Mapping[str, int]) -> list[str]:
    """Choose the files of a base among those of a repository (size in bytes by path), and none that could run.

    Raises `RatchetError` where the configuration, the safetensors or the tokenizer is missing.
    """
    chosen = sorted(path for path in listed if _WANTED.fullmatch(path))
    if "config.json" not in chosen:
        raise RatchetError(
            "the repository holds no config.json.", "Choose a repository with a transformers model.", code="bad_base"
        )
    if not any(path.endswith(".safetensors") for path in chosen):
        # named in the error, so that the user sees why these weights do not count
        pickled = sorted(path for path in listed if path.endswith((".bin", ".pt", ".pth", ".ckpt")))
        raise RatchetError(
            "the repository holds no"
            f" model.safetensors{f', but {pickled[0]}: a pickle may run code' if pickled else ''}.",
            "Choose a commit with safetensors, or convert it where that may run and give the folder as './path'.",
            code="bad_base",
        )
    if "tokenizer.json" not in chosen:
        raise RatchetError(
            "the repository holds no tokenizer.json.",
            "Save its fast tokenizer with AutoTokenizer(...).save_pretrained(folder), beside the model, and give"
            " './folder'.",
            code="bad_base",
        )
    return chosen


def fetched_folder(name: str) -> Path:
    """Return the folder of a fetched base; raises `RatchetError` where it was not fetched. Never uses the network."""
    place = parse_hub_name(name).place
    if not (place / MANIFEST).is_file():
        raise RatchetError(
            f"base model {name!r} is not on this machine.",
            f"Run 'ratchet fetch-base {name}'; nothing else downloads.",
            code="no_base",
        )
    return place / FILES


def make_base_manifest(folder: Path, name: HubName) -> dict[str, Any]:
    """Make the manifest of the files in `folder`, which are the base `name`."""
    files = {path.name: digest_file(path) for path in sorted(folder.iterdir())}
    return {"schema": 1, "repo": name.repo, "commit": name.revision, "files": files}


def check_fetched(name: str) -> dict[str, str]:
    """SHA-256 of each file of a fetched base; raises `RatchetError` where one differs from the manifest."""
    parsed, folder = parse_hub_name(name), fetched_folder(name)
    actual = make_base_manifest(folder, parsed)
    try:
        stated = json.loads((parsed.place / MANIFEST).read_bytes())
    except ValueError:
        stated = None
    if stated != actual:
        known = stated["files"] if isinstance(stated, dict) and isinstance(stated.get("files"), dict) else {}
        changed = sorted(file for file in {*actual["files"], *known} if actual["files"].get(file) != known.get(file))
        raise RatchetError(
            f"base model {name!r} differs from what was fetched: {', '.join(changed) or MANIFEST}.",
            f"Remove {parsed.place} and run 'ratchet fetch-base {name}' again.",
            code="bad_base",
        )
    return dict(actual["files"])
