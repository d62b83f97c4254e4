"""``python -m agnews_utils.commands.exercises``: writes the exercises into the notebooks, and their table beside them.

The texts, solutions and mistakes stand in ``agnews_utils/exercises/content``. Only the exercises' own cells are
written; a stub that somebody has filled in is left alone. With ``--solutions FOLDER`` the notebooks stay as they are,
and FOLDER gets the instructor's copies.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat

from ..exercises.cells import insert
from ..exercises.exercise import notebooks, of_notebook
from ..settings import NOTEBOOKS, ROOT
from ..support.checkout import assert_checkout
from ..support.command import run_command
from ..support.files import write_text

PAGE = "EXERCISES.md"
HEAD = """\
# The exercises

<!-- written by python -m agnews_utils.commands.exercises -->

Each checks itself in the notebook, offline. `python -m agnews_utils.commands.exercises --solutions FOLDER` writes the
instructor's copies, with solutions, and with what is said of each mistake.

"""


def write_notebooks(source: Path, target: Path, solutions: bool = False) -> list[str]:
    """Puts the exercises into the notebooks of ``source`` and writes them to ``target``; all of them or none.

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
        try:
            notebook = nbformat.read(path, as_version=4)
        except (ValueError, KeyError, AttributeError) as reason:
            raise ValueError(f"{path.name} is no notebook ({type(reason).__name__}): get it again.") from reason
        answered += insert(notebook, number, solutions)
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
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in table)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.exercises", description=__doc__)
    parser.add_argument("--solutions", metavar="FOLDER", type=Path, help="write the instructor's copies there instead")
    folder = parser.parse_args(arguments).solutions
    if folder is not None and folder.resolve() == NOTEBOOKS.resolve():
        parser.error("FOLDER is the folder of the students' notebooks: give another one.")
    if folder is not None and folder.exists() and not folder.is_dir():
        parser.error(f"{folder} is a file: give a folder.")
    assert_checkout(ROOT)
    try:
        answered = write_notebooks(NOTEBOOKS, folder or NOTEBOOKS, solutions=folder is not None)
    except ValueError as reason:
        print(reason, file=sys.stderr)
        return 1
    if folder is None:
        write_text(NOTEBOOKS / PAGE, page())
    if answered:
        print(f"Left as they are, because somebody has changed them: {', '.join(answered)}.", file=sys.stderr)
    print(f"{sum(len(of_notebook(number)) for number in notebooks())} exercises in {folder or NOTEBOOKS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
