"""The notebooks of examples/: they run from top to bottom, and carry little."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
_LARGEST = 300_000  # bytes, with what the cells show


def cells_of(notebook: Path) -> list[dict]:
    return json.loads(notebook.read_text("utf-8"))["cells"]


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["first_steps", "own_loss", "sounds"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_small_and_shows_what_it_made(notebook: Path) -> None:
    assert notebook.stat().st_size < _LARGEST
    code = [cell for cell in cells_of(notebook) if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    outputs = [output for cell in code for output in cell["outputs"]]
    kinds = [output["output_type"] for output in outputs]
    assert "error" not in kinds
    assert "stderr" not in [output.get("name") for output in outputs]
    assert "display_data" in kinds


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_guide_leads_to_it(notebook: Path) -> None:
    guides = "".join(path.read_text("utf-8") for path in (ROOT / "docs" / "guides").glob("*.md"))
    assert f"examples/notebooks/{notebook.name}" in guides


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(notebook: Path, tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(content, timeout=300, resources=place).execute()
    assert (tmp_path / "runs").is_dir()
