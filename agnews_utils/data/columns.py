"""Which column is which: by the names that people give them, or by their places where there are none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .table import Table, listed, short

CLASS, CLASS_NAME, TITLE, DESCRIPTION, LEFT_OUT = "class", "class name", "title", "description", "left out"
NAMES = {
    CLASS: "class, label, labels, category, categories, topic, topics, target, y, class index, classindex, class id, "
    "label id, class label, sentiment, intent",
    CLASS_NAME: "label text, label name, class name, category name, topic name",
    TITLE: "title, headline, headlines, subject, heading",
    DESCRIPTION: "description, desc, text, texts, content, contents, body, summary, short description, abstract, "
    "article, sentence, review, message, document, news, question, utterance",
    LEFT_OUT: "id, idx, index, unnamed 0, index level 0, guid, uid, row, row id, article id, news id, url, link, "
    "source, date, published, author, authors, pubdate, rank",
}
ROLE_OF = {name: role for role, names in NAMES.items() for name in names.split(", ")}
SHOWN = "label (or class, category, topic), title (or headline) and description (or text, content)"


@dataclass(frozen=True)
class Taken:
    """The columns of a table that are read.

    Attributes:
        classes: of each article, as the file has it; None where the table has no classes
        titles, descriptions: of each article, None where the table has no such column
        class_place: the place of the column of classes, from 0
        named: how the columns are called, for the note
    """

    classes: list[Any] | None
    titles: list[Any] | None
    descriptions: list[Any] | None
    class_place: int
    named: str


def role_of(name: str) -> str | None:
    """What a column of this name holds, or None."""
    plain = re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()
    return ROLE_OF.get(plain)


def is_header(cells: Sequence[str], is_class: Callable[[str], bool]) -> bool:
    """Whether a first row names columns: it holds known names and no class."""
    known = sum(role_of(cell) is not None for cell in cells)
    return known >= min(2, len(cells)) and not any(map(is_class, cells))


def take(table: Table, is_class: Callable[[str], bool] | None, with_classes: bool = True) -> Taken:
    """The table's columns by what they hold.

    Args:
        is_class: whether a cell is a class; None where classes are not known beforehand
        with_classes: whether the table must have a column of classes; else none is read

    Raises:
        ValueError: an unknown name, two columns for one thing, or a needed column that is missing.
    """
    roles = _by_name(table) if table.header else _by_place(table, is_class, with_classes)
    places = {role: [place for place, own in enumerate(roles) if own == role] for role in NAMES}
    for role in (CLASS, CLASS_NAME, TITLE, DESCRIPTION):
        if len(places[role]) > 1:
            names = " and ".join(repr(table.names[place]) for place in places[role])
            raise ValueError(f"{table.path}: columns {names} are both taken for the {role}: keep one, or rename one.")
    if not places[TITLE] and not places[DESCRIPTION]:
        raise ValueError(f"{table.path} has no column of texts; columns should be {SHOWN}.")
    if with_classes and not places[CLASS] and not places[CLASS_NAME]:
        raise ValueError(f"{table.path} has no column of classes; columns should be {SHOWN}.")
    read = [role for role in (CLASS, CLASS_NAME, TITLE, DESCRIPTION) if places[role]]
    if table.header:
        named = "columns " + ", ".join(table.names[places[role][0]] for role in read)
        left = [name or "row numbers" for name, role in zip(table.names, roles, strict=True) if role == LEFT_OUT]
        named += f" (left out: {listed(left)})" if left else ""
    else:
        named = "no header, columns " + ", ".join(roles)
    return Taken(
        _classes(table, places[CLASS], places[CLASS_NAME]) if with_classes else None,
        table.columns[places[TITLE][0]] if places[TITLE] else None,
        table.columns[places[DESCRIPTION][0]] if places[DESCRIPTION] else None,
        (places[CLASS_NAME] or places[CLASS] or [0])[0],
        named,
    )


def _by_name(table: Table) -> list[str]:
    """The role of each column of a table with names."""
    roles = []
    for place, name in enumerate(table.names):
        role = role_of(name)
        if role is None and not name.strip():
            role = _unnamed(table, place)
        if role is None:
            raise ValueError(
                f"{table.path}: column {short(name)} is not known; columns should be {SHOWN}; rename or delete it."
            )
        roles.append(role)
    return roles


def _unnamed(table: Table, place: int) -> str:
    """A column without a name is the row numbers that pandas writes."""
    column = table.columns[place]
    index = next((i for i, cell in enumerate(column) if not re.fullmatch(r"\d*", str(cell).strip())), None)
    if index is None:
        return LEFT_OUT
    raise ValueError(
        f"{table.where(index)}: column {place + 1} has no name and holds {short(column[index])}: name it in row 1."
    )


def _by_place(table: Table, is_class: Callable[[str], bool] | None, with_classes: bool) -> list[str]:
    """The roles of columns without names: the class first or last, then title and description."""
    width = len(table.names)
    if not with_classes:
        if width > 1:
            raise ValueError(f"{table.path} has {width} columns; it should have 1: description.")
        return [DESCRIPTION]
    if not 2 <= width <= 3:
        raise ValueError(
            f"{table.path} has {width} columns and no header; it should have 3: class (1 to 4), title, description: "
            "quote fields that hold a separator, or name the columns in a first row."
        )
    texts = [TITLE, DESCRIPTION] if width == 3 else [DESCRIPTION]
    first = _class_is_first(table, is_class)
    _refuse_numbers_as_text(table, range(1, width) if first else range(width - 1))
    return [CLASS, *texts] if first else [*texts, CLASS]


def _class_is_first(table: Table, is_class: Callable[[str], bool] | None) -> bool:
    """Whether the class stands in the first column and not in the last."""
    ends = (table.columns[0], table.columns[-1])
    if is_class is None:
        could_be = [_holds_few_values(column) for column in ends]
        name = "which column holds the classes"
    else:
        could_be = [all(map(is_class, set(column))) for column in ends]
        name = "whether the first or the last column is the class"
        if not any(could_be):
            could_be = [any(map(is_class, set(column))) for column in ends]  # a bad class is said with its row
        if not any(could_be):
            raise ValueError(
                f"{table.where(0)} is no article with its class, and no header of known names "
                f"({listed(map(short, [c[0] for c in table.columns]), 4)}): columns should be {SHOWN}."
            )
    if could_be[0] == could_be[1]:
        raise ValueError(
            f"{table.path} has no header of known names, and {name} cannot be told: add a first line such as "
            "label,title,description or label,text."
        )
    return could_be[0]


def _holds_few_values(column: list[str]) -> bool:
    """Whether a column may be classes: each value stands in it five times or more."""
    values: dict[str, int] = {}
    for cell in column:
        values[cell.strip()] = values.get(cell.strip(), 0) + 1
    return min(values.values()) >= 5


def _refuse_numbers_as_text(table: Table, places: range) -> None:
    for place in places:
        if len(table) > 1 and all(cell.strip().isdecimal() for cell in table.columns[place]):
            raise ValueError(
                f"{table.path} has no header, and column {place + 1} holds numbers alone: name the columns in a first "
                "line, for instance label,id,text."
            )


def _classes(table: Table, numbers: list[int], names: list[int]) -> list[Any]:
    """The classes' column; where numbers and names stand side by side, the names, if they agree."""
    if not names:
        place = numbers[0]
        return _named_by_file(table, place)
    named = table.columns[names[0]]
    if numbers:
        first_seen: dict[Any, tuple[Any, int]] = {}
        for index, pair in enumerate(zip(table.columns[numbers[0]], named, strict=True)):
            for key, value in ((("number", str(pair[0]).strip()), pair[1]), (("name", str(pair[1]).strip()), pair[0])):
                if first_seen.setdefault(key, (value, index))[0] != value:
                    raise ValueError(
                        f"{table.where(index)}: class {short(pair[0])} is called {short(pair[1])} here, otherwise in "
                        f"row {first_seen[key][1] + 2}: mend the classes, or delete one of the two columns."
                    )
    return named


def _named_by_file(table: Table, place: int) -> list[Any]:
    """Class numbers from 0 as the names that the file itself has for them, if it has any but numbers."""
    column, own = table.columns[place], table.class_names.get(table.names[place], ())
    if not own or all(re.fullmatch(r"\d+", name.strip()) for name in own):
        return column
    for index, number in enumerate(column):
        if not isinstance(number, int) or not 0 <= number < len(own):
            raise ValueError(
                f"{table.where(index)}: class is {short(number)}; the file names classes 0 to {len(own) - 1}."
            )
    return [own[number] for number in column]
