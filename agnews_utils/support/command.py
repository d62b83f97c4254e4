"""How a command starts and ends: any terminal, Ctrl-C, a reader who leaves, errors that are sentences of ours."""

from __future__ import annotations

import argparse
import codecs
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
STOPPED = "Stopped: what was finished is there, and nothing is half written."
INTERRUPTED, NO_READER = 130, 141  # 128 + the number of the signal, as a shell says it
# for terminals that have no other characters than those of their country
PLAIN = {"–": "-", "—": "-", "…": "...", "×": "x", "µ": "u", "τ": "tau", "β": "beta", "γ": "gamma", "’": "'", "→": "->"}


def run_command(
    main: Callable[..., int], *arguments: object, stopped: str = STOPPED, without_options: str | None = None
) -> int:
    """Runs a command's ``main`` and returns the process' exit status.

    Args:
        main: given ``arguments``, returns the status
        stopped: what is said after Ctrl-C
        without_options: of a command that takes none, what --help says of it

    An error that this package raised in words, or one of the system about a file, is printed as its sentence, with
    status 1. Any other is a mistake of the program and ends in Python's own account.
    """
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    accept_any_character()
    if without_options is not None:
        name = Path(sys.argv[0]).stem
        argparse.ArgumentParser(f"python -m agnews_utils.commands.{name}", description=without_options).parse_args()
    try:
        status = main(*arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # a reader who left is noticed here at the latest
        return status
    except KeyboardInterrupt:
        say(stopped)
        return INTERRUPTED
    except BrokenPipeError:
        # else Python complains when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_READER
    except (OSError, ValueError, KeyError, ModuleNotFoundError) as reason:
        sentence = in_words(reason)
        if sentence is None:
            raise
        say(sentence)
        return 1


def say(sentence: str) -> None:
    """Prints a sentence to stderr, on a line of its own even where a progress bar stands."""
    print(f"\n{sentence}" if sys.stderr.isatty() else sentence, file=sys.stderr, flush=True)


def in_words(reason: Exception) -> str | None:
    """What to print of an error; None if it was not raised by this package, and is not the system's about a file."""
    last = traceback.extract_tb(reason.__traceback__)[-1]
    raised_here = Path(last.filename).resolve().is_relative_to(PACKAGE) and (last.line or "").startswith("raise ")
    if isinstance(reason, OSError) and reason.strerror and (raised_here or reason.filename):
        return f"{reason.filename}: {reason.strerror}." if reason.filename else f"{reason.strerror}."
    return str(reason.args[0]) if raised_here and reason.args else None


def accept_any_character() -> None:
    """Lets stdout and stderr print what their encoding lacks in a plain form, or as a question mark."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(one, "?") for one in error.object[error.start : error.end]), error.end


def hear_ctrl_c_while_importing() -> None:
    """Lets Ctrl-C say :data:`STOPPED`, and no more, until :func:`run_command`: the libraries take seconds to import."""
    begins = sys.argv[:1] == ["-m"]  # of ``python -m``, while it looks for the module
    if begins and signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is to be ignored
        signal.signal(signal.SIGINT, _end)


def _end(*_: object) -> None:
    say(STOPPED)
    os._exit(INTERRUPTED)  # nothing is open yet; an exception could end up in a library's own hands
