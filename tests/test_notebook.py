"""The notebook of the manual reads a home and draws its plots, from the first cell to the last, without a network."""

from pathlib import Path

import nbformat
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nbclient import NotebookClient

from benchmarks.settings_page import ROOT
from ratchet.storage.home import Home
from ratchet.testing.year_of_weeks import write_year

pytestmark = pytest.mark.slow
NOTEBOOK = ROOT / "docs/how-to/read_a_home.ipynb"


@pytest.mark.feature(38)
def test_the_notebook_runs_and_draws_three_plots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a home with twelve weeks; nbclient ends it after a minute, and an error of a cell is the test's."""
    home = Home(tmp_path / "home")
    write_year(home, weeks=12, labels=5)
    landed = home.landing("small", "production_logs")
    landed.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"label": ["label_00", "label_01", "label_00"]}), landed / "part.parquet")
    monkeypatch.setenv("RATCHET_HOME", str(home.root))
    monkeypatch.setenv("CLASSIFIER", "small")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert "label_00" in outputs[-1]["data"]["text/plain"]


def test_the_notebook_is_kept_without_outputs() -> None:
    """What it shows is of whose home it is run on."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
