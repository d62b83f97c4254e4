"""Files that are written whole or not at all, and known by their content; no pickle is ever loaded."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

if TYPE_CHECKING:  # torch is imported where it is used: agnews_utils.classify writes files and runs without it
    from torch import nn

# what torch's weights-only unpickler ends in on bytes that are no checkpoint
CHECKPOINT_ERRORS = (
    OSError, RuntimeError, EOFError, UnpicklingError, struct.error, UnicodeDecodeError, LookupError, AttributeError,
    TypeError, ValueError,
)  # fmt: skip


def atomic_write(path: Path, write: Callable[[Path], object]) -> None:
    """Lets ``write`` make a file beside ``path`` and renames it; if that fails, ``path`` is as it was.

    The file gets the mode that the umask asks for, whatever ``write`` gave it (safetensors makes files that only their
    owner can read, which in a shared folder look missing to everyone else).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        aside.touch()  # its mode follows the umask, which cannot be asked for without setting it
        mode = aside.stat().st_mode
        write(aside)
        aside.chmod(mode)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a small text file, in UTF-8, whole or not at all."""
    atomic_write(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Arrays in safetensors, written whole or not at all."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    atomic_write(path, lambda aside: safetensors.numpy.save_file(contiguous, aside))


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays that :func:`save_arrays` wrote.

    Raises:
        ValueError: the file is missing, cut off or no safetensors file.
    """
    try:
        return safetensors.numpy.load_file(path)
    except FileNotFoundError as reason:
        raise ValueError(f"There is no file {path}: delete its folder, and the run is made again.") from reason
    except (OSError, SafetensorError) as reason:
        raise ValueError(
            f"{path} cannot be read ({reason}): it is damaged; delete its folder, and the run is made again."
        ) from reason


def save_weights(model: nn.Module, path: Path) -> None:
    """A model's weights in safetensors, written whole or not at all."""
    import safetensors.torch

    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    atomic_write(path, lambda aside: safetensors.torch.save_file(weights, aside))


def load_weights(model: nn.Module, path: Path) -> nn.Module:
    """Loads weights that :func:`save_weights` wrote.

    Raises:
        ValueError: the file is missing, cut off, or of another model.
    """
    import safetensors.torch

    try:
        weights = safetensors.torch.load_file(path)
    except FileNotFoundError as reason:
        raise ValueError(f"There are no weights at {path}: delete its folder, and this run trains again.") from reason
    except (OSError, SafetensorError) as reason:
        raise ValueError(
            f"The weights at {path} are damaged ({reason}): delete its folder, and this run trains again."
        ) from reason
    try:
        model.load_state_dict(weights)
    except RuntimeError as reason:  # torch's word for other names or shapes
        raise ValueError(
            f"The weights at {path} are of another model than {type(model).__name__}: delete its folder, and this run "
            "trains again."
        ) from reason
    return model


def read_checkpoint(path: Path, model: nn.Module | None = None) -> dict:
    """The state that :func:`agnews_utils.training.fit` keeps, read with ``weights_only`` (no code in it is run).

    Args:
        model: the model that it should be of; None asks nothing

    Raises:
        ValueError: the file is cut off, damaged, no checkpoint, or of another model.
    """
    import torch

    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except CHECKPOINT_ERRORS as reason:
        raise _damaged_checkpoint(path) from reason
    if not isinstance(state, dict) or not set(state) >= {"model", "optimizer", "history"}:
        raise _damaged_checkpoint(path)
    if model is not None and set(state["model"]) != set(model.state_dict()):
        raise ValueError(f"The checkpoint {path} is of another model: delete it, and this run trains again.")
    return state


def _damaged_checkpoint(path: Path) -> ValueError:
    return ValueError(f"The checkpoint {path} is damaged: delete it, and this run trains again from the start.")
