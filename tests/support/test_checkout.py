"""The package without the project's folder, as ``pip install .`` leaves it."""

import os
import shutil
import subprocess
import sys

import pytest
from helpers import refused

from agnews_utils import settings
from agnews_utils.commands import exercises, page
from agnews_utils.settings import ROOT, read_settings
from agnews_utils.support.checkout import assert_checkout

SENTENCE = "without the project's data and notebooks: get the whole project, and in its folder run `pip install -e .`"


@pytest.fixture
def site(tmp_path):
    """A folder that holds the package alone."""
    shutil.copytree(ROOT / "agnews_utils", tmp_path / "site" / "agnews_utils", ignore=shutil.ignore_patterns("__pyc*"))
    return tmp_path / "site"


def classify(site, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "agnews_utils.classify", *arguments], cwd=site, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(site)}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_the_shipped_students_are_not_there(site):
    done = classify(site, "Stocks rally")
    assert done.returncode == 2
    assert done.stderr.startswith(f"agnews_utils was installed to {site} {SENTENCE}")
    assert done.stderr.count("\n") == 1


def test_a_student_of_ones_own_answers(site):
    path = ROOT / "data" / "models" / "student_100kb.safetensors"
    done = classify(site, "--model", str(path), "Striker scores twice in the cup final")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Sports ")


def test_settings_commands_and_studies_say_it(tmp_path, monkeypatch, capsys):
    for module in (settings, page, exercises):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    with refused(FileNotFoundError, SENTENCE):
        read_settings({})
    with refused(FileNotFoundError, SENTENCE):
        exercises.main([])
    assert page.main(tmp_path) == 1
    assert SENTENCE in capsys.readouterr().err


def test_the_projects_own_folder():
    assert_checkout(ROOT)
