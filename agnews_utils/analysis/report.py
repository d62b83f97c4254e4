"""The numbers that the report prints, and the curves of its own runs."""

from __future__ import annotations

import pandas as pd

from ..settings import ROOT
from ..study.runs import MODEL1, MODEL2, MODEL3, MODEL4, MODEL5, MODEL6

REPORT_CURVES = ROOT / "data" / "report_curves.csv"
QUOTED = {MODEL5: 0.9083}  # Conneau et al. 2017, table 5, max-pooling: the report quotes it and ran nothing
# the report's own table of each model
REPORT_TABLES = {
    name: f"Table {min(number, 5)}" for number, name in enumerate((MODEL1, MODEL2, MODEL3, MODEL4, MODEL5, MODEL6), 1)
}


def report_curves() -> pd.DataFrame:
    """The report's own runs, one row an epoch: run, epoch, losses, accuracies, train_seconds."""
    return pd.read_csv(REPORT_CURVES)


def report_accuracy() -> dict[str, float]:
    """The report's test accuracy of each of its models: its best test epoch, or what it quotes."""
    return report_curves().groupby("run")["test_accuracy"].max().to_dict() | QUOTED
