"""Handed-in notebooks as a table of verdicts: each is run in a process of its own, and only its exercise cells are.

It runs strangers' code. The process and its time limit keep a mistake away from the other notebooks; they are no
protection against ill will.

Where some exercises alone are graded, those that a student has not handed in get rows too, so that all students have
the same number of points to reach.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pandas as pd
from nbformat import NotebookNode

from ..settings import ROOT
from .cells import is_ours, read_notebook
from .checking import OPEN, RIGHT, find
from .exercise import of_notebook
from .recording import MISSING, READY, STOPS

SECONDS = 60  # for a notebook's cells; the start of its process does not count
TOO_SLOW = "too slow"
ENDED = "Python ended"  # in place of an exception's name
COLUMNS = ("notebook", "exercise", "state", "mistake", "prediction", "reason", "points", "by hand", "of")
CHECKED = re.compile(r"""\bcheck\(\s*(?:number\s*=\s*)?["']?(\d\d?\.\d)\b""")
PREDICTION = re.compile(r"\s*#\s*my prediction\s*:(.*)", re.IGNORECASE)
REASON = re.compile(r"\s*#\s*my reason[^:]*:(.*)", re.IGNORECASE)
CELL = re.compile(r"(\d\d)-exercise-(\d)-code")
FORMULA = re.compile(r"^(?=[=@+-])(?![+-]?[\d.,]+$)")


def handed_in(folder: Path) -> list[Path]:
    """All notebooks below ``folder``, sorted; what is hidden (checkpoints, a Mac's companions of files) is left out.

    Raises:
        ValueError: there is none, or no such folder.
    """
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}: give the folder of the notebooks that were handed in.")
    paths = (path for path in folder.rglob("*.ipynb") if path.is_file())
    found = sorted(p for p in paths if not any(part.startswith(".") for part in p.relative_to(folder).parts))
    if not found:
        raise ValueError(f"{folder} holds no notebook: give the folder of the notebooks that were handed in.")
    return found


def judge_notebooks(
    folder: Path, paths: Iterable[Path], seconds: float = SECONDS, graded: set[str] | None = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The verdicts on notebooks below ``folder``, and a sentence for each file that is no notebook.

    Args:
        paths: of the notebooks, sorted
        graded: numbers of the exercises that come into the table; None: all. Those that none of a student's notebooks
            has are missing, in rows that name the student's folder instead of a notebook.

    Returns:
        a row for each exercise of a notebook (:data:`COLUMNS`), and the sentences by the file's path below ``folder``
    """
    rows, damaged = [], {}
    for student, own in groupby(paths, lambda path: student_of(path, folder)):
        absent = set(graded or ()) if student else set()
        for path in own:
            name = writable(path.relative_to(folder).as_posix())
            try:
                notebook = read_notebook(path)
            except (ValueError, OSError) as reason:
                damaged[name] = str(reason)
            else:
                judged = judge_notebook(notebook, path.stem, seconds, graded)
                rows += [{"notebook": name, **row} for row in judged]
                absent -= {row["exercise"] for row in judged}
        rows += [{"notebook": writable(student), **_row(number)} for number in sorted(absent)]
    return pd.DataFrame(rows, columns=list(COLUMNS)), damaged


def student_of(path: Path, folder: Path) -> str:
    """The student whose notebook it is: the first folder below ``folder``; empty where it lies in ``folder`` itself."""
    first, *below = path.relative_to(folder).parts
    return first if below else ""


def judge_notebook(
    notebook: NotebookNode, name: str, seconds: float = SECONDS, graded: set[str] | None = None
) -> list[dict]:
    """A row for each exercise that a notebook should have, or has.

    Args:
        name: of its file; where it begins with ``04_`` and there is no exercise, those of notebook 04 are missing
        graded: numbers of the exercises that get a row; None: all
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    answers = [(cell, answers_of(cell)) for cell in code]
    cells = [{"source": cell.source, "numbers": list(said)} for cell, said in answers if is_ours(cell) or said]
    others = [cell.source for cell, said in answers if not (is_ours(cell) or said)]
    numbers = {number for cell in cells for number in cell["numbers"]}
    own = {number[:2] for number in numbers} or {name[:2] if name[2:3] == "_" else ""}
    listed = numbers | {exercise.number for one in own for exercise in of_notebook(one)}
    wanted = listed if graded is None else listed & graded
    verdicts = run_cells(cells, others, seconds) if numbers & wanted else {}
    texts = {number: both for _, said in answers for number, both in said.items() if any(both)}
    return [
        _row(number, *verdicts.get(number, (MISSING, "")), *texts.get(number, ("", ""))) for number in sorted(wanted)
    ]


def _row(number: str, state: str = MISSING, mistake: str = "", prediction: str = "", reason: str = "") -> dict:
    """An exercise's row of the table, without its notebook."""
    exercise = find(number)
    return {
        "exercise": number, "state": state, "mistake": mistake, "prediction": prediction, "reason": reason,
        "points": exercise.points / 2 if state == RIGHT else 0.0, "by hand": "",
        "of": exercise.points,
    }  # fmt: skip


def answers_of(cell: NotebookNode) -> dict[str, tuple[str, str]]:
    """The exercises that a code cell answers, each with the prediction and the reason above its ``check``.

    A text is empty where none is written.
    """
    said: dict[str, tuple[str, str]] = {}
    texts, place = ["", ""], None  # of prediction and reason; which of them the next comment goes on with
    for line in cell.source.splitlines():
        if begins := PREDICTION.match(line):
            place, texts[0] = 0, begins[1].strip()
        elif begins := REASON.match(line):
            place, texts[1] = 1, begins[1].strip()
        elif not line.lstrip().startswith("#"):
            place = None
        elif place is not None:
            texts[place] += " " + line.strip().lstrip("#").strip()
        for number in CHECKED.findall(line):
            said[number.zfill(4)], texts = (texts[0], texts[1]), ["", ""]
    if not said and is_ours(cell) and (written := CELL.fullmatch(cell.get("id", ""))):
        said[f"{written[1]}.{written[2]}"] = (texts[0], texts[1])  # the line with check was deleted
    return {n: (harmless(one), harmless(other)) for n, (one, other) in said.items() if find(n) is not None}


def harmless(text: str) -> str:
    """``text`` for a cell of a spreadsheet, which takes what begins with one of ``=@+-`` for a formula."""
    return FORMULA.sub("'", writable(text.strip()))


def writable(text: str) -> str:
    """``text`` with a question mark for each half of a character, which no file in UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def run_cells(cells: list[dict], others: list[str], seconds: float) -> dict[str, tuple[str, str]]:
    """State and mistake of each exercise of ``cells``, which run in a process and an empty folder of their own.

    Raises:
        ChildProcessError: the process could not start.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        given, records, work = (Path(folder) / name for name in ("cells.json", "records.jsonl", "work"))
        work.mkdir()
        given.write_text(json.dumps({"cells": cells, "others": others}), encoding="utf-8")
        in_time = _run([str(given), str(records), str(seconds)], work, seconds)
        lines = records.read_text(encoding="utf-8").splitlines() if records.exists() else []
    verdicts: dict[str, tuple[str, str]] = {}
    for line in lines:
        with suppress(ValueError):  # the last one, where the process ended while it wrote
            new = json.loads(line)
            if new["state"] not in (OPEN, MISSING) or new["number"] not in verdicts:  # a stub left below an answer
                verdicts[new["number"]] = (new["state"], new["mistake"])
    rest = (STOPS, ENDED) if in_time else (TOO_SLOW, "")
    return {number: rest for cell in cells for number in cell["numbers"]} | verdicts


def _run(arguments: list[str], work: Path, seconds: float) -> bool:
    """Whether the process ended in time; all that it started ends with it."""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environ = os.environ | {"PYTHONPATH": paths, "MPLBACKEND": "agg", "IPYTHONDIR": str(work.parent / "ipython")}
    command = [sys.executable, "-m", "agnews_utils.exercises.recording", *arguments]
    with subprocess.Popen(
        command, cwd=work, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            if process.stdout.read() != READY:  # until it closes stdout, which it does before it runs a cell
                raise ChildProcessError("The process that runs the cells could not start: its own words stand above.")
            process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            with suppress(OSError):  # nobody is left
                os.killpg(process.pid, signal.SIGKILL) if os.name == "posix" else process.kill()
