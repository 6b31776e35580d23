"""Commands of `ratchet`, in the groups in which its help lists them.

Add a command to its group, with one sentence, an example, and its exit codes besides 0, 1 and 64. Its code is a file of
its own in the folder of the group.
"""

from orchestration.cli.commands.admin.alerts import alerts
from orchestration.cli.commands.admin.fetch_base import fetch_base
from orchestration.cli.commands.admin.gate_key import gate_key
from orchestration.cli.commands.admin.publish import publish
from orchestration.cli.commands.admin.verify_adapter import verify_adapter
from orchestration.cli.commands.look.backtest import backtest
from orchestration.cli.commands.look.dropped import dropped
from orchestration.cli.commands.look.explain import explain
from orchestration.cli.commands.look.gates import gates
from orchestration.cli.commands.look.history import history
from orchestration.cli.commands.look.lineage import lineage
from orchestration.cli.commands.look.log import log
from orchestration.cli.commands.look.status import status
from orchestration.cli.commands.look.verify import verify
from orchestration.cli.commands.look.why import why
from orchestration.cli.commands.review.labels import labels
from orchestration.cli.commands.review.people import people
from orchestration.cli.commands.review.review import review
from orchestration.cli.commands.rollout.advance import advance
from orchestration.cli.commands.rollout.hold import hold
from orchestration.cli.commands.rollout.kill import kill
from orchestration.cli.commands.rollout.policy import policy
from orchestration.cli.commands.rollout.promote import promote
from orchestration.cli.commands.rollout.replay import replay
from orchestration.cli.commands.rollout.rollback import rollback
from orchestration.cli.commands.rollout.shadow import shadow
from orchestration.cli.commands.serve.export import export
from orchestration.cli.commands.serve.key import key
from orchestration.cli.commands.serve.keys import keys
from orchestration.cli.commands.serve.predict import predict
from orchestration.cli.commands.serve.serve import serve
from orchestration.cli.commands.start.demo import demo
from orchestration.cli.commands.start.docs import docs
from orchestration.cli.commands.start.doctor import doctor
from orchestration.cli.commands.start.init import init
from orchestration.cli.commands.start.sample import sample
from orchestration.cli.commands.weekly.cycle import cycle
from orchestration.cli.commands.weekly.dataset import dataset
from orchestration.cli.commands.weekly.ingest import ingest
from orchestration.cli.commands.weekly.report import report
from orchestration.cli.commands.weekly.sweep import sweep
from orchestration.cli.commands.weekly.teach import teach
from orchestration.cli.commands.weekly.unquarantine import unquarantine
from orchestration.cli.help import Command

_COMMIT = "0123456789" * 4

GROUPS: dict[str, tuple[Command, ...]] = {
    "Start": (
        Command(
            demo,
            "Play simulated weeks: one promoted, one promoted and rolled back after an injected bad adapter, "
            "one blocked, one blocked until people reviewed it.",
            "ratchet demo",
        ),
        Command(
            init,
            "Create a classifier: a commented classifier.toml, its landing folders and, where given, its golden set.",
            "ratchet init tickets --labels-from golden.jsonl",
        ),
        Command(
            sample,
            "Make the sample classifier with simulated weeks of any size, ready to ingest and to run a cycle.",
            "ratchet --home sample sample --requests 4000",
        ),
        Command(doctor, "Check this machine and home, and say how to fix what is wrong.", "ratchet doctor"),
        Command(docs, "Print a page of the manual as Markdown, or the list of its pages.", "ratchet docs alerts"),
    ),
    "Every week": (
        Command(
            ingest,
            "Read production logs, corrections and labelled examples: the files you name plus anything new in the "
            "landing folders.",
            "ratchet ingest tickets --logs week.jsonl --corrections fixes.csv --map text=body",
            (3,),
        ),
        Command(
            cycle,
            "Run one week: train every candidate, calibrate, evaluate and check the best one.",
            "ratchet cycle tickets --week latest",
            (2,),
        ),
        Command(
            report,
            "Show the figures of a week's eval report and the path of its page.",
            "ratchet report tickets --week 2026-W09",
            (2,),
        ),
        Command(
            dataset,
            "Show a cycle's training set, or export it for other tools: chat, instruction, prompt-completion, CSV, "
            "Parquet.",
            "ratchet dataset tickets --week latest --export train.jsonl --format chat --split train",
            (3,),
        ),
        Command(
            unquarantine,
            "Let a week that a check of its rows or labels blocked be used all the same, and record why.",
            "ratchet unquarantine tickets --week 2026-W08 --why 'reviewed: the new guideline is right'",
        ),
        Command(
            sweep,
            "Compare a week's candidates, and TF-IDF, by quality, time, energy and money.",
            "ratchet sweep tickets --week latest",
        ),
        Command(
            teach,
            "Ask the [frontier] model about a week's training rows, and write its answers as a teacher's file.",
            "RATCHET_FRONTIER_KEY=... ratchet teach tickets --week latest --budget 2",
            (3,),
        ),
    ),
    "Review": (
        Command(
            labels,
            "Show the labels of the file, of live and of the rows; rename, merge, split, add or retire one.",
            "ratchet labels tickets rename delivery shipping --why 'the word of the new guideline'",
        ),
        Command(
            review,
            "Answer the requests that wait for a label: at this terminal, in a file, or in Label Studio.",
            "ratchet review tickets",
            (3,),
        ),
        Command(
            people,
            "Show labels, agreement and pace of the people who label; suspend one whose labels shall not count.",
            "ratchet people tickets --suspend bob --why 'labels without reading'",
        ),
    ),
    "Rollout": (
        Command(
            shadow,
            "Let the newest candidate that passed its cycle answer beside live, unseen by users: the way to live.",
            "ratchet shadow tickets",
            (2,),
        ),
        Command(
            promote,
            "Promote by hand: make the newest candidate that passed its cycle live, and record who did it and why.",
            "ratchet promote tickets --why 'better on transfers'",
            (2,),
        ),
        Command(
            advance,
            "Evaluate a rollout now and move it up a step, hold it or roll it back, as the promotion sensor does.",
            "ratchet advance tickets",
        ),
        Command(hold, "Hold a rollout at its step, or lift the hold.", "ratchet hold tickets --why 'holidays'"),
        Command(
            rollback,
            "Roll back now, without gates: drop the candidate, or return to the previous adapter; it stays barred "
            "until a new cycle.",
            "ratchet rollback tickets --why 'complaints'",
        ),
        Command(
            kill,
            "Turn the kill switch on or off: all traffic goes to live.",
            "ratchet kill tickets --why 'outage'",
        ),
        Command(
            policy,
            "Show how classifier.toml differs from the policy in force, and with --why enter it in the signed ledger.",
            "ratchet policy tickets --why 'refunds need 0.9'",
        ),
        Command(
            replay,
            "Compare an adapter with live on logged requests, where it cannot shadow.",
            "ratchet replay tickets --since 2026-02-16 --adapter 3f9c2a",
        ),
    ),
    "Serve": (
        Command(
            serve,
            "Serve the live adapter over HTTP; record requests, corrections and feedback.",
            "ratchet serve --port 8008",
        ),
        Command(key, "Create a key for the gateway.", "ratchet key web --scope classify --scope feedback"),
        Command(keys, "List the keys of the gateway, or revoke one.", "ratchet keys --revoke web"),
        Command(
            predict,
            "Classify a file of texts; lines that cannot be classified are skipped and listed.",
            "ratchet predict tickets --input in.jsonl --output out.jsonl",
            (3,),
        ),
        Command(
            export,
            "Export an adapter for another runtime, and compare its answers with the adapter's own.",
            "ratchet export tickets --kind onnx_int8",
            (2,),
        ),
    ),
    "Look": (
        Command(
            status,
            "Show on one screen what is live, what is new and what comes next.",
            "ratchet status tickets",
        ),
        Command(
            explain,
            "Explain an answer: which words of the text speak for it and which against it.",
            "ratchet explain tickets --text 'my card was swallowed' --html why.html",
        ),
        Command(
            log,
            "List every change of keys, policy, quarantine, people, kill switch and rollout, with who made it and why.",
            "ratchet log tickets --kind policy --kind keys",
        ),
        Command(
            why,
            "Show what happened to one request: its answer, feedback, corrections, and the cycles that used it.",
            "ratchet why rq_3fB7",
        ),
        Command(
            dropped,
            "List the rows that a week's cycle dropped and that intake rejected, with reasons.",
            "ratchet dropped tickets --week 2026-W09 --all",
        ),
        Command(
            history,
            "Show the weeks side by side: verdict, figures, what was promoted, rolled back or blocked, and why.",
            "ratchet history tickets --since 52w --csv > tickets.csv",
        ),
        Command(
            gates,
            "Show what each gate blocked, what was released later, how those candidates did, and the days lost.",
            "ratchet gates tickets --since 52w --csv",
        ),
        Command(
            backtest,
            "Decide every stored cycle and rollout again under another policy, and show which verdicts turn.",
            "ratchet backtest tickets --policy new.toml",
        ),
        Command(
            lineage,
            "Print OpenLineage events of every run of a cycle: when it began and ended, what it read and made.",
            "ratchet lineage tickets --since 52w --output events.jsonl",
        ),
        Command(verify, "Verify a receipt, or the ledger of a classifier with its anchors.", "ratchet verify tickets"),
    ),
    "Admin": (
        Command(
            alerts,
            "Show which alerts were sent and which wait; send what is due, or a test line to every receiver.",
            "ratchet alerts test",
        ),
        Command(
            publish,
            "Publish an adapter on a Hub, load it back and tag it by its week; or check what was published.",
            "HF_TOKEN=... ratchet publish tickets --repo owner/tickets",
            (2,),
        ),
        Command(
            verify_adapter,
            "Inspect and sandbox-test a third-party adapter.",
            f"ratchet verify-adapter owner/tickets@{_COMMIT} --for tickets",
            (2,),
        ),
        Command(
            gate_key,
            "Show the key that signs receipts, put it into force in the ledgers, or make another pair.",
            "ratchet gate-key --new --why 'the old one was lost'",
        ),
        Command(
            fetch_base,
            "Download a base model of the Hub by its commit; nothing else downloads one.",
            f"ratchet fetch-base org/name@{_COMMIT}",
        ),
    ),
}
