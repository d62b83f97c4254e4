"""AG News from a folder, the hub or the embedded sample: files, checked frames, stratified splits."""

from __future__ import annotations

import csv
import hashlib
import io
import warnings
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from sklearn.model_selection import train_test_split

from .settings import CLASS_NAMES, ROOT, Settings
from .support.hub import hub_errors

HUB_DATASET = "fancyzhx/ag_news"
HUB_REVISION = "eb185aade064a813bc0b7f42de02595523103ca4"
OFFICIAL_MD5 = {"train.csv": "b1a00f826fdfbd249f79597b59e1dc12", "test.csv": "d52ea96a97a2d943681189a97654912d"}
SAMPLE_DIR = ROOT / "data" / "sample"
COLUMNS = ["label", "title", "description"]
MIN_ROWS = 100  # of a training file
NO_LABEL = -100  # of a text whose class is not known; PyTorch's cross-entropy leaves such rows out
# what a header calls the first column
HEADERS = {"label": ("class", "label", "class index"), "description": ("description", "text")}
# further texts that a data folder may hold beside its two files, and their columns
FURTHER_FILES = {
    "further.csv": COLUMNS,
    "further_descriptions.csv": ["label", "description"],
    "unlabelled.csv": ["description"],
}


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
    folder: Path | None = None  # where further texts may lie beside the two files

    @property
    def is_sample(self) -> bool:
        return self.key == "sample"

    def __str__(self) -> str:
        return "\n".join([self.title, *("  " + note for note in self.notes)])


def read_source(settings: Settings) -> Source:
    """The articles, from the first source that applies: the named one, else the hub, else the embedded sample.

    A source that was named (``settings.data``) and cannot be had is an error; only the unnamed order falls back.
    ``smoke`` goes straight to the embedded sample unless a source was named, because tests must not depend on a
    network.

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
    except hub_errors() as reason:
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
        except hub_errors() as reason:
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
        frames[name], md5 = _read(path)
        known = md5 == OFFICIAL_MD5[path.name]
        official += known
        origins[name] = f"the official file (MD5 {md5[:8]}…)" if known else "not the official file"
    if folder == SAMPLE_DIR:
        return _source("embedded sample (not AG News)", "sample", frames, origins)
    if official == 2:
        return replace(_source("AG News", "agnews", frames, origins), folder=folder)
    title = "AG News (official test file, other training file)" if official else "your own folder"
    return replace(_source(title, "agnews-part" if official else "folder", frames, origins), folder=folder)


def read_csv(path: Path) -> pd.DataFrame:
    """One AG News file as a frame of ``text``, ``label`` (0 to 3) and ``description``.

    Columns are class (1 to 4), title, description; the text is title + " " + description, stripped. A title may be
    empty (some redistributed rows have title and description joined), both may not.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not UTF-8, empty, other than three columns, a class outside 1 to 4, or a row without text.
    """
    return _read(path)[0]


def read_further(source: Source, splits: DatasetDict, seed: int = 0) -> pd.DataFrame:
    """Further texts of the source's folder that no split holds: ``text`` and ``label`` (:data:`NO_LABEL` if unknown).

    Three files are read where they are there: ``further.csv`` (class, title, description), ``further_descriptions.csv``
    (class, description) and ``unlabelled.csv`` (description). What has its description in common with the end of an
    article of a split is left out, so that no model learns from what it is measured on. The order is random, so that
    the first n are a fair part.

    Raises:
        ValueError: a file is malformed; see :func:`read_csv`.
    """
    paths = [source.folder / name for name in FURTHER_FILES] if source.folder else []
    frames = [_read(path, FURTHER_FILES[path.name])[0] for path in paths if path.is_file()]
    if not frames:
        return pd.DataFrame({"text": pd.Series(dtype=str), "label": pd.Series(dtype=int)})
    further = pd.concat(frames).drop_duplicates("text")
    # a description is the end of its article's text; read backwards it is the beginning, and sorting finds that
    endings = sorted(text[::-1] for split in splits.values() for text in split["text"])
    pairs = further[["text", "description"]].itertuples(index=False, name=None)
    kept = [not any(_begins(endings, text[::-1]) for text in filter(None, pair)) for pair in pairs]
    return further.loc[kept, ["text", "label"]].sample(frac=1, random_state=seed, ignore_index=True)


def _begins(sorted_texts: list[str], text: str) -> bool:
    """Whether one of the sorted texts begins with ``text``."""
    place = bisect_left(sorted_texts, text)
    return place < len(sorted_texts) and sorted_texts[place].startswith(text)


def _read(path: Path, columns: Sequence[str] = COLUMNS) -> tuple[pd.DataFrame, str]:
    """The file's articles and its MD5; the file is read once. A first row that names the first column is a header."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: the folder must hold train.csv and test.csv.")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as reason:
        raise ValueError(f"{path} is not UTF-8 (byte {reason.start}): save it again as UTF-8.") from reason
    try:
        rows = list(filter(None, csv.reader(io.StringIO(text, newline=""), strict=True)))
    except csv.Error as reason:
        raise ValueError(f"{path} is not a CSV file ({reason}): quote fields that hold commas or quotes.") from reason
    if not rows:
        raise ValueError(f"{path} is empty: it should hold one article a row (class, title, description).")
    header = rows[0][0].strip().lower() in HEADERS[columns[0]]
    if header and len(rows) == 1:
        raise ValueError(f"{path} holds a header and no article: it should hold one article a row.")
    if len(rows[0]) != len(columns):
        names = ", ".join(columns).replace("label", "class (1 to 4)")
        order = ", in this order" if len(columns) > 1 else ""
        raise ValueError(f"{path} has {len(rows[0])} columns; it should have {len(columns)}: {names}{order}.")
    articles = [
        _article(row, columns, f"{path}, row {number}") for number, row in enumerate(rows, 1) if number > header
    ]
    return pd.DataFrame(articles, columns=["text", "label", "description"]), hashlib.md5(
        content, usedforsecurity=False
    ).hexdigest()


def _article(row: list[str], columns: Sequence[str], where: str) -> tuple[str, int, str]:
    """A row's text, label (0 to 3, or none) and description."""
    needed = {1: "one", 2: "two", 3: "three"}[len(columns)]
    if len(row) < len(columns):
        raise ValueError(f"{where}: a column is missing; every row needs all {needed}.")
    if len(row) > len(columns):
        raise ValueError(f"{where}: there are {len(row)} columns instead of {needed}; quote fields that hold commas.")
    fields = dict(zip(columns, (field.strip() for field in row), strict=True))
    label, title, description = fields.get("label"), fields.get("title", ""), fields["description"]
    if label not in (None, "1", "2", "3", "4"):
        raise ValueError(f"{where}: class is {label!r}; it should be 1, 2, 3 or 4.")
    text = f"{title} {description}".strip()
    if not text:
        fields_are = "title and description are both" if "title" in fields else "the description is"
        raise ValueError(f"{where}: {fields_are} empty.")
    return text, NO_LABEL if label is None else int(label) - 1, description


def fingerprint(*columns: Iterable) -> str:
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

    Validation rows are held out of the training file, stratified, by ``settings.split_seed``; a profile that sees a
    part of the data takes a stratified part of what remains. Test rows come from the test file alone.

    Raises:
        ValueError: the source has too few rows for the profile; else as :func:`read_source`.
    """
    source = source or read_source(settings)
    profile, seed = settings.profile, settings.split_seed
    if len(source.train) < MIN_ROWS or source.train["label"].value_counts().min() < MIN_ROWS // 10:
        raise ValueError(
            f"The training file has {len(source.train)} rows; at least {MIN_ROWS}, with {MIN_ROWS // 10} of each class "
            "it names, are needed to hold some out for validation and train on the rest: use a larger file."
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
