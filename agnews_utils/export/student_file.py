"""The file of a student: int8 weights with their scales, its vocabulary and its card, all in one safetensors file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from ..support.files import atomic_write

MODELS = Path(__file__).resolve().parents[2] / "data" / "models"  # the committed students; settings would import torch
FORMAT = "agnews-student-2"
SCALE = ".scale"
# the wide part has K numbers a row: a scale a row would cost half as much again, so it has one a column
BY_COLUMN = ("wide.weight",)
METADATA = ("format", "pieces", "card", "sha256")
CARD = ("classes", "max_length", "mean")  # what a card must say for the student to be computed
SPECIAL = ("[UNK]", "[CLS]", "[SEP]")  # pieces that every text may need


@dataclass(frozen=True)
class StudentFile:
    """What the file holds.

    Attributes:
        arrays: by name, as :func:`as_int8` makes them
        pieces: the vocabulary, in the order of its numbers
        card: how it was made and what it reaches: ``classes``, ``max_length``, ``mean`` and what else was given
    """

    arrays: Mapping[str, np.ndarray]
    pieces: list[str]
    card: dict[str, Any]

    def floats(self, name: str, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Float32 weights, of these rows alone: the rest stays int8, which takes a quarter of the memory."""
        return floats(self.arrays, name, rows)


def quantise(weights: np.ndarray, by_column: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Weights as int8 and float32 scales: ``weights`` is about ``int8 * scale``.

    Symmetric, one scale for each entry of the first axis (or of the second): the largest magnitude becomes 127.
    """
    axes = tuple(axis for axis in range(weights.ndim) if axis != int(by_column))
    scales = np.abs(weights).max(axis=axes, keepdims=True) / 127
    scales = np.where(scales > 0, scales, 1).astype(np.float16).astype(np.float32)  # as the file keeps them
    scales = np.maximum(scales, np.float32(2**-24))  # a scale that float16 rounds to 0
    return np.clip(np.rint(weights / scales), -127, 127).astype(np.int8), scales


def as_int8(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of the file: matrices as int8 with float16 scales beside them, biases as float32."""
    arrays: dict[str, np.ndarray] = {}
    for name, values in weights.items():
        if values.ndim == 1:
            arrays[name] = values.astype(np.float32)
            continue
        arrays[name], scales = quantise(values, name in BY_COLUMN)
        arrays[name + SCALE] = scales.astype(np.float16)
    return arrays


def floats(arrays: Mapping[str, np.ndarray], name: str, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Float32 weights from the arrays of the file, of these rows alone."""
    values, scales = arrays[name][rows], arrays.get(name + SCALE)
    if scales is None:
        return values
    return values.astype(np.float32) * (scales if name in BY_COLUMN else scales[rows]).astype(np.float32)


def as_floats(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All float32 weights from the arrays of the file."""
    return {name: floats(arrays, name) for name in arrays if not name.endswith(SCALE)}


def write_student(path: Path, student: StudentFile) -> None:
    """Writes the file, whole or not at all.

    Raises:
        ValueError: its parts do not fit each other.
    """
    from safetensors.numpy import save_file

    if wrong := problem(student):
        raise ValueError(f"{path} is not written: {wrong}.")
    pieces, card = "\n".join(student.pieces), json.dumps(student.card)
    metadata = {"format": FORMAT, "pieces": pieces, "card": card, "sha256": digest(student.arrays, pieces, card)}
    atomic_write(path, lambda aside: save_file(dict(student.arrays), aside, metadata))


def rewrite_card(path: Path, card: Mapping[str, Any]) -> bool:
    """Gives the file another card, weights and vocabulary unchanged; returns whether that changed anything.

    Raises:
        FileNotFoundError, ValueError: see :func:`read_student`.
    """
    student = read_student(path)
    # compared as the file keeps it: safetensors writes its metadata in any order, so equal content gets other bytes
    changed = student.card != json.loads(json.dumps(dict(card)))
    if changed:
        write_student(path, replace(student, card=dict(card)))
    return changed


def digest(arrays: Mapping[str, np.ndarray], pieces: str, card: str) -> str:
    """Hex SHA-256 of all that the file holds: weights with their names, types and shapes, vocabulary and card."""
    sha256 = hashlib.sha256()
    for name in sorted(arrays):
        sha256.update(f"{name} {arrays[name].dtype} {arrays[name].shape}\n".encode())
        sha256.update(np.ascontiguousarray(arrays[name]).data)
    sha256.update(f"{pieces}\n\n{card}".encode())
    return sha256.hexdigest()


def read_student(path: Path) -> StudentFile:
    """The student of a file that :func:`write_student` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be read, is damaged, no student's file, or its parts do not fit each other.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no student at {path}.")
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - a file, not a dict
    except OSError as reason:
        raise ValueError(f"{path} cannot be read ({reason.strerror or reason}).") from reason
    except (SafetensorError, ValueError, TypeError, AttributeError) as reason:  # the last three: of an unknown type
        raise ValueError(f"{path} cannot be read ({reason}): it is damaged; get it again.") from reason
    if metadata.get("format") != FORMAT or any(name not in metadata for name in METADATA):
        raise ValueError(f"{path} is not a student's file ({FORMAT}): give one that this version of the course made.")
    if metadata["sha256"] != digest(arrays, metadata["pieces"], metadata["card"]):
        raise ValueError(f"{path} does not hold what was written (its SHA-256 differs): it is damaged; get it again.")
    student = StudentFile(arrays, metadata["pieces"].split("\n"), json.loads(metadata["card"]))
    if wrong := problem(student):
        raise ValueError(f"{path} is no student that this version of the course can compute: {wrong}.")
    return student


def problem(student: StudentFile) -> str | None:
    """What keeps the student from being computed, in words; None if its parts fit each other."""
    arrays, card = student.arrays, student.card
    lacks = [f"the card's {name}" for name in CARD if name not in card]
    lacks += [f"the piece {piece}" for piece in SPECIAL if piece not in student.pieces]
    lacks += [name for name in ("embedding.weight", "linear.weight", "linear.bias") if name not in arrays]
    if lacks:
        return f"it lacks {', '.join(lacks)}"
    pieces, classes = len(student.pieces), len(card["classes"])
    if pieces != len(arrays["embedding.weight"]):
        return f"its vocabulary has {pieces:,} pieces, its embedding {len(arrays['embedding.weight']):,} rows"
    if classes != len(arrays["linear.weight"]):
        return f"its card names {classes} classes, its linear layer has {len(arrays['linear.weight'])}"
    wanted = _shapes(student)
    lacks = [name for name in wanted if name not in arrays]
    unknown = [name for name in arrays if name not in wanted]
    if lacks or unknown:
        return f"it lacks {', '.join(lacks)}" if lacks else f"it holds {', '.join(unknown)}, of another model"
    other = [name for name, shape in wanted.items() if arrays[name].shape != shape]
    return f"{', '.join(other)} have other shapes than the rest asks for" if other else None


def _shapes(student: StudentFile) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the arrays that a student with this vocabulary, these classes and convolutions has."""
    arrays, classes = student.arrays, len(student.card["classes"])
    dim, channels = arrays["embedding.weight"].shape[-1], 0
    wanted: dict[str, tuple[int, ...]] = {"embedding.weight": (len(student.pieces), dim)}
    for name in convolutions(arrays):
        found, *_, width = arrays[f"{name}.weight"].shape
        wanted |= {f"{name}.weight": (found, dim, width), f"{name}.bias": (found,)}
        channels += found
    wanted |= {"linear.weight": (classes, channels + dim * bool(student.card["mean"])), "linear.bias": (classes,)}
    if "wide.weight" in arrays:
        wanted["wide.weight"] = (len(arrays["wide.weight"]), classes)
    for name, (first, *rest) in list(wanted.items()):
        if name in arrays and arrays[name].dtype == np.int8:
            wanted[name + SCALE] = (1, *rest) if name in BY_COLUMN else (first, *[1] * len(rest))
    return wanted


def convolutions(arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Names of the convolutions, in the order in which the linear layer reads them."""
    found = re.compile(r"convs\.(\d+)\.weight")
    return [f"convs.{number}" for number in sorted(int(match[1]) for match in map(found.fullmatch, arrays) if match)]
