"""One exercise: its text, its solution, and the mistakes that are known by name."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from . import content

POINTS = 2  # for each step of an exercise's difficulty

LINES = "# My prediction:\n# My reason, afterwards:\n"  # above every stub


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that is known by name.

    Attributes:
        words: what is said of it; never the solution
        code: what somebody who makes it writes
    """

    name: str
    words: str
    code: Callable[..., Any]


@dataclass(eq=False)
class Exercise:
    """An exercise; its functions are added by the decorators below.

    A solution with parameters is asked for as a function, one without as a value; with ``options`` the value is a
    letter.

    Attributes:
        number: notebook and place, such as ``"04.1"``
        minutes: for a reader of the notebook
        difficulty: 1 to 3
        grades: what a right answer shows, for instructors
        question, predict: Markdown; ``predict`` is one question, to be answered before anything is computed
        outcome: said with a right answer; it also answers ``predict``
        hints: the last one is nearly the solution
        options: letter -> text
        module: what the answer is compared with; None compares with the solution
        tolerance, relative: largest differences that count as equal
    """

    number: str
    title: str
    minutes: int
    difficulty: int
    grades: str
    question: str
    predict: str
    outcome: str
    hints: Sequence[str]
    options: Mapping[str, str] = field(default_factory=dict)
    module: Callable[..., Any] | None = None
    tolerance: float = 1e-4
    relative: float = 1e-5
    mistakes: list[Mistake] = field(default_factory=list)
    solve: Callable[..., Any] = field(init=False)
    arguments: Callable[[], list[tuple]] = field(init=False)

    def __post_init__(self) -> None:
        self.arguments = lambda: [()]  # a solution without parameters is called once
        self.question, self.outcome = (" ".join(text.split()) for text in (self.question, self.outcome))

    def solution(self, function: Callable) -> Callable:
        """The solution; its name, signature and docstring are the stub's."""
        self.solve = function
        return function

    def mistake(self, name: str, words: str) -> Callable:
        """A wrong answer with a name."""

        def keep(function: Callable) -> Callable:
            self.mistakes.append(Mistake(name, words, function))
            return function

        return keep

    def inputs(self, function: Callable) -> Callable:
        """The hidden inputs: a function that gives a list of tuples of arguments, new ones at each call."""
        self.arguments = function
        return function

    @property
    def wants_function(self) -> bool:
        return bool(inspect.signature(self.solve).parameters)

    @property
    def points(self) -> int:
        """All that it is worth; the code alone earns half of them."""
        return POINTS * self.difficulty

    @property
    def name(self) -> str:
        """What the student's answer is called."""
        return self.solve.__name__

    def _source(self) -> list[str]:
        lines = inspect.getsource(self.solve).splitlines()
        return lines[next(i for i, line in enumerate(lines) if line.startswith("def ")) :]

    def stub(self) -> str:
        """The student's code cell."""
        if not self.wants_function:
            kind = ", ".join(f'"{letter}"' for letter in self.options) or "a number"
            return f'{LINES}{self.name} = None  # {kind}\n\ncheck("{self.number}", {self.name})'
        lines = self._source()
        function = ast.parse("\n".join(lines)).body[0]
        assert isinstance(function, ast.FunctionDef)
        head = "\n".join(lines[: function.body[0].end_lineno])  # up to its docstring
        return f'{LINES}{head}\n    ...  # your lines\n\n\ncheck("{self.number}", {self.name})'

    def solved(self) -> str:
        """The instructor's code cell."""
        if self.options:
            return f'{self.name} = "{self.solve()}"\n\ncheck("{self.number}", {self.name})'
        answer = self.name if self.wants_function else f"{self.name}()"
        return "\n".join([*self._source(), "", "", f'check("{self.number}", {answer})'])


@cache
def of_notebook(notebook: str) -> list[Exercise]:
    """The exercises of a notebook (``"04"``) in order; none where there is no such notebook."""
    if notebook not in notebooks():
        return []
    module = import_module(f"{content.__name__}.notebook_{notebook}")
    found = [value for value in vars(module).values() if isinstance(value, Exercise)]
    return sorted(found, key=lambda exercise: exercise.number)


def notebooks() -> list[str]:
    """The numbers of the notebooks that have exercises."""
    return sorted(module.name.removeprefix("notebook_") for module in iter_modules(content.__path__))
