"""Adapters that share base weights answer as each does alone, in any mixture, while others come and go."""

import gc
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from ratchet.core.errors import RatchetError
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.encoders import load_classifier
from ratchet.models.inference import batched_lora as mixed_lora
from ratchet.models.inference import head_routing as routed_heads
from ratchet.models.inference import model_pool as shared_bases
from ratchet.models.inference import multi_adapter as shared_base
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.multi_adapter import AdapterPredictor
from ratchet.models.inference.predictor import Predictions, Predictor, load_predictor
from ratchet.testing.tiny_adapter import write_tiny_adapter

Plant = Callable[..., ModuleType]

TEXTS = [
    "my card never arrived in the post",
    "",
    "money back please",
    "which rate " * 40,
    "unheard words, ümlaut 你好",
    "rate",
]
SHAPES = [
    {"labels": ("card", "money", "rate"), "seed": 1},
    {"labels": ("yes", "no"), "seed": 2, "rank": 5, "targets": ("query", "value")},
    {"labels": ("a", "b", "c", "d", "e"), "seed": 3, "method": "probe"},
    {"labels": ("p", "q", "r"), "seed": 6, "method": "dora", "rank": 3},
    {"labels": ("v", "w"), "seed": 7, "method": "dora", "targets": ("query", "dense")},
    {"labels": ("card", "money", "rate"), "seed": 4, "max_tokens": 16},
    {"labels": ("x", "y", "z", "w"), "seed": 5, "targets": ("dense",)},
]
CLOSE = 1e-5  # of logits up to 2: other orders of addition in float32


@pytest.fixture(scope="module")
def folders(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Adapters of each shared form that differ in labels, rank, layers and length."""
    root, base = tmp_path_factory.mktemp("adapters"), resolve_base(str(tiny_base))
    return [write_tiny_adapter(root / str(n), base, **shape) for n, shape in enumerate(SHAPES)]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def alone(folders: list[Path]) -> list[Predictor]:
    """Each adapter merged into base weights of its own."""
    return [load_predictor(folder) for folder in folders]


def differ(found: Predictions, expected: Predictions) -> float:
    """The largest difference of a probability; infinite when a label differs."""
    same = found.labels == expected.labels
    return float(np.abs(found.probabilities - expected.probabilities).max()) if same else float("inf")


def worst_of_mixtures(bases: ModelPool, folders: list[Path], alone: list[Predictor]) -> float:
    """How far any answer is from that of its adapter alone, over random mixtures on one base."""
    shared = [bases.load(folder) for folder in folders]
    draw, worst = np.random.default_rng(0), 0.0
    for _ in range(12):
        chosen = draw.integers(len(shared), size=draw.integers(1, 8))
        lots = [[TEXTS[n] for n in draw.integers(len(TEXTS), size=draw.integers(0, 5))] for _ in chosen]
        found, _ = shared[0].model.answer([(shared[n], lot) for n, lot in zip(chosen, lots, strict=True)])
        for n, lot, said in zip(chosen, lots, found, strict=True):
            if lot:
                worst = max(worst, differ(said, alone[n].predict(lot)))
    return worst


def bases_with(plant: Plant, mutant: ModuleType) -> ModelPool:
    """Bases of which each is made by a planted `shared_base`."""
    made: ModelPool = plant(
        shared_bases, "from ratchet.models.inference.multi_adapter import", f"from {mutant.__name__} import"
    ).ModelPool()
    return made


def test_any_mixture_is_answered_as_by_each_adapter_alone(folders: list[Path], alone: list[Predictor]) -> None:
    """LoRA and probes, other labels, ranks, layers and lengths, in one batch: equal to float32 rounding, on one
    base."""
    bases = ModelPool()
    assert worst_of_mixtures(bases, folders, alone) < CLOSE


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (routed_heads, "self.heads.get(name, self.original)", "next(iter(self.heads.values()), self.original)"),
        (mixed_lora, "            start = end\n", ""),
        (mixed_lora, "alpha=scales[name]", "alpha=1.0"),
        (mixed_lora, "                    mine.mul_(stretch)\n", ""),
        (shared_base, "result[rows, : logits.shape[1]] = logits", "result[sorted(rows), : logits.shape[1]] = logits"),
        (shared_base, "BASE if probe else name for", "name if not probe else next(iter(self._loras), BASE) for"),
    ],
    ids=[
        "one head for all",
        "low ranks to the wrong rows",
        "no scale",
        "no stretch",
        "answers to the wrong texts",
        "a probe reads adapted states",
    ],
)
def test_mixtures_find_planted_faults(
    plant: Plant, folders: list[Path], alone: list[Predictor], module: ModuleType, old: str, new: str
) -> None:
    """Each of these faults would answer somebody with another adapter."""
    mutant = plant(module, old, new)
    if module is not shared_base:
        mutant = plant(shared_base, f"from {module.__name__} import", f"from {mutant.__name__} import")
    try:
        worst = worst_of_mixtures(bases_with(plant, mutant), folders, alone)
    except ValueError:  # an answer with another adapter's number of labels
        worst = float("inf")
    assert worst > 100 * CLOSE


def test_an_adapter_asked_by_itself_answers_as_alone(folders: list[Path], alone: list[Predictor]) -> None:
    """Logits asked of one adapter are those of its folder, and no texts give no rows."""
    bases = ModelPool()
    for folder, expected in zip(folders, alone, strict=True):
        found = bases.load(folder)
        np.testing.assert_allclose(found.logits(TEXTS), expected.logits(TEXTS), atol=CLOSE)
        assert found.logits([]).shape == (0, len(expected.labels))
        assert found.model.answer([(found, [])])[0][0].labels == []


def test_base_weights_are_in_memory_once(folders: list[Path], tiny_base: Path) -> None:
    """Five adapters hold the base's parameters once, beside their own."""
    bases = ModelPool()
    shared = [bases.load(folder) for folder in folders]
    assert len({id(found.model) for found in shared}) == len(bases) == 1
    assert shared[0].model.adapters == len(folders)
    own = sum(value.numel() for folder in folders for value in validate_adapter(folder).tensors.values())
    held = sum(value.numel() for value in shared[0].model._model.parameters())
    base = sum(value.numel() for value in load_classifier(tiny_base, 2).parameters())
    assert held <= base + own + 1000


def test_an_adapter_that_nobody_holds_is_gone_and_so_is_its_base(folders: list[Path], plant: Plant) -> None:
    """Dropping the predictor is enough; the last one frees the base. Planted: one that never leaves is seen."""
    leaking = bases_with(plant, plant(shared_base, "        weakref.finalize(made, self._gone.append, name)\n"))
    first, _ = leaking.load(folders[0]), leaking.load(folders[1])
    del _
    assert first.model.adapters == 2
    bases = ModelPool()
    shared = [bases.load(folder) for folder in folders]
    kept, before = shared[0], shared[0].logits(TEXTS)
    del shared
    assert kept.model.adapters == 1
    np.testing.assert_allclose(kept.logits(TEXTS), before, atol=CLOSE)
    del kept
    gc.collect()
    assert len(bases) == 0


def test_adapters_come_and_go_while_others_answer(folders: list[Path], alone: list[Predictor]) -> None:
    """While one thread adds and drops, each answer of another stays that of its adapter."""
    bases = ModelPool()
    staying = [bases.load(folders[0]), bases.load(folders[2])]
    expected = [alone[0].predict(TEXTS), alone[2].predict(TEXTS)]
    done, asked = threading.Event(), threading.Semaphore(0)
    worst: list[float] = []

    def ask() -> None:
        while not done.is_set():
            found, _ = staying[0].model.answer([(each, TEXTS) for each in staying])
            worst.append(max(map(differ, found, expected)))
            asked.release()

    thread = threading.Thread(target=ask)
    thread.start()
    for turn in range(20):
        coming: AdapterPredictor = bases.load(folders[(1, 3, 4)[turn % 3]])
        assert len(coming.predict(TEXTS).labels) == len(TEXTS)
        assert asked.acquire(timeout=30)
    done.set()
    thread.join()
    assert max(worst) < CLOSE


def test_a_fault_in_a_batch_leaves_nothing_behind(folders: list[Path], alone: list[Predictor]) -> None:
    """After a batch that could not be computed the next one is answered right."""
    bases = ModelPool()
    first, second = bases.load(folders[0]), bases.load(folders[1])
    impossible = torch.full((1, 3), 10**6)
    with pytest.raises(IndexError):
        first.rows(impossible, torch.ones_like(impossible))
    found, _ = first.model.answer([(second, TEXTS), (first, TEXTS)])
    assert max(differ(found[0], alone[1].predict(TEXTS)), differ(found[1], alone[0].predict(TEXTS))) < CLOSE


def test_weights_trained_in_full_answer_from_a_model_of_their_own(
    tmp_path: Path, tiny_base: Path, folders: list[Path], alone: list[Predictor]
) -> None:
    """Asked like any other, alone and in batches, beside a shared base that it does not touch; dropped, it is gone."""
    folder = write_tiny_adapter(
        tmp_path / "full", resolve_base(str(tiny_base)), ("in", "out", "off"), seed=8, method="full"
    )
    bases = ModelPool()
    shared, own = bases.load(folders[0]), bases.load(folder)
    assert len(bases) == 2
    assert [own.model.adapters, shared.model.adapters] == [1, 1]
    expected = load_predictor(folder).predict(TEXTS)
    assert differ(own.predict(TEXTS), expected) < CLOSE
    found, _ = own.model.answer([(own, TEXTS[:2]), (own, TEXTS)])
    assert differ(found[1], expected) < CLOSE
    assert differ(shared.predict(TEXTS), alone[0].predict(TEXTS)) < CLOSE
    assert np.ptp(expected.probabilities, axis=0).max() > 100 * CLOSE
    del own, found
    gc.collect()
    assert len(bases) == 1


def test_an_adapter_of_another_base_is_unknown(folders: list[Path]) -> None:
    """Whoever mixes up bases is told, and nobody gets another adapter's answer."""
    first, second = ModelPool().load(folders[0]), ModelPool().load(folders[1])
    with pytest.raises(LookupError):
        first.model.answer([(second, ["a"])])


def test_a_changed_folder_is_refused_as_it_is_alone(folders: list[Path], tmp_path: Path) -> None:
    """The strict checks of a lone predictor hold here too."""
    path = tmp_path / "changed"
    path.mkdir()
    for file in folders[0].iterdir():
        (path / file.name).write_bytes(file.read_bytes().replace(b'"F32"', b'"I32"', 1))
    with pytest.raises(RatchetError, match="expected float32"):
        ModelPool().load(path)
