"""Texts that a model does not read whole are counted by class, and a tokenizer of another language is noticed."""

import pytest

from ratchet.config.candidate import Candidate
from ratchet.models.base_models import base_folder
from ratchet.models.text_fit import MIN_KNOWN_SHARE, measure_known_share, measure_text_fit
from ratchet.models.tokenization import open_tokenizer

LANGUAGES = {
    "English": "My parcel has not arrived yet and I would like a refund for the damaged headphones please.",
    "German": "Meine Bestellung ist noch nicht angekommen und ich möchte eine Rückerstattung für die Kopfhörer.",
    "form traces": "scroll:page(18000ms), focus:preferred_contact_time, blur:preferred_contact_time, exit",
    "Chinese": "我的包裹还没有到。我想退款。因为耳机坏了。快递员把它放在雨里了。",
    "Russian": "Моя посылка ещё не пришла, и я хотел бы вернуть деньги за повреждённые наушники.",
    "Arabic": "لم يصل طردي بعد وأود استرداد المبلغ مقابل سماعات الرأس التالفة",
    "Thai": "พัสดุของฉันยังมาไม่ถึงและฉันต้องการเงินคืนสำหรับหูฟังที่เสียหาย",
    "Korean": "제 소포가 아직 도착하지 않았고 손상된 헤드폰에 대한 환불을 받고 싶습니다",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_english_base_knows_what_it_was_made_for(language: str) -> None:
    """Languages in its letters pass; in others its words are unknown or letter by letter."""
    share = measure_known_share(open_tokenizer(base_folder("all-MiniLM-L6-v2")), [LANGUAGES[language]] * 3)
    assert share is not None
    assert (share >= MIN_KNOWN_SHARE) == (language in ("English", "German", "form traces")), share


def test_numbers_alone_have_no_language() -> None:
    """Too few words give no figure, so that no remark is made on them."""
    assert measure_known_share(open_tokenizer(base_folder("all-MiniLM-L6-v2")), ["4711 0815", "ok"]) is None
    assert measure_known_share(open_tokenizer(base_folder("all-MiniLM-L6-v2")), []) is None


def test_texts_that_are_cut_are_counted_by_class() -> None:
    """The sentence names the limit and each class that loses something."""
    candidate = Candidate(max_tokens=16)
    texts = ["a short one", "word " * 40, "word " * 14, "word " * 15, "x" * 5000]
    fit = measure_text_fit(candidate, texts, ["brief", "mail", "mail", "mail", "mail"])
    assert (fit.texts, fit.cut) == ({"brief": 1, "mail": 4}, {"brief": 0, "mail": 3})
    assert "3 of 5 texts are longer than max_tokens = 16" in fit.sentence
    assert fit.sentence.endswith("only the beginning and the end are read (mail 3 of 4)")
    assert fit.language_sentence == ""
    assert fit.as_json()["by_class"] == {"brief": {"n": 1, "cut": 0}, "mail": {"n": 4, "cut": 3}}


def test_a_language_that_is_not_known_is_a_sentence() -> None:
    """It names the base and the share."""
    fit = measure_text_fit(Candidate(), [LANGUAGES["Chinese"]] * 2, ["a", "b"])
    assert "the tokenizer of all-MiniLM-L6-v2 knows only 2" in fit.language_sentence
