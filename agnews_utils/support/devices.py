"""Which device computes: the one that ``AGNEWS_DEVICE`` names, else a GPU that can, else the processor."""

from __future__ import annotations

import re
import warnings

import torch
import torch.nn.functional as F

from .hub import one_line

NAMES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
WORDS = {"cuda": "GPU", "mps": "Apple GPU"}
TOLERANCE = 0.02  # of the trial's numbers, which are about 1: a GPU may round to TF32


def choose_device(wanted: str = "auto") -> str:
    """The device that computes: ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.

    A GPU that is listed may be unable to compute: too old or too new for this PyTorch, or taken by another user. So it
    must first do a small trial.

    Args:
        wanted: a device; or "auto", which takes the first GPU that passes the trial, else the processor

    Raises:
        ValueError: no such name, or the named device is not there or fails the trial.
    """
    if not NAMES.fullmatch(wanted):
        raise ValueError(f"AGNEWS_DEVICE is {wanted!r}: set it to auto, cpu, cuda, cuda:1 (or another number) or mps.")
    if wanted == "auto":
        return next(filter(_computes, _listed()), "cpu")
    if kind_of(wanted) not in ("cpu", *_listed()):
        raise ValueError(
            f"AGNEWS_DEVICE is {wanted!r}, but PyTorch {torch.__version__} finds no such device here: set it to auto "
            "or cpu, or install a PyTorch for it."
        )
    if reason := trial(wanted):
        raise ValueError(
            f"AGNEWS_DEVICE is {wanted!r}, but this {WORDS[kind_of(wanted)]} cannot compute ({reason}): set it to auto "
            "or cpu, or mend driver and PyTorch."
        )
    return wanted


def kind_of(device: str) -> str:
    """``"cuda"`` of ``"cuda:1"``."""
    return device.partition(":")[0]


def _listed() -> list[str]:
    """The kinds of GPU that PyTorch lists here."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [kind for kind, listed in there.items() if listed]


def _computes(device: str) -> bool:
    """Whether the device passes the trial; if not, a warning says why."""
    reason = trial(device)
    if reason:
        warnings.warn(
            f"The {WORDS[device]} of this machine cannot compute ({reason}): this run uses the processor. "
            "AGNEWS_DEVICE=cpu says so without this warning.",
            stacklevel=3,
        )
    return reason is None


def trial(device: str) -> str | None:
    """Why the device cannot compute, in a few words; None if it can.

    A convolution and its gradient must come out as on the processor.
    """
    if device == "cpu":
        return None
    try:
        expected, found = (_convolution_and_gradient(where).cpu() for where in ("cpu", device))
    except (RuntimeError, AssertionError, NotImplementedError) as reason:  # torch's own, of drivers and builds
        return one_line(reason)
    return None if torch.allclose(expected, found, atol=TOLERANCE) else "its numbers are wrong"


def _convolution_and_gradient(device: str) -> torch.Tensor:
    signal = torch.linspace(-1, 1, 64).reshape(1, 4, 16).to(device)
    kernel = torch.linspace(-1, 1, 48).reshape(4, 4, 3).to(device).requires_grad_()
    output = F.relu(F.conv1d(signal, kernel))
    output.mean().backward()
    return torch.cat([output.detach().flatten(), kernel.grad.flatten()])  # type: ignore[union-attr]
