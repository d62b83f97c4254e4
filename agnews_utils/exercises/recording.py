"""``python -m agnews_utils.exercises.recording CELLS RECORDS SECONDS``: the process that runs one notebook's answers.

:mod:`agnews_utils.exercises.judging` starts it. CELLS is a JSON file: ``cells``, those of exercises (``source``,
``numbers``), and ``others``, the sources of all other code cells. Each verdict becomes a line of JSON in RECORDS, so
that what a cell prints cannot garble it, and what was judged before a crash is kept. Once everything is imported
:data:`READY` goes to stdout, and from then on nothing does.
"""

from __future__ import annotations

import ast
import faulthandler
import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from .. import exercises
from . import checking
from .checking import find, judge

READY = b"ready"
MISSING, STOPS = "missing", "stops"  # further states: no answer is there; the cell raises
HIDDEN = "_check_of_the_course_"  # what `check` is called while it runs, so that no name of a student's hides it


class Recorder(ast.NodeTransformer):
    """Writes each verdict to a file, and lets a cell's ``check("04.1", answer)`` do so under whatever name it has."""

    def __init__(self, path: Path) -> None:
        self.path, self.recorded = path, set[str]()

    def write(self, number: str, state: str, mistake: str = "") -> None:
        self.recorded.add(number)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"number": number, "state": state, "mistake": mistake}) + "\n")

    def check(self, number: Any, answer: Any) -> None:
        """Stands in for the students' ``check``."""
        exercise, verdict = find(number), judge(number, answer)
        if exercise is not None:
            self.write(exercise.number, verdict.state, verdict.mistake)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "check" and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and find(first.value) is not None:
                node.func.id = HIDDEN
        return node


def used(cells: list[str], others: list[str]) -> list[ast.stmt]:
    """The imports and definitions in ``others`` that ``cells`` use, directly or through one another.

    What a student imported at the top of the notebook works in an answer; the other cells themselves, which train for
    minutes, are not run.
    """
    offered: dict[str, ast.stmt] = {}
    there = [node for source in others for node in _parsed(source)]
    for node in there:
        if isinstance(node, ast.Import | ast.ImportFrom):
            offered |= {(alias.asname or alias.name).partition(".")[0]: node for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            offered[node.name] = node
    found = [node for source in cells for node in _parsed(source)]
    for node in found:  # which grows meanwhile
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        found += [offered.pop(name) for name in names & set(offered)]
    return [node for node in there if node in found]


def _parsed(source: str) -> Iterator[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from ast.parse(TransformerManager().transform_cell(source)).body
    except (SyntaxError, ValueError, RecursionError):
        return


def run(cells: list[dict], others: list[str], recorder: Recorder) -> None:
    """Runs the cells in order, as a notebook does (``%`` and ``!`` included); a cell that raises stops itself alone."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    shell.enable_gui = lambda *_: None  # so that %matplotlib inline does no harm
    for statement in used([cell["source"] for cell in cells], others):
        shell.run_cell(ast.unparse(statement), silent=True)
    shell.ast_transformers.append(recorder)
    exercises.check = checking.check = recorder.check
    for cell in cells:
        shell.user_ns.update({"check": recorder.check, "hint": checking.hint, HIDDEN: recorder.check})
        recorder.recorded.clear()
        result = shell.run_cell(cell["source"], silent=True)
        error = result.error_before_exec or result.error_in_exec
        for number in set(cell["numbers"]) - recorder.recorded:
            name = find(number).name
            if error is not None:
                recorder.write(number, STOPS, type(error).__name__)
            elif name in shell.user_ns:  # the line with check was deleted
                recorder.check(number, shell.user_ns[name])
            else:
                recorder.write(number, MISSING)


def main(cells: str, records: str, seconds: str) -> None:
    given = json.loads(Path(cells).read_text(encoding="utf-8"))
    for number in {number for cell in given["cells"] for number in cell["numbers"]}:
        find(number)  # imports what the exercise needs, for seconds that are not the student's
    os.write(1, READY)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    faulthandler.dump_traceback_later(2 * float(seconds), exit=True)  # where whoever started it is there no more
    run(given["cells"], given["others"], Recorder(Path(records)))
    os._exit(0)  # threads that a cell has started may never end


if __name__ == "__main__":
    main(*sys.argv[1:])
