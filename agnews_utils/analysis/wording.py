"""Numbers, counts and column names as text."""

from __future__ import annotations

import numpy as np
import pandas as pd

# what the columns of the analysis' tables are called where people read them
LABELS = {
    "best_epoch": "best of all epochs", "best_epoch_accuracy": "accuracy, best of all",
    "best_test_epoch": "best test epoch", "best_test_accuracy": "accuracy, best test epoch",
    "selected_epoch": "epoch selected on validation", "test_accuracy": "accuracy, selected on validation",
    "bias": "bias (percentage points)", "train_articles": "training articles", "core_hours": "core hours",
    "report_gpu_hours": "report, GPU hours of training", "encoding_hours_saved": "core hours of encoding saved",
    "confidence": "mean confidence", "ece": "expected calibration error", "temperature": "fitted temperature",
    "ece_scaled": "the same at that temperature", "cross_entropy": "cross-entropy (nats)",
    "only_baseline_correct": "only the baseline correct", "only_treatment_correct": "only the treatment correct",
    "treatment_wins": "seeds with p < 0.05 for the treatment", "baseline_wins": "seeds with p < 0.05 for the baseline",
    "gain": "gain (percentage points)", "low": "95 % low", "high": "95 % high", "seeds_low": "low, over seeds alone",
    "seeds_high": "high, over seeds alone", "components_low": "low, by components",
    "components_high": "high, by components",
}  # fmt: skip


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns named for people."""
    return table.rename(columns=LABELS)


def markdown_table(table: pd.DataFrame, align: str = "") -> str:
    """A table of texts in Markdown, without its index; ``align`` has ``l`` or ``r`` for each column."""
    sides = [{"l": "left", "r": "right"}[side] for side in align] or None
    return table.astype(str).to_markdown(index=False, colalign=sides, disable_numparse=True) + "\n"


def format_parameters(count: int) -> str:
    """A number of parameters: millions from one tenth of a million on, else as it is."""
    return f"{count / 1e6:.2f} M" if count >= 100_000 else f"{count:,}"


def format_percent(share: float) -> str:
    """A share as a percentage without its sign, two decimals; a dash where there is none."""
    return "–" if np.isnan(share) else f"{100 * share:.2f}"


def format_duration(seconds: float) -> str:
    """A duration as a person says it."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 seed", "3 seeds"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def format_p(p: float) -> str:
    """A p value with as many digits as it deserves, below one in ten thousand as "< 0.0001"."""
    digits = next((digits for limit, digits in ((0.01, 4), (0.1, 3)) if p < limit), 2)
    return "< 0.0001" if p < 1e-4 else f"{p:.{digits}f}"
