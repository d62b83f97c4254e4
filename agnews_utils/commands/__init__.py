"""The Makefile's targets: each module is one command, ``python -m agnews_utils.commands.<name>``."""
