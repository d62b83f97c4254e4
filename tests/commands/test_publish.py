"""Publishing: only what a whole run made is copied to the committed folders."""

import shutil
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

from agnews_utils.commands import publish
from agnews_utils.export.student_file import MODELS, read_student, rewrite_card
from agnews_utils.settings import NOTEBOOKS
from agnews_utils.study.capacity import TABLE, map_name


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A finished run of all notebooks, and committed ones that publishing would replace."""
    for folder in ("committed", "output/notebooks"):
        shutil.copytree(NOTEBOOKS, tmp_path / folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    inputs = SimpleNamespace(source=SimpleNamespace(is_sample=False))
    study = SimpleNamespace(inputs=inputs, output=tmp_path / "output")
    monkeypatch.setattr(publish, "Study", lambda settings: study)
    monkeypatch.setattr(publish, "NOTEBOOKS", tmp_path / "committed")
    for path in (tmp_path / "committed").glob("*.ipynb"):
        path.write_text("as committed", encoding="utf-8")
    return study


def refused(capsys):
    assert publish.publish() == 1
    assert {path.read_text(encoding="utf-8") for path in publish.NOTEBOOKS.glob("*.ipynb")} == {"as committed"}
    return capsys.readouterr().err


def test_sample_is_not_published(finished, capsys):
    finished.inputs.source.is_sample = True
    assert "Only a run on AG News is published" in refused(capsys)


def test_unfinished_run_is_not_published(finished, capsys):
    (finished.output / "notebooks" / "05_analysis.ipynb").unlink()
    assert "no finished run of all notebooks" in refused(capsys)


def test_failed_run_is_not_published(finished, capsys):
    path = finished.output / "notebooks" / "05_analysis.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="tau", traceback=[])]
    nbformat.write(notebook, path)
    assert "05_analysis.ipynb failed in the last run" in refused(capsys)


@pytest.fixture
def students(tmp_path):
    """A copy of the smallest student, its card out of date."""
    path = tmp_path / "student_100kb.safetensors"
    shutil.copyfile(MODELS / path.name, path)
    rewrite_card(path, read_student(path).card | {"temperature": 9.0, "limits": "none"})
    return path


def test_cards_are_made_anew_and_weights_left(students):
    before, committed = read_student(students), read_student(MODELS / students.name)
    assert publish.publish_cards(students.parent) == [students]
    after = read_student(students)
    assert after.card == committed.card
    assert after.pieces == before.pieces
    assert after.arrays.keys() == before.arrays.keys()
    assert all(np.array_equal(after.arrays[name], before.arrays[name]) for name in before.arrays)
    assert "| `student_100kb.safetensors` |" in (students.parent / "README.md").read_text(encoding="utf-8")
    content = students.read_bytes()
    assert publish.publish_cards(students.parent) == []
    assert students.read_bytes() == content


def test_a_student_without_a_record_is_refused(students, monkeypatch, capsys):
    rewrite_card(students, read_student(students).card | {"seed": 99})
    monkeypatch.setattr(publish.publish_cards, "__defaults__", (students.parent,))
    content = students.read_bytes()
    assert publish.main(["cards"]) == 1
    assert "The record of student_100kb.safetensors (wide_100kb, seed 99) is not in data/results." in (
        capsys.readouterr().err
    )
    assert students.read_bytes() == content
    assert not (students.parent / "README.md").exists()


def test_outcomes_that_are_not_here_are_not_lost(tmp_path):
    name = map_name("10 thousand")
    store = SimpleNamespace(own=tmp_path / "own", committed=tmp_path)
    study = SimpleNamespace(store=store, found=lambda *run: None)  # nothing is made here
    (tmp_path / TABLE).write_text(f"run,seed,test_accuracy\n{name},0,0.8\n", encoding="utf-8")
    with pytest.raises(ValueError, match="1 of the committed outcomes are of runs that are not here"):
        publish.publish_outcomes(study)
    assert name in (tmp_path / TABLE).read_text(encoding="utf-8")
