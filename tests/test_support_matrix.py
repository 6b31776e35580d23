"""The support matrix holds what the tests' marks say, and nothing else."""

import pytest

from benchmarks.support_matrix import PAGE, ROOT, read_claims, read_file, render

MARK = 'family="causal", method="lora", runtime="llama_cpp", export="gguf_f16"'


def source(*marks: str) -> str:
    """A test file with one test under these marks."""
    return "".join(f"@pytest.mark.supports({mark})\n" for mark in marks) + "def test_it() -> None: ...\n"


@pytest.mark.feature(41)
def test_the_page_is_what_the_tests_say() -> None:
    """`make matrix` writes it anew after a mark was added, changed or taken away."""
    assert (ROOT / PAGE).read_text() == render(read_claims(ROOT / "tests")), "run 'make matrix'"


def test_a_tick_names_its_test_and_a_cross_its_words() -> None:
    """Several words in a tuple are several claims; a combination without a mark stays empty."""
    claims = read_file(
        source(
            MARK,
            'family="encoder", method=("lora", "probe"), runtime="ratchet", export="adapter"',
            'family="encoder", method="probe", runtime="onnxruntime", export="onnx", refused="no ONNX", needs="luck"',
        ),
        "tests/test_x.py",
    )
    page = render(claims).splitlines()
    assert "| encoder | lora | ✓ |  |  |" in page
    assert "| encoder | probe | ✓ | ✗ |  |" in page
    assert "| causal | lora |  |  | ✓ |" in page
    assert '- `tests/test_x.py::test_it`, refused: "no ONNX" (skipped without luck)' in page


def test_an_architecture_has_a_row_of_its_own() -> None:
    """Marks of single parameters are found too."""
    one = (
        f'@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.supports({MARK}, architecture="llama"))])\n'
    )
    assert "| causal (llama) | lora | ✓ |" in render(read_file(f"{one}def test_it(x: int) -> None: ...\n", "t.py"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (source(MARK.replace('"lora"', '"laura"')), "method 'laura' is unknown; known are lora, dora"),
        (source('family="causal"'), "needs family, method, export, runtime"),
        (source(MARK + ', speed="fast"'), "has .*'speed'"),
        (source(MARK.replace('"lora"', "METHOD")), "not a literal"),
        (f"pytestmark = pytest.mark.supports({MARK})\n", "is not on a test function"),
    ],
    ids=["unknown word", "incomplete", "unknown key", "not a literal", "not on a test"],
)
def test_a_mark_that_cannot_be_read_is_refused(text: str, said: str) -> None:
    """With its place, so that no claim is lost in silence."""
    with pytest.raises(ValueError, match=said):
        read_file(text, "tests/test_x.py")
