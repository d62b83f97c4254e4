"""The runs of the study: what they are, what is kept of them, and how one is loaded or made."""

from .runs import RUNS, Run
from .study import Study

__all__ = ["RUNS", "Run", "Study"]
