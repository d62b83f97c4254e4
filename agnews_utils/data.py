"""AG News from a folder, the hub or the embedded sample; WordPiece tokens; items, collate and seeded loaders."""

from __future__ import annotations

import csv
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Sampler

from .settings import CLASS_NAMES, ROOT, Settings

HUB_DATASET = "fancyzhx/ag_news"
HUB_REVISION = "eb185aade064a813bc0b7f42de02595523103ca4"
OFFICIAL_MD5 = {"train.csv": "b1a00f826fdfbd249f79597b59e1dc12", "test.csv": "d52ea96a97a2d943681189a97654912d"}
SAMPLE_DIR = ROOT / "data" / "sample"
COLUMNS = ["label", "title", "description"]
MIN_ROWS = 100  # of a training file
GROUP = 50  # batches whose articles are sorted together by length


@dataclass(frozen=True)
class Source:
    """Where the articles came from, with the articles themselves.

    ``train`` and ``test`` are frames of ``text`` (title + " " + description, stripped) and ``label`` (0 to 3).
    """

    key: str  # names the data in folder names: runs of different data never mix
    title: str  # names the data on figures and in tables
    notes: tuple[str, ...]  # one line a file: rows, MD5 or fingerprint
    train: pd.DataFrame
    test: pd.DataFrame

    @property
    def is_sample(self) -> bool:
        return self.key == "sample"

    def __str__(self) -> str:
        return "\n".join([self.title, *("  " + note for note in self.notes)])


def read_source(settings: Settings) -> Source:
    """The articles, from the first source that applies: the named one, else the hub, else the embedded sample.

    A source that was named (``settings.data``) and cannot be had is an error; only the unnamed order falls back.
    ``smoke`` goes straight to the embedded sample unless a source was named, because tests must not depend on a network.

    Raises:
        FileNotFoundError: the named folder or one of its files is missing.
        ValueError: a file is malformed; the message says which row and what is wrong with it.
        ConnectionError: the hub was named and cannot be reached.
    """
    if settings.data == "sample" or (settings.data is None and settings.profile.name == "smoke"):
        return read_folder(SAMPLE_DIR)
    if settings.data not in (None, "hub"):
        return read_folder(Path(settings.data))
    try:
        return read_hub()
    except (OSError, RuntimeError) as reason:  # every way in which datasets and huggingface_hub say "no network"
        if settings.data == "hub":
            raise ConnectionError(
                f"AG News cannot be had from the hub ({HUB_DATASET}: {type(reason).__name__}); connect to the network, "
                "or point AGNEWS_DATA_DIR at a folder with train.csv and test.csv."
            ) from reason
    warnings.warn(
        "The hub cannot be reached, so this run uses the embedded sample, which is NOT AG News. "
        "Set AGNEWS_DATA_DIR to a folder with AG News' train.csv and test.csv for real results.",
        stacklevel=2,
    )
    return read_folder(SAMPLE_DIR)


def read_hub() -> Source:
    """AG News from the hub at the pinned revision, or from the hub's local cache."""
    from datasets import load_dataset
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if not HF_HUB_OFFLINE:  # ask once with a short patience: the libraries' own retries take minutes without a network
        try:
            HfApi().dataset_info(HUB_DATASET, revision=HUB_REVISION, timeout=10)
        except Exception as reason:
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


def read_folder(folder: Path) -> Source:
    """``train.csv`` and ``test.csv`` of ``folder``: the official three columns, with or without a header.

    Raises:
        FileNotFoundError, ValueError: see :func:`read_source`.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The data folder {folder} does not exist: set AGNEWS_DATA_DIR to a folder with train.csv and test.csv."
        )
    frames, origins, official = {}, {}, 0
    for name in ("train", "test"):
        path = folder / f"{name}.csv"
        frames[name] = read_csv(path)
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        known = md5 == OFFICIAL_MD5[path.name]
        official += known
        origins[name] = f"the official file (MD5 {md5[:8]}…)" if known else "not the official file"
    if folder == SAMPLE_DIR:
        return _source("embedded sample (not AG News)", "sample", frames, origins)
    if official == 2:
        return _source("AG News", "agnews", frames, origins)
    title = "AG News (official test file, other training file)" if official else "your own folder"
    return _source(title, "agnews-part" if official else "folder", frames, origins)


def read_csv(path: Path) -> pd.DataFrame:
    """One AG News file as a frame of ``text``, ``label`` (0 to 3) and ``description``.

    Columns are class (1 to 4), title, description; the text is title + " " + description, stripped. A title may be
    empty (some redistributed rows have title and description joined), both may not.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not UTF-8, empty, other than three columns, a class outside 1 to 4, or a row without text.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: the folder must hold train.csv and test.csv.")
    try:
        path.read_bytes().decode("utf-8")  # pandas would name a byte of the field, not of the file
        raw = pd.read_csv(path, header=None, dtype=str, keep_default_na=False, na_filter=False, encoding="utf-8")
    except UnicodeDecodeError as reason:
        raise ValueError(f"{path} is not UTF-8 (byte {reason.start}): save it again as UTF-8.") from reason
    except pd.errors.EmptyDataError as reason:
        raise ValueError(f"{path} is empty: it should hold one article a row (class, title, description).") from reason
    except pd.errors.ParserError as reason:
        detail = str(reason).removeprefix("Error tokenizing data. C error: ").strip()
        raise ValueError(
            f"{path} is not a CSV file of three columns ({detail}); quote fields that contain commas."
        ) from reason
    if raw.shape[1] != len(COLUMNS):
        raise ValueError(
            f"{path} has {raw.shape[1]} columns; it should have 3: class (1 to 4), title, description, in this order."
        )
    raw.columns = COLUMNS
    first = 1
    if raw["label"].iloc[0].strip().lower() in ("class", "label", "class index"):
        raw, first = raw.iloc[1:].reset_index(drop=True), 2
    if raw.empty:
        raise ValueError(f"{path} holds a header and no article: it should hold one article a row.")
    with open(path, newline="", encoding="utf-8") as file:  # pandas fills a short row up with empty fields
        for number, row in enumerate(filter(None, csv.reader(file)), 1):
            if len(row) < len(COLUMNS):
                raise ValueError(f"{path}, row {number}: a column is missing; every row needs all three.")
    wrong = ~raw["label"].str.strip().isin(["1", "2", "3", "4"])
    if wrong.any():
        row = wrong.idxmax()
        raise ValueError(f"{path}, row {row + first}: class is {raw['label'][row]!r}; it should be 1, 2, 3 or 4.")
    text = (raw["title"].str.strip() + " " + raw["description"].str.strip()).str.strip()
    if (text == "").any():
        raise ValueError(f"{path}, row {(text == '').idxmax() + first}: title and description are both empty.")
    label = raw["label"].str.strip().astype(int) - 1
    return pd.DataFrame({"text": text, "label": label, "description": raw["description"].str.strip()})


def fingerprint(*columns: Sequence) -> str:
    """Hex digest (16 digits) of rows in their order, the same on every machine."""
    digest = hashlib.sha256()
    for column in columns:
        for value in column:
            digest.update(str(value).encode())
            digest.update(b"\x1f")
        digest.update(b"\x1e")
    return digest.hexdigest()[:16]


def _source(title: str, key: str, frames: dict[str, pd.DataFrame], origins: dict[str, str]) -> Source:
    prints = {name: fingerprint(frame["text"], frame["label"]) for name, frame in frames.items()}
    notes = tuple(
        f"{name}: {len(frame):,} rows, {origins[name]}, fingerprint {prints[name]}" for name, frame in frames.items()
    )
    if "description" in frames["train"]:
        known = set(frames["test"]["description"]) - {""}
        shared = int(
            (
                frames["train"]["description"].isin(known) & ~frames["train"]["text"].isin(set(frames["test"]["text"]))
            ).sum()
        )
        notes += (f"{shared:,} training rows share their description with a test row under another title",)
    if key in ("folder", "agnews-part"):
        key = f"{key}-{fingerprint(prints.values())[:8]}"
    return Source(key, title, notes, frames["train"], frames["test"])


def load_ag_news(settings: Settings, source: Source | None = None) -> DatasetDict:
    """Train, validation and test as the profile wants them, columns ``text`` and ``label`` (a ``ClassLabel``).

    Validation rows are held out of the training file, stratified, by ``settings.split_seed``; a profile that sees a part
    of the data takes a stratified part of what remains. Test rows come from the test file alone.

    Raises:
        ValueError: the source has too few rows for the profile; else as :func:`read_source`.
    """
    source = source or read_source(settings)
    profile, seed = settings.profile, settings.split_seed
    if len(source.train) < MIN_ROWS or source.train["label"].value_counts().min() < MIN_ROWS // 10:
        raise ValueError(
            f"The training file has {len(source.train)} rows; at least {MIN_ROWS}, with {MIN_ROWS // 10} of each class it "
            "names, are needed to hold some out for validation and train on the rest: use a larger file."
        )
    held_out = min(profile.validation_rows, len(source.train) // 5)  # a small file keeps most of its rows for training
    train, test = source.train[["text", "label"]], source.test[["text", "label"]]
    rest, validation = train_test_split(train, test_size=held_out, stratify=train["label"], random_state=seed)
    parts = {
        "train": _part(rest, profile.train_rows, seed),
        "validation": validation,
        "test": _part(test, profile.test_rows, seed),
    }
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(CLASS_NAMES))})
    return DatasetDict(
        {name: Dataset.from_pandas(part, features=features, preserve_index=False) for name, part in parts.items()}
    )


def _part(frame: pd.DataFrame, rows: int | None, seed: int) -> pd.DataFrame:
    """A stratified part in random order, or the whole frame in its own."""
    if rows is None or rows >= len(frame):
        return frame
    if len(frame) - rows < len(CLASS_NAMES) or frame["label"].value_counts().min() < 2:  # cannot be stratified
        return frame.sample(rows, random_state=seed)
    return train_test_split(frame, train_size=rows, stratify=frame["label"], random_state=seed)[0]


class Articles(torch.utils.data.Dataset):
    """Tokenised articles: item ``i`` is ``(input_ids, attention_mask, token_type_ids, label)``, arrays of (max_length,).

    Attributes:
        input_ids, attention_mask, token_type_ids: int32 arrays (articles, max_length)
        labels: int64 array (articles,)
        key: fingerprint of the texts, which names caches made from them
    """

    def __init__(self, split: Dataset, tokenizer, max_length: int = 64):
        texts = list(split["text"])
        tokens = tokenizer(texts, padding="max_length", truncation=True, max_length=max_length, return_tensors="np")
        self.input_ids = tokens["input_ids"].astype(np.int32)
        self.attention_mask = tokens["attention_mask"].astype(np.int32)
        self.token_type_ids = np.zeros_like(self.input_ids)  # one segment an article
        self.labels = np.asarray(split["label"], dtype=np.int64)
        self.key = fingerprint(texts)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each article, padding left out: (articles,)."""
        return self.attention_mask.sum(axis=1)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple:
        return self.input_ids[index], self.attention_mask[index], self.token_type_ids[index], self.labels[index]


class FirstRows(torch.utils.data.Subset):
    """The first ``rows`` articles of a dataset, labels and lengths with them."""

    def __init__(self, dataset: torch.utils.data.Dataset, rows: int):
        super().__init__(dataset, range(rows))
        self.labels = dataset.labels[:rows]
        if hasattr(dataset, "lengths"):
            self.lengths = dataset.lengths[:rows]


def collate(items: Sequence[tuple]) -> tuple[torch.Tensor, ...]:
    """Stacks the items' arrays column by column; the last column, the labels, becomes a long tensor.

    Arrays of one column may differ in length (characters, say): they are padded with zeros to the longest.
    """
    *columns, labels = zip(*items, strict=True)
    return *(torch.from_numpy(_stack(column)) for column in columns), torch.tensor(labels, dtype=torch.long)


def _stack(rows: Sequence[np.ndarray]) -> np.ndarray:
    lengths = {len(row) for row in rows}
    if len(lengths) == 1:
        return np.stack(rows)
    stacked = np.zeros((len(rows), max(lengths), *rows[0].shape[1:]), rows[0].dtype)
    for out, row in zip(stacked, rows, strict=True):
        out[: len(row)] = row
    return stacked


class ShuffledBatches(Sampler):
    """Batches of row numbers in a new order every epoch that depends on (seed, epoch) alone: a resumed run sees the same.

    With ``lengths``, the shuffled rows are sorted by length within stretches of ``GROUP`` batches, and the batches shuffled
    again: articles of like length meet, and a batch is padded little, while who meets whom still changes every epoch.

    A last batch of a single article is left out: neither batch normalisation nor DIST's intra relation is defined on it.
    """

    def __init__(self, size: int, batch_size: int, seed: int, lengths: np.ndarray | None = None):
        self.size, self.batch_size, self.seed, self.lengths = size, batch_size, seed, lengths
        self.epoch = 0

    def __len__(self) -> int:
        return self.size // self.batch_size + (self.size % self.batch_size > 1)

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(self.size)
        numbers = np.arange(len(self))
        if self.lengths is not None:
            stretch = GROUP * self.batch_size
            parts = (order[first : first + stretch] for first in range(0, self.size, stretch))
            order = np.concatenate([part[np.argsort(self.lengths[part], kind="stable")] for part in parts])
            numbers = generator.permutation(numbers)
        for number in numbers:
            yield order[number * self.batch_size : (number + 1) * self.batch_size].tolist()


def train_loader(dataset: torch.utils.data.Dataset, batch_size: int, seed: int, grouped: bool = False) -> DataLoader:
    """Shuffled batches, ``grouped`` by length or not; set ``loader.batch_sampler.epoch`` before each epoch."""
    batches = ShuffledBatches(len(dataset), batch_size, seed, dataset.lengths if grouped else None)
    return DataLoader(dataset, batch_sampler=batches, collate_fn=collate)


def eval_loader(dataset: torch.utils.data.Dataset, batch_size: int) -> DataLoader:
    """Batches in the dataset's order."""
    return DataLoader(dataset, batch_size, collate_fn=collate)
