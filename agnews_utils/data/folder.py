"""A folder's training and test articles as one source, and what was read in one line a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from sklearn.model_selection import train_test_split

from ..settings import CLASS_NAMES, ROOT
from .articles import Articles, IsClass, joined, read_articles, read_file
from .classes import Classes, found_classes, labels_of_found, plain, same_first_number
from .duplicates import overlap_notes
from .finding import Entry, find
from .packed import read_saved
from .source import Source, fingerprint
from .table import Table

OFFICIAL_MD5 = {"train.csv": "b1a00f826fdfbd249f79597b59e1dc12", "test.csv": "d52ea96a97a2d943681189a97654912d"}
SAMPLE_DIR = ROOT / "data" / "sample"
HELD_OUT = 0.2  # of a training file without a test file
Frames = dict[str, pd.DataFrame]


def read_folder(folder: Path, classes: Sequence[str] | Literal["any"] | None = None) -> Source:
    """The training and test file of ``folder``, in any usual form (see :mod:`agnews_utils.data`).

    Args:
        folder: holds ``train.csv`` and ``test.csv``, under these or like names, itself or one folder deeper or in an
            archive; or it is the archive, or the training file
        classes: the classes' names, in the order of their numbers; None means AG News' four, and another class is
            refused. ``"any"`` takes the classes from the training file, k >= 2 of them: names as found, sorted, or
            numbers in their order. There, a training file alone is enough: ``test`` is then a stratified fifth of
            it, which ``train`` does not hold and a note says.

    Raises:
        FileNotFoundError: a file is missing; the message says what is there.
        ValueError: a file is malformed, or cannot be told for certain; the message names file, row and cure.
    """
    if classes == "any":
        return _read_any(folder)
    known = Classes(CLASS_NAMES if classes is None else classes)
    found = _find(folder, test_needed=True)
    parts = {split: _read(what, known.is_class, folder) for split, what in found.items()}
    firsts = _first_numbers(parts, known)
    frames = {split: _frame(part, known.labels(part.classes or [], firsts[split])) for split, part in parts.items()}
    official = {split: part.md5 == OFFICIAL_MD5[f"{split}.csv"] for split, part in parts.items()}
    origins = {
        split: f"the official file (MD5 {part.md5[:8]}…)" if official[split] else "not the official file"
        for split, part in parts.items()
    }
    title, key = "your own folder", "folder"
    if folder == SAMPLE_DIR:
        title, key = "embedded sample (not AG News)", "sample"
    elif all(official.values()):
        title, key = "AG News", "agnews"
    elif official["test"]:
        title, key = "AG News (official test file, other training file)", "agnews-part"
    elif official["train"]:
        title, key = "AG News (official training file, other test file)", "agnews-part"
    counted = {split: _said(part, firsts[split]) for split, part in parts.items()}
    source = make_source(title, key, frames, origins, counted, known.names)
    return source if source.is_sample else source.within(_as_folder(folder), firsts["train"])


def _read_any(folder: Path) -> Source:
    """The source of a folder whose training file says which classes there are."""
    found = _find(folder, test_needed=False)
    parts = {"train": _read(found["train"], None, folder)}
    classes = found_classes(parts["train"].table, parts["train"].classes or [])
    if "test" in found:
        parts["test"] = _read(found["test"], lambda cell: plain(cell) in classes, folder)
    frames = {
        split: _frame(part, labels_of_found(part.table, part.classes or [], classes)) for split, part in parts.items()
    }
    origins, said = dict.fromkeys(parts, ""), {split: _said(part, None) for split, part in parts.items()}
    if "test" not in frames:
        whole = frames["train"]
        kept, held_out = train_test_split(whole, test_size=HELD_OUT, stratify=whole["label"], random_state=0)
        frames = {"train": kept.reset_index(drop=True), "test": held_out.reset_index(drop=True)}
        origins = {"train": "four fifths of its file", "test": "a fifth of the training file, held out"}
        said["test"] = said["train"]
    return make_source("your own folder", "folder", frames, origins, said, classes, own=True).within(_as_folder(folder))


def read_csv(path: Path) -> pd.DataFrame:
    """One file of AG News as a frame of ``text``, ``label`` (0 to 3) and ``description``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: see :func:`read_folder`.
    """
    known = Classes(CLASS_NAMES)
    part = read_file(path, known.is_class)
    firsts = _first_numbers({"train": part}, known)
    return _frame(part, known.labels(part.classes or [], firsts["train"]))


def _find(folder: Path, test_needed: bool) -> dict[str, list[Entry] | Table]:
    """What holds the articles of each split: files, or a split of a saved data set."""
    found = find(folder, test_needed)
    if found.saved is None:
        return dict(found.files)
    tables = read_saved(found.saved)
    missing = next((split for split in ("train", "test")[: 1 + test_needed] if split not in tables), None)
    if missing:
        raise FileNotFoundError(f"{found.saved}/{missing} does not exist: the data set has no split {missing}.")
    return {split: tables[split] for split in ("train", "test") if split in tables}


def _read(what: list[Entry] | Table, is_class: IsClass | None, folder: Path) -> Articles:
    """The articles of one split."""
    if isinstance(what, Table):
        return read_articles(what, what.path, is_class)
    parts = [read_articles(entry.read(), entry.path, is_class) for entry in what]
    return parts[0] if len(parts) == 1 else joined(parts, str(folder))


def _first_numbers(parts: dict[str, Articles], known: Classes) -> dict[str, int]:
    """What the classes of each file count from; -1 for names."""
    tables = {split: part.table for split, part in parts.items()}
    firsts = {split: known.first_number(part.table, part.classes or []) for split, part in parts.items()}
    alike = len({part.named for part in parts.values()}) == 1
    return same_first_number(tables, firsts, alike, len(known.names))


def _frame(part: Articles, labels: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"text": part.texts, "label": labels, "description": part.descriptions})


def _said(part: Articles, first: int | None) -> str:
    """File, form, columns and how classes are written, for the note."""
    values = {None: "", -1: "; classes by name", 0: "; classes from 0", 1: "; classes from 1"}[first]
    return f"{Path(part.table.path).name}, {part.table.form}, {part.named}{values}"


def _as_folder(path: Path) -> Path:
    return path.parent if path.is_file() else path


def make_source(
    title: str,
    key: str,
    frames: Frames,
    origins: dict[str, str],
    said: dict[str, str],
    classes: Sequence[str],
    own: bool = False,
) -> Source:
    """A source of two frames, with its notes; ``own`` puts the classes' names into its key.

    Raises:
        ValueError: training and test articles are the same.
    """
    prints = {name: fingerprint(frame["text"].tolist(), frame["label"].tolist()) for name, frame in frames.items()}
    notes = []
    for name, frame in frames.items():
        counts = frame["label"].value_counts()
        seen = ", ".join(f"{label} {counts.get(number, 0):,}" for number, label in enumerate(classes))
        parts = [f"{name}: {len(frame):,} rows", origins[name], f"fingerprint {prints[name]}"]
        notes.append("; ".join(filter(None, [", ".join(filter(None, parts)), said[name], seen])))
    names = (said["train"].partition(",")[0], said["test"].partition(",")[0])
    shared, *more = overlap_notes(frames["train"], frames["test"], names)
    notes = [notes[0], f"{notes[1]}; {shared}", *more]
    if key in ("folder", "agnews-part", "agnews-other"):
        digest = fingerprint(prints.values(), classes) if own else fingerprint(prints.values())
        key = f"{key}-{digest[:8]}"
    return Source(key, title, tuple(notes), frames["train"], frames["test"], classes=tuple(classes))
