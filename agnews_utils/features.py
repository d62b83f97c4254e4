"""Features of the frozen encoder: computed once, kept on disk, read back.

A split's features lie in a folder of NumPy files, each of :data:`SHARD` articles and written whole or not at all: an
interrupted run makes only what is missing.
"""

from __future__ import annotations

import errno
import io
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from .batches import Articles
from .encoder import EncoderFiles, FrozenEncoder
from .settings import Settings
from .support.files import assert_readable, atomic_write, unreadable
from .support.locks import locked
from .support.runtime import autocast, has_bfloat16, progress_bar

ENCODING_BATCH = 32  # small enough that a layer's activations stay in a processor's cache: twice as fast as 128 here
SHARD = 2_048  # articles a file
READS_BETWEEN_RELEASES = 16_384  # articles, some 0.8 GB of MiniLM's features


@dataclass
class CachedFeatures:
    """Features of one split on disk, float16: ``features[i]`` is article i's (length, hidden), padding left out.

    They are read through memory maps and never whole, so memory stays small however many articles there are.
    """

    folder: Path
    hidden_size: int
    lengths: np.ndarray  # (articles,): tokens of each article
    _maps: dict[int, np.ndarray] = field(default_factory=dict, repr=False)
    _reads: int = 0

    def __post_init__(self) -> None:
        before = np.cumsum(self.lengths) - self.lengths
        self.starts = before - np.repeat(before[::SHARD], SHARD)[: len(before)]  # within the article's own file

    @property
    def paths(self) -> list[Path]:
        """The files, in order."""
        return [self.folder / f"{number:05d}.npy" for number in range(-(-len(self.lengths) // SHARD))]

    @property
    def bytes(self) -> int:
        """Size of all features on disk."""
        return int(self.lengths.sum()) * self.hidden_size * 2

    def missing(self) -> list[int]:
        """Numbers of the files that are not there, or not as they should be."""
        return [number for number in range(len(self.paths)) if self._read(number) is None]

    def __getitem__(self, index: int) -> np.ndarray:
        self._reads += 1
        if self._reads % READS_BETWEEN_RELEASES == 0:
            self._maps.clear()  # pages that were read stay in the system's cache but leave this process's memory
        number = index // SHARD
        if number not in self._maps:
            stored = self._read(number)
            if stored is None:
                raise ValueError(
                    f"The features in {self.paths[number]} are missing or damaged: make them again (cached_features)."
                )
            self._maps[number] = stored
        start = self.starts[index]
        return self._maps[number][start : start + self.lengths[index]]

    def _read(self, number: int) -> np.ndarray | None:
        """File ``number`` as a memory map (tokens, hidden); None if it is missing, cut off or of other articles."""
        if not self.paths[number].exists():
            return None
        assert_readable(self.paths[number])
        tokens = int(self.lengths[number * SHARD : (number + 1) * SHARD].sum())
        try:
            stored = np.load(self.paths[number], mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as reason:  # NumPy's ways to say so
            if isinstance(reason, OSError) and reason.errno:  # the system's; NumPy's own has no number
                raise unreadable(self.paths[number], reason) from reason
            return None
        return stored if stored.shape == (tokens, self.hidden_size) and stored.dtype == np.float16 else None


def find_features(files: FrozenEncoder | EncoderFiles, articles: Articles, settings: Settings) -> CachedFeatures:
    """Where the features of ``articles`` are or will be; the folder's name holds all that they depend on."""
    precision = "bf16" if has_bfloat16(settings.device) else "fp32"
    length = articles.input_ids.shape[1]
    folder = settings.cache / f"features-{articles.key}-{files.key}-{length}-{precision}"
    return CachedFeatures(folder, files.hidden_size, articles.lengths)


def cached_features(
    encoder: FrozenEncoder, articles: Articles, settings: Settings, batch_size: int = ENCODING_BATCH
) -> CachedFeatures:
    """The features of ``articles``, from the cache if they are there, else encoded and kept.

    The cache key is what the features depend on: the texts, the encoder's weights, the length and the precision. Two
    processes that want the same features take turns.

    Raises:
        OSError: not enough space on the disk; the message says how much is needed, and no half-written file is left.
            Or the cache cannot be read or written by this user, or its file system has no locks.
    """
    features = find_features(encoder, articles, settings)
    if not features.missing():
        return features
    with locked(features.folder / "lock"):
        missing = features.missing()  # another process may have made some while this one waited
        for path in (features.paths[number] for number in missing):
            if path.exists():
                print(f"{path.name} of the encoder's features is damaged: encoding its articles again.")
        needed = features.bytes * len(missing) // len(features.paths)
        _check_space(needed, features.folder)
        shards = [np.arange(n * SHARD, min((n + 1) * SHARD, len(articles))) for n in missing]
        done = len(articles) - sum(map(len, shards))
        title = f"encoding with {encoder.name}"
        with progress_bar(settings, total=len(articles), initial=done, desc=title, unit="article") as bar:
            for number, rows in zip(missing, shards, strict=True):
                _write(features.paths[number], encode(encoder, articles, rows, settings, batch_size, bar), needed)
        for leftover in features.folder.glob("*.tmp"):  # of a process that was killed while writing
            leftover.unlink(missing_ok=True)
    return features


def _check_space(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise _no_space(needed, free, folder)


def _write(path: Path, encoded: np.ndarray, needed: int) -> None:
    """Writes one file; a full disk is said in one sentence."""
    content = io.BytesIO()  # NumPy's own writing to a file would not say that the disk is full
    np.save(content, encoded)
    try:
        atomic_write(path, lambda aside: aside.write_bytes(content.getbuffer()))
    except OSError as reason:
        if reason.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise _no_space(needed, shutil.disk_usage(path.parent).free, path.parent) from reason


def encode(
    encoder: FrozenEncoder,
    articles: Articles,
    rows: np.ndarray,
    settings: Settings,
    batch_size: int = ENCODING_BATCH,
    bar=None,
) -> np.ndarray:
    """Float16 features of these articles' tokens, one article after the other: (tokens of all, hidden).

    Articles are encoded in order of length, so that a batch is padded to its own longest article and no further.
    """
    lengths = articles.lengths[rows]
    ends = np.cumsum(lengths)
    encoded = np.empty((int(ends[-1]), encoder.hidden_size), np.float16)
    order = np.argsort(lengths, kind="stable")[::-1]
    for first in range(0, len(order), batch_size):
        places = order[first : first + batch_size]
        longest = int(lengths[places].max())
        ids, mask = (
            torch.from_numpy(array[rows[places], :longest]).to(settings.device)
            for array in (articles.input_ids, articles.attention_mask)
        )
        with autocast(settings.device):
            hidden = encoder(ids, mask).to(torch.float16).cpu().numpy()
        for place, article in zip(places, hidden, strict=True):
            encoded[ends[place] - lengths[place] : ends[place]] = article[: lengths[place]]
        if bar is not None:
            bar.update(len(places))
    return encoded


def _no_space(needed: int, free: int, folder: Path) -> OSError:
    return OSError(
        errno.ENOSPC,
        f"Not enough space on the disk to cache the encoder's features: {needed / 2**20:,.0f} MiB are needed in "
        f"{folder.parent} and {free / 2**20:,.0f} MiB are free. Free some, or set AGNEWS_WORK_DIR to a folder on "
        "another disk",
    )
