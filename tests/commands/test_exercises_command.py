"""The exercises in copies of the notebooks: written, run, written again, and other cells left as they were."""

import re
import subprocess
import sys

import nbformat
import pytest

from agnews_utils.commands import exercises as command
from agnews_utils.exercises.cells import TAG, insert
from agnews_utils.exercises.exercise import notebooks, of_notebook
from agnews_utils.settings import NOTEBOOKS, ROOT

PATHS = [path for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")) if of_notebook(path.name[:2])]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A folder that the command takes for the course's notebooks."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setattr(command, "NOTEBOOKS", folder)
    return folder


@pytest.fixture(scope="module")
def without_exercises():
    """The committed notebooks as they are without exercises."""
    notebooks = {path.name: read(path) for path in PATHS}
    for notebook in notebooks.values():
        notebook.cells = [cell for cell in notebook.cells if not is_ours(cell)]
    return notebooks


@pytest.fixture
def whole_copies(empty, without_exercises):
    for name, notebook in without_exercises.items():
        (empty / name).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return empty


@pytest.fixture
def copies(empty, without_exercises):
    """Copies without outputs: quicker to read."""
    for name, notebook in without_exercises.items():
        cells = [cell | {"outputs": []} if cell.cell_type == "code" else cell for cell in notebook.cells]
        light = nbformat.from_dict(notebook | {"cells": cells})
        (empty / name).write_text(nbformat.writes(light) + "\n", encoding="utf-8")
    return empty


def is_ours(cell):
    return TAG in cell.metadata.get("tags", [])


def read(path):
    return nbformat.read(path, as_version=4)


def texts(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.ipynb")}


def run(notebook, capsys):
    """Runs the exercise cells in one namespace, in order; returns what they print."""
    names = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and is_ours(cell):
            exec(cell.source, names)
    return capsys.readouterr().out


def only_inserted(before, after):
    """Whether ``after`` is ``before`` with lines put in at one place, to the byte."""
    before, after = before.splitlines(keepends=True), after.splitlines(keepends=True)
    start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    rest = len(before) - start
    return len(after) > len(before) and after[len(after) - rest :] == before[start:]


def test_are_written_once_and_touch_no_other_cell(whole_copies):
    copies = whole_copies
    before = texts(copies)
    assert command.main([]) == 0
    after = texts(copies)
    for path in copies.glob("*.ipynb"):
        notebook = read(path)
        nbformat.validate(notebook)
        ours = [i for i, cell in enumerate(notebook.cells) if is_ours(cell)]
        assert len(ours) == 2 + 2 * len(of_notebook(path.name[:2]))
        assert ours == list(range(ours[0], ours[-1] + 1))
        assert notebook.cells[ours[0]].source.startswith("## Exercises\n")
        assert notebook.cells[ours[-1] + 1].source.startswith("## ")  # the closing section comes behind them
        assert only_inserted(before[path.name], after[path.name])
    assert command.main([]) == 0
    assert texts(copies) == after


def test_stubs_run_through(copies, capsys):
    command.main([])
    for path in copies.glob("*.ipynb"):
        capsys.readouterr()
        said = run(read(path), capsys)
        assert said.count("not answered yet") == len(of_notebook(path.name[:2]))


def test_instructors_copies_are_right(copies, tmp_path, capsys):
    before, folder = texts(copies), tmp_path / "solutions"
    assert command.main(["--solutions", str(folder)]) == 0
    assert texts(copies) == before
    for path in folder.glob("*.ipynb"):
        capsys.readouterr()
        said = run(read(path), capsys)
        assert len(re.findall(r"^\d\d\.\d: right", said, re.MULTILINE)) == len(of_notebook(path.name[:2]))
        assert "not" not in re.findall(r"^\d\d\.\d: (\w+)", said, re.MULTILINE)
    assert {path.name for path in folder.iterdir()} == {path.name for path in PATHS}


def test_students_copies_show_no_result(copies, tmp_path, capsys):
    command.main([])
    for path in copies.glob("*.ipynb"):
        notebook = read(path)
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        first.outputs, first.execution_count = [nbformat.v4.new_output("stream", text="92.3 %")], 1
        nbformat.write(notebook, path)
    before, folder = texts(copies), tmp_path / "students"
    assert command.main(["--students", str(folder)]) == 0
    assert texts(copies) == before
    for path in folder.glob("*.ipynb"):
        blank, whole = read(path), read(copies / path.name)
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in blank.cells)
        assert [cell.source for cell in blank.cells] == [cell.source for cell in whole.cells]
    assert {path.name for path in folder.iterdir()} == {path.name for path in PATHS}


def test_cells_that_were_moved_stay_there():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(t) for t in ("# 04", "## 1 · A", "## B")])
    insert(notebook, "04")
    moved = [cell for cell in notebook.cells if cell.id in ("04-exercise-1", "04-exercise-1-code")]
    notebook.cells = [*moved, *(cell for cell in notebook.cells if cell not in moved)]
    order = [cell.id for cell in notebook.cells]
    moved[0].source = "an older text"
    assert insert(notebook, "04") == []
    assert [cell.id for cell in notebook.cells] == order
    assert notebook.cells[0].source.startswith("### 04.1")


def test_new_ones_come_behind_the_one_before_and_old_ones_go():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("## B")])
    insert(notebook, "04")
    whole = [cell.id for cell in notebook.cells]
    old = nbformat.v4.new_markdown_cell("gone", id="04-exercise-9", metadata={"tags": [TAG]})
    notebook.cells = [old, *(cell for cell in notebook.cells if "exercise-3" not in cell.id)]
    insert(notebook, "04")
    assert [cell.id for cell in notebook.cells] == whole


def test_an_answer_is_left_alone(copies, capsys):
    command.main([])
    path = copies / next(path.name for path in PATHS if path.name.startswith("04"))
    notebook = read(path)
    stub = next(cell for cell in notebook.cells if cell.id == "04-exercise-1-code")
    stub.source = stub.source.replace("...", "return 1")
    nbformat.write(notebook, path)
    before = texts(copies)
    assert command.main([]) == 0
    assert texts(copies) == before
    assert "04-exercise-1-code" in capsys.readouterr().err


def test_bad_input_is_refused_and_nothing_written(copies, tmp_path, capsys):
    for folder in (str(copies), __file__):
        with pytest.raises(SystemExit) as stopped:
            command.main(["--solutions", folder])
        assert stopped.value.code == 2
        with pytest.raises(SystemExit) as stopped:
            command.main(["--students", folder])
        assert stopped.value.code == 2
    before = texts(copies)
    last = copies / PATHS[-1].name
    whole = last.read_text(encoding="utf-8")
    last.write_text(whole[:1000], encoding="utf-8")
    assert command.main([]) == 1
    last.unlink()
    assert command.main([]) == 1
    said = capsys.readouterr().err
    assert f"{last.name} is no notebook" in said
    assert f"holds no notebook {last.name[:2]}" in said
    del before[last.name]
    assert texts(copies) == before


def test_grade_belongs_to_judge(copies, capsys):
    before = texts(copies)
    with pytest.raises(SystemExit) as stopped:
        command.main(["--grade", "04.1"])
    assert stopped.value.code == 2
    assert "belong together, and --seconds and --grade to both." in capsys.readouterr().err
    assert texts(copies) == before


def test_graded_numbers_are_read_as_check_reads_them():
    assert command.graded_numbers("4.1, 04.1,00.3") == {"04.1", "00.3"}


@pytest.mark.parametrize(("name", "text"), [(command.PAGE, command.page), (command.FORM_PAGE, command.form)])
def test_the_committed_pages_are_made_from_the_source(copies, name, text):
    command.main([])
    assert (NOTEBOOKS / name).read_text(encoding="utf-8") == text()
    assert (copies / name).read_text(encoding="utf-8") == text()


def test_the_form_asks_for_every_prediction_and_names_no_mistake():
    exercises = [e for number in notebooks() for e in of_notebook(number)]
    rows = [line for line in command.form().splitlines() if re.match(r"\| \d\d\.\d \|", line)]
    assert len(rows) == len(exercises)
    assert not [e.number for e in exercises if e.grades in command.form()]


def test_inserted_cells_pass_the_linter(copies):
    command.main([])
    for what in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *what, "--config", str(ROOT / "pyproject.toml"), str(copies)],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
