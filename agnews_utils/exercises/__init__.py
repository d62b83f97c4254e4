"""Exercises that check themselves: ``check("04.1", answer)`` and ``hint("04.1")``, offline.

``content`` is the one source. A solution is a function there, and so is every mistake that is known by name; the
student's stub is the solution without its lines. ``python -m agnews_utils.commands.exercises`` writes the notebooks'
exercise cells from it.
"""

from .checking import check, hint

__all__ = ["check", "hint"]
