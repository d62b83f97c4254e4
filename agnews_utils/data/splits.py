"""Train, validation and test, stratified, as a profile wants them."""

from __future__ import annotations

import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from sklearn.model_selection import train_test_split

from ..settings import Settings
from .source import Source
from .sources import read_source

MIN_ROWS = 100  # of a training file


def load_ag_news(settings: Settings, source: Source | None = None) -> DatasetDict:
    """Train, validation and test as the profile wants them, columns ``text`` and ``label`` (a ``ClassLabel``).

    Validation rows are held out of the training file, stratified, by ``settings.split_seed``; a profile that sees a
    part of the data takes a stratified part of what remains. Test rows come from the test file alone.

    Raises:
        ValueError: the source has too few rows for the profile; else as :func:`read_source`.
    """
    source = source or read_source(settings)
    profile, seed = settings.profile, settings.split_seed
    if len(source.train) < MIN_ROWS or source.train["label"].value_counts().min() < MIN_ROWS // 10:
        raise ValueError(
            f"The training file has {len(source.train)} rows; at least {MIN_ROWS}, with {MIN_ROWS // 10} of each class "
            "it names, are needed to hold some out for validation and train on the rest: use a larger file."
        )
    held_out = min(profile.validation_rows, len(source.train) // 5)  # a small file keeps most of its rows for training
    train, test = source.train[["text", "label"]], source.test[["text", "label"]]
    rest, validation = train_test_split(train, test_size=held_out, stratify=train["label"], random_state=seed)
    parts = {
        "train": _part(rest, profile.train_rows, seed),
        "validation": validation,
        "test": _part(test, profile.test_rows, seed),
    }
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(source.classes))})
    return DatasetDict(
        {name: Dataset.from_pandas(part, features=features, preserve_index=False) for name, part in parts.items()}
    )


def _part(frame: pd.DataFrame, rows: int | None, seed: int) -> pd.DataFrame:
    """A stratified part in random order, or the whole frame in its own."""
    if rows is None or rows >= len(frame):
        return frame
    if len(frame) - rows < frame["label"].nunique() or frame["label"].value_counts().min() < 2:  # cannot be stratified
        return frame.sample(rows, random_state=seed)
    return train_test_split(frame, train_size=rows, stratify=frame["label"], random_state=seed)[0]
