"""Files that are written whole or not at all, and known by their content; no pickle is ever loaded."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import struct
from collections.abc import Callable
from contextlib import suppress
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
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# how safetensors (of several versions) and torch say that the disk is full, neither by an OSError
FULL_IN_WORDS = tuple(f"{word} {number}" for word in ("os error", "code:") for number in FULL)
FULL_IN_WORDS += ("PytorchStreamWriter", "inline_container.cc")
OTHER_FOLDER = "set AGNEWS_WORK_DIR to a folder of your own"


def assert_readable(path: Path) -> None:
    """Opens a file, so that what the system has against it is said, and is not taken for damage.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be opened or read: no permission, too many open files, a disk or network that fails.
    """
    try:
        with open(path, "rb") as file:
            file.read(1)
    except FileNotFoundError:
        raise
    except OSError as reason:
        raise unreadable(path, reason) from reason


def unreadable(path: Path, reason: OSError) -> OSError:
    """The error to raise for a file that is there, may be whole, and cannot be read."""
    what_to_do = f"{OTHER_FOLDER}, or ask its owner for the right to read it" if is_forbidden(reason) else "try again"
    return type(reason)(f"{path} cannot be read ({reason.strerror or reason}); it may be whole: {what_to_do}.")


def is_forbidden(reason: OSError) -> bool:
    """Whether it is the reader's rights, or a disk that is mounted read-only, that are in the way."""
    return isinstance(reason, PermissionError) or reason.errno == errno.EROFS


def assert_writable(folder: Path) -> None:
    """Asks the system whether ``folder``, or the nearest one above it that is there, can be written; writes nothing.

    Raises:
        PermissionError: it cannot.
    """
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise PermissionError(f"{folder} cannot be written: {OTHER_FOLDER}.")


def atomic_write(path: Path, write: Callable[[Path], object]) -> None:
    """Lets ``write`` make a file beside ``path`` and renames it; if that fails, ``path`` is as it was.

    The file gets the mode that the umask asks for, whatever ``write`` gave it (safetensors makes files that only their
    owner can read, which in a shared folder look missing to everyone else).

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.touch()  # its mode follows the umask, which cannot be asked for without setting it
        mode = aside.stat().st_mode
        write(aside)
        aside.chmod(mode)
        os.replace(aside, path)
    except (OSError, RuntimeError, SafetensorError) as reason:
        if isinstance(reason, OSError) and is_forbidden(reason):
            raise type(reason)(f"{path} cannot be written ({reason.strerror}): {OTHER_FOLDER}.") from reason
        if not _is_full(reason):
            raise
        raise OSError(
            errno.ENOSPC,
            f"{path} cannot be written, because the disk is full; what was there is as it was. Free some space, or set "
            "AGNEWS_WORK_DIR to a folder on another disk",
        ) from reason
    finally:
        with suppress(OSError):  # a folder that cannot be written holds none
            aside.unlink(missing_ok=True)


def _is_full(reason: Exception) -> bool:
    if isinstance(reason, OSError) and reason.errno is not None:
        return reason.errno in FULL
    return any(words in str(reason) for words in FULL_IN_WORDS)


def copy_whole(source: Path, target: Path) -> None:
    """Copies a file; ``target`` is the whole new one or as it was."""
    atomic_write(target, lambda aside: shutil.copyfile(source, aside))


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
        OSError: it is there and cannot be read.
    """
    try:
        assert_readable(path)
        return safetensors.numpy.load_file(path)
    except FileNotFoundError as reason:
        raise ValueError(f"There is no file {path}: delete its folder, and the run is made again.") from reason
    except SafetensorError as reason:
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
        OSError: it is there and cannot be read.
    """
    import safetensors.torch

    try:
        assert_readable(path)
        weights = safetensors.torch.load_file(path)
    except FileNotFoundError as reason:
        raise ValueError(f"There are no weights at {path}: delete its folder, and this run trains again.") from reason
    except SafetensorError as reason:
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
        OSError: it is there and cannot be read.
    """
    import torch

    assert_readable(path)
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except CHECKPOINT_ERRORS as reason:
        if "allocate memory" in str(reason):  # torch's RuntimeError where memory does not suffice
            raise
        if isinstance(reason, OSError) and reason.errno in (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOMEM):
            raise unreadable(path, reason) from reason
        raise _damaged_checkpoint(path) from reason
    if not isinstance(state, dict) or not set(state) >= {"model", "optimizer", "history"}:
        raise _damaged_checkpoint(path)
    if model is not None and set(state["model"]) != set(model.state_dict()):
        raise ValueError(f"The checkpoint {path} is of another model: delete it, and this run trains again.")
    return state


def _damaged_checkpoint(path: Path) -> ValueError:
    return ValueError(f"The checkpoint {path} is damaged: delete it, and this run trains again from the start.")
