"""Handed-in notebooks: copies of the real ones, answered in many ways, each judged in a process of its own."""

import ast
import os
import signal
import subprocess
import sys
import time

import nbformat
import pandas as pd
import pytest

from agnews_utils.commands import exercises as command
from agnews_utils.exercises.cells import is_ours
from agnews_utils.exercises.exercise import notebooks, of_notebook
from agnews_utils.exercises.judging import COLUMNS, answers_of
from agnews_utils.exercises.recording import used
from agnews_utils.settings import NOTEBOOKS, ROOT

EXERCISES = [exercise for number in notebooks() for exercise in of_notebook(number)]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
NOT_RUN = "from torch.nn.functional import cross_entropy\n\n\ndef share(tau):\n    return tau**2\n\n\n1 / 0\n"
MEAN_FOR_SUM = """\
# My prediction: its square
def my_kl(z_s, z_t, labels, alpha, tau):
    y_s, y_t = (z_s / tau).softmax(1), (z_t / tau).softmax(1)
    return (1 - alpha) * cross_entropy(z_s, labels) + alpha * share(tau) * (y_t * (y_t / y_s).log()).mean()


check("04.4", my_kl)
"""
PREDICTED = "# My prediction: 1, because\n#   scale does not matter\n# My reason, afterwards: of\n#   the mean\n"
FORMULAS = '# My prediction: =1+1\n# My reason, afterwards: =HYPERLINK("a")\nno_such_name\n\ncheck("04.3", 1)'
LOUD = '\nprint("04.3: right\\n" * 10**6)\n\n\ndef check(number, answer):\n    print(f"{number}: right")\n'
LOOP = """\
import subprocess, sys
from pathlib import Path
sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
Path({pid!r}).write_text(str(sleeper.pid))
while True:
    pass
check("04.2", None)
"""


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Folders ``solved`` and ``plain``: the instructor's and the students' copies, without the cells before them."""
    light, made = tmp_path_factory.mktemp("light"), tmp_path_factory.mktemp("made")
    for path in NOTEBOOKS.glob("0[0-8]*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if is_ours(cell)]
        nbformat.write(notebook, light / path.name)
    command.write_notebooks(light, made / "solved", solutions=True)
    command.write_notebooks(light, made / "plain")
    return made


def cells_of(folder, number="0"):
    """All cells of the notebooks whose names begin so, by their ids."""
    paths = sorted(folder.glob(f"{number}*.ipynb"))
    return {cell.id: cell for path in paths for cell in nbformat.read(path, as_version=4).cells}


def hand_in(path, cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells.values())), path)


def judge(folder, *more):
    """The command's exit status, and the table that it writes."""
    out = folder.parent / f"{folder.name}.csv"
    status = command.main(["--judge", str(folder), "--out", str(out), *more])
    return status, pd.read_csv(out, dtype={"exercise": str}, keep_default_na=False)


def of(table, notebook, column="state"):
    """One column of a notebook's rows, by the exercise's number."""
    return table[table["notebook"] == notebook].set_index("exercise")[column].to_dict()


def annas(copies):
    """Notebook 04 with one answer of each kind."""
    cells = {"top": nbformat.v4.new_code_cell(NOT_RUN, id="top")} | cells_of(copies / "solved", "04")
    cells["04-exercises-setup"].source += "\n%matplotlib inline\n!echo loud\ndisplay(1)\nonly_after_magics = 1"
    cells["04-exercise-1-code"].source = PREDICTED + "only_after_magics\n" + cells["04-exercise-1-code"].source + LOUD
    del cells["04-exercise-2-code"]
    cells["04-exercise-3-code"].source = FORMULAS
    cells["04-exercise-4-code"].source = MEAN_FOR_SUM
    cells["04-exercise-5-code"].source = cells["04-exercise-5-code"].source.replace('check("04.5", my_unsure)', "")
    return cells


@pytest.fixture(scope="module")
def table(copies):
    """What the command says of four notebooks and a damaged one."""
    folder = copies / "handed_in"
    hand_in(folder / "anna" / "04_students_distilled.ipynb", annas(copies))
    hand_in(folder / "bob" / "solved.ipynb", cells_of(copies / "solved"))
    hand_in(folder / "carla.ipynb", cells_of(copies / "plain"))
    hand_in(folder / "dan" / "05_without_a_cell.ipynb", {})
    hand_in(folder / "dan" / ".ipynb_checkpoints" / "04_old-checkpoint.ipynb", cells_of(copies / "plain", "04"))
    whole = (folder / "carla.ipynb").read_text(encoding="utf-8")
    (folder / "bob" / "damaged.ipynb").write_text(whole[:5000], encoding="utf-8")
    hand_in(folder / "empty.ipynb", {})
    (copies / "handed_in.csv").write_text("an older table, which is replaced")
    status, table = judge(folder)
    assert status == 1  # for the damaged one
    return table


def test_has_a_row_for_each_exercise_in_order(table):
    assert list(table.columns) == list(COLUMNS)
    numbers = [exercise.number for exercise in EXERCISES]
    assert table["notebook"].unique().tolist() == [
        "anna/04_students_distilled.ipynb", "bob/solved.ipynb", "carla.ipynb", "dan/05_without_a_cell.ipynb",
    ]  # fmt: skip
    assert list(of(table, "bob/solved.ipynb")) == list(of(table, "carla.ipynb")) == numbers


def test_solutions_are_right_and_earn_half_of_the_points(table):
    assert set(of(table, "bob/solved.ipynb").values()) == {"right"}
    assert of(table, "bob/solved.ipynb", "of") == {e.number: 2 * e.difficulty for e in EXERCISES}
    assert of(table, "bob/solved.ipynb", "points") == {e.number: e.difficulty for e in EXERCISES}


def test_stubs_are_open_and_earn_nothing(table):
    assert set(of(table, "carla.ipynb").values()) == {"open"}
    assert set(of(table, "carla.ipynb", "points").values()) == {0}
    for column in ("prediction", "reason"):
        assert set(of(table, "carla.ipynb", column).values()) == {""}


def test_each_answer_is_told_and_none_changes_another(table):
    anna = "anna/04_students_distilled.ipynb"
    assert of(table, anna) == {
        "04.1": "right", "04.2": "missing", "04.3": "stops", "04.4": "wrong", "04.5": "right",
    }  # fmt: skip
    assert of(table, anna, "mistake") == {
        "04.1": "", "04.2": "", "04.3": "NameError", "04.4": "mean for sum", "04.5": "",
    }  # fmt: skip
    assert of(table, anna, "prediction") == {
        "04.1": "1, because scale does not matter", "04.2": "", "04.3": "'=1+1", "04.4": "its square", "04.5": "",
    }  # fmt: skip
    assert of(table, anna, "reason") == {
        "04.1": "of the mean", "04.2": "", "04.3": "'=HYPERLINK(\"a\")", "04.4": "", "04.5": "",
    }  # fmt: skip
    assert of(table, anna, "points") == {"04.1": 1, "04.2": 0, "04.3": 0, "04.4": 0, "04.5": 3}


def test_prediction_and_reason_are_two_columns_beside_each_other(table):
    assert list(table.columns) == [
        "notebook", "exercise", "state", "mistake", "prediction", "reason", "points", "by hand", "of",
    ]  # fmt: skip


def test_only_graded_exercises_come_in_and_all_that_a_student_lacks(copies, tmp_path, capsys):
    folder = tmp_path / "handed_in"
    hand_in(folder / "anna" / "deep" / "04_students_distilled.ipynb", annas(copies))
    hand_in(folder / "anna" / "05_analysis.ipynb", cells_of(copies / "plain", "05"))
    hand_in(folder / "bob" / "empty.ipynb", {})
    (folder / "carla").mkdir()
    (folder / "carla" / "04_damaged.ipynb").write_text("[1]")
    hand_in(folder / "dan.ipynb", cells_of(copies / "plain", "04"))
    status, table = judge(folder, "--grade", " 4.2,04.1,01.1, 05.1")
    assert status == 1  # for the damaged one
    anna = "anna/deep/04_students_distilled.ipynb"
    assert list(zip(table["notebook"], table["exercise"], table["state"], strict=True)) == [
        ("anna/05_analysis.ipynb", "05.1", "open"),
        (anna, "04.1", "right"), (anna, "04.2", "missing"),
        ("anna", "01.1", "missing"),
        *((student, number, "missing") for student in ("bob", "carla") for number in ("01.1", "04.1", "04.2", "05.1")),
        ("dan.ipynb", "04.1", "open"), ("dan.ipynb", "04.2", "open"),
    ]  # fmt: skip
    whole = {exercise.number: exercise.points for exercise in EXERCISES}
    assert table["of"].tolist() == [whole[number] for number in table["exercise"]]
    assert table["points"].tolist() == [whole["04.1"] / 2 if state == "right" else 0 for state in table["state"]]
    assert of(table, "anna", "prediction") == of(table, "anna", "reason") == {"01.1": ""}
    said = capsys.readouterr()
    assert "14 exercises of 3 notebooks" in said.out
    assert "Without a graded exercise, so they are not in the table: bob/empty.ipynb." in said.err
    assert f"{folder} itself holds notebooks; what is missing beside them gets no row" in said.err


def test_notebooks_in_no_folder_are_not_asked_for_others(copies, tmp_path):
    hand_in(tmp_path / "handed_in" / "a.ipynb", cells_of(copies / "plain", "04"))
    hand_in(tmp_path / "handed_in" / "b.ipynb", cells_of(copies / "plain", "05"))
    status, table = judge(tmp_path / "handed_in", "--grade", "04.1,05.1,06.1")
    assert (status, of(table, "a.ipynb"), of(table, "b.ipynb")) == (0, {"04.1": "open"}, {"05.1": "open"})
    assert len(table) == 2


def test_without_grade_no_notebook_is_asked_for(table):
    assert set(table["notebook"]) & {"anna", "bob", "dan"} == set()


def test_a_notebook_without_cells_has_the_number_of_its_name(table):
    assert of(table, "dan/05_without_a_cell.ipynb") == dict.fromkeys(["05.1", "05.2", "05.3"], "missing")


def test_what_cannot_be_judged_is_said(tmp_path, capsys):
    for name, text in (("a", ""), ("b", "[1]"), ("c", '{"nbformat": 4, "nbformat_minor": 5, "cells": [{}]}')):
        (tmp_path / "handed_in").mkdir(exist_ok=True)
        (tmp_path / "handed_in" / f"{name}.ipynb").write_text(text)
    hand_in(tmp_path / "handed_in" / "empty.ipynb", {})
    status, table = judge(tmp_path / "handed_in")
    said = capsys.readouterr().err.splitlines()
    assert (status, len(table)) == (1, 0)
    assert [line.partition(" is no notebook")[0] for line in said[:3]] == [
        str(tmp_path / "handed_in" / f"{name}.ipynb") for name in "abc"
    ]
    assert said[3:] == ["Without an exercise, so they are not in the table: empty.ipynb."]


@posix
def test_an_endless_loop_and_a_crash_cost_their_own_notebooks(copies, tmp_path):
    folder, cells = tmp_path / "handed_in", cells_of(copies / "solved", "04")
    crash, loop = "import os\n\nos._exit(0)", LOOP.format(pid=str(tmp_path / "pid"))
    for name, source in (("endless", loop), ("gone", crash)):
        cells["04-exercise-2-code"].source = source
        hand_in(folder / f"{name}.ipynb", cells)
    status, table = judge(folder, "--seconds", "3")
    assert status == 0
    assert list(of(table, "endless.ipynb").values()) == ["right", *["too slow"] * 4]
    assert list(of(table, "gone.ipynb").values()) == ["right", *["stops"] * 4]
    assert list(of(table, "gone.ipynb", "mistake").values()) == ["", *["Python ended"] * 4]
    sleeper = int((tmp_path / "pid").read_text())
    assert ended(sleeper), "what the cell has started ends with it"


def ended(pid):
    """Whether a process is there no more, within ten seconds; one that nobody has waited for has ended too."""
    for _ in range(100):
        listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        if not listed or listed.startswith("Z"):
            return True
        time.sleep(0.1)
    return False


@posix
@pytest.mark.slow
def test_ctrl_c_ends_all_in_one_sentence(copies, tmp_path):
    cells = cells_of(copies / "solved", "04")
    cells["04-exercise-2-code"].source = LOOP.format(pid=str(tmp_path / "pid"))
    hand_in(tmp_path / "handed_in" / "endless.ipynb", cells)
    options = ["--judge", str(tmp_path / "handed_in"), "--out", str(tmp_path / "grades.csv")]
    start = [sys.executable, "-m", "agnews_utils.commands.exercises", *options]
    with subprocess.Popen(start, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(600):
            if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out, said) == (130, "", f"{command.STOPPED}\n")
    assert ended(int((tmp_path / "pid").read_text()))
    assert not (tmp_path / "grades.csv").exists()


@pytest.mark.slow
def test_the_nine_instructors_copies_are_right(tmp_path):
    command.write_notebooks(NOTEBOOKS, tmp_path / "solved", solutions=True)
    status, table = judge(tmp_path / "solved")
    assert status == 0
    assert table["exercise"].tolist() == [exercise.number for exercise in EXERCISES]
    assert set(table["state"]) == {"right"}


def test_bad_options_are_refused_before_anything_runs(copies, tmp_path, capsys):
    notes = copies / "plain"
    (tmp_path / "without").mkdir()
    for folder, out, sentence in (
        (tmp_path / "nothing", tmp_path / "a.csv", "There is no folder"),
        (tmp_path / "without", tmp_path / "a.csv", "holds no notebook"),
        (notes, tmp_path / "nothing" / "a.csv", "There is no folder"),
        (notes, tmp_path, "cannot be written"),
    ):
        assert command.main(["--judge", str(folder), "--out", str(out)]) == 1
        said = capsys.readouterr().err
        assert sentence in said
        assert said.count("\n") == 1
    for options in (
        ["--judge", str(notes)], ["--out", "a.csv"], ["--seconds", "3"],
        ["--grade", "04.1"], ["--grade", "04.1", "--solutions", str(tmp_path)],
        ["--judge", str(notes), "--out", "a.csv", "--seconds", "0"],
        ["--judge", str(notes), "--out", "a.csv", "--solutions", str(tmp_path)],
        ["--students", str(tmp_path), "--solutions", str(tmp_path)],
    ):  # fmt: skip
        with pytest.raises(SystemExit) as stopped:
            command.main(options)
        assert stopped.value.code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["without"]


@pytest.mark.parametrize(
    ("grade", "unknown"),
    [("04.1,04.9", "'04.9'"), ("99.1", "'99.1'"), ("04.1,", "''"), ("a,04.1,04.0", "'a' or '04.0'"), ("", "''")],
)
def test_an_unknown_exercise_is_refused_before_anything_runs(copies, tmp_path, capsys, grade, unknown):
    out = tmp_path / "a.csv"
    assert command.main(["--judge", str(copies / "plain"), "--out", str(out), "--grade", grade]) == 1
    assert capsys.readouterr().err == f"There is no exercise {unknown}: notebooks/EXERCISES.md lists them.\n"
    assert not out.exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('# My prediction:\nx = 1\n\ncheck("04.1", x)', {"04.1": ("", "")}),
        ("#my prediction : a\n# b\n#\n\n# c\ncheck('04.1', x)", {"04.1": ("a b", "")}),
        (
            '# My prediction: -0.5\ncheck("04.1", x)\n# My prediction: -x\ncheck(4.2, y)',
            {"04.1": ("-0.5", ""), "04.2": ("'-x", "")},
        ),
        ('# My prediction: h\ud800lf\n# My reason, afterwards: \ud800\ncheck("04.1", x)', {"04.1": ("h?lf", "?")}),
        ('# My prediction:\n# My reason, afterwards:\nx = 1\ncheck("04.1", x)', {"04.1": ("", "")}),
        ('# My prediction: a\n# My reason, afterwards: b\n# c\ncheck("04.1", x)', {"04.1": ("a", "b c")}),
        ('# My prediction: a\n# My reason, afterwards:\n# @b\ncheck("04.1", x)', {"04.1": ("a", "'@b")}),
        ('# My prediction: a\n\n# My reason, afterwards: b\n\n# c\ncheck("04.1", x)', {"04.1": ("a", "b")}),
        (
            '# My reason, afterwards: a\ncheck("04.1", x)\n# My prediction: b\ncheck("04.2", y)',
            {"04.1": ("", "a"), "04.2": ("b", "")},
        ),
        ('check("99.9", x)', {}),
        ("recheck = 1\ncheck(x)", {}),
    ],
)
def test_predictions_and_reasons_stand_above_their_check(source, said):
    assert answers_of(nbformat.v4.new_code_cell(source)) == said


def test_only_what_an_answer_uses_is_taken_from_other_cells():
    others = [
        "%matplotlib inline\nimport heavy\nimport torch.nn.functional as F\ntrain()",
        "def inner(x):\n    return F.relu(x)\n\n\ndef outer(x):\n    return inner(x)\n\n\nclass Other: ...",
        "this is no Python",
    ]
    taken = [ast.unparse(node).splitlines()[0] for node in used(["y = outer(0)", "z ="], others)]
    assert taken == ["import torch.nn.functional as F", "def inner(x):", "def outer(x):"]
