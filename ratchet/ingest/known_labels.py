"""Labels that rows of a classifier may have: those of classifier.toml, those that it listed or sealed before, and
names in its label rules.

A label that was renamed or removed goes on being answered until its adapter is replaced, and its earlier rows come
again with full exports: they are kept. Add here another source of labels that were valid once.
"""

from collections.abc import Iterable

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form
from ratchet.ingest.manifest import ManifestEntry, follow_manifest
from ratchet.rollout.sealed_policy import read_policy
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.rollout.ledger import Ledger


def known_labels(home: Home, spec: Spec, manifest: Iterable[ManifestEntry] | None = None) -> tuple[str, ...]:
    """Return the labels of `spec`, then former ones: of the manifest's terms, of sealed policies, and of label rules.

    A ledger, or rules, that cannot be read add none; that fault is named where it decides on something.
    """
    landed = follow_manifest(home.manifest(spec.name)) if manifest is None else manifest
    former = dict.fromkeys(label for terms in dict.fromkeys(entry.labels for entry in landed) for label in terms)
    try:
        for entry in Ledger(home).entries(spec.name):
            policy = read_policy(entry)
            former.update(dict.fromkeys(policy.labels if policy else ()))
    except RatchetError:
        pass
    if rules := LabelRuleFile(home, spec.name).try_read():
        former.update(dict.fromkeys(rules.names))
    return tuple(dict.fromkeys(map(label_form, (*spec.labels, *former))))
