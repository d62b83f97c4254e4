"""The Makefile's targets: each module is one command, ``python -m agnews_utils.commands.<name>``."""

from ..support.command import end_quietly_while_importing

end_quietly_while_importing()
