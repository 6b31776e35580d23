"""Time-outs: how long each part of the product waits for another process, machine or person, in seconds.

Add a wait here, with its reason, and import it by name. Pauses between two tries, and settings that a user may change
(`timeout_s` of `[frontier]`, `RATCHET_GATEWAY_*`), stay where they are read; their defaults are these.
"""

WAREHOUSE_LOCK_S = 60.0
"""For another process to close the warehouse: longer than any step of a cycle keeps it open."""
STATUS_LOCK_S = 2.0
"""The same for `ratchet status`: a person waits, and the screen says what it could not read."""
SENSOR_LOCK_S = 1.0
"""The same inside a sensor's tick: the next tick comes in a minute."""
REVIEW_INDEX_S = 30.0
"""For another process to end its change of the review queue's index: longer than a first look at a million requests
holds it between two of its steps."""
TRIAL_READING_S = 120
"""Processor time to read a landed file that a process died of: four million rows took less than a minute."""

TRAINING_SILENCE_S = 120.0
"""For a training to give a sign of life, before it counts as hung."""
TRIAL_S = 900
"""For a one-step trial of a candidate in the runtime of its target."""
RUN_LEASE_S = 60.0
"""For a run to take its lease after its start, and between two stores."""

GATEWAY_STOP_S = 10
"""For requests under way when `ratchet serve` is asked to stop."""
CLIENT_HEAD_S, CLIENT_BODY_S = 10.0, 30.0
"""For a client of the gateway to send the head of a request, and its body."""
CLIENT_READ_S = 60.0
"""For a client of the gateway to read what it is sent."""
FLAG_EVALUATION_S = 0.05
"""For one evaluation by a flag provider: every request waits for it, and live answers otherwise."""
FLAG_PROVIDER_START_S = 5.0
"""For a flag provider to become ready."""
LEDGER_TO_FLAG_S = 2.0
"""Between a ledger entry and its flag, before the gap is a problem."""
GATEWAYS_FOLLOW_S = 10.0
"""For every running gateway to answer by a new entry of the ledger."""
LOAD_RETRY_S = 60.0
"""Before an export that could not be loaded is tried again."""
TRACE_EXPORT_S = 5
"""For the collector of traces to take a batch."""

HUB_ANSWER_S = 60.0
"""For one answer of a Hub."""
HUB_RETRY_AFTER_S = 60.0
"""Longest `Retry-After` of a Hub that is obeyed."""
HUB_PUBLICATION_S = 900.0
"""For all attempts of one call to a Hub."""
THIRD_PARTY_OPEN_S, THIRD_PARTY_TEST_S = 600, 1200
"""Processor time of the sandbox that tries a third-party adapter, and the wait for its end."""

FRONTIER_ANSWER_S = 30.0
"""For one answer of a frontier model."""
FRONTIER_RETRY_AFTER_S = 60.0
"""Longest `Retry-After` of a frontier endpoint that is obeyed."""
TEACHER_RUN_S = 3600.0
"""For all questions of `ratchet teach`."""

LABEL_STUDIO_ANSWER_S = 20.0
"""For one answer of Label Studio."""
LABEL_STUDIO_POLL_S = 120.0
"""For all requests of one poll or one push, retries included."""
LABEL_STUDIO_TICK_S = 30.0
"""The same inside a sensor's tick, which Dagster ends after a minute: the next tick goes on."""
LABEL_STUDIO_START_S, LABEL_STUDIO_STOP_S = 300.0, 10.0
"""For our own Label Studio to answer, migrations of its first start included, and to end."""

ALERT_DELIVERY_S = 15.0
"""For all receivers of alerts together to take their messages."""
ALERT_TICK_S = 5.0
"""The same inside a sensor's tick, after which it goes on in a thread: the next sensor waits for the tick."""

CONVERSION_S = 3600
"""For one conversion to GGUF, and for one quantization."""
LLAMA_CPP_S, LLAMA_CPP_TOKENS_S = 600.0, 60
"""For one answer of llama.cpp, which also loads the model, and for the tokens of a text."""

SIMULATED_REQUEST_S = 60
"""For the gateway to answer a simulated user."""
DEV_STOP_S = 60.0
"""For the UI and the daemon of `make dev` to stop, which wait for what they started."""

DEMO_START_S, DEMO_SETTLE_S, DEMO_STOP_S = 120.0, 60.0, 20.0
"""For the demo's gateway to be ready, to follow a change, and to stop."""
