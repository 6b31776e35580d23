"""Facts about a planned or a finished adapter that a deployment target's limits apply to.

Add a family as one row of `_LAYOUTS`: a function that finds its layers and heads without weights. The rules are in
`ratchet/gates/target_fit.py`.
"""

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import PurePath
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.config.spec import Spec
from ratchet.models.adapters.format import CONFIG, WEIGHTS, bad_adapter, parse_json, read_card
from ratchet.models.base_models import base_folder
from ratchet.models.hub_cache import is_hub_name

_BYTES_OF_A_NUMBER = 4  # adapters are stored in float32
_WITHOUT_RANK = ("probe", "full")


@dataclass(frozen=True)
class AdapterFacts:
    """Properties that are compared with a profile. None is a fact that was not determined, and is not judged."""

    what: str
    family: str
    method: str
    base: str
    labels: int
    adapter_bytes: int | None
    """Size of the weights file in bytes: an estimate for a plan, exact for an artifact."""
    rank: int | None = None
    """Rank; None also where nothing has low rank, as in a probe."""
    target_modules: tuple[str, ...] | None = ()
    """Adapted layers by the last parts of their names, sorted."""
    heads: bool | None = False
    """True where the weights hold fully trained modules."""

    def as_json(self) -> dict[str, Any]:
        """Every fact as JSON types."""
        return {**asdict(self), "target_modules": None if self.target_modules is None else list(self.target_modules)}


@dataclass(frozen=True)
class _Layout:
    shapes: Mapping[str, tuple[int, ...]]
    modules: tuple[str, ...]
    heads: tuple[str, ...]


def outline_of_plan(candidate: Candidate, spec: Spec) -> AdapterFacts:
    """Facts from the settings of `candidate` alone, at no cost: layers, heads and bytes stay unknown."""
    base, rank = last_part(candidate.base), None if candidate.form in _WITHOUT_RANK else candidate.rank
    return AdapterFacts(
        candidate.title, candidate.family, candidate.form, base, len(spec.labels), None, rank, None, None
    )


def facts_of_plan(candidate: Candidate, spec: Spec) -> AdapterFacts:
    """Facts about the adapter that `candidate` would train, from its base's shapes on the meta device."""
    base, k = last_part(candidate.base), len(spec.labels)
    if candidate.form == "probe":
        from ratchet.models.encoders import hidden_size_of

        size = _BYTES_OF_A_NUMBER * k * (hidden_size_of(base_folder(candidate.base)) + 1)
        return AdapterFacts(candidate.title, candidate.family, "probe", base, k, size, heads=True)
    layout, method = _LAYOUTS[candidate.family](candidate, k), str(candidate.form)
    if method in _WITHOUT_RANK:
        size = _BYTES_OF_A_NUMBER * sum(map(prod, layout.shapes.values()))
        return AdapterFacts(candidate.title, candidate.family, method, base, k, size, heads=bool(layout.heads))
    # a layer [out, in] gets A [rank, in] and B [out, rank]: rank * (in + out) numbers; DoRA adds a magnitude per output
    adapted = [layout.shapes[f"{module}.weight"] for module in layout.modules]
    low_rank = sum(candidate.rank * sum(shape) for shape in adapted)
    magnitudes = sum(shape[0] for shape in adapted) if method == "dora" else 0
    whole = sum(
        prod(shape) for name, shape in layout.shapes.items() if not set(name.split(".")).isdisjoint(layout.heads)
    )
    size = _BYTES_OF_A_NUMBER * (low_rank + magnitudes + whole)
    modules = _last_parts(layout.modules)
    return AdapterFacts(
        candidate.title, candidate.family, method, base, k, size, candidate.rank, modules, bool(layout.heads)
    )


def facts_of_artifact(content: Mapping[str, bytes]) -> AdapterFacts:
    """Facts from the files of an adapter folder: its card, its PEFT settings and the header of its weights.

    `content` comes from `ratchet.models.adapters.folder.read_folder`. Raises `RatchetError` where the ranks of settings
    and weights differ.
    """
    card = read_card(content)
    weights = content[WEIGHTS[card.method]]
    what, base, k = f"{card.family}/{card.method} adapter", last_part(card.base), len(card.labels)
    if card.method in _WITHOUT_RANK:
        return AdapterFacts(what, card.family, card.method, base, k, len(weights), heads=card.family == "encoder")
    settings, shapes = parse_json(content, CONFIG), _shapes_in(weights)
    ranks = {shape[0] for name, shape in shapes.items() if name.endswith(".lora_A.weight")}
    if ranks != {settings["r"]}:
        raise bad_adapter(f"{CONFIG} has r = {settings['r']}, but the weights have rank {sorted(ranks)}.")
    dora = bool(settings.get("use_dora")) or any("lora_magnitude_vector" in name for name in shapes)
    modules = _last_parts(name.partition(".lora_A.")[0] for name in shapes if ".lora_A." in name)
    heads = any(".lora_" not in name for name in shapes)
    return AdapterFacts(
        what, card.family, "dora" if dora else card.method, base, k, len(weights), settings["r"], modules, heads
    )


def last_part(base: str) -> str:
    """Name of a base among targets: the last part of its folder, or of its repository without the commit."""
    return PurePath(base.partition("@")[0] if is_hub_name(base) else base).name


def _shapes_in(weights: bytes) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor by name, from the header of safetensors; nothing is allocated."""
    try:
        (size,) = struct.unpack("<Q", weights[:8])
        header = json.loads(weights[8 : 8 + size])
        return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
    except (struct.error, ValueError, KeyError, TypeError, AttributeError):
        raise bad_adapter("the adapter's weights have no safetensors header.") from None


def _encoder_layout(candidate: Candidate, k: int) -> _Layout:
    from ratchet.models.encoders import empty_classifier, parameter_shapes
    from ratchet.training.target_modules import resolve_targets

    model = empty_classifier(base_folder(candidate.base), k)
    targets = resolve_targets(model, candidate.target_modules, (), candidate.layers)
    return _Layout(parameter_shapes(model), targets.modules, targets.heads)


def _causal_layout(candidate: Candidate, _k: int) -> _Layout:
    from ratchet.models.causal import empty_causal
    from ratchet.models.encoders import parameter_shapes
    from ratchet.training.target_modules import resolve_targets

    model = empty_causal(base_folder(candidate.base))
    return _Layout(
        parameter_shapes(model), resolve_targets(model, candidate.target_modules, (), candidate.layers).modules, ()
    )


_LAYOUTS: dict[str, Callable[[Candidate, int], _Layout]] = {"encoder": _encoder_layout, "causal": _causal_layout}


def _last_parts(names: Any) -> tuple[str, ...]:
    return tuple(sorted({name.rpartition(".")[2] for name in names}))
