"""Boilerplate is found by its frequency and set aside in comparisons, and what is left decides what is alike."""

import random
import time
from datetime import timedelta

import pandas as pd
import pytest

from ratchet.config.policy import Limits
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle, monday_of
from ratchet.core.errors import RatchetError
from ratchet.data.boilerplate import FEWEST_TEXTS, Boilerplate, describe_boilerplate, find_boilerplate
from ratchet.data.curation import Curated, curate
from ratchet.data.near_duplicates import normalise
from ratchet.data.split_checks import check_splits
from ratchet.gates.leakage import find_leaks_beside

MONDAY = monday_of(pd.Timestamp("2026-03-02").date())
CYCLE = Cycle("mails", MONDAY)
KINDS = {
    "cancel": ("please cancel my order", "stop that order, not needed", "I want to cancel"),
    "refund": ("money back please", "give me a refund", "it arrived broken, refund it"),
    "delivery": ("where is it", "when will it be delivered", "it has not arrived"),
    "invoice": ("send the bill", "an invoice is missing", "I need a receipt for taxes"),
}
NOTICE = (
    "This message and all that is attached to it are meant for the person named above alone. Whoever got it by mistake"
    " is asked to tell the sender at once and to delete it. We take care that no virus comes with it, and answer for"
    " none that does. Please think of the forest before you print this page."
)
FOOTERS = {
    "a footer of several lines": "\n\n--\nKind regards\nthe customer\n\n" + NOTICE,
    "a footer in the same line": " " + NOTICE,
    "a footer with a number": "\n\n--\nTicket #{n}\n" + NOTICE + " Reference {n}/{n}, answer in {n} days.",
    "a signature with a name": "\nBest regards, {name}\nbuyer at the sawmill of the old town, second yard\n" + NOTICE,
    "a page of HTML": "</p><hr/><table class='foot' width='600'><tr><td style='x'>" + NOTICE + "</td></tr></table>",
    "a quoted answer": "\n> On Monday {n} March {name} wrote:\n> " + NOTICE.replace(". ", ".\n> "),
    "a footer without spaces": "\n本邮件及其附件仅供指定收件人使用 如果您错误地收到本邮件 请立即通知发件人并删除本邮件",
    "no footer": "",
}  # fmt: skip
NAMES = ("Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal")


def mails(footer: str, n: int, *, head: str = "", seed: int = 5) -> pd.DataFrame:
    """Corrected mails of four kinds over eight weeks, each with an order of its own."""
    generator = random.Random(seed)  # noqa: S311
    rows = []
    for i in range(n):
        label = generator.choice([*KINDS])
        order = "".join(generator.choices("bcdfghjklmnpqrstvwxz", k=9))
        own = footer.format(n=generator.randint(1, 10**6), name=generator.choice(NAMES))
        ts = pd.Timestamp(CYCLE.start) + timedelta(days=7 - 56 * (i + 1) / (n + 1))
        text = f"{head}{generator.choice(KINDS[label])} {order}{own}"
        rows.append(
            {"request_id": f"r{i}", "ts": ts, "text": text, "label": label, "status": "consensus", "blind": True}
        )
    return pd.DataFrame(rows)


def spec(**limits: float) -> Spec:
    """Four labels and their limits."""
    return Spec("mails", tuple(Label(kind) for kind in KINDS), limits=Limits(**limits))  # type: ignore[arg-type]


def curated(rows: pd.DataFrame, golden: tuple[str, ...] = (), **limits: float) -> Curated:
    """Curate mails."""
    return curate(rows, CYCLE, spec(**limits), golden)


@pytest.mark.parametrize("kind", FOOTERS)
def test_mails_that_share_a_passage_train_and_keep_it_for_the_model(kind: str) -> None:
    """Whatever the passage looks like, hardly more is dropped than of the same mails without it."""
    rows = mails(FOOTERS[kind], 240)
    found = curated(rows)
    check_splits(found, spec(), CYCLE)
    assert found.describe()["splits"]["train"]["n"] > 140
    assert found.describe()["boilerplate"]["texts"] == (0 if kind == "no footer" else 240)
    kept = found.examples.set_index("request_id")["text"]
    assert kept.str.len().min() > len(FOOTERS[kind].strip()) * 0.8  # redaction may shorten it


def test_without_it_the_same_mails_stop_with_the_cause_and_the_setting() -> None:
    """Nothing is set aside at a share of 1: nearly every mail is like a held-out one."""
    limits = {"boilerplate_share": 1.0, "near_duplicate_jaccard": 0.5}
    found = curated(mails(FOOTERS["a footer of several lines"], 120), **limits)
    with pytest.raises(RatchetError, match="the train split of mails 2026-03-02 is empty") as caught:
        check_splits(found, spec(**limits), CYCLE)
    hint = caught.value.hint
    assert "texts are alike: no passage that many texts share was found" in hint
    assert "limits.near_duplicate_jaccard (now 0.5)" in hint
    assert "limits.boilerplate_share (now 1)" in hint


def test_mails_that_are_near_duplicates_beside_their_footer_are_still_found() -> None:
    """In train for each other, for a held-out mail, and for a golden text without any footer."""
    foot = FOOTERS["a footer of several lines"]
    bodies = {"x": "please tell me how to unblock it", "y": "please tell me how to unblock it!",
              "t": "my parcel was left in the rain all night", "u": "My parcel was left in the rain all night!",
              "g": "the card of my brother does not open the gate!"}  # fmt: skip
    rows = mails(foot, 200)
    first, last = rows["ts"].min(), rows["ts"].max()
    extra = [{**rows.iloc[0].to_dict(), "request_id": name, "text": f"{body}{foot}", "label": "cancel",
              "ts": last if name == "t" else first} for name, body in bodies.items()]  # fmt: skip
    found = curated(pd.concat([rows, pd.DataFrame(extra)]), ("the card of my brother does not open the gate",))
    why = dict(zip(found.dropped["request_id"], found.dropped["reason"], strict=True))
    assert {name: why.get(name) for name in bodies} == {
        "x": None, "y": "near_duplicate", "t": None, "u": "near_held_out", "g": "near_golden"
    }  # fmt: skip


def test_a_golden_text_that_is_repeated_often_cannot_hide_itself() -> None:
    """Sent in 150 variants, so that it looks like boilerplate, it is compared whole, and none of them trains."""
    golden = "i would like to speak to somebody about the charge on my card that i never made at all in april"
    rows = mails("", 200)
    sent = rows.head(150).assign(text=[f"{golden} {NAMES[i % 8]} {'bcdfgh'[i % 6]}x{i}" for i in range(150)])
    sent["request_id"] = [f"sent{i}" for i in range(150)]
    found = curated(pd.concat([rows, sent]), (golden,))
    train = found.examples[found.examples["split"] == "train"]
    assert not train["request_id"].str.startswith("sent").any()


def test_the_check_sets_the_same_passages_aside_and_sees_a_leak_beside_them() -> None:
    """The check agrees with curation on its examples, and names a planted mail with another footer."""
    found = curated(mails(FOOTERS["a signature with a name"], 200))
    parts = {
        split: [*part[["request_id", "text"]].itertuples(index=False, name=None)]
        for split, part in found.examples.groupby(found.examples["split"] == "train")
    }
    assert find_leaks_beside(found.boilerplate, parts[True], parts[False], [], 0.8) == []
    stored = Boilerplate({int(gram): int(n) for gram, n in found.boilerplate.frame().itertuples(index=False)})
    assert stored == found.boilerplate
    item, text = parts[False][0]
    planted = ("bad", text.replace("\n", "!\n", 1))
    leaks = find_leaks_beside(stored, [*parts[True], planted], parts[False], [], 0.8)
    assert [(leak.train_item, leak.held_out_item) for leak in leaks] == [("bad", item)]
    assert find_leaks_beside(stored, [("foot", NOTICE)], [("same", NOTICE)], [], 0.8)[0].similarity == 1.0


RESTS = {
    "a footer alone is compared whole": (NOTICE, NOTICE),
    "one word and a footer": ("help " + NOTICE, "help " + NOTICE),
    "two words and a footer": ("refund please " + NOTICE, "refund please"),
    "before and after a footer": ("hello there -- " + NOTICE + " >> my order", "hello there my order"),
    "a part of the footer is a footer too": ("where is it " + NOTICE.split(".")[0], "where is it"),
    "seven words of it are none": ("where is it, this message and all that is", None),
    "nothing of it": ("this is another text of more than eight words in all", None),
    "an empty text": ("", None),
    "digits of another script before it": ("where is ๑๒๓ now " + NOTICE, "where is ๑๒๓ now"),
}


@pytest.mark.parametrize("case", RESTS)
def test_what_is_left_of_a_text(case: str) -> None:
    """A text of which hardly anything is left is compared whole."""
    text, left = RESTS[case]
    known = find_boilerplate([normalise(f"{name} {i} {NOTICE}") for i, name in enumerate(NAMES * 2)], 0.5)
    rest = known.set_aside([normalise(text)])[0]
    kept = normalise(text if left is None else left)
    assert rest.text.partition("#")[0] == kept
    assert rest.bare == (left == text)


def test_the_same_few_words_on_two_forms_are_not_alike() -> None:
    """They are on one form; more words of one's own are alike wherever they stand."""
    forms = [" ".join(words) + ": " for words in (NOTICE.split()[:30], NOTICE.split()[30:])]
    known = find_boilerplate(
        [normalise(f"{form}{name} {i}x") for form in forms for i, name in enumerate(NAMES * 2)], 0.1
    )
    few = [known.set_aside([normalise(f"{form}no reason")])[0].text for form in forms]
    many = [known.set_aside([normalise(f"{form}it came a day too late")])[0].text for form in forms]
    assert few[0] != few[1]
    assert few[0] == known.set_aside([normalise(f"{forms[0]} No reason!")])[0].text
    assert many == ["it came a day too late"] * 2


def test_a_passage_counts_from_ten_texts_on_and_is_described_by_the_room_it_fills() -> None:
    """Nine texts are too few, a repeated text counts once; numbers in a passage are shown as 0."""
    desk = f"ordered this: ticket 4711 of the desk on the first floor, {NOTICE}"
    texts = [normalise(f"{name}{i} {desk}") for i, name in enumerate(NAMES * 2)]
    assert not find_boilerplate(texts[: FEWEST_TEXTS - 1] * 3, 0.01).grams
    rests = find_boilerplate(texts, 0.01).set_aside(texts)
    described = describe_boilerplate(rests)
    assert {key: described[key] for key in ("texts", "compared_whole", "passages")} == {
        "texts": 16, "compared_whole": 16, "passages": 1
    }  # fmt: skip
    assert described["blocks"][0]["block"].startswith("ordered this: ticket 0 of the desk")
    assert len(described["blocks"][0]["block"]) == 300


@pytest.mark.faults
def test_the_time_of_the_search_grows_with_the_texts_and_not_with_their_pairs() -> None:
    """Eight times as many texts take less than sixteen times as long; the table of counts has one size."""
    generator = random.Random(3)  # noqa: S311
    words = ["".join(generator.choices("abcdefghij", k=6)) for _ in range(2000)]
    texts = [normalise(" ".join(generator.choices(words, k=25)) + " " + NOTICE) for _ in range(4000)]

    def seconds(part: list[str]) -> float:
        began = time.process_time()
        find_boilerplate(part, 0.01).set_aside(part)
        return time.process_time() - began

    few = min(seconds(texts[:500]) for _ in range(2))
    assert seconds(texts) < 16 * few
