"""The page of all settings is what the dataclasses say."""

from benchmarks import home_settings_page
from benchmarks.settings_page import MEANINGS, PAGE, ROOT, read_docstrings, read_tables, render
from ratchet.config.policy import Limits


def test_the_page_is_what_the_dataclasses_say() -> None:
    """`make settings-page` updates it after a setting, a default or a docstring was changed."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render(), "run 'make settings-page'"


def test_the_page_of_a_homes_settings_is_what_the_dataclasses_say() -> None:
    """Every table is on it, those of many entries too."""
    page = (ROOT / home_settings_page.PAGE).read_text(encoding="utf-8")
    assert page == home_settings_page.render(), "run 'make settings-page'"
    headings = (
        "## `[addresses]`",
        "## `[alerts]`",
        "## `[[alerts.receiver]]`",
        "## `[freeze]`",
        "## `[[freeze.window]]`",
    )
    assert [each for each in headings if each not in page] == []


def test_every_table_is_listed_with_its_keys() -> None:
    """Tables of one and of many entries, keys with and without default, choices and units."""
    tables = {heading: {each.key: each for each in settings} for _, heading, settings in read_tables()}
    assert {"[[label]]", "[[candidate]]", "[[target]]", "[limits]", "[frontier]"} < set(tables)
    assert tables["[[label]]"]["name"].default == "required"
    assert tables["[promotion]"]["dwell_minutes"].unit == "minutes"
    assert tables["[[candidate]]"]["family"].unit == '`"encoder"`, `"causal"`'
    assert tables["[limits]"]["max_ece"].default == "none"
    assert "name" not in tables["Top of the file"]


def test_a_docstring_belongs_to_the_attribute_above_it() -> None:
    """An attribute without one gets none from its neighbour, and no meaning is written twice."""
    found = read_docstrings(Limits)
    assert found["max_null_share"].startswith("Largest share")
    listed = {f"{name}.{each.key}" if name else each.key for name, _, settings in read_tables() for each in settings}
    assert set(MEANINGS) <= listed
