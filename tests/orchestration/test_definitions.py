"""The table of contents lists exactly what the folders hold, and the house keeps its rules."""

import ast
import importlib
import tomllib
from pathlib import Path

import dagster as dg
import pytest

from orchestration import definitions
from orchestration.publication import PUBLICATION
from ratchet.gates.registry import GATES, STAGES
from resources.storage import build_stores

ROOT = Path(__file__).parents[2]
PACKAGES = ("orchestration", "assets", "checks", "resources", "ratchet")


def modules_with(folder: str, decorator: str) -> set[str]:
    """Names of the modules in `folder` that hold a function under `decorator`."""
    return {path.stem for path in (ROOT / folder).glob("*.py") if f"\n{decorator}(" in path.read_text()}


def test_every_asset_and_check_file_is_listed() -> None:
    """A file that is written but not listed would silently not exist."""
    assert {asset.key.to_user_string() for asset in definitions.ASSETS} == modules_with("assets", "@dg.asset")
    listed = {key.name for check in definitions.CHECKS for key in check.check_keys}
    assert listed == modules_with("checks", "@gate") == set(GATES)
    outside = {key.to_user_string() for key in PUBLICATION.resolve(definitions.ASSETS)}
    assert set(STAGES) == listed | {asset.key.to_user_string() for asset in definitions.ASSETS} - outside


def test_no_cycle_waits_for_a_hub() -> None:
    """Publishing is a job of its own: the weekly one has every other asset."""
    job = definitions.defs.resolve_job_def("weekly_cycle")
    assert {str(key.to_user_string()) for key in job.asset_layer.selected_asset_keys} == set(STAGES) - set(GATES)
    alone = definitions.defs.resolve_job_def("publication").asset_layer.selected_asset_keys
    assert {key.to_user_string() for key in alone} == {"published_adapter"}


def test_every_check_blocks() -> None:
    """Each check is blocking, so that what follows is not made from what failed."""
    assert all(spec.blocking for check in definitions.CHECKS for spec in check.check_specs)


def test_every_check_says_when_it_passes() -> None:
    """The first words in the UI are 'Passes when'."""
    assert all(
        (spec.description or "").startswith("Passes when ")
        for check in definitions.CHECKS
        for spec in check.check_specs
    )


def test_every_schedule_and_sensor_says_in_the_ui_what_it_does() -> None:
    """By the names that layout and docs use, each with a description."""
    schedules, sensors = definitions.defs.schedules or (), definitions.defs.sensors or ()
    found = {each.name: each.description for each in (*schedules, *sensors)}  # type: ignore[union-attr]
    assert set(found) == {
        "weekly_cycle_schedule",
        "publication_check_schedule",
        "new_feedback_sensor",
        "shadow_deployment_sensor",
        "promotion_sensor",
        "label_studio_sensor",
        "alert_sensor",
    }
    assert all(found.values())


def test_every_store_is_a_configurable_resource_with_a_description() -> None:
    """The UI shows its fields, and what it is."""
    for name, resource in build_stores("somewhere").items():
        assert isinstance(resource, dg.ConfigurableResource), name
        assert resource.root == "somewhere"
        assert (resource.get_resource_definition().description or "").endswith(".")


def test_definitions_load_and_every_resource_can_be_replaced(tmp_path: Path) -> None:
    """Dagster accepts the whole, and an override takes the place of the resource of its name."""
    dg.Definitions.validate_loadable(definitions.build_definitions(str(tmp_path)))
    replaced = definitions.build_definitions(str(tmp_path), ledger="another")
    assert (replaced.resources or {})["ledger"] == "another"


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_loaded_from_this_checkout(package: str) -> None:
    """Another distribution may own a top-level package of the same name."""
    found = importlib.import_module(package)
    assert Path(str(found.__file__)).parent == ROOT / package


def test_package_files_hold_only_a_docstring_and_tests_hold_none() -> None:
    """Re-exports in `__init__.py` would hide submodules; one under tests would shadow the package it mirrors."""
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")):
        body = ast.parse(path.read_text()).body
        assert len(body) == 1, path
        assert isinstance(body[0], ast.Expr), path
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_every_room_of_the_product_has_its_place_in_the_order() -> None:
    """A new folder below `ratchet/` joins the contract, and no module lies loose beside the rooms."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (held,) = (
        set(contract["layers"])
        for contract in contracts
        if contract["name"] == "The rooms of the product stand in one order"
    )
    packages = {path.parent for path in (ROOT / "ratchet").glob("*/__init__.py")}
    modules = {path for path in (ROOT / "ratchet").glob("*.py") if path.stem != "__init__"}
    assert not modules
    assert {room for layer in held for room in layer.split(" | ")} == {f"ratchet.{path.stem}" for path in packages}
