"""Which source of articles applies: the named one, the hub, or the embedded sample."""

from __future__ import annotations

import warnings
from pathlib import Path

from ..settings import Settings
from ..support.hub import hub_errors, one_line
from .folder import SAMPLE_DIR, read_folder
from .hub import HUB_DATASET, read_hub
from .source import Source


def read_source(settings: Settings) -> Source:
    """The articles, from the first source that applies: the named one, else the hub, else the embedded sample.

    A source that was named (``settings.data``) and cannot be had is an error; only the unnamed order falls back.
    ``smoke`` goes straight to the embedded sample unless a source was named, because tests must not depend on a
    network.

    Raises:
        FileNotFoundError: the named folder or one of its files is missing.
        ValueError: a file is malformed; the message says which row and what is wrong with it.
        ConnectionError: the hub was named and cannot be reached.
    """
    if settings.data == "sample" or (settings.data is None and settings.profile.name == "smoke"):
        return read_folder(SAMPLE_DIR)
    if settings.data not in (None, "hub"):
        return read_folder(Path(settings.data))
    try:
        return read_hub()
    except hub_errors() as reason:
        why = one_line(reason)
        if settings.data == "hub":
            raise ConnectionError(
                f"AG News cannot be had from the hub ({HUB_DATASET}: {why}); connect to the network, mend "
                "the cache, or point AGNEWS_DATA_DIR at a folder with train.csv and test.csv."
            ) from reason
    warnings.warn(
        f"AG News cannot be had from the hub ({why}), so this run uses the embedded sample, which is NOT AG News. "
        "Set AGNEWS_DATA_DIR to a folder with AG News' train.csv and test.csv for real results.",
        stacklevel=2,
    )
    return read_folder(SAMPLE_DIR)
