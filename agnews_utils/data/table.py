"""What a file holds before its columns are understood: cells by column, and where they stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """The cells of one file, column by column.

    Attributes:
        path: the file as messages name it
        form: what it is, in words: "CSV", "JSON lines", ...
        names: the columns' names in the file's order; of a table without a header, their places from 1
        columns: the cells of each column, all of one length; text, numbers or None
        header: whether ``names`` are the file's own
        class_names: of columns of class numbers from 0, what the file itself calls the classes, by the column's name
        separator: between the columns of a text; "" of other files
        open_end: whether the last row ends without a line end, so that it may have been cut off
    """

    path: str
    form: str
    names: tuple[str, ...]
    columns: tuple[list[Any], ...]
    header: bool = True
    class_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    separator: str = ""
    open_end: bool = False

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def where(self, index: int) -> str:
        """File and row of the article at ``index``, for a message; a header is row 1."""
        return f"{self.path}, row {index + 1 + bool(self.header and self.separator)}"


def short(value: Any, longest: int = 40) -> str:
    """A value as a message shows it: quoted, on one line, cut at ``longest`` characters."""
    text = str(value)
    return repr(text if len(text) <= longest else text[: longest - 1] + "…")


def listed(values: Any, longest: int = 8) -> str:
    """A few values in a row, the rest as a number."""
    values = [str(value) for value in values]
    more = f" and {len(values) - longest} more" if len(values) > longest else ""
    return ", ".join(values[:longest]) + more
