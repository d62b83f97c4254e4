"""AG News from the Hugging Face hub, at a pinned revision."""

from __future__ import annotations

from pathlib import Path

from ..support.hub import hub_errors
from .folder import _source
from .source import Source

HUB_DATASET = "fancyzhx/ag_news"
HUB_REVISION = "eb185aade064a813bc0b7f42de02595523103ca4"


def read_hub() -> Source:
    """AG News from the hub at the pinned revision, or from the hub's local cache."""
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
    return _source("AG News", "agnews", frames, {name: f"hub revision {HUB_REVISION[:8]}" for name in frames})


def _in_hub_cache() -> bool:
    from datasets import config

    return (Path(config.HF_DATASETS_CACHE) / HUB_DATASET.replace("/", "___")).is_dir()
