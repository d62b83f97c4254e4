"""What is said of an answer: right, or which mistake it shows; and hints, one at a time."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

from .exercise import Exercise, Mistake, notebooks, of_notebook

RIGHT, WRONG, OPEN, UNKNOWN = "right", "wrong", "open", "unknown"
_hints_given: Counter[str] = Counter()


@dataclass(frozen=True)
class Verdict:
    """``state``: right, wrong, open (not answered yet) or unknown (no such exercise); ``words``: for the student;
    ``mistake``: its name, where it is known."""

    state: str
    words: str
    mistake: str = ""


def check(number: str, answer: Any) -> None:
    """Says whether ``answer`` to exercise ``number`` (``"04.1"``) is right, or which mistake it shows. Never raises."""
    print(f"{number}: {judge(number, answer).words}")


def hint(number: str) -> None:
    """The next hint for exercise ``number``; for a notebook (``"04"``) the list of its exercises. Never raises."""
    exercise = find(number)
    if exercise is None:
        listed = of_notebook(str(number).strip().zfill(2))
        lines = [f"{e.number}  {e.title} ({e.minutes} minutes, difficulty {e.difficulty} of 3)" for e in listed]
        print("\n".join(lines) or judge(number, None).words)
        return
    place = min(_hints_given[exercise.number], len(exercise.hints) - 1)
    _hints_given[exercise.number] += 1
    last = " (the last one)" if place == len(exercise.hints) - 1 else ""
    print(f"{exercise.number}, hint {place + 1} of {len(exercise.hints)}{last}: {exercise.hints[place]}")


def find(number: str) -> Exercise | None:
    """The exercise of this number; None where there is none."""
    number = str(number).strip().zfill(4)
    return next((e for e in of_notebook(number[:2]) if e.number == number), None)


def judge(number: str, answer: Any) -> Verdict:
    """The verdict that :func:`check` prints."""
    exercise = find(number)
    if exercise is None:
        return Verdict(UNKNOWN, f'There is no such exercise; hint("04") lists those of notebook 04 ({notebooks()}).')
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return _judge(exercise, answer)
        except Exception as reason:  # an answer may be any object, and fail at any touch
            return Verdict(WRONG, f"This answer cannot be read ({type(reason).__name__}); {_wanted(exercise)}.")


def _judge(exercise: Exercise, answer: Any) -> Verdict:
    if answer is None or answer is Ellipsis or (isinstance(answer, str) and not answer.strip()):
        return _open(exercise)
    if callable(answer) != exercise.wants_function:
        return Verdict(WRONG, f"{_wanted(exercise)[0].upper()}{_wanted(exercise)[1:]}.")
    results = []
    for arguments in exercise.arguments():
        try:
            results.append(answer(*arguments) if exercise.wants_function else answer)
        except Exception as reason:
            open_one = " Does it call a function that is not filled in yet?" if "NoneType" in str(reason) else ""
            return Verdict(
                WRONG, f"{exercise.name} stops on a hidden input with {type(reason).__name__}: {reason}.{open_one}"
            )
    if any(result is None for result in results):
        return _open(exercise)
    expected, mistakes = _known_results(exercise)
    if _all_same(exercise, results, expected):
        on = f" on {len(expected)} hidden inputs" if exercise.wants_function else ""
        return Verdict(RIGHT, f"right{on}. {exercise.outcome}")
    for mistake, theirs in mistakes:
        if theirs is not None and _all_same(exercise, results, theirs):
            return Verdict(WRONG, f"not yet ({mistake.name}). {mistake.words}", mistake.name)
    return Verdict(WRONG, _difference(exercise, results, expected))


@cache
def _known_results(exercise: Exercise) -> tuple[list, list]:
    """The right results on the hidden inputs, and each mistake's; None where the mistake's code fails on them."""
    reference = exercise.module or exercise.solve
    wrong: list[tuple[Mistake, list | None]] = []
    for mistake in exercise.mistakes:
        try:
            wrong.append((mistake, _results(exercise, mistake.code)))
        except Exception:  # a column has not as many entries as a row, for example
            wrong.append((mistake, None))
    return _results(exercise, reference), wrong


def _results(exercise: Exercise, function: Callable) -> list:
    return [function(*arguments) for arguments in exercise.arguments()]


def _open(exercise: Exercise) -> Verdict:
    how = f"Fill in {exercise.name}" + (" and let it return its result" if exercise.wants_function else "")
    return Verdict(OPEN, f"not answered yet. {how}.")


def _wanted(exercise: Exercise) -> str:
    if exercise.wants_function:
        return f"this exercise wants the function {exercise.name} itself, without brackets behind it"
    return (
        f"this exercise wants {'one of the letters ' + ', '.join(exercise.options) if exercise.options else 'a number'}"
    )


def _difference(exercise: Exercise, results: list, expected: list) -> str:
    """What can be said of a wrong answer that is no known mistake, without the right one."""
    for result, wanted in zip(results, expected, strict=True):
        if _form(result) != _form(wanted):
            return f"the form is not right yet: {_form(wanted)} is wanted, and this is {_form(result)}."
    if not exercise.wants_function:
        return (
            f"not yet. {'Read the options again' if exercise.options else 'Another number is right'}: {_help(exercise)}"
        )
    wrong = [not _same(exercise, r, e) for r, e in zip(results, expected, strict=True)]
    numbers = [_numbers(result) for result in results]
    if not all(np.isfinite(n).all() for n in numbers):
        return f"not yet: there are NaN or infinite values on a hidden input. {_help(exercise)}"
    ratio = np.concatenate([n / _numbers(e) for n, e in zip(numbers, expected, strict=True)])
    if np.isfinite(ratio).all() and np.ptp(ratio) < 1e-4 * abs(ratio[0]):
        return f"not yet: every value is {ratio[0]:.4g} times what it should be. {_help(exercise)}"
    return f"not yet: {sum(wrong)} of {len(wrong)} hidden inputs give other values. {_help(exercise)}"


def _help(exercise: Exercise) -> str:
    return f'hint("{exercise.number}") helps.'


def _all_same(exercise: Exercise, results: list, expected: list) -> bool:
    return all(_same(exercise, r, e) for r, e in zip(results, expected, strict=True))


def _same(exercise: Exercise, result: Any, expected: Any) -> bool:
    if isinstance(expected, str):
        return isinstance(result, str) and result.strip().lower() == expected
    return _form(result) == _form(expected) and np.allclose(
        _numbers(result), _numbers(expected), rtol=exercise.relative, atol=exercise.tolerance
    )


def _numbers(value: Any) -> np.ndarray:
    """All numbers in a result whose form is known, in one row."""
    if isinstance(value, tuple | list):
        return np.concatenate([_numbers(part) for part in value])
    return np.asarray(_plain(value)).astype(float).ravel()


def _form(value: Any) -> str:
    """What kind of thing a result is, in words; two results are compared only if these agree."""
    if isinstance(value, str):
        return "a text"
    try:
        if isinstance(value, tuple | list) and any(np.ndim(_plain(part)) for part in value):
            return f"{len(value)} results ({', '.join(_form(part) for part in value)})"
        array = np.asarray(_plain(value))
    except Exception:  # rows of unequal length, or an object that fails when it is looked at
        return "something without numbers"
    if array.dtype.kind not in "biuf" or not array.size:
        return "something without numbers"
    return "a number" if array.size == 1 else f"an array of shape {array.shape}"


def _plain(value: Any) -> Any:
    """Tensors as arrays, in a tuple or list too."""
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
