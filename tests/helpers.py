"""Small things that several test files use."""

import re
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertModel

from agnews_utils.batches import Articles
from agnews_utils.encoder import FrozenEncoder
from agnews_utils.settings import read_settings


@contextmanager
def refused(kind, fragment):
    """Expects exactly ``kind``, with a message of one clear line that holds ``fragment``."""
    with pytest.raises(kind, match=re.escape(fragment)) as caught:
        yield caught
    assert caught.type is kind or issubclass(
        kind, OSError
    )  # a subclass of ValueError would be a library's own complaint
    message = str(caught.value)
    assert "\n" not in message
    assert 20 < len(message) < 450


def made_articles(texts, tokenizer, length=64, labels=None):
    """Texts as tokenised articles; labels go round 0, 1, 2, 3 if none are given."""
    labels = [i % 4 for i in range(len(texts))] if labels is None else labels
    return Articles(Dataset.from_dict({"text": list(texts), "label": labels}), tokenizer, length)


def without_seconds(history):
    """A history's numbers that must agree between two runs: all but the seconds."""
    return [{name: value for name, value in row.items() if not name.endswith("seconds")} for row in history]


def write_csv(path, rows, header=False):
    """Rows of (class, title, description) in the official form: all fields quoted."""
    lines = ["Class Index,Title,Description"] if header else []
    lines += [",".join(f'"{field}"' for field in row) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def made_rows(count, name="train"):
    """``count`` different articles, classes 1 to 4 in turn."""
    return [(i % 4 + 1, f"{name} title {i}", f"description number {i}") for i in range(count)]


def relabelled(count, share, seed=0):
    """Booleans (count,), a fixed ``share`` of them true at random places."""
    right = np.zeros(count, bool)
    right[np.random.default_rng(seed).permutation(count)[: round(count * share)]] = True
    return right


def settings_in(folder, **environ):
    """Smoke settings on the embedded sample and MiniLM, on the processor, whatever the session's environment says."""
    environ = {"AGNEWS_PROFILE": "smoke", "AGNEWS_DATA_DIR": "sample", "AGNEWS_WORK_DIR": str(folder)} | environ
    return replace(read_settings(environ), device="cpu")


def settings_for(folder, work):
    """Smoke settings that read a folder of data and keep what they make in ``work``."""
    return settings_in(work / "work", AGNEWS_DATA_DIR=str(folder))


def make_tiny_encoder(tokenizer, seed=0):
    """A random BERT of one layer, 32 wide, with MiniLM's vocabulary; dropout is on where a model trains."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    return FrozenEncoder(BertModel(config, add_pooling_layer=False), tokenizer, "tiny", f"tiny{seed:08d}")


def texts_of(figure):
    """What is written on a figure, tick labels as far as their axis reaches."""
    return [text for text in _all_texts(figure) if text.get_text().strip()]


def collisions(figure):
    """Texts of a figure (drawn once) that lie on another, in pairs, and those that leave it."""
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in texts_of(figure)]
    over = [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]
    width, height = figure.bbox.size
    outside = [a for a, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height]
    return [*over, *outside]


def _all_texts(figure):
    for axes in figure.axes:
        yield from (axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts)
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            labels = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            yield from (label for place, label in labels if low <= place <= high)
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    yield from (text for legend in legends for text in legend.get_texts())
    yield from figure.texts
