"""Loading a publication back as any user would, and comparing it with the evaluated adapter.

`ratchet/deployment/hub/reload.py` loads it, in a process without Ratchet. Add here another property in which the two
must agree.
"""

from collections.abc import Mapping

import numpy as np

from ratchet.core.errors import RatchetError
from ratchet.deployment.hub.public_base import name_base
from ratchet.deployment.hub.subprocesses import Timeouts, reload_plainly
from ratchet.deployment.hub.usage_snippet import loading_lines
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.inference.reference_logits import TOLERANCE
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.models.tokenization import encode_texts
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.publications import Publication
from ratchet.storage.specs import Specs

_TEXTS = 400
"""Largest number of golden texts to compare on."""


def load_back(
    home: Home, name: str, record: Publication, environment: Mapping[str, str], patience: Timeouts
) -> dict[str, float]:
    """Load the publication at its commit by the lines of its card, and compare its logits on the golden set.

    Returns number of texts, largest distance and limit. Raises `RatchetError` when a logit differs by more than that
    from the evaluated adapter's.
    """
    folder = AdapterStore(home).open(name, record.adapter)
    opened, texts = validate_adapter(folder), [item.text for item in Specs(home).golden(name)][:_TEXTS]
    public = name_base(opened.card, Specs(home)[name].publish)
    prefix, codes = (
        (list(opened.tokenizer.prefix), list(opened.tokenizer.codes))
        if isinstance(opened.tokenizer, PromptTokenizer)
        else ([], [])
    )
    rows = [[*prefix, *row] for row in encode_texts(opened.tokenizer, texts)]
    # the base's own tokenizer knows no rule for long texts, so it is compared on those that are read whole
    whole = [] if codes else [n for n, cut in enumerate(opened.tokenizer.find_cut(texts)) if not cut]
    prepare = opened.tokenizer.preprocessing.prepare
    # a base that only classifier.toml names is loaded from the Hub, since that is the claim to prove
    job = {
        "lines": loading_lines(opened.card, public, record.repo),
        "commit": record.commit,
        "max_tokens": opened.card.max_tokens,
        "base": public.name if public.claimed else str(opened.base.folder),
        "rows": rows,
        "codes": codes,
        "texts": [prepare(texts[n], opened.card.max_tokens) for n in whole],
    }
    loaded = reload_plainly(job, environment, patience)
    expected = load_predictor(folder).logits(texts)
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    logits = np.asarray(loaded["logits"], dtype=np.float64)
    distance = float(np.abs(logits - expected).max()) if logits.shape == expected.shape else float("inf")
    if loaded["ratchet"] or not distance <= limit:
        raise _other_answers(record, f"its logits on the golden set are {distance:.2g} away, more than {limit:.2g}")
    if loaded["tokens"] is not None and loaded["tokens"] != [rows[n] for n in whole]:
        raise _other_answers(record, "the base's own tokenizer gives other tokens for the golden texts")
    return {"texts": len(texts), "distance": distance, "limit": limit}


def _other_answers(record: Publication, what: str) -> RatchetError:
    return RatchetError(
        f"commit {(record.commit or '')[:12]} of {record.repo} does not answer as the evaluated adapter does: {what}."
        " It got no tag.",
        "Nobody should load it. Compare the base and the library versions; publish.base_model in classifier.toml may be"
        " a different base.",
        code="not_equal",
    )
