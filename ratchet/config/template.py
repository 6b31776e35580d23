"""Template of the `classifier.toml` that `ratchet init` writes: commented, and valid as it is.

Add a setting here when a newcomer should see it; its meaning and default are defined in `ratchet/config/spec.py`.
"""

import json
from collections.abc import Sequence

from ratchet.config.spec import Label, Spec

_HEAD = """\
# Classifier {name}. Only [[label]] is needed; every other setting has a default, given in brackets where it differs.
# A wrong value or an unknown key is an error with a hint. All settings: `ratchet docs settings`.

description = ""          # one sentence: what is classified, and why
cost_review = 0.25        # what one review by a person costs; the unit of every cost in this file

# --- Labels. Their order is the order of every probability the classifier writes, so append, never reorder.
# description  what the label means, in one sentence; the untuned baseline and a causal model's prompt read it too
# action       what the product does when this label is predicted with enough confidence
# stakes       low, medium or high: how much a wrong action hurts
# threshold    calibrated confidence (0..1) from which on the action is taken; below it the action is review
# cost_wrong   what a wrong action costs, in the unit of cost_review
# Once an adapter is live, 'ratchet policy {name} --why TEXT' enters a change of labels, costs or [promotion].
"""

_LABEL = """
[[label]]
name = {name}
description = ""
action = "review"
stakes = "low"
threshold = 0.5
cost_wrong = 1.0
"""

_TAIL = """
# --- What an action promises: each cycle finds the confidence that shows it (`ratchet docs gates`).
# [[action]]
# name = "refund"                  # the action of a label
# max_error = 0.05                 # at most one in twenty of its cases may be wrong

# --- Which weeks a cycle looks at.
[window]
lookback_weeks = 26              # older weeks are left out of training
calibration_share = 0.15         # the newest share of the earlier weeks: it fits the temperature, and never trains
early_after_corrections = 1000   # new corrections after which a cycle starts before its Monday; 0: never

# --- What blocks a cycle. Each limit belongs to one check, whose report names both the limit and what was found.
[limits]
min_examples_per_class = 5       # training examples that each label needs
min_agreement = 0.9              # share of the pairs of annotators of one request that agree: each is right in 95 %
max_null_share = 0.2             # share of a week's requests that may lack a confidence where others have one; 1.0: any
max_label_divergence = 0.1       # Jensen-Shannon distance (0..1), beyond chance, of the week's labels from train: warns
max_golden_loss = 0.05           # loss of golden accuracy within which a candidate is as good as live
golden_floor = 0.6               # golden accuracy that the first candidate needs, before there is a live adapter
golden_floor_per_class = 0.2     # and its recall within each class

# --- What is trained. Every candidate is trained in every cycle; the one with the best calibrated NLL by class is kept.
[[candidate]]
family = "encoder"
base = "all-MiniLM-L6-v2"        # or the folder of your own model, as './models/my-encoder'
method = "lora"                  # low-rank adapters beside frozen weights, and a trained classification head
rank = 16                        # size of the adapters: more learns more, slower
alpha = 32.0                     # scale of the adapters; twice the rank is a good start
epochs = 4                       # passes over the training examples, at most
batch = 0                        # examples per step; 0: 8 to 32, by how many training examples there are
patience = 2                     # epochs without a better calibration NLL before training stops
max_tokens = 128                 # of longer texts both ends are read

[[candidate]]
family = "encoder"
base = "all-MiniLM-L6-v2"
method = "probe"                 # the frozen encoder with a logistic regression: seconds; a good choice for few data
max_tokens = 128

# A causal model answers a prompt with one token for each label; 'make setup-causal' installs this one (93 MB).
# [[candidate]]
# family = "causal"
# base = "SmolLM2-135M"
# learning_rate = 1e-3

# Where it will run; without it, the gateway of this home. See `ratchet docs targets`.
# [[target]]
# name = "onnx"
# export = "onnx_int8"

# When a candidate that passed goes to users (`ratchet docs rollouts`), by which labels (`ratchet docs review`).
# [promotion]
# margin = 0.02                    # loss of accuracy that still counts as not worse
# max_weeks = 2                    # weeks after which a comparison that is not decided ends
# [review]
# labels_per_week = 250            # labels that the team gives in a week

# Further tables: `ratchet docs gateway` has [people], `families` [prompt], `sweeps` [machine], `evaluation`
# [evaluation] and [slices], `exports` [export], `publishing` [publish].

# A large model to compare with, behind any OpenAI-compatible endpoint; redacted texts leave this machine. See
# `ratchet docs evaluation`.
# [frontier]
# base_url = "https://api.example.com/v1"
# model = "example-large"
# price_input = 3.0                # per million input tokens
# price_output = 15.0              # per million output tokens
# budget = 1.0                     # highest cost of one cycle; the key is in the environment: RATCHET_FRONTIER_KEY
"""


def write_template(name: str, labels: Sequence[str]) -> str:
    """Return the text of a new `classifier.toml`; raises `RatchetError` for labels that are not allowed."""
    spec = Spec(name, tuple(Label(label) for label in labels))
    blocks = "".join(_LABEL.format(name=json.dumps(label, ensure_ascii=False)) for label in spec.labels)
    return _HEAD.format(name=name) + blocks + _TAIL
