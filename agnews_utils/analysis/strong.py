"""What notebook 07 reads from the records: accuracy against labels, and the gains of the ladder in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..study.records import Record
from ..study.strong import SCARCE, scarce_names
from .pairs import gains_by_seed, match_seeds
from .statistics import two_way_bootstrap_interval

Records = Mapping[str, list[Record]]
SCARCE_KINDS = ("TF-IDF + linear", "fine-tuned teacher", "student on the labels alone", "student with the teacher")


def accuracy_against_labels(records: Records) -> pd.DataFrame:
    """Mean test accuracy in percent of each kind of model (the columns), by the number of labels (the index)."""
    rows = {}
    for labels in SCARCE:
        there = {kind: records[name] for kind, name in zip(SCARCE_KINDS, scarce_names(labels), strict=True)
                 if name in records}  # fmt: skip
        if there:
            rows[labels] = {kind: 100 * np.mean([r.test_accuracy for r in runs]) for kind, runs in there.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("labels")


def gain_in_words(records: Records, baseline: str, treatment: str, fixed: Sequence[str] = ()) -> str:
    """One gain in percentage points with its interval over seeds and articles, and whether that excludes zero."""
    gains = gains_by_seed(*match_seeds(records, baseline, treatment, fixed))
    low, high = two_way_bootstrap_interval(gains)
    clear = "excludes zero" if low > 0 or high < 0 else "includes zero"
    return (
        f"{100 * gains.to_numpy().mean():+.2f} percentage points (95 % {100 * low:+.2f} to {100 * high:+.2f}, "
        f"{len(gains)} seeds; the interval {clear})"
    )


def there(records: Records, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the pairs whose runs both have records."""
    return [pair for pair in pairs if all(name in records for name in pair)]
