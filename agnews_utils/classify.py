"""``python -m agnews_utils.classify "Stocks rally as oil falls"``: a text's class, without PyTorch."""

from __future__ import annotations

import os
import sys


def main(arguments: list[str]) -> int:
    """Runs the command and returns its exit status; a user or a reader who leaves ends it quietly.

    Args:
        arguments: as :mod:`agnews_utils.export.command_line` describes them
    """
    try:
        from .export.command_line import main as classify  # here, so that Ctrl-C is quiet while it is imported too

        return classify(arguments)
    except KeyboardInterrupt:
        return 130  # 128 + the number of the signal, as a shell says it
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes at exit
        return 141


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
