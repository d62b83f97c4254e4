"""Classes as files have them (1 to k, 0 to k - 1, floats, names) as labels from 0."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .table import Table, listed, short

FEWEST = 5  # training articles of a class that the file alone names: one in fewer is rather a mistyped name
NUMBER = re.compile(r"(-?\d{1,9})([.．][0０]*)?")  # \d: also the digits of other scripts, and full-width ones


def plain(value: Any) -> str:
    """A class as text: without spaces around it, a whole number in ASCII digits and without its ".0"."""
    text = "" if value is None else str(value).strip()
    number = NUMBER.fullmatch(text)
    return str(int(number[1])) if number else text


def folded(name: str) -> str:
    """A name's letters and digits, so that "Sci/Tech", "sci-tech" and "SciTech" are one, in full-width letters too."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


class Classes:
    """The k classes that a file may name, and how their names and numbers are read."""

    def __init__(self, names: Sequence[str]):
        self.names = tuple(names)
        self.by_name = {folded(name): label for label, name in enumerate(self.names)}

    def is_class(self, cell: str) -> bool:
        """Whether a cell is a number from 0 to k, or a name."""
        return self._number(plain(cell)) is not None or folded(cell) in self.by_name

    def _number(self, text: str) -> int | None:
        return int(text) if text in self._numbers else None

    @property
    def _numbers(self) -> frozenset[str]:
        return frozenset(map(str, range(len(self.names) + 1)))

    def first_number(self, table: Table, values: list[Any]) -> int | None:
        """The number of the first class, 0 or 1; -1 if the file has names; None if it cannot be told.

        Raises:
            ValueError: a value that is no class, both 0 and k, or numbers beside names.
        """
        texts = {value: plain(value) for value in set(values)}
        numbers = {text for text in texts.values() if self._number(text) is not None}
        for value, text in texts.items():
            if text not in numbers and (numbers or folded(text) not in self.by_name):
                raise ValueError(f"{table.where(values.index(value))}: class is {short(text)}; {self._should_be()}")
        last = str(len(self.names))
        if {"0", last} <= numbers:
            odd = min(("0", last), key=lambda number: sum(texts[value] == number for value in values))
            index = next(index for index, value in enumerate(values) if texts[value] == odd)
            other = last if odd == "0" else "0"
            raise ValueError(
                f"{table.where(index)}: class is {odd!r}, and other rows have {other!r}; classes count from 1 to "
                f"{last} or from 0 to {int(last) - 1}."
            )
        return -1 if not numbers else 0 if "0" in numbers else 1 if last in numbers else None

    def _should_be(self) -> str:
        numbers = [str(number) for number in range(1, len(self.names) + 1)]
        ours = f"it should be {', '.join(numbers[:-1])} or {numbers[-1]}, or a name: {listed(self.names)}"
        return f"{ours}; texts of other topics are read by python -m agnews_utils.distil."

    def labels(self, values: list[Any], first: int) -> list[int]:
        """Labels from 0 of values that :meth:`first_number` has looked at."""
        if first < 0:
            label_of = {value: self.by_name[folded(plain(value))] for value in set(values)}
        else:
            label_of = {value: int(plain(value)) - first for value in set(values)}
        return [label_of[value] for value in values]


def same_first_number(tables: dict[str, Table], firsts: dict[str, int | None], alike: bool, k: int) -> dict[str, int]:
    """What each file counts from; one that does not show it counts as the other, if both have the same columns.

    Raises:
        ValueError: it cannot be told, or two files of one form count differently.
    """
    shown = {first for first in firsts.values() if first is not None and first >= 0}
    if alike and len(shown) > 1:
        names = {first: tables[split].path for split, first in firsts.items()}
        raise ValueError(f"Classes count from 0 in {names[0]} and from 1 in {names[1]}: write both files alike.")
    result = {}
    for split, first in firsts.items():
        if first is None and alike and shown:
            first = next(iter(shown))
        if first is None:
            raise ValueError(
                f"{tables[split].path}: no article has class 0 or class {k}, so whether classes count from 0 or from 1 "
                "cannot be told: write the classes' names instead of numbers."
            )
        result[split] = first
    return result


def found_classes(table: Table, values: list[Any]) -> tuple[str, ...]:
    """The classes that a training file names: numbers in their order, or names sorted.

    Raises:
        ValueError: an empty class, fewer than two, one of fewer than :data:`FEWEST` articles, or two names that differ
            in capitals or signs alone.
    """
    texts = [plain(value) for value in values]
    counts = Counter(texts)
    if "" in counts:
        raise ValueError(f"{table.where(texts.index(''))}: the class is empty: every article needs one.")
    if len(counts) < 2:
        raise ValueError(f"{table.path}: all articles are of class {short(texts[0])}; at least two classes are needed.")
    rare = min(counts, key=lambda name: counts[name])
    if counts[rare] < FEWEST:
        raise ValueError(
            f"{table.where(texts.index(rare))}: class {short(rare)} has {counts[rare]} training articles; each needs "
            f"{FEWEST} at least: correct the name, or add articles."
        )
    alike: dict[str, str] = {}
    for name in sorted(counts):
        other = alike.setdefault("".join(name.casefold().split()), name)
        if other != name:
            raise ValueError(f"{table.path}: classes {short(other)} and {short(name)} look like one: write it one way.")
    numbers = all(NUMBER.fullmatch(name) for name in counts)
    return tuple(sorted(counts, key=int) if numbers else sorted(counts))


def labels_of_found(table: Table, values: list[Any], classes: tuple[str, ...]) -> list[int]:
    """Labels of a file's classes, places in ``classes``.

    Raises:
        ValueError: a class that the training file does not have.
    """
    label_of = {name: label for label, name in enumerate(classes)}
    for index, value in enumerate(values):
        if plain(value) not in label_of:
            raise ValueError(
                f"{table.where(index)}: class is {short(plain(value))}, which no training article has; they have "
                f"{listed(classes)}."
            )
    return [label_of[plain(value)] for value in values]
