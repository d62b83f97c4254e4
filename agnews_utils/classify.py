"""``python -m agnews_utils.classify "Stocks rally as oil falls"``: a text's class, without PyTorch."""

from __future__ import annotations

import sys

from .support.command import run_command


def main(arguments: list[str]) -> int:
    """Runs the command and returns its exit status.

    Args:
        arguments: as :mod:`agnews_utils.export.command_line` describes them
    """
    from .export.command_line import main as classify  # here, so that Ctrl-C is heard while it is imported too

    return classify(arguments)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
