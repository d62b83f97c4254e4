"""Text with separators: comma, semicolon or tab; quotes as RFC 4180 has them, or with a backslash before each.

Python's ``csv`` splits the rows. What it would read in more than one way is refused before: a quote that is missing or
too many, and a field that holds further rows.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Literal

import numpy as np

from .content import line_of
from .table import Table, short

SEPARATORS = {",": "CSV", ";": "CSV with semicolons", "\t": "TSV"}
NUMBER_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
LONGEST_FIELD = 2**31 - 1  # csv's own limit, 131,072 characters, is an article's length in some files
QUOTE, SPACE = ord('"'), ord(" ")

Quoting = Literal[0, 3]  # csv.QUOTE_MINIMAL or csv.QUOTE_NONE
Looks = Callable[[Sequence[str]], bool]  # whether a row's cells look like something


def read_delimited(text: str, path: str, is_header: Looks, is_article: Looks | None) -> Table:
    """The table of a text with separators.

    Args:
        is_header: whether a first row's cells are names of columns
        is_article: whether cells look like an article with its class; None where classes are not known beforehand

    Raises:
        ValueError: empty, no clear separator, a quote out of place, rows of different lengths.
    """
    if not text.strip():
        raise ValueError(f"{path} is empty: it should hold one article a row (class, title, description).")
    csv.field_size_limit(LONGEST_FIELD)
    separator = _separator(text, path, is_header, is_article)
    form, quoting, text = _quoting(text, separator, path)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, strict=True, quoting=quoting, skipinitialspace=True)
    try:
        rows = list(filter(None, reader))
    except csv.Error as reason:  # after the checks above nothing is known to end here
        raise ValueError(f"{path}, line {reader.line_num}: this is no CSV ({reason}): quote every field.") from reason
    header = is_header(rows[0])
    rows = _without_empty_end(rows, header)
    _check_lengths(rows, path, separator)
    if header and len(rows) == 1:
        raise ValueError(f"{path} holds a header and no article: it should hold one article a row.")
    return Table(
        path,
        form,
        tuple(rows[0]) if header else tuple(f"{n}" for n in range(1, len(rows[0]) + 1)),
        tuple(map(list, zip(*rows[header:], strict=True))),
        header,
        separator=separator,
        open_end=_may_be_cut(text, rows[-1][-1], quoting),
    )


def _separator(text: str, path: str, is_header: Looks, is_article: Looks | None) -> str:
    """The separator by which the first row makes sense."""
    scores = {}
    for separator in SEPARATORS:
        rows = _first_rows(text, separator)
        if is_header(rows[0]):
            scores[separator] = (2, len(rows[0]))
        elif is_article(rows[0]) if is_article else _may_have_classes(rows):
            scores[separator] = (1, len(rows[0]) if is_article else 2)
    best = [separator for separator, score in scores.items() if score == max(scores.values())]
    if scores and max(scores.values()) == (2, 1):  # one column: nothing is separated
        return ","
    if len(best) > 1:
        raise ValueError(
            f"{path}: whether columns end at {' or '.join(map(repr, best))} cannot be told: add a first line that "
            "names the columns, for instance label,title,description."
        )
    return best[0] if best else ","


def _may_have_classes(rows: list[list[str]]) -> bool:
    """Whether rows are of one length, with values in their first or last column that come again."""
    if len({len(row) for row in rows}) > 1 or len(rows[0]) < 2:
        return False
    return any(len({row[end] for row in rows}) < len(rows) for end in (0, -1))


def _first_rows(text: str, separator: str, count: int = 200) -> list[list[str]]:
    lines = io.StringIO(text[:200_000], newline="")
    rows = filter(None, csv.reader(lines, delimiter=separator, skipinitialspace=True))
    return list(islice(rows, count)) or [[""]]


def _quoting(text: str, separator: str, path: str) -> tuple[str, Quoting, str]:
    """Form in words, ``csv``'s kind of quoting, and the text with quotes doubled where it had backslashes."""
    form = SEPARATORS[separator]
    fault = _quote_fault(text, separator)
    if fault is None:
        return form, csv.QUOTE_MINIMAL, text
    if separator == "\t" and text.count('"') > 1 and not re.search('(^|[\t\r\n]) *"', text):
        return "TSV without quoting", csv.QUOTE_NONE, text
    if _has_backslash_quotes(text, separator):
        doubled = text.replace('\\"', '""')
        if _quote_fault(doubled, separator) is None:
            return f"{form} with backslashes before quotes", csv.QUOTE_MINIMAL, doubled
    line, beginning = fault
    raise ValueError(
        f"{path}, line {line}: a quote is missing or one too many in the field that begins {short(beginning)}: put the "
        'whole field in quotes, and write each quote inside it twice ("").'
    )


def _has_backslash_quotes(text: str, separator: str) -> bool:
    """Whether backslashes stand before quotes alone, and doubled quotes for empty fields alone."""
    inside = re.search(f'[^{separator}\r\n]""|""[^{separator}\r\n]', text.replace('\\"', ""))
    return '\\"' in text and text.count("\\") == text.count('\\"') and not inside


def _quote_fault(text: str, separator: str) -> tuple[int, str] | None:
    """Line and beginning of the first field whose quotes are not those of RFC 4180; None if all are.

    Every second quote closes (a doubled one closes and opens at once): before one that opens stands a separator, a
    line end or a quote, and behind one that closes as well. Spaces before a field's first quote are let pass.
    """
    content = np.frombuffer(text.encode("utf-8"), np.uint8)
    quotes = np.flatnonzero(content == QUOTE)
    borders = np.array([ord(separator), ord("\n"), ord("\r"), QUOTE], np.uint8)
    padded = np.concatenate([borders[1:2], content, borders[1:2]])
    opens, closes = quotes[0::2], quotes[1::2]
    before = padded[opens]
    bad_opens = opens[~np.isin(before, borders) & ~((before == SPACE) & _only_spaces_before(padded, opens, borders))]
    bad_closes = closes[~np.isin(padded[closes + 2], borders)]
    unclosed = quotes[-1:] if len(quotes) % 2 else quotes[:0]
    faults = np.concatenate([bad_opens, bad_closes, unclosed])
    if not len(faults):
        return None
    fault = int(faults.min())
    begin = _field_of(content, fault, quotes, borders[:3])
    beginning = bytes(content[begin : begin + 200]).decode("utf-8", errors="ignore")
    before_it = bytes(content[:begin]).decode("utf-8")
    return line_of(before_it, len(before_it)), beginning


def _only_spaces_before(padded: np.ndarray, opens: np.ndarray, borders: np.ndarray) -> np.ndarray:
    """Whether between a quote and the border before it there are spaces alone."""
    result = np.zeros(len(opens), bool)
    for number in np.flatnonzero(padded[opens] == SPACE):
        place = int(opens[number])
        while padded[place] == SPACE:
            place -= 1
        result[number] = padded[place] in borders[:3]
    return result


def _field_of(content: np.ndarray, fault: int, quotes: np.ndarray, borders: np.ndarray) -> int:
    """Where the field begins in which a quote is out of place."""
    number = int(np.searchsorted(quotes, fault))
    if number % 2:  # it closes, or should: the field began with the quote before, or one before a doubled one
        number -= 1
        while number >= 2 and quotes[number - 1] == quotes[number] - 1:
            number -= 2
        return int(quotes[number])
    before = np.flatnonzero(np.isin(content[max(fault - 100_000, 0) : fault], borders))
    return max(fault - 100_000, 0) + int(before[-1]) + 1 if len(before) else 0


def _without_empty_end(rows: list[list[str]], header: bool) -> list[list[str]]:
    """The rows without the empty column that a comma at the end of every line makes."""
    named = [row[:-1] if not row[-1].strip() else row for row in rows[:header]]
    body = rows[header:]
    width = len(named[0]) if header else max(len(body[0]) - 1, 2)  # a class and a text at least
    if body and all(len(row) == width + 1 and not row[-1].strip() for row in body):
        body = [row[:-1] for row in body]
    return named + body


def _check_lengths(rows: list[list[str]], path: str, separator: str) -> None:
    width = len(rows[0])
    number = next((number for number, row in enumerate(rows, 1) if len(row) != width), None)
    if number is None:
        return
    needed, found = NUMBER_WORDS.get(width, str(width)), len(rows[number - 1])
    if found < width:
        raise ValueError(f"{path}, row {number}: a column is missing; every row needs all {needed}.")
    hold = {",": "commas", ";": "semicolons", "\t": "tabs"}[separator]
    raise ValueError(
        f"{path}, row {number}: there are {found} columns instead of {needed}; quote fields that hold {hold}."
    )


def _may_be_cut(text: str, last: str, quoting: int) -> bool:
    """Whether the file may end in the middle of its last field: no line end, and no quote that closes a whole field.

    A file cut between the two halves of a doubled quote also ends in a quote; then the quotes inside the field are
    odd in number, or it ends where a word was to begin.
    """
    if text.endswith(("\n", "\r")):
        return False
    if quoting == csv.QUOTE_NONE or not text.endswith('"'):
        return True
    return not last or last[-1].isspace() or last[-1] in "([{-" or last.count('"') % 2 == 1


def check_for_rows_in_fields(table: Table, class_place: int) -> None:
    """Refuses a field that goes over lines which look like rows: a quote is missing at its begin and at its end.

    Raises:
        ValueError: names the row in which the field stands.
    """
    if not table.separator:
        return
    known = set(table.columns[class_place])
    for place, column in enumerate(table.columns):
        for index, cell in enumerate(column):
            if ("\n" in cell or "\r" in cell) and _holds_rows(cell, table, place, class_place, known):
                raise ValueError(
                    f"{table.where(index)}: a field holds what looks like further rows ({short(cell)}): a quote is "
                    "missing or one too many there."
                )


def _holds_rows(cell: str, table: Table, place: int, class_place: int, known: set[str]) -> bool:
    """Whether a field of column ``place`` reads like the end of its row, rows, and the beginning of another one.

    The end of a row has the cells from this column on, the beginning those up to it, each perhaps more if commas were
    meant as text; a class stands where it should in at least one of them.
    """
    width = len(table.names)
    # in a row of two, "a result, 3" may well be text: there the class must follow the comma at once
    reader = partial(csv.reader, delimiter=table.separator, skipinitialspace=width > 2)
    lines = [next(reader([line]), []) for line in re.split(r"\r\n|\r|\n", cell)]
    spans = [(place, width), *[(0, width)] * (len(lines) - 2), (0, place + 1)]  # of the columns in each line
    return any(
        known & {cells[class_place - first], cells[class_place - end]}
        for cells, (first, end) in zip(lines, spans, strict=True)
        if first <= class_place < end and len(cells) >= end - first > 1
    )
