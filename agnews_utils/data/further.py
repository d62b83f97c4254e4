"""Texts that lie beside the training and test file, for teachers to be asked about."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

import pandas as pd
from datasets import DatasetDict

from .articles import read_file
from .classes import Classes
from .source import NO_LABEL, Source

# further texts that a data folder may hold beside its two files, and whether they have classes
FURTHER_FILES = {"further.csv": True, "further_descriptions.csv": True, "unlabelled.csv": False}


def read_further(source: Source, splits: DatasetDict, seed: int = 0) -> pd.DataFrame:
    """Further texts of the source's folder that no split holds: ``text`` and ``label`` (:data:`NO_LABEL` if unknown).

    Three files are read where they are there: ``further.csv`` (class, title, description), ``further_descriptions.csv``
    (class, description) and ``unlabelled.csv`` (description). What has its description in common with the end of an
    article of a split is left out, so that no model learns from what it is measured on. The order is random, so that
    the first n are a fair part.

    Raises:
        ValueError: a file is malformed; see :func:`agnews_utils.data.read_folder`.
    """
    paths = {source.folder / name: name for name in FURTHER_FILES} if source.folder else {}
    frames = [_read(path, source, FURTHER_FILES[name]) for path, name in paths.items() if path.is_file()]
    if not frames:
        return pd.DataFrame({"text": pd.Series(dtype=str), "label": pd.Series(dtype=int)})
    further = pd.concat(frames).drop_duplicates("text")
    # a description is the end of its article's text; read backwards it is the beginning, and sorting finds that
    endings = sorted(text[::-1] for split in splits.values() for text in split["text"])
    pairs = further[["text", "description"]].itertuples(index=False, name=None)
    kept = [not any(_begins(endings, text[::-1]) for text in filter(None, pair)) for pair in pairs]
    return further.loc[kept, ["text", "label"]].sample(frac=1, random_state=seed, ignore_index=True)


def _read(path: Path, source: Source, with_classes: bool) -> pd.DataFrame:
    """A file's texts, labels and descriptions; class numbers that do not show it count from where the source's do."""
    known = Classes(source.classes)
    part = read_file(path, known.is_class, with_classes)
    labels = [NO_LABEL] * len(part.texts)
    if part.classes is not None:
        first = known.first_number(part.table, part.classes)
        labels = known.labels(part.classes, source.first_class if first is None else first)
    return pd.DataFrame({"text": part.texts, "label": labels, "description": part.descriptions})


def _begins(sorted_texts: list[str], text: str) -> bool:
    """Whether one of the sorted texts begins with ``text``."""
    place = bisect_left(sorted_texts, text)
    return place < len(sorted_texts) and sorted_texts[place].startswith(text)
