"""Gates: what a check says, as a value. A verdict always comes with its reason and the evidence it was taken from.

Add here what all gates share. How each gate decides is in its own module (`agreement`, `leakage`, `regression`, ...),
how receipts are written in `ratchet/storage/receipts.py`.
"""

DATA_GATES = ("row_quality", "label_agreement", "label_distribution", "leakage")
TARGET_GATES = ("target_plan", "target_fit")
"""Whether what is planned, and what was made of it, can run where it must. They came later: an entry of the ledger that
is older than they are names no receipt of theirs, and stands (`ratchet/workflows/rollout/admission.py`)."""
MODEL_GATES = ("beats_baselines", "golden_agreement", "golden_set_regression")
GATES = DATA_GATES + TARGET_GATES + MODEL_GATES
