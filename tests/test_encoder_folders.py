"""Encoders of other people: what is read, what is refused by name, and which differ in their keys."""

import contextlib
import errno
import json
import os

import huggingface_hub
import pytest
import torch
from helpers import refused, settings_in
from safetensors.torch import load_file, save_file
from transformers import BertModel

from agnews_utils.encoder import find_encoder
from agnews_utils.study.study import Study
from agnews_utils.support.bert_folder import NORMALIZER
from agnews_utils.support.files import sha256_of

IDS, MASK = torch.randint(1000, 2000, (2, 10), generator=torch.Generator().manual_seed(0)), torch.ones(2, 10)


@pytest.fixture
def found(encoder_folder, tmp_path):
    """Finds the encoder of the folder, as it then is."""
    return lambda: find_encoder(settings_in(tmp_path, AGNEWS_ENCODER=str(encoder_folder)))


@pytest.fixture
def change(encoder_folder):
    """Changes the weights or the configuration that the folder holds."""

    def weights(how):
        path = encoder_folder / "model.safetensors"
        save_file(how(load_file(path)), path, {"format": "pt"})

    def config(**values):
        path = encoder_folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    weights.config = config
    return weights


# --- weights that are not those of the model


def test_weights_under_other_names(found, change):
    change(lambda weights: {f"module.{name}": values for name, values in weights.items()})  # of DataParallel
    with refused(ValueError, "(21 of 21 are missing), but hold module.embeddings.LayerNorm.bias"):
        found().load()


def test_weights_without_one(found, change):
    name = "encoder.layer.0.attention.self.key.weight"
    change(lambda weights: {one: values for one, values in weights.items() if one != name})
    with refused(ValueError, f"they lack {name} (1 of 21 are missing)."):
        found().load()


def test_a_classifiers_weights_are_read(found, change, tiny_encoder):
    # as BertForSequenceClassification saves them: a prefix, a pooler and a head more
    head = {"classifier.weight": torch.zeros(4, 32), "bert.pooler.dense.weight": torch.zeros(32, 32)}
    change(lambda weights: {f"bert.{name}": values for name, values in weights.items()} | head)
    assert torch.equal(found().load()(IDS, MASK), tiny_encoder(IDS, MASK))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(found, change, value):
    def spoil(weights):
        weights["encoder.layer.0.output.dense.bias"][3] = value
        return weights

    change(spoil)
    with refused(ValueError, "encoder.layer.0.output.dense.bias holds NaN or infinite values"):
        found().load()


def test_a_configuration_of_other_sizes(found, change):
    change.config(intermediate_size=48)
    with refused(ValueError, "config.json asks for another shape of encoder.layer.0.intermediate.dense.bias"):
        found().load()


# --- the tokenizer


@pytest.mark.parametrize("left", [[], ["tokenizer_config.json"]])
def test_no_tokenizer(encoder_folder, found, left):
    for path in encoder_folder.iterdir():
        if path.name not in ("config.json", "model.safetensors", *left):
            path.unlink()
    with refused(ValueError, "has no tokenizer.json or vocab.txt"):
        found()


def only_vocabulary(folder, pieces):
    for path in folder.glob("tokenizer*"):
        path.unlink()
    (folder / "vocab.txt").write_text("\n".join(pieces))


@pytest.mark.parametrize("pieces", [[], ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]])
def test_a_tokenizer_that_knows_no_word(encoder_folder, found, pieces):
    only_vocabulary(encoder_folder, pieces)
    with refused(ValueError, "knows no word"):
        found().tokenizer()


def test_a_vocabulary_alone_is_enough(encoder_folder, found, tokenizer):
    pieces = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    only_vocabulary(encoder_folder, pieces)
    text = "Stocks rally as oil falls"
    assert found().tokenizer()(text)["input_ids"] == tokenizer(text)["input_ids"]


@pytest.fixture
def keeps(encoder_folder):
    """Makes the folder's tokenizer one for texts as they are: it keeps capitals, or accents."""

    def make(**normalizer):
        for name, values in (
            (
                "tokenizer.json",
                {"normalizer": {"type": "BertNormalizer", "clean_text": True} | NORMALIZER | normalizer},
            ),
            ("tokenizer_config.json", {"do_lower_case": normalizer.get("lowercase", True)} | normalizer),
        ):
            path = encoder_folder / name
            path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return make


KEPT = [{"lowercase": False}, {"strip_accents": False}]
WITH_CAPITALS_AND_ACCENTS = "Stocks rally in Málaga"


@pytest.mark.parametrize("kept", KEPT, ids=str)
def test_a_tokenizer_that_keeps_capitals_or_accents_needs_its_settings(encoder_folder, found, keeps, kept):
    small = found().tokenizer()(WITH_CAPITALS_AND_ACCENTS)["input_ids"]
    keeps(**kept)
    assert found().tokenizer()(WITH_CAPITALS_AND_ACCENTS)["input_ids"] != small
    (encoder_folder / "tokenizer_config.json").unlink()  # without it transformers would read as for ``small``
    with refused(ValueError, f"The encoder folder {encoder_folder} has no tokenizer_config.json"):
        found()


@pytest.mark.parametrize("piece", ["Stocks", "##é"])
def test_a_vocabulary_with_capitals_or_accents_needs_its_settings(encoder_folder, found, tokenizer, piece):
    only_vocabulary(encoder_folder, [*sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)[:-1], piece])
    with refused(ValueError, "has no tokenizer_config.json"):
        found()


def test_small_letters_need_no_settings(encoder_folder, found):
    before = found().tokenizer()(WITH_CAPITALS_AND_ACCENTS)["input_ids"]
    (encoder_folder / "tokenizer_config.json").unlink()
    assert found().tokenizer()(WITH_CAPITALS_AND_ACCENTS)["input_ids"] == before


def test_more_pieces_than_the_encoder_has_vectors(found, change):
    change.config(vocab_size=30_000)
    with refused(ValueError, "numbers pieces up to 30,521, but config.json says that my-bert has 30,000"):
        found().load()


# --- damaged files are named


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_file_that_is_cut_off(encoder_folder, found, name):
    path = encoder_folder / name
    path.write_text(path.read_text()[:20])
    with refused(ValueError, str(path if name == "config.json" else encoder_folder)):
        found().load()


def test_a_configuration_that_is_a_list(encoder_folder, found):
    (encoder_folder / "config.json").write_text("[]")
    with refused(ValueError, f"{encoder_folder / 'config.json'} holds no JSON object"):
        found()


def test_a_byte_order_mark_is_read_over(encoder_folder, found, tiny_encoder):
    path = encoder_folder / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert torch.equal(found().load()(IDS, MASK), tiny_encoder(IDS, MASK))


@pytest.mark.parametrize("values", [{"num_hidden_layers": "two"}, {"hidden_size": "32"}, {"vocab_size": None}])
def test_a_configuration_that_is_none(encoder_folder, found, change, values):
    change.config(**values)
    with refused(ValueError, f"{encoder_folder / 'config.json'}"):
        found().load()


@pytest.mark.parametrize("values", [{"num_attention_heads": 3}, {"hidden_act": "none"}])
def test_a_configuration_that_makes_no_model(encoder_folder, found, change, values):
    change.config(**values)
    with refused(ValueError, f"The encoder my-bert in {encoder_folder} cannot be read"):
        found().load()


def test_too_few_positions(found, change):
    change.config(max_position_embeddings=32)
    with refused(ValueError, "reads at most 32 tokens (max_position_embeddings in config.json), and this course reads"):
        found()


def test_code_of_the_folder_is_never_run(encoder_folder, found, tmp_path):
    (encoder_folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: ...\n")
    path = encoder_folder / "tokenizer_config.json"
    auto = {"auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}, "tokenizer_class": "Evil"}
    path.write_text(json.dumps(json.loads(path.read_text()) | auto))
    with contextlib.suppress(ValueError):  # refused or read without it
        found().load()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE])
def test_weights_that_cannot_be_read_are_not_called_damaged(encoder_folder, found, monkeypatch, number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(BertModel, "from_pretrained", fail)
    with refused(OSError, f"{encoder_folder} cannot be read ({os.strerror(number)}); it may be whole: try again"):
        found().load()


# --- shards


@pytest.fixture
def sharded(encoder_folder, tiny_encoder):
    (encoder_folder / "model.safetensors").unlink()
    tiny_encoder.bert.save_pretrained(encoder_folder, max_shard_size="40KB")
    shards = sorted(encoder_folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    return shards


def test_shards_are_read(sharded, found, tiny_encoder):
    assert torch.equal(found().load()(IDS, MASK), tiny_encoder(IDS, MASK))


def test_a_missing_shard(sharded, found):
    sharded[1].unlink()
    with refused(ValueError, f"has no {sharded[1].name}"):
        found()


def test_every_shard_is_in_the_key(sharded, found):
    before = found().key
    for shard in sharded:
        kept = load_file(shard)
        save_file({name: values + 1 for name, values in kept.items()}, shard, {"format": "pt"})
        assert found().key != before
        before = found().key


@pytest.mark.parametrize("index", ["{", "{}", '{"weight_map": {}}', '{"weight_map": {"a": "../b.safetensors"}}'])
def test_a_damaged_index(sharded, found, encoder_folder, index):
    (encoder_folder / "model.safetensors.index.json").write_text(index)
    with refused(ValueError, "model.safetensors.index.json"):
        found()


# --- keys


@pytest.mark.parametrize(
    "values", [{"num_hidden_layers": 2}, {"layer_norm_eps": 1e-5}, {"hidden_act": "relu"}, {"torch_dtype": "float16"}]
)
def test_another_configuration_is_another_encoder(found, change, values):
    before = found()
    change.config(**values)
    assert found().weights == before.weights
    assert found().key != before.key


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "vocab.txt"])
def test_another_tokenizer_is_another_encoder(found, encoder_folder, name):
    before = found().key
    (encoder_folder / name).write_text((encoder_folder / name).read_text() + "\n" if name != "vocab.txt" else "[PAD]\n")
    assert found().key != before


def test_runs_caches_and_folders_know_the_key(encoder_folder, tmp_path, change):
    def keys():
        study = Study(settings_in(tmp_path, AGNEWS_ENCODER=str(encoder_folder)))
        return study.key, study.run_key("model6_bert_vdcnn_teacher")

    before = keys()
    change.config(layer_norm_eps=1e-5)
    after = keys()
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert before[0].startswith(f"sample-my-bert-{sha256_of(encoder_folder / 'model.safetensors')[:12]}-")


# --- an interrupted download


@pytest.fixture
def hub(encoder_folder, monkeypatch):
    """A hub whose cache is the folder; ``hub.online`` completes it."""

    class Hub:
        online, missing = False, {}

        def lose(self, name):
            self.missing[name] = (encoder_folder / name).read_bytes()
            (encoder_folder / name).unlink()

        def download(self, name, local_files_only=False, **_):
            if not local_files_only:
                for lost, content in self.missing.items():
                    (encoder_folder / lost).write_bytes(content)
            return str(encoder_folder)

        def model_info(self, *_, **__):
            if not self.online:
                raise OSError("offline")

    made = Hub()
    monkeypatch.setattr(huggingface_hub, "snapshot_download", made.download)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: made)
    return made


def hub_encoder(tmp_path):
    return find_encoder(settings_in(tmp_path, AGNEWS_ENCODER="someone/my-bert"))


def test_a_whole_snapshot_needs_no_network(hub, tmp_path):
    assert hub_encoder(tmp_path).load().name == "my-bert"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_an_interrupted_download_is_completed(hub, tmp_path, name):
    hub.lose(name)
    with refused(ConnectionError, f"nor whole in its cache, which has no {name}"):
        hub_encoder(tmp_path)
    hub.online = True
    assert hub_encoder(tmp_path).load().name == "my-bert"


def test_a_download_that_lost_its_tokenizer_is_completed(hub, tmp_path, encoder_folder):
    for path in encoder_folder.glob("*"):
        if path.name not in ("config.json", "model.safetensors"):
            hub.lose(path.name)
    with refused(ConnectionError, "which has no tokenizer.json or vocab.txt"):
        hub_encoder(tmp_path)
    hub.online = True
    assert hub_encoder(tmp_path).load().name == "my-bert"


@pytest.mark.parametrize("kept", KEPT, ids=str)
def test_a_download_that_lost_how_its_tokenizer_reads_is_completed(hub, tmp_path, keeps, kept):
    keeps(**kept)
    whole = hub_encoder(tmp_path).tokenizer()(WITH_CAPITALS_AND_ACCENTS)["input_ids"]
    hub.lose("tokenizer_config.json")
    with refused(ConnectionError, "nor whole in its cache, which has no tokenizer_config.json"):
        hub_encoder(tmp_path)
    hub.online = True
    assert hub_encoder(tmp_path).tokenizer()(WITH_CAPITALS_AND_ACCENTS)["input_ids"] == whole


def test_a_download_for_small_letters_is_whole_without_its_settings(hub, tmp_path):
    hub.lose("tokenizer_config.json")
    assert hub_encoder(tmp_path).load().name == "my-bert"
