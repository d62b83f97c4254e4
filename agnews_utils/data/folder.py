"""A folder's training and test articles."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

from ..settings import ROOT
from .source import NO_LABEL, Source, fingerprint

OFFICIAL_MD5 = {"train.csv": "b1a00f826fdfbd249f79597b59e1dc12", "test.csv": "d52ea96a97a2d943681189a97654912d"}
SAMPLE_DIR = ROOT / "data" / "sample"
COLUMNS = ["label", "title", "description"]
# what a header calls the first column
HEADERS = {"label": ("class", "label", "class index"), "description": ("description", "text")}
# further texts that a data folder may hold beside its two files, and their columns
FURTHER_FILES = {
    "further.csv": COLUMNS,
    "further_descriptions.csv": ["label", "description"],
    "unlabelled.csv": ["description"],
}


ANY = "any"  # for ``classes``: those that the training file names


def read_folder(folder: Path, classes: Sequence[str] | str | None = None) -> Source:
    """``train.csv`` and ``test.csv`` of ``folder``.

    Args:
        classes: the classes' names, in the order of their numbers; None means AG News' four, and another class is
            refused. ``"any"`` takes the classes from the training file, k >= 2 of them: names as found, sorted, or
            numbers in their order. There, a training file alone is enough: ``test`` is then a stratified fifth of
            it, which ``train`` does not hold and a note says.

    Raises:
        FileNotFoundError, ValueError: see :func:`read_source`.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The data folder {folder} does not exist: set AGNEWS_DATA_DIR to a folder with train.csv and test.csv."
        )
    if classes == ANY:
        return _read_any(folder)
    frames, origins, official = {}, {}, 0
    for name in ("train", "test"):
        path = folder / f"{name}.csv"
        frames[name], md5 = _read(path)
        known = md5 == OFFICIAL_MD5[path.name]
        official += known
        origins[name] = f"the official file (MD5 {md5[:8]}…)" if known else "not the official file"
    if folder == SAMPLE_DIR:
        return _source("embedded sample (not AG News)", "sample", frames, origins)
    if official == 2:
        return replace(_source("AG News", "agnews", frames, origins), folder=folder)
    title = "AG News (official test file, other training file)" if official else "your own folder"
    return replace(_source(title, "agnews-part" if official else "folder", frames, origins), folder=folder)


def _read_any(folder: Path) -> Source:
    names = ["train", "test"] if (folder / "test.csv").is_file() else ["train"]
    frames = {name: _read(folder / f"{name}.csv", labels=None)[0] for name in names}
    found = set(frames["train"]["label"])
    classes = sorted(found, key=int) if all(name.isdecimal() for name in found) else sorted(found)
    for frame in frames.values():
        frame["label"] = frame["label"].map(classes.index)
    origins = dict.fromkeys(("train", "test"), "not the official file")
    if "test" not in frames:
        train, test = train_test_split(
            frames["train"], test_size=0.2, stratify=frames["train"]["label"], random_state=0
        )
        frames = {"train": train.reset_index(drop=True), "test": test.reset_index(drop=True)}
        origins["test"] = "a fifth of the training file, held out"
    return replace(_source("your own folder", "folder", frames, origins), folder=folder, classes=tuple(classes))


def read_csv(path: Path) -> pd.DataFrame:
    """One AG News file as a frame of ``text``, ``label`` (0 to 3) and ``description``.

    Columns are class (1 to 4), title, description; the text is title + " " + description, stripped. A title may be
    empty (some redistributed rows have title and description joined), both may not.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not UTF-8, empty, other than three columns, a class outside 1 to 4, or a row without text.
    """
    return _read(path)[0]


def _read(
    path: Path, columns: Sequence[str] = COLUMNS, labels: Sequence[str] | None = ("1", "2", "3", "4")
) -> tuple[pd.DataFrame, str]:
    """The file's articles and its MD5; the file is read once. A first row that names the first column is a header."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: the folder must hold train.csv and test.csv.")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as reason:
        raise ValueError(f"{path} is not UTF-8 (byte {reason.start}): save it again as UTF-8.") from reason
    try:
        rows = list(filter(None, csv.reader(io.StringIO(text, newline=""), strict=True)))
    except csv.Error as reason:
        raise ValueError(f"{path} is not a CSV file ({reason}): quote fields that hold commas or quotes.") from reason
    if not rows:
        raise ValueError(f"{path} is empty: it should hold one article a row (class, title, description).")
    header = rows[0][0].strip().lower() in HEADERS[columns[0]]
    if header and len(rows) == 1:
        raise ValueError(f"{path} holds a header and no article: it should hold one article a row.")
    if len(rows[0]) != len(columns):
        names = ", ".join(columns).replace("label", "class (1 to 4)")
        order = ", in this order" if len(columns) > 1 else ""
        raise ValueError(f"{path} has {len(rows[0])} columns; it should have {len(columns)}: {names}{order}.")
    articles = [
        _article(row, columns, f"{path}, row {number}", labels) for number, row in enumerate(rows, 1) if number > header
    ]
    return pd.DataFrame(articles, columns=["text", "label", "description"]), hashlib.md5(
        content, usedforsecurity=False
    ).hexdigest()


def _article(
    row: list[str], columns: Sequence[str], where: str, labels: Sequence[str] | None
) -> tuple[str, int | str, str]:
    """A row's text, label (0 to 3, or none) and description."""
    needed = {1: "one", 2: "two", 3: "three"}[len(columns)]
    if len(row) < len(columns):
        raise ValueError(f"{where}: a column is missing; every row needs all {needed}.")
    if len(row) > len(columns):
        raise ValueError(f"{where}: there are {len(row)} columns instead of {needed}; quote fields that hold commas.")
    fields = dict(zip(columns, (field.strip() for field in row), strict=True))
    label, title, description = fields.get("label"), fields.get("title", ""), fields["description"]
    if labels and label is not None and label not in labels:
        raise ValueError(f"{where}: class is {label!r}; it should be 1, 2, 3 or 4.")
    text = f"{title} {description}".strip()
    if not text:
        fields_are = "title and description are both" if "title" in fields else "the description is"
        raise ValueError(f"{where}: {fields_are} empty.")
    if labels is None:
        return text, str(label), description
    return text, NO_LABEL if label is None else int(label) - 1, description


def _source(title: str, key: str, frames: dict[str, pd.DataFrame], origins: dict[str, str]) -> Source:
    prints = {name: fingerprint(frame["text"], frame["label"]) for name, frame in frames.items()}
    notes = tuple(
        f"{name}: {len(frame):,} rows, {origins[name]}, fingerprint {prints[name]}" for name, frame in frames.items()
    )
    if "description" in frames["train"]:
        known = set(frames["test"]["description"]) - {""}
        shared = int(
            (
                frames["train"]["description"].isin(known) & ~frames["train"]["text"].isin(set(frames["test"]["text"]))
            ).sum()
        )
        notes += (f"{shared:,} training rows share their description with a test row under another title",)
    if key in ("folder", "agnews-part"):
        key = f"{key}-{fingerprint(prints.values())[:8]}"
    return Source(key, title, notes, frames["train"], frames["test"])
