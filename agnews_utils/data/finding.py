"""Where the training and the test file are: in the folder, one deeper, in an archive, or the path itself."""

from __future__ import annotations

import gzip
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .table import listed

ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".feather")
PACKED_ENDINGS = (".gz", ".bz2", ".xz")
ARCHIVES = (".zip", ".tgz", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz")
STEM = r"(?:ag[-_ ]?news[-_ ])?({})(?:[-_](\d+)-of-(\d+))?(?:[-_][0-9a-f]{{16}})?"
SPLIT_STEMS = {split: re.compile(STEM.format(f"{split}(?:ing)?")) for split in ("train", "test")}
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError)
SAVED = ("dataset_dict.json", "state.json")  # what save_to_disk writes beside its tables


@dataclass(frozen=True)
class Entry:
    """A file, or a member of an archive."""

    path: str  # as messages name it
    name: str  # its last part
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Found:
    """The files of each split, or the folder of a data set that ``datasets`` saved."""

    files: dict[str, list[Entry]]
    saved: Path | None = None


def find(path: Path, test_needed: bool = True) -> Found:
    """The training and the test file of a folder, an archive, or beside a file.

    A folder's own files come first, then a folder in it, then an archive in it.

    Raises:
        FileNotFoundError: there is none; the message lists what is there.
        ValueError: more than one could be meant.
    """
    if path.is_file():
        if _is_archive(path):
            return Found(_splits(_archive_entries(path), str(path), test_needed))
        return Found(_beside(path, test_needed))
    if not path.is_dir():
        raise FileNotFoundError(
            f"The data folder {path} does not exist: set AGNEWS_DATA_DIR to a folder with train.csv and test.csv."
        )
    own = _entries(path)
    if not any(_split_of(entry.name) for entry in own):
        if _is_saved(path):
            return Found({}, path)
        deeper = _one_deeper(path)
        if deeper is not None:
            return deeper if isinstance(deeper, Found) else Found(_splits(deeper, str(path), test_needed))
    return Found(_splits(own, str(path), test_needed))


def _one_deeper(folder: Path) -> Found | list[Entry] | None:
    """What the folders in ``folder`` hold, else the archives in it; None if nothing."""
    inner = [path for path in sorted(folder.iterdir()) if path.is_dir() and not _is_hidden(path.name)]
    candidates: dict[str, Found | list[Entry]] = {str(path): Found({}, path) for path in inner if _is_saved(path)}
    candidates |= {str(path): entries for path in inner if _has_train(entries := _entries(path))}
    if not candidates:
        packed = filter(_is_archive, sorted(folder.iterdir()))
        candidates = {str(path): entries for path in packed if _has_train(entries := _archive_entries(path))}
    if len(candidates) > 1:
        raise ValueError(f"{folder} holds training files in {listed(candidates, 3)}: name the one that is meant.")
    return next(iter(candidates.values()), None)


def _has_train(entries: Sequence[Entry]) -> bool:
    return any(_split_of(entry.name) == "train" for entry in entries)


def _is_saved(folder: Path) -> bool:
    return any((folder / name).is_file() for name in SAVED)


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _is_archive(path: Path) -> bool:
    return path.is_file() and not _is_hidden(path.name) and path.name.lower().endswith(ARCHIVES)


def _entries(folder: Path) -> list[Entry]:
    return [
        Entry(str(path), path.name, path.read_bytes)
        for path in sorted(folder.iterdir())
        if path.is_file() and not _is_hidden(path.name)
    ]


def _split_of(name: str) -> str | None:
    """The split that a file's name says, or None."""
    match = _stem_match(name)
    return match[0] if match else None


def _stem_match(name: str) -> tuple[str, re.Match] | None:
    stem = name.lower()
    for ending in PACKED_ENDINGS:
        stem = stem.removesuffix(ending)
    base, dot, ending = stem.rpartition(".")
    if dot + ending not in ENDINGS:
        return None
    return next(((split, match) for split, stems in SPLIT_STEMS.items() if (match := stems.fullmatch(base))), None)


def _splits(entries: Sequence[Entry], place: str, test_needed: bool) -> dict[str, list[Entry]]:
    """The files of each split among ``entries``."""
    result = {}
    for split in ("train", "test"):
        named = [entry for entry in entries if _split_of(entry.name) == split]
        if named:
            result[split] = _only(named, split)
        elif split == "train" or test_needed:
            there = f"it holds {listed(entry.name for entry in entries)}" if entries else "it holds no file"
            raise FileNotFoundError(
                f"{place}/{split}.csv does not exist: the folder must hold train.csv and test.csv (or .tsv, .jsonl, "
                f".parquet, .gz); {there}."
            )
    return result


def _only(named: list[Entry], split: str) -> list[Entry]:
    """The one file of a split (the official name goes first), or all its numbered parts in order.

    Raises:
        ValueError: more than one file, or a part is missing.
    """
    exact = [entry for entry in named if entry.name == f"{split}.csv"]
    if len(exact) == 1:
        return exact
    numbered = {}
    for entry in named:
        found = _stem_match(entry.name)
        if found and found[1][2]:
            numbered[int(found[1][2])] = (int(found[1][3]), entry)
    if len(numbered) == len(named):
        totals = {total for total, _ in numbered.values()}
        if len(totals) == 1 and sorted(numbered) == list(range(*_bounds(numbered, totals))):
            return [numbered[number][1] for number in sorted(numbered)]
        raise ValueError(f"{named[0].path}: of its parts only {len(named)} are there: download all of them.")
    if len(named) > 1:
        raise ValueError(f"{named[0].path} and {named[1].path} could both be meant: keep one of them in the folder.")
    return named


def _bounds(numbered: dict, totals: set[int]) -> tuple[int, int]:
    """First and last number (and one) that all the parts should have: from 0, or from 1."""
    total, first = min(totals), 0 if 0 in numbered else 1
    return first, first + total


def _beside(path: Path, test_needed: bool) -> dict[str, list[Entry]]:
    """A file that was named itself, and the other one beside it.

    It is the training file unless its name says test. Where no test file is needed, a file of a name of its own stands
    alone: a test file beside it may belong to another one.
    """
    given, split = Entry(str(path), path.name, path.read_bytes), _split_of(path.name)
    other = [entry for entry in _entries(path.parent) if _split_of(entry.name) not in (None, split or "train")]
    if split == "test":
        return _splits([*other, given], str(path.parent), test_needed)
    if not test_needed and (split is None or not other):
        return {"train": [given]}
    if not other:
        raise FileNotFoundError(f"{path.parent}/test.csv does not exist: a test file must stand beside {path.name}.")
    return {"train": [given], "test": _only(other, "test")}


def _archive_entries(path: Path) -> list[Entry]:
    """The members of a zip or tar archive, at most one folder deep; nothing is written to the disk.

    Raises:
        ValueError: the archive is damaged.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = [info.filename for info in archive.infolist() if not info.is_dir()]
            member = _zip_member
        else:
            with tarfile.open(path) as tar:
                names = [info.name for info in tar.getmembers() if info.isfile()]
            member = _tar_member
    except DAMAGED as reason:
        raise ValueError(f"{path} is a damaged archive: download it again.") from reason
    return [Entry(f"{path}/{name}", PurePosixPath(name).name, member(path, name)) for name in names if _counts(name)]


def _counts(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return 0 < len(parts) <= 2 and not any(map(_is_hidden, parts))


def _zip_member(path: Path, name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with zipfile.ZipFile(path) as archive:
                return archive.read(name)
        except DAMAGED as reason:
            raise ValueError(f"{path} is damaged ({name}): download it again.") from reason
        except (RuntimeError, NotImplementedError) as reason:  # a password, a method that Python does not know
            raise ValueError(f"{path} cannot be unpacked ({name}: {reason}): unpack it by hand.") from reason

    return read


def _tar_member(path: Path, name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with tarfile.open(path) as tar:
                member = tar.extractfile(name)
                return member.read() if member else b""
        except DAMAGED as reason:
            raise ValueError(f"{path} is damaged ({name}): download it again.") from reason

    return read
