"""The cache of features: hit, stale, cut off, interrupted, and no space on the disk."""

import errno
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import made_articles, make_tiny_encoder, refused, settings_in

from agnews_utils import features as module
from agnews_utils.batches import FeatureArticles
from agnews_utils.features import cached_features
from agnews_utils.support.runtime import autocast, has_bfloat16

TEXTS = ["word " * (1 + 7 * i % 40) + f"number {i}" for i in range(40)]  # of many lengths, in no order
BATCH = 4  # 10 batches


@pytest.fixture
def articles(tokenizer):
    return made_articles(TEXTS, tokenizer, length=32)


@contextmanager
def counted(encoder, stop_after=None):
    """Counts the encoder's batches in the list it gives; raises like Ctrl-C after ``stop_after`` of them."""
    batches = []

    def before(_, arguments):
        if len(batches) == stop_after:
            raise KeyboardInterrupt
        batches.append(len(arguments[0]))

    hook = encoder.register_forward_pre_hook(before)
    try:
        yield batches
    finally:
        hook.remove()


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(module, "SHARD", 16)  # 40 articles: three files


def left_in(folder):
    """What lies in the cache, but for the empty lock files."""
    return sorted(path.name for path in folder.glob("*/*") if path.name != "lock")


def content_of(features):
    return [path.read_bytes() for path in features.paths]


def test_features_are_those_of_the_encoder(tiny_encoder, articles, settings):
    cached = cached_features(tiny_encoder, articles, settings, BATCH)
    dataset = FeatureArticles(cached, articles)
    assert len(dataset) == 40
    for i in (0, 7, 39):
        features, mask, label = dataset[i]
        length = int(mask.sum())
        assert features.shape == (32, 32)
        assert features.dtype == np.float16
        assert label == i % 4
        np.testing.assert_array_equal(mask, articles.attention_mask[i])
        assert not features[length:].any()
        ids, masks = (torch.from_numpy(a[i : i + 1]) for a in (articles.input_ids, articles.attention_mask))
        with autocast(settings.device):
            alone = tiny_encoder(ids, masks)[0, :length].float().numpy()
        # values are around 1: float16 keeps 3 digits, bfloat16 arithmetic (where the processor has it) 2
        np.testing.assert_allclose(
            features[:length].astype(np.float32), alone, atol=5e-2 if has_bfloat16(settings.device) else 2e-3
        )
    assert cached.bytes == articles.attention_mask.sum() * 32 * 2


def test_second_call_encodes_nothing(tiny_encoder, articles, settings):
    with counted(tiny_encoder) as batches:
        first = cached_features(tiny_encoder, articles, settings, BATCH)
    assert batches == [BATCH] * 10
    assert left_in(settings.cache) == ["00000.npy", "00001.npy", "00002.npy"]
    written = [path.stat().st_mtime_ns for path in first.paths]
    with counted(tiny_encoder) as batches:
        second = cached_features(tiny_encoder, articles, settings, BATCH)
    assert not batches
    assert second.paths == first.paths
    assert [path.stat().st_mtime_ns for path in second.paths] == written


def test_long_articles_are_encoded_together(tiny_encoder, articles, settings):
    seen = []
    hook = tiny_encoder.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].shape[1]))
    cached_features(tiny_encoder, articles, settings, BATCH)
    hook.remove()
    shards = (np.sort(articles.lengths[first : first + 16])[::-1] for first in range(0, 40, 16))
    assert seen == [length for lengths in shards for length in lengths[::BATCH]]  # as long as their own longest article


def test_any_article_can_be_read_in_any_order(tiny_encoder, articles, settings, monkeypatch):
    cached = cached_features(tiny_encoder, articles, settings, BATCH)
    in_order = [np.array(cached[i]) for i in range(40)]
    assert [len(article) for article in in_order] == articles.lengths.tolist()
    monkeypatch.setattr(module, "READS_BETWEEN_RELEASES", 7)  # the maps are let go of and opened again meanwhile
    for i in np.random.default_rng(0).permutation(40):
        np.testing.assert_array_equal(cached[i], in_order[i])


def test_other_texts_weights_or_length_are_other_files(tiny_encoder, tokenizer, settings):
    def features(encoder=tiny_encoder, texts=TEXTS, length=32, labels=None):
        return cached_features(encoder, made_articles(texts, tokenizer, length, labels), settings, 16)

    original = features()
    assert features(labels=[0] * 40).folder == original.folder  # features do not depend on the labels
    others = [
        features(texts=[*TEXTS[:-1], "another last one"]),
        features(texts=TEXTS[::-1]),
        features(encoder=make_tiny_encoder(tokenizer, seed=1)),
        features(length=24),
        features(length=24),
    ]
    assert len({each.folder for each in (original, *others)}) == 5
    assert content_of(original) != content_of(others[2])


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.5])
def test_cut_off_file_is_noticed(tiny_encoder, articles, settings, keep, capsys):
    features = cached_features(tiny_encoder, articles, settings, BATCH)
    before, damaged = content_of(features), features.paths[1]
    damaged.write_bytes((before[1] * 2)[: int(len(before[1]) * keep)])
    if keep > 1:  # of more articles than it should be
        np.save(damaged, np.zeros((7, 32), np.float16))
    with counted(tiny_encoder) as batches:
        cached_features(tiny_encoder, articles, settings, BATCH)
    assert len(batches) == 4  # the articles of that file alone
    assert content_of(features) == before
    assert "00001.npy of the encoder's features is damaged" in capsys.readouterr().out


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOMEM, errno.EMFILE])
def test_a_file_that_cannot_be_mapped_is_not_called_damaged(tiny_encoder, articles, settings, monkeypatch, number):
    features = cached_features(tiny_encoder, articles, settings, BATCH)
    before = content_of(features)

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched, refused(OSError, f"cannot be read ({os.strerror(number)}); it may be whole"):
        patched.setattr(np, "load", fail)
        cached_features(tiny_encoder, articles, settings, BATCH)
    assert content_of(features) == before


def test_interrupted_encoding_goes_on(tiny_encoder, articles, settings, tmp_path):
    undisturbed = content_of(cached_features(tiny_encoder, articles, settings_in(tmp_path / "other"), BATCH))
    with counted(tiny_encoder, stop_after=5) as batches, pytest.raises(KeyboardInterrupt):
        cached_features(tiny_encoder, articles, settings, BATCH)
    assert len(batches) == 5
    assert left_in(settings.cache) == ["00000.npy"]  # nothing half written
    next(settings.cache.glob("*/00000.npy")).with_suffix(".npy.123.tmp").touch()  # of a process that was killed
    with counted(tiny_encoder) as batches:
        features = cached_features(tiny_encoder, articles, settings, BATCH)
    assert len(batches) == 6  # the first file's four batches are not encoded again
    assert content_of(features) == undisturbed
    assert left_in(settings.cache) == ["00000.npy", "00001.npy", "00002.npy"]


# --- no space on the disk


def full_disk(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))


def full_when_writing(monkeypatch):
    whole = Path.write_bytes

    def write_bytes(path, content):
        whole(path, content[:10])  # a full disk still takes a part
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


NO_SPACE = {"before it begins": full_disk, "when writing": full_when_writing}


@pytest.mark.parametrize("when", NO_SPACE)
def test_no_space_on_the_disk(tiny_encoder, articles, settings, monkeypatch, when):
    with counted(tiny_encoder) as batches:
        with monkeypatch.context() as patch:
            NO_SPACE[when](patch)
            with refused(OSError, "Not enough space on the disk to cache the encoder's features") as caught:
                cached_features(tiny_encoder, articles, settings, BATCH)
        assert caught.value.errno == errno.ENOSPC
        assert str(settings.cache) in str(caught.value)
        if when == "before it begins":
            assert not batches  # known at once, not hours later
        assert left_in(settings.cache) == []
        batches.clear()
        cached_features(tiny_encoder, articles, settings, BATCH)  # with space again, from the start
        assert len(batches) == 10


def test_no_space_for_real(tiny_encoder, articles, settings):
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    # the system itself refuses a file beyond this size (EFBIG, as on a full quota)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with refused(OSError, "Not enough space on the disk"):
            cached_features(tiny_encoder, articles, settings, BATCH)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left_in(settings.cache) == []


def test_other_errors_are_not_called_a_full_disk(tiny_encoder, articles, settings, monkeypatch):
    def write_bytes(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(OSError, match="Input/output error"):
        cached_features(tiny_encoder, articles, settings, BATCH)
