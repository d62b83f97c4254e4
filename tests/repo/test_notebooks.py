"""The committed notebooks: valid, executed, with cells that nbval compares, and readable."""

import re

import nbformat
import pytest

from agnews_utils.settings import ROOT

PATHS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
LONGEST_CELL = 40  # lines; longer code belongs into agnews_utils


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [(number, cell) for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def outputs_of(notebook):
    return [(number, output) for number, cell in code_cells(notebook) for output in cell.outputs]


def texts_of(output):
    """All text in one output."""
    return [output.get("text", ""), *(value for value in output.get("data", {}).values() if isinstance(value, str))]


def test_the_course_has_its_notebooks():
    assert [path.stem[:2] for path in PATHS[:6]] == ["00", "01", "02", "03", "04", "05"]


def test_is_valid(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


def test_begins_with_a_title(notebook):
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")


def test_is_committed_executed_from_top_to_bottom(notebook):
    # nbval passes a tagged cell that was never executed without comparing anything
    counts = [cell.execution_count for _, cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_has_cells_that_are_compared(notebook):
    tagged = [
        (number, cell) for number, cell in code_cells(notebook) if "nbval-check-output" in cell.metadata.get("tags", [])
    ]
    assert tagged
    assert [number for number, cell in tagged if not cell.outputs] == []


def test_skips_nothing(notebook):
    tags = {tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])}
    assert not tags & {"nbval-skip", "nbval-raises-exception", "raises-exception", "skip-execution"}


def test_cells_are_short(notebook):
    assert [number for number, cell in code_cells(notebook) if len(cell.source.splitlines()) > LONGEST_CELL] == []


def test_has_no_errors(notebook):
    assert [number for number, output in outputs_of(notebook) if output.output_type == "error"] == []


def test_has_no_ruins_of_progress_bars(notebook):
    ruined = [number for number, output in outputs_of(notebook) if any("\r" in text for text in texts_of(output))]
    assert ruined == []


def test_no_sentence_has_an_unfilled_place(notebook):
    # a string that was meant to be an f-string
    sentences = [(n, o.data["text/markdown"]) for n, o in outputs_of(notebook) if "text/markdown" in o.get("data", {})]
    assert [number for number, sentence in sentences if re.search(r"\{[^}]*\}", sentence)] == []


def test_names_no_folder_of_its_author(notebook):
    # a path of the machine that made it says nothing to a reader
    own = re.compile(rf"{re.escape(str(ROOT))}\b|/home/|/root/|/Users/|/tmp/|[A-Z]:\\\\Users")
    named = [number for number, output in outputs_of(notebook) if any(own.search(text) for text in texts_of(output))]
    assert named == []


def test_every_picture_has_words(notebook):
    pictures = [(number, output) for number, output in outputs_of(notebook) if "image/png" in output.get("data", {})]
    silent = [n for n, o in pictures if len(o.metadata.get("image/png", {}).get("alt", "")) < 20]
    assert silent == []


def test_widgets_leave_a_still_and_no_view(notebook):
    # without a kernel a view would be an empty place
    views = [n for n, o in outputs_of(notebook) if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]
    assert views == []


def test_what_the_rendered_course_folds_is_collapsed_in_jupyter_too(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    folded = ["hide-input" in cell.metadata.get("tags", []) for cell in cells]
    assert any(folded)
    assert folded == [cell.metadata.get("jupyter", {}).get("source_hidden", False) for cell in cells]


def test_is_short_enough_to_be_read(notebook):
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert len(prose.split()) <= 2_050  # markup counted: about 2,000 words of prose
    assert sum(cell.cell_type == "code" for cell in notebook.cells) <= 30
