"""Profiles: what a deployment target takes, with documented and proven limits kept apart, each with its source.

Add a kind of limit here, as a field of `Bounds`, and its rule in `ratchet/gates/target_fit.py`. The built-in profiles
are `built_in.toml`; reading them, and a user's own, is `ratchet/storage/target_profiles.py`.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ratchet.config.validation import STRICT, bad_spec, need_at_least
from ratchet.core.digests import digest_json
from ratchet.core.names import NAME

Family = Literal["encoder", "causal"]
Method = Literal["lora", "dora", "qlora", "dpo", "full", "probe"]
Runtime = Literal["in_process", "onnx", "llama_cpp", "vllm", "workers_ai", "other"]
_LEAVE_A_LORA = ("qlora", "dpo")
OF_ADAPTERS = ("rank", "target_modules", "adapter_bytes")
"""Limits that say nothing of a model with the adapter merged in."""


@dataclass(frozen=True)
class Bounds:
    """Limits that have one origin. None is unknown: nobody documented it, or nobody proved it, and it is never
    guessed."""

    __pydantic_config__ = STRICT

    source: str = ""
    """Where these limits come from, in words; needed as soon as one is given."""
    rank: int | None = None
    """The highest rank."""
    target_modules: tuple[str, ...] | None = None
    """Last parts of the names of the layers that an adapter may change."""
    methods: tuple[Method, ...] | None = None
    """In which form its weights may come. Without `dora`, its magnitude vectors are not taken; `qlora` and `dpo` leave
    a `lora`."""
    adapter_bytes: int | None = None
    """The largest weights file."""
    labels: int | None = None
    """How many labels it can tell apart."""
    bases: tuple[str, ...] | None = None
    """Base models that it serves adapters on. Only the last part of a name is compared, so that a folder may hold one.
    """
    heads: bool | None = None
    """Whether an adapter may hold modules that were trained whole, such as a classification head."""

    def __post_init__(self) -> None:
        for name in ("rank", "adapter_bytes", "labels"):
            if (value := getattr(self, name)) is not None:
                need_at_least(name, value, 1)
        for name in ("target_modules", "methods", "bases"):
            if getattr(self, name) == ():
                raise bad_spec(
                    f"{name} = [] lets nothing through.",
                    f"Name what is taken, or leave {name} out: it is unknown then.",
                )
        if unseen := [method for method in self.methods or () if method in _LEAVE_A_LORA]:
            raise bad_spec(
                f"methods names {unseen[0]!r}, of which nothing is left in the adapter but a LoRA.",
                'Write "lora" instead: it stands for every way of training that leaves one.',
            )
        if self.known and not self.source.strip():
            raise bad_spec(f"{self.known[0]} has no source.", 'Say where the limit comes from: source = "...".')

    @property
    def known(self) -> tuple[str, ...]:
        """Names of the limits that are given."""
        return tuple(
            each.name for each in fields(self) if each.name != "source" and getattr(self, each.name) is not None
        )


@dataclass(frozen=True)
class Profile:
    """One deployment target."""

    __pydantic_config__ = STRICT

    name: str
    runtime: Runtime
    """Which software answers there; it decides which smoke test is run, where one can be."""
    takes: Literal["adapter", "merged"]
    """What is delivered: the adapter beside a base that is there already, or the base with the adapter merged into it.
    """
    families: tuple[Family, ...]
    log_probabilities: bool
    """Whether an answer comes with the log-probability of every label: without, nothing can be calibrated."""
    about: str = ""
    """What the place is, and what was and was not tried on it, in a sentence."""
    documented: Bounds = field(default_factory=Bounds)
    """What its makers say."""
    proven: Bounds = field(default_factory=Bounds)
    """What was seen to work. Where it is wider than documented it worked once and is not promised, and so does not
    count."""

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
                raise bad_spec(f"{name} = {list(words)} names one twice.", "Name each once.")
        for name in ("target_modules", "methods", "bases"):
            documented, proven = getattr(self.documented, name), getattr(self.proven, name)
            if documented and proven and not narrower(documented, proven):
                raise bad_spec(
                    f"target {self.name!r} has proven.{name} = {list(proven)}, and none of it is documented.",
                    "Add to the documented ones what its makers promise, or mend the proven ones.",
                )
        if self.takes == "merged":
            for bounds in (self.documented, self.proven):
                if idle := [name for name in OF_ADAPTERS if name in bounds.known]:
                    raise bad_spec(
                        f"target {self.name!r} takes merged models and has {idle[0]}, of which a merged model has"
                        " none.",
                        f'Remove {idle[0]}, or write takes = "adapter".',
                    )

    @property
    def digest(self) -> str:
        """SHA-256 of every setting, 64 hex digits: which limits a verdict was taken by."""
        return digest_json(self.as_json())

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
    """What both limits let through: the smaller number, the words that both name, True only where both say so."""
    if isinstance(documented, bool):
        return documented and proven
    return (
        min(documented, proven) if isinstance(documented, int) else tuple(word for word in documented if word in proven)
    )


def _bounds_as_json(bounds: Bounds) -> dict[str, Any]:
    return {name: _plain(getattr(bounds, name)) for name in ("source", *bounds.known)}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


Accept = Literal["documented", "proven"]
