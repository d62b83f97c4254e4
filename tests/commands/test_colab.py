"""The first cell of every notebook: does nothing here, and in Colab (a stand-in of it) what it says."""

import os
import subprocess
import sys
import types
from importlib.metadata import version

import nbformat
import pytest

from agnews_utils.commands import colab

NOTEBOOKS = sorted(colab.NOTEBOOKS.glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_the_badge_and_the_cell(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[0].source.splitlines()[-1] == colab.badge(path.name)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.source == colab.setup_cell()
    assert not first.outputs
    addresses = [cell for cell in notebook.cells[2:] if colab.REPOSITORY in cell.source]
    assert not addresses


def test_preparing_twice_changes_nothing():
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    before = nbformat.writes(notebook)
    colab.prepare(notebook, NOTEBOOKS[0].name)
    assert nbformat.writes(notebook) == before


def test_cell_does_nothing_outside_colab(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was run"))
    before = os.getcwd(), list(sys.path)
    exec(colab.setup_cell(), {})
    assert (os.getcwd(), list(sys.path)) == before


def test_a_kernel_without_the_package_is_told_what_to_do(tmp_path):
    bare = [sys.executable, "-I", "-S", "-c", colab.setup_cell()]  # no installed package is seen
    found = subprocess.run(bare, cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr.strip().endswith("or `pip install -e .` there, and start the kernel again.")
    assert "Traceback" not in found.stderr


def test_cell_in_a_stand_in_of_colab(monkeypatch, tmp_path):
    commands = []

    def run(command, check):
        assert check
        commands.append(command)
        if command[0] == "git":
            (tmp_path / "project" / "notebooks").mkdir(parents=True)

    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setenv("AGNEWS_COLAB_FOLDER", str(tmp_path / "project"))
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    exec(colab.setup_cell(), {})
    assert commands[0][:2] == ["git", "clone"]
    assert commands[0][-2:] == [colab.REPOSITORY, str(tmp_path / "project")]
    assert commands[1][:4] == [sys.executable, "-m", "pip", "install"]
    assert f"torch=={version('torch')}" in commands[1]  # pip may not replace it
    assert os.getcwd() == str(tmp_path / "project" / "notebooks")
    exec(colab.setup_cell(), {})  # run again: the project is there
    assert [command[0] for command in commands].count("git") == 1
    assert sys.path.count(str(tmp_path / "project")) == 1
