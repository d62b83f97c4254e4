"""The file of a student: int8 weights with their scales, its vocabulary and its card, all in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

FORMAT = "agnews-student-1"
SCALE = ".scale"
# the wide part has K numbers a row: a scale a row would cost half as much again, so it has one a column
BY_COLUMN = ("wide.weight",)


@dataclass(frozen=True)
class StudentFile:
    """What the file holds.

    Attributes:
        weights: float32 arrays by name, as they are computed with
        pieces: the vocabulary, in the order of its numbers
        card: how it was made and what it reaches: ``classes``, ``max_length`` and what else was given
    """

    weights: dict[str, np.ndarray]
    pieces: list[str]
    card: dict[str, Any]


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


def as_floats(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Float32 weights from the arrays of the file."""
    return {
        name: values.astype(np.float32) * arrays[name + SCALE].astype(np.float32) if name + SCALE in arrays else values
        for name, values in arrays.items()
        if not name.endswith(SCALE)
    }


def write_student(path: Path, weights: Mapping[str, np.ndarray], pieces: list[str], card: Mapping[str, Any]) -> None:
    """Writes the file, whole or not at all (see :func:`as_int8`)."""
    from safetensors.numpy import save_file

    from ..support.files import atomic_write  # it brings torch along, which reading a student must not

    metadata = {"format": FORMAT, "pieces": "\n".join(pieces), "card": json.dumps(dict(card))}
    atomic_write(path, lambda aside: save_file(as_int8(weights), aside, metadata))


def read_student(path: Path) -> StudentFile:
    """The student of a file that :func:`write_student` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is cut off, or no student's file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no student at {path}.")
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - a file, not a dict
    except (OSError, SafetensorError) as reason:
        raise ValueError(f"{path} cannot be read ({reason}): it is damaged; get it again.") from reason
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path} is not a student's file ({FORMAT}): give one that this version of the course made.")
    return StudentFile(as_floats(arrays), metadata["pieces"].split("\n"), json.loads(metadata["card"]))
