"""Texts that lie beside the training and test file, for teachers to be asked about."""

from __future__ import annotations

from bisect import bisect_left

import pandas as pd
from datasets import DatasetDict

from .folder import FURTHER_FILES, _read
from .source import Source


def read_further(source: Source, splits: DatasetDict, seed: int = 0) -> pd.DataFrame:
    """Further texts of the source's folder that no split holds: ``text`` and ``label`` (:data:`NO_LABEL` if unknown).

    Three files are read where they are there: ``further.csv`` (class, title, description), ``further_descriptions.csv``
    (class, description) and ``unlabelled.csv`` (description). What has its description in common with the end of an
    article of a split is left out, so that no model learns from what it is measured on. The order is random, so that
    the first n are a fair part.

    Raises:
        ValueError: a file is malformed; see :func:`read_csv`.
    """
    paths = [source.folder / name for name in FURTHER_FILES] if source.folder else []
    frames = [_read(path, FURTHER_FILES[path.name])[0] for path in paths if path.is_file()]
    if not frames:
        return pd.DataFrame({"text": pd.Series(dtype=str), "label": pd.Series(dtype=int)})
    further = pd.concat(frames).drop_duplicates("text")
    # a description is the end of its article's text; read backwards it is the beginning, and sorting finds that
    endings = sorted(text[::-1] for split in splits.values() for text in split["text"])
    pairs = further[["text", "description"]].itertuples(index=False, name=None)
    kept = [not any(_begins(endings, text[::-1]) for text in filter(None, pair)) for pair in pairs]
    return further.loc[kept, ["text", "label"]].sample(frac=1, random_state=seed, ignore_index=True)


def _begins(sorted_texts: list[str], text: str) -> bool:
    """Whether one of the sorted texts begins with ``text``."""
    place = bisect_left(sorted_texts, text)
    return place < len(sorted_texts) and sorted_texts[place].startswith(text)
