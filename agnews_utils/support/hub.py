"""What the Hugging Face hub's library says when it cannot be reached."""

from __future__ import annotations


def hub_errors() -> tuple[type[Exception], ...]:
    """How ``huggingface_hub`` says that a file cannot be had; its HTTP library differs between versions."""
    from huggingface_hub.errors import HfHubHTTPError

    return (OSError, RuntimeError, HfHubHTTPError.__mro__[1])


def one_line(reason: BaseException, longest: int = 120) -> str:
    """The first line of a library's complaint, cut at ``longest`` characters, for a sentence of ours."""
    text = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
    return text if len(text) <= longest else text[: longest - 1] + "…"
