"""The exercise cells of a notebook: made from the content, and put into a notebook without touching other cells."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .exercise import Exercise, of_notebook

TAG = "exercise"  # of every cell that is written here
WRITTEN = "exercise_source"  # a code cell's metadata: the digest of what was written, so that an answer is noticed
DAMAGES = (nbformat.ValidationError, ValueError, KeyError, AttributeError, TypeError, RecursionError)
LIBRARIES = {"np.": "import numpy as np", "torch.": "import torch"}

INTRODUCTION = """\
## Exercises

{count} exercises, about {minutes} minutes. Write down your prediction, fill in the stub, and run its cell.
`check` says what is right, or which mistake an answer shows. `hint("{first}")` helps, a little more each time.{note}"""
NOTES = {"04": "\nTwo follow here, the others in their turn."}  # by notebook


def without_outputs(notebook: NotebookNode) -> None:
    """Takes from a notebook what its cells have given."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def read_notebook(path: Path) -> NotebookNode:
    """A notebook of any version, in the form of version 4.

    Raises:
        ValueError: the file is damaged, or something else.
        OSError: it cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without an id, for example, are as good
            notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            _ = cell.cell_type, cell.source.splitlines(), cell.metadata.get("tags", [])
    except DAMAGES as reason:
        raise ValueError(f"{path} is no notebook ({type(reason).__name__}): get it again.") from reason
    return notebook


def insert(notebook: NotebookNode, number: str, solutions: bool = False) -> list[str]:
    """Puts the exercises of notebook ``number`` (``"04"``) into it; returns those that a student has answered.

    Cells that are there already are refreshed where they stand, so their author may move them. New ones come behind the
    exercise before them, at first before the notebook's last section. A stub that somebody has filled in is left alone,
    but for ``solutions``.
    """
    wanted = list(_cells(number, solutions))
    ids = {cell.id for cell in wanted}
    notebook.cells = [cell for cell in notebook.cells if not is_ours(cell) or cell.id in ids]
    places = {cell.id: cell for cell in notebook.cells}
    before, answered = _closing_section(notebook), []
    for cell in wanted:
        old = places.get(cell.id)
        if old is None:
            notebook.cells.insert(before, cell)
        elif old.cell_type == "code" and not solutions and old.metadata.get(WRITTEN) != _digest(old.source):
            answered.append(cell.id)
        elif old.source != cell.source:
            old.source = cell.source
            if old.cell_type == "code":
                old.outputs, old.execution_count, old.metadata[WRITTEN] = [], None, cell.metadata[WRITTEN]
        before = next(i for i, there in enumerate(notebook.cells) if there.id == cell.id) + 1
    return answered


def _cells(number: str, solutions: bool) -> Iterator[NotebookNode]:
    exercises = of_notebook(number)
    count, minutes = len(exercises), sum(exercise.minutes for exercise in exercises)
    text = INTRODUCTION.format(count=count, minutes=minutes, first=exercises[0].number, note=NOTES.get(number, ""))
    yield _cell("markdown", f"{number}-exercises", text)
    yield _cell("code", f"{number}-exercises-setup", _setup(exercises))
    for exercise in exercises:
        name = f"{number}-exercise-{exercise.number[3:]}"
        yield _cell("markdown", name, _text(exercise, solutions))
        yield _cell("code", f"{name}-code", exercise.solved() if solutions else exercise.stub())


def _setup(exercises: list[Exercise]) -> str:
    code = "".join(exercise.stub() + exercise.solved() for exercise in exercises)
    libraries = [line for name, line in LIBRARIES.items() if name in code]
    first = [*libraries, ""] if libraries else []
    return "\n".join([*first, "from agnews_utils.exercises import check, hint  # noqa: F401 (hint is for you)"])


def _text(exercise: Exercise, solutions: bool) -> str:
    parts = [
        f"### {exercise.number} {exercise.title}",
        f"*{exercise.minutes} minutes, difficulty {exercise.difficulty} of 3*",
        exercise.question,
        "\n".join(f"- **{letter}**: {text}" for letter, text in exercise.options.items()),
        f"**Predict first.** {exercise.predict}",
    ]
    if solutions:
        mistakes = "\n".join(f"- *{mistake.name}*: {mistake.words}" for mistake in exercise.mistakes)
        parts += [f"**It grades**: {exercise.grades}. **When right**: {exercise.outcome}", mistakes]
    return "\n\n".join(part for part in parts if part)


def _cell(kind: str, name: str, source: str) -> NotebookNode:
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    metadata = {"tags": [TAG]} | ({WRITTEN: _digest(source)} if kind == "code" else {})
    return make(source, id=name, metadata=metadata)


def is_ours(cell: NotebookNode) -> bool:
    return TAG in cell.metadata.get("tags", [])


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _closing_section(notebook: NotebookNode) -> int:
    """The place of the last cell that opens a section, ours left out; the notebook's end where there is none."""
    opens = [i for i, cell in enumerate(notebook.cells) if cell.source.startswith("## ") and not is_ours(cell)]
    return opens[-1] if opens else len(notebook.cells)
