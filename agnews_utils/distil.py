"""``python -m agnews_utils.distil FOLDER --out MODEL``: a student of one's own topics, taught and measured."""

from __future__ import annotations

import sys

from .support.command import run_command

STOPPED = "Stopped; the same command goes on from the last finished epoch of each part."


def main(arguments: list[str]) -> int:
    """Runs the command and returns its exit status; what is finished when a user leaves is found again.

    Args:
        arguments: as :mod:`agnews_utils.commands.topics` describes them
    """
    from .commands.topics import main as distil  # here, so that Ctrl-C is heard while it is imported too

    return distil(arguments)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], stopped=STOPPED))
