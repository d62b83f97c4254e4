"""AG News from the Hugging Face hub, at a pinned revision."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from ..settings import CLASS_NAMES
from ..support.hub import hub_errors
from .folder import make_source
from .source import Source

HUB_DATASET = "fancyzhx/ag_news"
HUB_REVISION = "eb185aade064a813bc0b7f42de02595523103ca4"
ROWS_OF_A_CLASS = {"train": 30_000, "test": 1_900}  # of AG News


def read_hub() -> Source:
    """AG News from the hub at the pinned revision, or from the hub's local cache.

    Offline, ``datasets`` takes whatever revision its cache holds; such a one, or other numbers of articles than AG
    News has, gets another title and a key of its own.
    """
    from datasets import load_dataset
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if not HF_HUB_OFFLINE:  # ask once with a short patience: the libraries' own retries take minutes without a network
        try:
            HfApi().dataset_info(HUB_DATASET, revision=HUB_REVISION, timeout=10)
        except hub_errors() as reason:
            if not _in_hub_cache():
                raise ConnectionError(f"no answer from the hub: {reason}") from reason
    hub = load_dataset(HUB_DATASET, revision=HUB_REVISION)
    frames = {name: hub[name].to_pandas()[["text", "label"]] for name in ("train", "test")}
    for frame in frames.values():
        frame["text"] = frame["text"].str.strip()
    revisions = {name: _revision(hub[name]) for name in frames}
    whole = all(_is_whole(frame, name) for name, frame in frames.items()) and set(revisions.values()) == {HUB_REVISION}
    title, key = ("AG News", "agnews") if whole else ("AG News (another copy, from the hub's cache)", "agnews-other")
    origins = {name: f"hub revision {revision[:8]}" for name, revision in revisions.items()}
    said = dict.fromkeys(frames, "Arrow, columns text, label; classes from 0")
    return make_source(title, key, frames, origins, said, CLASS_NAMES)


def _is_whole(frame: pd.DataFrame, split: str) -> bool:
    counts = frame["label"].value_counts().to_dict()
    return counts == dict.fromkeys(range(len(CLASS_NAMES)), ROWS_OF_A_CLASS[split])


def _revision(split) -> str:
    """The revision that a split was read from: part of its cache's path; the one asked for where there is no cache."""
    paths = [part for file in split.cache_files for part in Path(file["filename"]).parts]
    return next((part for part in paths if re.fullmatch(r"[0-9a-f]{40}", part)), HUB_REVISION)


def _in_hub_cache() -> bool:
    from datasets import config

    return (Path(config.HF_DATASETS_CACHE) / HUB_DATASET.replace("/", "___")).is_dir()
