"""Profiles of deployment targets, with documented and proven limits kept apart, each with its source.

Add a kind of limit here, as a field of `Bounds`, and its rule in `ratchet/gates/target_fit.py`. The built-in profiles
are in `built_in.toml`; `ratchet/storage/target_profiles.py` reads them and a user's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

from ratchet.config.spec_digest import keep_set
from ratchet.config.validation import STRICT, bad_spec, need_at_least
from ratchet.core.names import NAME

Family = Literal["encoder", "causal"]
Method = Literal["lora", "dora", "qlora", "dpo", "full", "probe"]
Runtime = Literal["in_process", "onnx", "llama_cpp", "vllm", "workers_ai", "other"]
_WORDS = frozenset({"about", "source"})
"""Keys that describe; no verdict depends on them."""
_FORMER = frozenset({"name", "runtime", "takes", "families", "log_probabilities", "about", "documented", "proven"})
_LEAVE_A_LORA = ("qlora", "dpo")
OF_ADAPTERS = ("rank", "target_modules", "adapter_bytes")
"""Limits that do not apply to a model with the adapter merged in."""


@dataclass(frozen=True)
class Bounds:
    """Limits from one source. None is unknown: not documented, or not proven; it is never guessed."""

    __pydantic_config__ = STRICT

    source: str = ""
    """Source of these limits, in words; required as soon as one is given."""
    rank: int | None = None
    """The highest rank."""
    target_modules: tuple[str, ...] | None = None
    """Layers that an adapter may change, by the last parts of their names."""
    methods: tuple[Method, ...] | None = None
    """Accepted forms of weights. Without `dora`, magnitude vectors are rejected; `qlora` and `dpo` leave a `lora`."""
    adapter_bytes: int | None = None
    """The largest weights file, in bytes."""
    labels: int | None = None
    """The highest number of labels."""
    bases: tuple[str, ...] | None = None
    """Base models that it serves. Only the last part of a name is compared, so that a base may lie in a folder."""
    heads: bool | None = None
    """True where an adapter may hold fully trained modules, such as a classification head."""

    def __post_init__(self) -> None:
        for name in ("rank", "adapter_bytes", "labels"):
            if (value := getattr(self, name)) is not None:
                need_at_least(name, value, 1)
        for name in ("target_modules", "methods", "bases"):
            if getattr(self, name) == ():
                raise bad_spec(
                    f"{name} = [] lets nothing through.",
                    f"List what is accepted, or leave {name} out if it is unknown.",
                )
        if unseen := [method for method in self.methods or () if method in _LEAVE_A_LORA]:
            raise bad_spec(
                f"methods names {unseen[0]!r}, which leaves a plain LoRA in the adapter.",
                'Write "lora" instead: it stands for every training method that leaves one.',
            )
        if self.known and not self.source.strip():
            raise bad_spec(f"{self.known[0]} has no source.", 'Add where the limit comes from: source = "...".')

    @property
    def known(self) -> tuple[str, ...]:
        """Names of the limits that are set."""
        return tuple(
            each.name for each in fields(self) if each.name != "source" and getattr(self, each.name) is not None
        )


@dataclass(frozen=True)
class Profile:
    """One deployment target."""

    __pydantic_config__ = STRICT

    name: str
    runtime: Runtime
    """Software that answers there; it selects the smoke test, where there is one."""
    takes: Literal["adapter", "merged"]
    """Form of delivery: the adapter for a base that is already there, or the base with the adapter merged in."""
    families: tuple[Family, ...]
    log_probabilities: bool
    """True where an answer has the log-probability of every label; without it, nothing can be calibrated."""
    about: str = ""
    """Description of the target, and of what was and was not tried on it, in a sentence."""
    documented: Bounds = field(default_factory=Bounds)
    """Limits from its makers' documentation."""
    proven: Bounds = field(default_factory=Bounds)
    """Limits within which it was seen to work. One wider than documented is not promised, so it does not count."""

    _document: ClassVar[Mapping[str, Any] | None] = None
    """Keys that the file sets, of a profile that was read from one; see `of_file`."""

    def __post_init__(self) -> None:

        if not NAME.fullmatch(self.name):
            raise bad_spec(
                f"target name {self.name[:60]!r} is not allowed.", "Use 1 to 63 lower-case letters, digits, '_' or '-'."
            )
        if not self.families:
            raise bad_spec(
                f"target {self.name!r} serves no family.", 'Write families = ["encoder"], ["causal"] or both.'
            )
        for name, words in (
            ("families", self.families),
            ("methods", self.documented.methods),
            ("methods", self.proven.methods),
        ):
            if words and len(set(words)) < len(words):
                raise bad_spec(f"{name} = {list(words)} has a duplicate.", "List each once.")
        # the stricter of two lists is their intersection, so lists without overlap would let nothing through
        for name in ("target_modules", "methods", "bases"):
            documented, proven = getattr(self.documented, name), getattr(self.proven, name)
            if documented and proven and not narrower(documented, proven):
                raise bad_spec(
                    f"target {self.name!r} has proven.{name} = {list(proven)}, and none of it is documented.",
                    f"Add what its makers promise to documented.{name}, or fix proven.{name}.",
                )
        if self.takes == "merged":
            for bounds in (self.documented, self.proven):
                if idle := [name for name in OF_ADAPTERS if name in bounds.known]:
                    raise bad_spec(
                        f"target {self.name!r} takes merged models but limits {idle[0]}, which a merged model does not"
                        " have.",
                        f'Remove {idle[0]}, or write takes = "adapter".',
                    )

    def of_file(self, document: Mapping[str, Any]) -> "Profile":
        """Return this profile as that of a table of `targets.toml` which sets the keys of `document`."""
        result = replace(self)
        object.__setattr__(result, "_document", document)
        return result

    def as_set(self) -> dict[str, Any]:
        """Name and settings that the home's file sets, but for words that decide nothing; for digests.

        A built-in profile has its name alone: its limits come with a version, and each verdict about an adapter is
        derived again by those of the version that promotes. One that no file gave has every setting.
        """
        document = self.as_json() if self._document is None else self._document
        given = keep_set(self.as_json(), document)
        bounds = {level: _without_words(given[level]) for level in ("documented", "proven") if level in given}
        return {"name": self.name, **_without_words(given), **bounds}

    def as_former(self) -> dict[str, Any]:
        """Every setting of the last version whose digests held them all; stays as it is for good."""
        return {key: value for key, value in self.as_json().items() if key in _FORMER}

    def as_json(self) -> dict[str, Any]:
        """Every setting as JSON types, for digests and receipts."""
        return {
            **{
                each.name: _plain(getattr(self, each.name))
                for each in fields(self)
                if each.name not in {"documented", "proven"}
            },
            **{level: _bounds_as_json(getattr(self, level)) for level in ("documented", "proven")},
        }


def narrower(documented: Any, proven: Any) -> Any:
    """The stricter of two limits: the smaller number, the words in both, True only where both are True."""
    if isinstance(documented, bool):
        return documented and proven
    return (
        min(documented, proven) if isinstance(documented, int) else tuple(word for word in documented if word in proven)
    )


def _bounds_as_json(bounds: Bounds) -> dict[str, Any]:
    return {name: _plain(getattr(bounds, name)) for name in ("source", *bounds.known)}


def _without_words(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in _WORDS}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


Accept = Literal["documented", "proven"]
