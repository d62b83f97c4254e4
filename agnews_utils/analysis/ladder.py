"""What each factor adds to a student: gains over shared seeds, with the intervals that seeds and articles allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..study.records import Record
from .pairs import gains_by_seed, match_seeds
from .statistics import seed_interval, two_way_bootstrap_interval

Records = Mapping[str, list[Record]]


def validation_accuracy(runs: Sequence[Record]) -> float:
    """Mean validation accuracy of the selected epochs: what choices may be made by."""
    return float(np.mean([(run.validation_logits.argmax(axis=1) == run.validation_labels).mean() for run in runs]))


def steps_table(
    records: Records, names: Sequence[str], against: Sequence[str], fixed: Sequence[str] = ()
) -> pd.DataFrame:
    """Each run with its accuracy, and its gain over another one in percentage points.

    ``low`` to ``high`` is the two-way bootstrap over seeds and articles, ``seeds_low`` to ``seeds_high`` Student's t
    over seeds, for these test articles. Runs without a record are left out.

    Args:
        names, against: a run and the one that it is held against, in pairs
        fixed: runs without seeds of their own (see :func:`agnews_utils.analysis.pairs.match_seeds`)
    """
    rows = []
    for name, other in zip(names, against, strict=True):
        if name not in records:
            continue
        runs = records[name]
        row = {
            "run": name, "model": runs[0].run.title, "seeds": len(runs), "parameters": runs[0].parameters,
            "validation": 100 * validation_accuracy(runs),
            "test": 100 * float(np.mean([run.test_accuracy for run in runs])),
        }  # fmt: skip
        if other in records and other != name:
            gains = gains_by_seed(*match_seeds(records, other, name, fixed))
            ends = (*two_way_bootstrap_interval(gains), *seed_interval(gains.mean(axis=1)))
            row |= {"against": records[other][0].run.title, "gain": 100 * gains.to_numpy().mean()}
            row |= {k: 100 * v for k, v in zip(("low", "high", "seeds_low", "seeds_high"), ends, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows).set_index("run")
