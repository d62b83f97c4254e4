"""What a student's card says of it, computed from its run record; and the cards for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from ..settings import CLASS_NAMES
from ..study.records import Record
from .calibration import answered, confidence_threshold, expected_calibration_error, fit_temperature
from .statistics import accuracy_interval
from .wording import format_percent, markdown_table

ANSWERED_ACCURACY = 0.97  # what the answers above a card's threshold reach on validation articles
FLOATS = "computed from the run's record, before int8; int8_test_accuracy alone is of this file"
LIMITS = (
    "It knows the four classes of AG News, English news of the early 2000s, and puts every text into one of them. It "
    "reads the first 64 word pieces. Its confidence and its threshold were set on such news: of other texts they say "
    "little."
)
LICENCE = (
    "The weights were trained on AG News (Zhang, Zhao and LeCun 2015, from A. Gulli's corpus), which is free for "
    "research and other non-commercial use: use them likewise. No article is in the file."
)


def student_card(record: Record, teacher: str | None, classes: Sequence[str] = CLASS_NAMES) -> dict[str, Any]:
    """What the card says beside what the file is: accuracies, calibration and threshold as shares, and words.

    Temperature and threshold are chosen on validation articles; the test articles only measure.

    Args:
        teacher: in words; None for a student of labels alone
        classes: the classes' names, in the order of their numbers
    """
    validation = record.validation_logits, record.validation_labels
    # where every validation article is right, the best temperature would be 0 and every answer certain
    temperature = 1.0 if record.validation_accuracy == 1 else round(fit_temperature(*validation), 4)
    calibrated, test = (validation[0] / temperature, validation[1]), (record.test_logits / temperature, record.labels)
    low, high = accuracy_interval(record.correct)
    precision, recall, *_ = precision_recall_fscore_support(
        record.labels, record.predictions, labels=range(len(classes)), zero_division=0
    )
    return {
        "teacher": teacher or "none: labels alone",
        "train_articles": record.train_rows,
        "without_labels": bool(record.run.further and not record.run.further_labels),
        "test_articles": len(record.labels),
        "test_accuracy": round(record.test_accuracy, 6),
        "test_interval": [round(low, 4), round(high, 4)],
        "precision": _by_class(classes, precision),
        "recall": _by_class(classes, recall),
        "calibration_error": round(expected_calibration_error(record.test_logits, record.labels), 4),
        "calibration_error_at_temperature": round(expected_calibration_error(*test), 4),
        "temperature": temperature,
        **_abstaining(calibrated, test),
        "computed": FLOATS,
        "limits": LIMITS,
        "licence": LICENCE,
    }


def _abstaining(validation: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    """The threshold and what it does; nothing where no confidence reaches the accuracy asked for."""
    try:
        threshold = confidence_threshold(*validation, ANSWERED_ACCURACY)
    except ValueError:
        return {}
    reached = {"validation": _answered(*validation, threshold), "test": _answered(*test, threshold)}
    return {"threshold": threshold, "answered": reached}


def _answered(logits: np.ndarray, labels: np.ndarray, threshold: float) -> dict[str, float]:
    share, accuracy = answered(logits, labels, threshold)
    return {"share": round(share, 4), "accuracy": round(accuracy, 4)}


def _by_class(classes: Sequence[str], shares: np.ndarray) -> dict[str, float]:
    return dict(zip(classes, np.round(shares, 4).tolist(), strict=True))


README = """\
# Students that read news

The students of notebook 07, each one file: int8 weights, vocabulary and card. NumPy, safetensors and tokenizers
are all they need. From the project's folder:

```
python -m agnews_utils.classify "Stocks rally as oil falls"
```

```python
from agnews_utils.export.student import load_student

student = load_student("data/models/student_5mb.safetensors")
print(student.card["classes"], student.predict_proba(["Stocks rally as oil falls"]))
```

`python -m agnews_utils.classify --help` names the rest: other students, files and pipes, CSV and JSON lines,
`--abstain`.

## What they reach

Percent of the test articles. The int8 accuracy is of the file itself. All else on this page was computed from the
record of the run, before int8.

{accuracy}
Precision and recall of each class:

{classes}
Calibration: the expected calibration error on test articles, in percent, before and after logits are divided by the
temperature. The temperature was fitted on validation articles, and `predict_proba` uses it. Where it is near 1, there
was little to mend.

{calibration}
`--abstain` says "unsure" below the threshold. That is the smallest confidence from which on {target:.0f} % of the
answers to validation articles were correct.

{threshold}
## How they were made

{made}
## Limits and licence

{limits}

{licence}

This page is written from the files' own cards: `python -m agnews_utils.commands.publish cards`.
"""


def models_readme(cards: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, int]) -> str:
    """The cards for people, in Markdown.

    Args:
        cards: by file name
        sizes: bytes of each file
    """
    tables = {
        "accuracy": {name: {"bytes": f"{sizes[name]:,}"} | _accuracy(card) for name, card in cards.items()},
        "classes": {name: _classes(card) for name, card in cards.items()},
        "calibration": {name: _calibration(card) for name, card in cards.items()},
        "threshold": {name: _threshold(card) for name, card in cards.items()},
    }
    return README.format(
        **{name: _table(rows) for name, rows in tables.items()},
        made="".join(_how_made(name, card) for name, card in cards.items()), target=100 * ANSWERED_ACCURACY,
        limits=LIMITS, licence=LICENCE,
    )  # fmt: skip


def _table(rows: Mapping[str, Mapping[str, str]]) -> str:
    frame = pd.DataFrame([{"file": f"`{name}`", **row} for name, row in rows.items()])
    return markdown_table(frame, "l" + "r" * (frame.shape[1] - 1))


def _accuracy(card: Mapping[str, Any]) -> dict[str, str]:
    low, high = map(format_percent, card["test_interval"])
    return {
        "accuracy, int8": format_percent(card["int8_test_accuracy"]),
        "accuracy": format_percent(card["test_accuracy"]),
        "95 % interval": f"{low} to {high}",
    }


def _classes(card: Mapping[str, Any]) -> dict[str, str]:
    both = {name: (card["precision"][name], card["recall"][name]) for name in card["classes"]}
    return {name: " / ".join(map(format_percent, pair)) for name, pair in both.items()}


def _calibration(card: Mapping[str, Any]) -> dict[str, str]:
    return {
        "before": format_percent(card["calibration_error"]),
        "after": format_percent(card["calibration_error_at_temperature"]),
        "temperature": f"{card['temperature']:.3f}",
    }


def _threshold(card: Mapping[str, Any]) -> dict[str, str]:
    columns = {"threshold": f"{card['threshold']:.3f}"}
    for split, reached in card["answered"].items():
        columns[f"{split}: answered"] = format_percent(reached["share"])
        columns[f"{split}: correct"] = format_percent(reached["accuracy"])
    return columns


def _how_made(name: str, card: Mapping[str, Any]) -> str:
    texts = f"{card['train_articles']:,} texts" + (", some of them without labels" if card["without_labels"] else "")
    return (
        f"- `{name}`: run `{card['run']}`, seed {card['seed']} (the best of its seeds on validation). Data: "
        f"{card['made_with']}. It read {texts}. Teacher: {card['teacher']}.\n"
    )
