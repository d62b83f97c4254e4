"""The Makefile's targets: each module is one command, ``python -m agnews_utils.commands.<name>``."""

from ..support.command import hear_ctrl_c_while_importing

hear_ctrl_c_while_importing()
