"""The list of commands, each with its help page.

Add a command here, with one sentence, an example, and the exit codes beside 0, 1 and 64; what it does is in a file of
its own.
"""

from collections.abc import Callable

from orchestration.cli.commands.cycle import cycle
from orchestration.cli.commands.demo import demo
from orchestration.cli.commands.doctor import doctor
from orchestration.cli.commands.explain import explain
from orchestration.cli.commands.export import export
from orchestration.cli.commands.fetch_base import fetch_base
from orchestration.cli.commands.ingest import ingest
from orchestration.cli.commands.init import init
from orchestration.cli.commands.key import key
from orchestration.cli.commands.predict import predict
from orchestration.cli.commands.promote import promote
from orchestration.cli.commands.publish import publish
from orchestration.cli.commands.replay import replay
from orchestration.cli.commands.report import report
from orchestration.cli.commands.rollout import advance, hold, kill, rollback
from orchestration.cli.commands.serve import serve
from orchestration.cli.commands.status import status
from orchestration.cli.commands.sweep import sweep
from orchestration.cli.commands.teach import teach
from orchestration.cli.commands.verify import verify
from orchestration.cli.commands.verify_adapter import verify_adapter
from orchestration.cli.help import manual

COMMANDS: tuple[tuple[Callable[..., int], str], ...] = (
    (demo, manual("Play three simulated weeks: promoted, promoted and a planted regression rolled back, a bad third "
                  "one blocked.",
                  "ratchet demo")),
    (init, manual("Make a classifier: its commented classifier.toml, its landing folders and, where given, its golden "
                  "set.",
                  "ratchet init tickets --labels-from golden.jsonl")),
    (ingest, manual("Take production logs and corrections: files that are named, and what lies new in the landing "
                    "folders.",
                    "ratchet ingest tickets --logs week.jsonl --corrections fixes.csv --map text=body", 3)),
    (cycle, manual("Run one week: train every candidate, calibrate, judge and check the best one.",
                   "ratchet cycle tickets --week latest", 2)),
    (report, manual("Show the figures of a week's eval report and where its page lies.",
                    "ratchet report tickets --week 2026-W09", 2)),
    (sweep, manual("Show what each candidate of a week gave and what it cost in time, energy and money, with TF-IDF "
                   "beside them.",
                   "ratchet sweep tickets --week latest")),
    (teach, manual("Ask the [frontier] model about a week's training rows, and write its answers as a teacher's file.",
                   "RATCHET_FRONTIER_KEY=... ratchet teach tickets --week latest --budget 2", 3)),
    (promote, manual("Make the newest candidate that passed its cycle live, and record who did it and why.",
                     "ratchet promote tickets --why 'better on transfers'", 2)),
    (advance, manual("Weigh the evidence of a rollout and carry out what it asks for: what the promotion sensor does "
                     "every minute.",
                     "ratchet advance tickets")),
    (hold, manual("Stop a rollout where it stands, or lift the stop.", "ratchet hold tickets --why 'holidays'")),
    (rollback, manual("Take the candidate, or live itself, back at once: one write, no gates, and it stays out.",
                      "ratchet rollback tickets --why 'complaints'")),
    (kill, manual("Send everyone to live at once, or end that.", "ratchet kill tickets")),
    (replay, manual("Compare an adapter with live on logged requests, for those who cannot shadow.",
                    "ratchet replay tickets --since 2026-02-16 --adapter 3f9c2a")),
    (verify, manual("Verify a receipt, or the ledger of a classifier with its anchors.", "ratchet verify tickets")),
    (predict, manual("Answer a file of texts; a line that cannot be answered is left out and named.",
                     "ratchet predict tickets --input in.jsonl --output out.jsonl", 3)),
    (explain, manual("Show which words of a text spoke for the answer and which against it, through the adapter that "
                     "serves.",
                     "ratchet explain tickets --text 'my card was swallowed' --html why.html")),
    (export, manual("Write an adapter for another runtime, and compare its answers with the adapter's own.",
                    "ratchet export tickets --kind onnx_int8", 2)),
    (publish, manual("Publish an adapter on a Hub, load it back and tag it by its week; or read back what was "
                     "published.",
                     "HF_TOKEN=... ratchet publish tickets --repo owner/tickets", 2)),
    (verify_adapter, manual("Look strictly at an adapter that somebody else made, and try it in a confined process; "
                            "keep nothing.",
                            "ratchet verify-adapter owner/tickets@" + "0123456789" * 4 + " --for tickets", 2)),
    (serve, manual("Answer over HTTP with what is live, and land what is asked, corrected and said of it.",
                   "ratchet serve --port 8008")),
    (fetch_base, manual("Download a base model of the Hub by its commit; nothing else ever downloads one.",
                        "ratchet fetch-base org/name@" + "0123456789" * 4)),
    (key, manual("Make a key for the gateway.", "ratchet key web --scope classify --scope feedback")),
    (status, manual("Show on one screen what is live, what is new and what comes next.", "ratchet status tickets")),
    (doctor, manual("Say what is missing or odd on this machine, with the cure.", "ratchet doctor")),
)  # fmt: skip
