"""``python -m agnews_utils.distil FOLDER --out MODEL``: a student of one's own topics, taught and measured."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Runs the command and returns its exit status; what is finished when a user leaves is found again.

    Args:
        arguments: as :mod:`agnews_utils.commands.topics` describes them
    """
    try:
        from .commands.topics import main as distil  # here, so that Ctrl-C is quiet while it is imported too

        return distil(arguments)
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from the last finished epoch of each part.", file=sys.stderr)
        return 130  # 128 + the number of the signal, as a shell says it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
