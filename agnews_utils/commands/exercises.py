"""``python -m agnews_utils.commands.exercises``: writes the exercises into the notebooks, and their table beside them.

The texts, solutions and mistakes stand in ``agnews_utils/exercises/content``. Only the exercises' own cells are
written; a stub that somebody has filled in is left alone. With ``--solutions FOLDER`` the notebooks stay as they are,
and FOLDER gets the instructor's copies. With ``--students FOLDER`` it gets copies without any output, for a class whose
predictions no printed result should answer.

With ``--judge FOLDER --out FILE`` the notebooks that students have handed in become a table, FILE, of verdicts and
points. This runs their code: use a machine or container that you can lose, because nothing protects it from ill will.
With ``--grade 01.1,04.1`` only these exercises come into the table. Where each student's notebooks lie in a folder (the
first one below FOLDER), a graded exercise that none of them holds gets a row too: it is missing, with 0 of its points.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import nbformat

from ..exercises.cells import insert, read_notebook, without_outputs
from ..exercises.checking import find
from ..exercises.exercise import notebooks, of_notebook
from ..exercises.judging import SECONDS, handed_in, judge_notebooks, student_of, writable
from ..settings import NOTEBOOKS, ROOT, read_settings
from ..support.checkout import assert_checkout
from ..support.command import run_command
from ..support.files import write_text
from ..support.runtime import progress_bar

STOPPED = "Stopped: nothing is half written."
PAGE, FORM_PAGE = "EXERCISES.md", "PREDICTIONS.md"
HEAD = """\
# The exercises

<!-- written by python -m agnews_utils.commands.exercises -->

Each checks itself in the notebook, offline. `python -m agnews_utils.commands.exercises --solutions FOLDER` writes the
instructor's copies, with solutions, and with what is said of each mistake.

"""
# a page of its own: the table of the exercises says what they grade, and so gives answers away
FORM = """\
# My predictions

<!-- written by python -m agnews_utils.commands.exercises -->

To be filled in before anything is computed. Name: ____________________ Date: __________

"""


def write_notebooks(source: Path, target: Path, solutions: bool = False, outputs: bool = True) -> list[str]:
    """Puts the exercises into the notebooks of ``source`` and writes them to ``target``; all of them or none.

    Args:
        solutions: with the exercises' solutions in place of their stubs
        outputs: with what the notebooks' cells have given

    Returns:
        the exercise cells that were left alone because somebody has answered them

    Raises:
        ValueError: a notebook is missing or cannot be read; nothing is written.
    """
    made, answered = {}, []
    for number in notebooks():
        path = next(iter(sorted(source.glob(f"{number}_*.ipynb"))), None)
        if path is None:
            raise ValueError(f"{source} holds no notebook {number}: give the folder of the course's notebooks.")
        notebook = read_notebook(path)
        answered += insert(notebook, number, solutions)
        if not outputs:
            without_outputs(notebook)
        made[target / path.name] = nbformat.writes(notebook) + "\n"
    for path, text in made.items():
        write_text(path, text)
    return answered


def page() -> str:
    """The table of all exercises, in Markdown."""
    table = [
        ["number", "question", "minutes", "difficulty", "what it grades", "mistakes that it names"],
        ["---", "---", "--:", "--:", "---", "---"],
    ]
    for e in (e for number in notebooks() for e in of_notebook(number)):
        mistakes = "; ".join(mistake.name for mistake in e.mistakes)
        table.append([e.number, e.title, str(e.minutes), str(e.difficulty), e.grades, mistakes])
    return HEAD + _rows(table)


def form() -> str:
    """The form that asks for each exercise's prediction, in Markdown."""
    rows = [["exercise", "predict first", "my prediction"], ["---", "---", "---"]]
    rows += [[e.number, " ".join(e.predict.split()), ""] for number in notebooks() for e in of_notebook(number)]
    return FORM + _rows(rows)


def _rows(table: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in table)


def judge_folder(folder: Path, out: Path, seconds: float, grade: str | None = None) -> int:
    """Writes the verdicts on all notebooks below ``folder`` to ``out``; 1 where it cannot, or a file is no notebook.

    Args:
        grade: the numbers of the exercises that come into the table, with commas between them; None: all
    """
    try:
        graded = None if grade is None else graded_numbers(grade)
        paths = handed_in(folder)
        assert_out(out)
    except ValueError as reason:
        print(reason, file=sys.stderr)
        return 1
    bar = progress_bar(read_settings(), paths, desc="notebooks", unit="notebook")
    table, damaged = judge_notebooks(folder, bar, seconds, graded)
    write_text(out, table.to_csv(index=False, lineterminator="\n"))
    for sentence in damaged.values():
        print(sentence, file=sys.stderr)
    names = [writable(path.relative_to(folder).as_posix()) for path in paths]
    there = set(table["notebook"]) & set(names)  # not the folders of students who lack an exercise
    if empty := [name for name in names if name not in damaged and name not in there]:
        what = "an exercise" if graded is None else "a graded exercise"
        print(f"Without {what}, so they are not in the table: {', '.join(empty)}.", file=sys.stderr)
    if graded is not None and not all(student_of(path, folder) for path in paths):
        print(
            f"{folder} itself holds notebooks; what is missing beside them gets no row: give each student a folder.",
            file=sys.stderr,
        )
    states = ", ".join(f"{count} {state}" for state, count in table["state"].value_counts().items())
    print(f"{len(table)} exercises of {len(there)} notebooks in {out}: {states or 'none'}")
    return 1 if damaged else 0


def graded_numbers(grade: str) -> set[str]:
    """The exercises that ``--grade`` names.

    Raises:
        ValueError: there is no such exercise.
    """
    numbers = [number.strip() for number in grade.split(",")]
    if unknown := [repr(number) for number in numbers if find(number) is None]:
        raise ValueError(f"There is no exercise {' or '.join(unknown)}: {NOTEBOOKS.name}/{PAGE} lists them.")
    return {find(number).number for number in numbers}


def assert_out(out: Path) -> None:
    """
    Raises:
        ValueError: the table cannot be written there, which is said before anything is judged.
    """
    if not out.parent.is_dir():
        raise ValueError(f"There is no folder {out.parent}: make it, or give another --out.")
    if out.is_dir() or not os.access(out.parent, os.W_OK | os.X_OK):
        raise ValueError(f"{out} cannot be written: give another --out.")


def insert_exercises(folder: Path | None, solutions: bool) -> int:
    """Writes them into the course's notebooks; 1 where that cannot be.

    Args:
        folder: write copies there instead: the instructor's with ``solutions``, else the students', without outputs
    """
    assert_checkout(ROOT)
    try:
        answered = write_notebooks(NOTEBOOKS, folder or NOTEBOOKS, solutions, outputs=folder is None or solutions)
    except ValueError as reason:
        print(reason, file=sys.stderr)
        return 1
    if folder is None:
        write_text(NOTEBOOKS / PAGE, page())
        write_text(NOTEBOOKS / FORM_PAGE, form())
    if answered:
        print(f"Left as they are, because somebody has changed them: {', '.join(answered)}.", file=sys.stderr)
    print(f"{sum(len(of_notebook(number)) for number in notebooks())} exercises in {folder or NOTEBOOKS.name}")
    return 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.exercises", description=__doc__)
    parser.add_argument("--solutions", metavar="FOLDER", type=Path, help="write the instructor's copies there instead")
    parser.add_argument("--students", metavar="FOLDER", type=Path, help="write copies without any output there instead")
    parser.add_argument("--judge", metavar="FOLDER", type=Path, help="judge the notebooks below it; runs their code")
    parser.add_argument("--out", metavar="FILE", type=Path, help="with --judge: the CSV file to write")
    parser.add_argument(
        "--seconds", metavar="N", type=float, help=f"with --judge: for a notebook's answers ({SECONDS})"
    )
    parser.add_argument(
        "--grade",
        metavar="NUMBERS",
        help="with --judge: only these exercises, such as 01.1,04.1; what a student's folder lacks is missing",
    )
    given = parser.parse_args(arguments)
    folder, judged = given.solutions or given.students, given.judge
    if (judged is None) != (given.out is None) or (judged is None and (given.seconds, given.grade) != (None, None)):
        parser.error("--judge FOLDER and --out FILE belong together, and --seconds and --grade to both.")
    if sum(option is not None for option in (judged, given.solutions, given.students)) > 1:
        parser.error("--judge, --solutions and --students are three things: give one of them.")
    if given.seconds is not None and not given.seconds > 0:
        parser.error("--seconds must be above 0.")
    if folder is not None and folder.resolve() == NOTEBOOKS.resolve():
        parser.error("FOLDER is the folder of the course's notebooks: give another one.")
    if folder is not None and folder.exists() and not folder.is_dir():
        parser.error(f"{folder} is a file: give a folder.")
    if judged is None:
        return insert_exercises(folder, solutions=given.solutions is not None)
    return judge_folder(judged, given.out, given.seconds or SECONDS, given.grade)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], stopped=STOPPED))
