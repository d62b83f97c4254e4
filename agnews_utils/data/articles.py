"""A file as articles: read in whatever form it has, its columns taken, its texts checked."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .columns import Taken, is_header, take
from .content import ARROW_FILE, PARQUET, decoded, refuse_other_things, unpacked
from .delimited import check_for_rows_in_fields, read_delimited
from .packed import read_arrow, read_json, read_parquet
from .table import Table, short

IsClass = Callable[[str], bool]
JSON = re.compile(r'\s*(\{\s*"|\[\s*\{)')
INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp"}  # Unicode's categories of controls, marks of no width, and spaces
# letters and marks that are drawn as nothing: fillers, an empty Braille cell, variation selectors
BLANK = {*"\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0", *map(chr, range(0x180B, 0x1810))}
BLANK |= {*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))}


@dataclass(frozen=True)
class Articles:
    """The articles of one split, whatever files they came from.

    Attributes:
        table: the cells as read
        classes: of each article, as the file has it; None where no classes were asked for
        texts: title and description joined by a space; stripped
        descriptions: as the file has them, stripped; the text where there is no title
        named: the columns in words
        md5: of the file, unpacked; "" where there are several
    """

    table: Table
    classes: list[Any] | None
    texts: list[str]
    descriptions: list[str]
    named: str
    md5: str


def read_table(content: bytes, path: str, is_class: IsClass | None) -> tuple[Table, str]:
    """The cells of a file by its content, whatever its name says; and the MD5 of the content, unpacked.

    Raises:
        ValueError: it is none of the forms, damaged, or cannot be told for certain; names the file and the row.
    """
    content = unpacked(content, path)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if content.startswith(PARQUET):
        return read_parquet(content, path), md5
    if content.startswith(ARROW_FILE) or path.endswith(".arrow"):
        return read_arrow(content, path), md5
    refuse_other_things(content, path)
    text = decoded(content, path)
    if JSON.match(text):
        return read_json(text, path), md5
    is_article = None if is_class is None else partial(_has_class, is_class=is_class)
    return read_delimited(text, path, partial(is_header, is_class=is_class or _is_number), is_article), md5


def _is_number(cell: str) -> bool:
    return cell.strip().isdecimal()


def _has_class(cells: Sequence[str], is_class: IsClass) -> bool:
    return any(map(is_class, cells))


def read_articles(content: bytes | Table, path: str, is_class: IsClass | None, with_classes: bool = True) -> Articles:
    """The articles of one file's content, or of a table that is read already.

    Args:
        is_class: whether a cell is a class; None where any may be one
        with_classes: whether each article must have a class; else no class is read

    Raises:
        ValueError: see :func:`read_table`; also an unknown column, an article without a text, a text that may be cut.
    """
    table, md5 = read_table(content, path, is_class) if isinstance(content, bytes) else (content, "")
    taken = take(table, is_class, with_classes)
    if not table.separator:
        _check_kinds(table, taken)
    if table.open_end and not _ends_in_class(table, taken):
        raise ValueError(
            f"{table.where(len(table) - 1)}: the file ends without a line end, so this text may be cut off: get the "
            "whole file, or end it with a line end."
        )
    if with_classes:
        check_for_rows_in_fields(table, taken.class_place)
    texts, descriptions = _texts(table, taken)
    return Articles(table, taken.classes, texts, descriptions, taken.named, md5)


def _ends_in_class(table: Table, taken: Taken) -> bool:
    """Whether the file's last cell is a class, and not the beginning of another one."""
    if taken.classes is None or taken.class_place < len(table.names) - 1:
        return False
    last = str(taken.classes[-1])
    return not any(other != last and other.startswith(last) for other in map(str, set(taken.classes)))


def _texts(table: Table, taken: Taken) -> tuple[list[str], list[str]]:
    """Texts and descriptions, stripped.

    Raises:
        ValueError: nothing to see in a text, or something that no text has.
    """
    titles, descriptions = (
        None if column is None else [(cell or "").strip() for cell in column]
        for column in (taken.titles, taken.descriptions)
    )
    if titles is None or descriptions is None:
        texts = descriptions = titles if descriptions is None else descriptions
        empty = "the text is" if titles is not None else "the description is"
    else:
        texts = [f"{title} {description}".strip() for title, description in zip(titles, descriptions, strict=True)]
        empty = "title and description are both"
    assert texts is not None  # take() has seen to it
    assert descriptions is not None
    for index, text in enumerate(texts):
        if not any(map(_is_visible, text)):
            shown = f"empty, or of invisible characters alone ({text[:20]!a})" if text else "empty"
            raise ValueError(f"{table.where(index)}: {empty} {shown}: give the article a text, or delete it.")
    _refuse_no_text(table, texts)
    return texts, descriptions


def _is_visible(character: str) -> bool:
    """Whether a character can be seen; spaces, controls, and marks of no width cannot."""
    return unicodedata.category(character) not in INVISIBLE and character not in BLANK


def _refuse_no_text(table: Table, texts: list[str]) -> None:
    """Refuses NUL characters and halves of characters, which JSON and Parquet can hold."""
    try:
        if "\0" not in "\n".join(texts):
            "\n".join(texts).encode()
            return
    except UnicodeEncodeError:
        pass
    index = next(i for i, text in enumerate(texts) if re.search("[\0\ud800-\udfff]", text))
    raise ValueError(f"{table.where(index)}: there is a NUL or half a character, which no text has: mend the text.")


def _check_kinds(table: Table, taken: Taken) -> None:
    """Refuses texts that are no text and classes that are neither text nor number."""
    for column, kinds, what in (
        (taken.titles, (str, type(None)), "title"),
        (taken.descriptions, (str, type(None)), "description"),
        (taken.classes, (str, int, float, type(None)), "class"),
    ):
        for index, value in enumerate(column or ()):
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise ValueError(
                    f"{table.where(index)}: the {what} is {short(value)}, a {type(value).__name__}: write it as text."
                )


def joined(parts: list[Articles], path: str) -> Articles:
    """The articles of several files that belong together, as one.

    Raises:
        ValueError: their columns differ.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.table.names != first.table.names or part.table.class_names != first.table.class_names:
            raise ValueError(f"{part.table.path} has other columns than {first.table.path}, a part of the same file.")
    columns = tuple(
        [cell for part in parts for cell in part.table.columns[place]] for place in range(len(first.table.names))
    )
    table = Table(path, first.table.form, first.table.names, columns, first.table.header, first.table.class_names)
    classes = None if first.classes is None else [value for part in parts for value in part.classes or ()]
    return Articles(
        table,
        classes,
        [text for part in parts for text in part.texts],
        [text for part in parts for text in part.descriptions],
        first.named,
        "",
    )


def read_file(path: Path, is_class: IsClass | None, with_classes: bool = True) -> Articles:
    """The articles of one file; see :func:`read_articles`."""
    return read_articles(path.read_bytes(), str(path), is_class, with_classes)
