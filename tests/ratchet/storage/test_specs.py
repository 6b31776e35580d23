"""Every contradiction of a classifier's files is refused at load, in one sentence with the value and the cure."""

import json
from pathlib import Path

import pytest

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.storage.golden_set import GoldenItem, load_golden
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs, load_spec
from ratchet.testing.tiny_causal import write_tiny_causal

TWO = '[[label]]\nname = "refund"\n[[label]]\nname = "other"\n'


def write(folder: Path, content: str | bytes, name: str = "tickets") -> Path:
    """A `classifier.toml` in the folder of classifier `name`."""
    path = folder / name / "classifier.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """Two labels, all else by default."""
    return load_spec(write(tmp_path, TWO))


def test_two_labels_are_enough_and_the_name_is_the_folders(spec: Spec) -> None:
    """All else has a default."""
    assert spec.name == "tickets"
    assert spec.labels == ("refund", "other")
    assert spec.candidate[0].base == "all-MiniLM-L6-v2"


def test_a_file_with_a_byte_order_mark_loads(tmp_path: Path) -> None:
    """Some editors write one."""
    assert load_spec(write(tmp_path, "\ufeff" + TWO)).labels == ("refund", "other")


@pytest.mark.parametrize(
    ("content", "found", "cure"),
    [
        ('[[label]]\nname = "refund"\n', "1 label ['refund']", "two labels or more"),
        (TWO + '[[label]]\nname = "refund"\n', "label 'refund' is listed twice", "Keep one"),
        (TWO + 'threshold = 1.5\n', "threshold of label 'other' = 1.5 is outside 0..1", "between 0 and 1"),
        (TWO + 'threshold = -0.1\n', "threshold of label 'other' = -0.1 is outside 0..1", "between 0 and 1"),
        (TWO + '[[action]]\nname = "pay"\nmax_error = 0.05\n', "action 'pay' is the action of no label",
        "Name it in a [[label]]"),
        (TWO + '[[action]]\nname = "review"\nmax_error = 0.05\n', "action 'review' has a max_error",
        "remove the table"),
        (TWO + '[[action]]\nname = "pay"\nmax_error = 0.0\n', "max_error = 0.0 of action 'pay' is not",
        "0.05"),
        (TWO + 'action = "pay"\n' + 2 * '[[action]]\nname = "pay"\nmax_error = 0.05\n', "action 'pay' is listed twice",
        "Keep one"),
        (TWO + 'action = "pay"\n[[action]]\nname = "pay"\nmax_error = 0.1\nmax_eror = 1\n', "'action.max_eror'",
        "'max_error'"),
        (TWO + 'threshold = nan\n', "threshold of label 'other' = nan is outside 0..1", "between 0 and 1"),
        (TWO + '[[candidate]]\nbase = "all-MiniLM-L6"\n', "candidate 1: unknown base model 'all-MiniLM-L6'",
        "'all-MiniLM-L6-v2'"),
        (TWO + '[[candidate]]\nbase = "./nowhere"\n', "candidate 1: base model folder './nowhere' holds no",
        "save_pretrained"),
        (TWO + '[[candidate]]\nmax_tokens = 4096\n', "candidate 1: max_tokens = 4096 is more than", "512 or less"),
        (TWO + '[[candidate]]\n[[candidate]]\n', "candidate 2 (encoder/lora r16 all-MiniLM-L6-v2) is listed twice",
        "Remove one"),
        ('candidate = []\n' + TWO, "no [[candidate]] is listed", "Add one"),
        (TWO + '[[candidate]]\nepoch = 3\n', "line 6: unknown key 'candidate.epoch'", "Did you mean 'epochs'?"),
        (TWO + '[windo]\nlookback_weeks = 3\n', "line 5: unknown key 'windo'", "Did you mean 'window'?"),
        ('lookback_weeks = 3\n' + TWO, "line 1: unknown key 'lookback_weeks'", "belongs in [window]"),
        ('rank = 8\n' + TWO, "line 1: unknown key 'rank'", "belongs in [[candidate]]"),
        (TWO + 'cost_review = 1.0\n', "line 5: unknown key 'label.cost_review'", "move it above the first [section]"),
        (TWO + 'zzz = 1\n', "line 5: unknown key 'label.zzz'", "Known keys here: name, description"),
        (TWO + 'threshold = "high"\n', "line 5: label.threshold = 'high' is not valid", "Change threshold"),
        ('[[label]]\nname="a"\nthreshold=0.5\n[[label]]\nname="b"\nthreshold="b"\n', "line 6: label.threshold = 'b'",
        "Change"),
        (TWO + '[[candidate]]\nmethod = "prefix"\n', "line 6: candidate.method = 'prefix'", "Change method"),
        (TWO + '[[candidate]]\nepochs = 2.5\n', "line 6: candidate.epochs = 2.5 is not", "Change epochs"),
        (TWO + '[[candidate]]\ntarget_modules = "auto"\n', "line 6: candidate.target_modules = 'auto'",
        "Change target_modules"),
        (TWO + '[window]\nearliest = "soon"\n', "line 6: window.earliest = 'soon'", "Change earliest"),
        (TWO + '[window]\nlookback_weeks = "5"\n', "line 6: window.lookback_weeks = '5' is not valid",
        "Change lookback_weeks"),
        ('description = 5\n' + TWO, "line 1: description = 5 is not valid", 'Put it in quotes: description = "5".'),
        (TWO + '[[candidate]]\nbase = true\n', "line 6: candidate.base = true is not valid", 'base = "true"'),
        ('description = ["x"]\n' + TWO, 'line 1: description = ["x"] is not valid', "Change description"),
        (TWO + '[[candidate]]\n[[candidate]]\nrank = -1\n', "classifier.toml line 7, candidate 2: candidate.rank = -1",
        "rank"),
        (TWO + '[limits]\nmin_agreement = 7\n', "classifier.toml line 6: limits.min_agreement = 7",
        "share between 0 and 1"),
        ('[[label]]\ndescription = "x"\n' + TWO, "line 1: 'label.name' is missing", "Add name"),
        ('description = "x"\n', "'label' is missing", "Add a [[label]]"),
        ('name = "other"\n' + TWO, "says name = 'other' but is in folder 'tickets'", "Make the two equal"),
        ('[[label]\n', "is not valid TOML", "Fix line"),
        (b'description = "\xff"\n', "is not valid TOML", "Save it as UTF-8."),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused_with_its_value_and_its_cure(
    tmp_path: Path, content: str | bytes, found: str, cure: str
) -> None:
    """In one sentence that names the file, and the line where there is one."""
    with pytest.raises(RatchetError) as caught:
        load_spec(write(tmp_path, content))
    assert "classifier.toml" in caught.value.message
    assert found in caught.value.message
    assert cure in caught.value.hint
    assert "\n" not in caught.value.message


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    """A newcomer's first mistake."""
    with pytest.raises(RatchetError, match=r"does not exist.*ratchet init"):
        load_spec(tmp_path / "tickets" / "classifier.toml")


@pytest.mark.feature(4)
def test_an_unknown_classifier_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """Through the store that assets and commands use."""
    write(tmp_path, TWO)
    specs = Specs(Home(tmp_path))
    assert specs["tickets"].labels == ("refund", "other")
    with pytest.raises(RatchetError, match=r"no classifier 'ticket' in .*\(has: tickets\).*Did you mean 'tickets'"):
        specs["ticket"]


def test_golden_items_are_read_in_order_and_blank_lines_skipped(tmp_path: Path, spec: Spec) -> None:
    """One object a line; further keys are the user's own."""
    path = tmp_path / "golden.jsonl"
    path.write_text('{"text": "money back", "label": "refund", "by": "me"}\n\n{"label": "other", "text": "hello"}\n')
    assert load_golden(path, spec) == [GoldenItem("money back", "refund"), GoldenItem("hello", "other")]


@pytest.mark.parametrize(
    ("line", "found", "cure"),
    [
        (
            {"text": "x", "label": "refunds"},
            "label 'refunds' in golden.jsonl line 2 is not in classifier.toml",
            "'refund'",
        ),
        (
            {"text": "money back", "label": "other"},
            "line 2 has label 'other' for the text that has 'refund' in line 1",
            "Keep one of the two lines",
        ),
        ({"text": "x"}, "golden.jsonl line 2 is not a golden item", "Write {"),
        ({"text": "  ", "label": "other"}, "golden.jsonl line 2 is not a golden item", "Write {"),
        ({"text": 5.5, "label": "other"}, "golden.jsonl line 2 is not a golden item", "Write {"),
        ({"text": "\ud800", "label": "other"}, "golden.jsonl line 2 is not a golden item", "Write {"),
        (["x", "other"], "golden.jsonl line 2 is not a golden item", "Write {"),
    ],
)
def test_a_wrong_golden_item_is_refused_with_its_line(
    tmp_path: Path, spec: Spec, line: object, found: str, cure: str
) -> None:
    """A label that the spec lacks, a text that two lines call differently, a row that is none."""
    path = tmp_path / "golden.jsonl"
    path.write_text(json.dumps({"text": "money back", "label": "refund"}) + "\n" + json.dumps(line) + "\n")
    with pytest.raises(RatchetError) as caught:
        load_golden(path, spec)
    assert found in caught.value.message
    assert cure in caught.value.hint


def test_a_golden_label_that_was_just_renamed_names_the_command_first(tmp_path: Path, spec: Spec) -> None:
    """A newcomer renames it in classifier.toml: the rule that records it mends the golden set as well."""
    path = tmp_path / "golden.jsonl"
    path.write_text(json.dumps({"text": "money back", "label": "re fund"}) + "\n")
    with pytest.raises(RatchetError) as caught:
        load_golden(path, spec)
    command = f"ratchet labels {spec.name} rename 're fund' NEW --why TEXT"
    assert caught.value.hint.startswith(f"Where it was renamed, record it: {command}")
    assert "Fix the row" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "found"),
    [(None, "does not exist"), (b"\n\n", "is empty"), (b"\xff\xfe{", "cannot be read: the file begins as UTF-16")],
)
def test_a_golden_set_that_cannot_be_read_is_refused(
    tmp_path: Path, spec: Spec, content: bytes | None, found: str
) -> None:
    """Missing, empty, or not UTF-8."""
    path = tmp_path / "golden.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RatchetError, match=found):
        load_golden(path, spec)


FRONTIER = '[frontier]\nbase_url = "https://host/v1"\nmodel = "large"\nprice_input = 1\nprice_output = 1\n'
UNASKED = "The [frontier] model is never used: it answers with one-token codes, and there are only 52."
PROBE = '[[candidate]]\nmethod = "probe"\n'
FULL = '[[candidate]]\nmethod = "full"\n'
CAUSAL = '[[candidate]]\nfamily = "causal"\nbase = "./causal"\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", []),
        (PROBE + "max_tokens = 64\nseed = 3\ninverse_regularisation = 2.0\n", []),
        (PROBE + "rank = 16\nepochs = 4\nbatch = 0\n",
        ['Candidate 1: method = "probe" does not read rank, epochs and batch.']),
        (PROBE + FULL + "alpha = 8\n", ['Candidate 2: method = "full" does not read alpha.']),
        ("[[candidate]]\ninverse_regularisation = 2.0\n",
        ['Candidate 1: method = "lora" does not read inverse_regularisation.']),
        ("[prompt]\nchat = false\n", ["No candidate reads [prompt]."]),
        (CAUSAL + "[prompt]\nchat = false\n", []),
        (FRONTIER + "[prompt]\nchat = false\n", []),
        (FRONTIER + "".join(f'[[label]]\nname = "l{number}"\n' for number in range(50)), []),
        (FRONTIER + "".join(f'[[label]]\nname = "l{number}"\n' for number in range(51)), [UNASKED]),
        (FULL + "learning_rate = 2e-4\n", []),
        ("[promotion]\nmax_weeks = 3\nmargin = 0.02\nmin_requests = 50\n", []),
        ("[promotion]\ndeadline_hours = 96\nmin_labels = 100\n",
        ["[promotion] min_labels is not used any more: margin and alpha_year decide when labels suffice.",
         "[promotion] deadline_hours is not used any more: max_weeks ends a comparison."]),
        (FULL + "learning_rate = 1.4e-3\n",
        ['Candidate 1: learning_rate = 0.0014 with method = "full" ruins a pretrained model.']),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: list[str]
) -> None:
    """A setting that nothing reads even where it has the default's value; the file loads nevertheless, for it can be
    trained."""
    write_tiny_causal(tmp_path / "causal", [])
    monkeypatch.chdir(tmp_path)
    write(tmp_path, TWO + content)
    remarks = Specs(Home(tmp_path)).remarks("tickets")
    assert [remark.found for remark in remarks] == said
    assert all(remark.hint.startswith("Remove ") for remark in remarks)
