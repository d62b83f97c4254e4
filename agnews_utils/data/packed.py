"""Tables of files that carry their columns' names: JSON, Parquet, Arrow, and data sets that ``datasets`` saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, DatasetDict, Features, load_from_disk

from .table import Table, listed, short


def read_json(text: str, path: str) -> Table:
    """JSON lines (one object a line), or one JSON list of objects; all objects have the same names.

    Raises:
        ValueError: not JSON, an object with other names, or a name twice.
    """
    if text.lstrip().startswith("["):
        form, numbered = "JSON", list(enumerate(_loaded(text, path), 1))
    else:
        form, lines = "JSON lines", [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        numbered = [(number, _loaded(line, f"{path}, row {number}")) for number, line in lines]
    names = tuple(numbered[0][1]) if numbered and isinstance(numbered[0][1], dict) else ()
    if not names:
        raise ValueError(f"{path} holds no articles: it should hold one JSON object a line, with label and text.")
    for number, entry in numbered:
        if not isinstance(entry, dict) or set(entry) != set(names):
            raise ValueError(
                f"{path}, row {number}: this is no object of {listed(names)}, as the first one is: give all rows the "
                "same names."
            )
    return Table(path, form, names, tuple([entry[name] for _, entry in numbered] for name in names))


def _loaded(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError as reason:
        raise ValueError(f"{where}: this is no JSON of articles: it is nested too deep.") from reason
    except ValueError as reason:
        raise ValueError(
            f"{where}: this is no JSON ({reason}): write one object a line, or make the file again."
        ) from reason


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entry = dict(pairs)
    if len(entry) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return entry


def read_parquet(content: bytes, path: str) -> Table:
    """A Parquet file, with the class names that ``datasets`` wrote into it.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
    except (pa.ArrowException, OSError) as reason:
        raise ValueError(_damaged(path, "Parquet", reason)) from reason
    return _from_arrow(table, path, "Parquet")


def read_arrow(content: bytes, path: str) -> Table:
    """An Arrow file or stream (``datasets`` caches, Feather).

    Raises:
        ValueError: it cannot be read.
    """
    try:
        try:
            table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
        except pa.ArrowInvalid:
            table = pa.ipc.open_stream(pa.BufferReader(content)).read_all()
    except (pa.ArrowException, OSError) as reason:
        raise ValueError(_damaged(path, "Arrow", reason)) from reason
    return _from_arrow(table, path, "Arrow")


def read_saved(folder: Path) -> dict[str, Table]:
    """The splits of a data set that ``save_to_disk`` wrote; one without splits is ``train``.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        saved = load_from_disk(str(folder))
    except (pa.ArrowException, ValueError, KeyError, TypeError, FileNotFoundError) as reason:
        raise ValueError(_damaged(str(folder), "a data set saved by datasets", reason)) from reason
    splits = saved if isinstance(saved, DatasetDict) else {"train": saved}
    return {str(name): _from_dataset(split, f"{folder}/{name}") for name, split in splits.items()}


def _from_dataset(split: Dataset, path: str) -> Table:
    columns = {name: list(split.with_format(None)[name]) for name in split.column_names}
    return _table(columns, split.features, path, "Arrow")


def _from_arrow(table: pa.Table, path: str, form: str) -> Table:
    try:
        features: dict[str, Any] = dict(Features.from_arrow_schema(table.schema))
        columns = {name: table[name].to_pylist() for name in table.column_names}
    except (pa.ArrowException, ValueError, KeyError, TypeError) as reason:  # a name twice, bytes that are no text
        raise ValueError(_damaged(path, form, reason)) from reason
    return _table(columns, features, path, form)


def _table(columns: dict[str, list], features: Any, path: str, form: str) -> Table:
    kinds = {name: features.get(name) for name in columns}
    class_names = {name: tuple(kind.names) for name, kind in kinds.items() if isinstance(kind, ClassLabel)}
    if not columns or not next(iter(columns.values())):
        raise ValueError(f"{path} holds no article: it should hold one article a row.")
    return Table(path, form, tuple(columns), tuple(columns.values()), class_names=class_names)


def _damaged(path: str, form: str, reason: BaseException) -> str:
    line = (str(reason).splitlines() or [type(reason).__name__])[0]
    return f"{path} cannot be read as {form} ({short(line, 120)}): make or download it again."
