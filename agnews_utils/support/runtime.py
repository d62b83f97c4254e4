"""The machine: device, precision, progress bars, memory."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch

from .devices import kind_of

if TYPE_CHECKING:
    from ..settings import Settings


def has_bfloat16(device: str) -> bool:
    """Whether bfloat16 matrix products are native here (elsewhere they would be slower than float32)."""
    if kind_of(device) != "cpu":
        return kind_of(device) == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(_capabilities().get("avx512_bf16") or _capabilities().get("amx_bf16"))


def _capabilities() -> dict[str, Any]:
    """What the processor can do; empty with a torch that does not tell."""
    return getattr(torch.cpu, "get_capabilities", dict[str, Any])()


def precision(device: str) -> str:
    """The precision in which models run on ``device``, for people."""
    return "bfloat16 autocast" if has_bfloat16(device) else "float32"


def autocast(device: str) -> AbstractContextManager:
    """The context in which models run; losses are computed outside it, in float32."""
    if kind_of(device) == "mps":
        return nullcontext()
    return torch.autocast(kind_of(device), torch.bfloat16, enabled=has_bfloat16(device))


def progress_bar(settings: Settings, iterable: Iterable | None = None, **options):
    """A tqdm progress bar in the style that ``settings.progress`` names: a widget, plain text, or nothing."""
    quiet = settings.progress == "off"
    if settings.progress == "text" or quiet:
        from tqdm import tqdm
    else:
        from tqdm.auto import tqdm
    if settings.bar_position is not None:
        options |= {"position": settings.bar_position, "leave": False}
    return tqdm(iterable, disable=quiet, **options)


def machine(device: str) -> dict:
    """What ran: processor or GPU, threads, precision and versions (no host name, no path)."""
    gpu = torch.cuda.get_device_name(device) if kind_of(device) == "cuda" else None
    return {
        "device": gpu or _capabilities().get("cpu_name") or platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "precision": precision(device),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def peak_memory_gib(children: bool = False) -> float:
    """The largest resident memory of this process so far, or of any finished child of it, in GiB.

    Raises:
        ImportError: on Windows, which does not count it.
    """
    import resource

    peak = resource.getrusage(resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)  # macOS counts bytes, Linux KiB


def core_seconds_of_children() -> float:
    """Seconds of processor time that this process's finished children used, all cores added up.

    Raises:
        ImportError: on Windows, which does not count it.
    """
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
