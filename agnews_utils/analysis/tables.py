"""Tables that are computed from run records alone: results, confusion, selection, costs, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from sklearn.metrics import confusion_matrix

from ..settings import CLASS_NAMES
from ..study.records import Record
from ..study.runs import ONE_MODEL, RUNS
from ..support.files import write_text
from .calibration import confidence, expected_calibration_error, fit_temperature
from .pairs import accuracy_per_article
from .report import QUOTED, REPORT_MODELS, report_accuracy, report_curves
from .statistics import accuracy_interval, seed_interval
from .wording import format_duration, format_parameters, format_percent, markdown_table

Records = Mapping[str, list[Record]]


def results_table(records: Records) -> pd.DataFrame:
    """One row a model: the report's accuracy, ours by both protocols, interval, parameters, seconds.

    ``test_accuracy`` is the mean over seeds, and ``low`` to ``high`` Wilson's interval for one run at that mean.
    ``best_test_accuracy`` is the mean over the same seeds of each run's best test epoch (the report's protocol); NaN
    for baselines without epochs. ``seconds_per_epoch`` is the mean over seeds, of the whole training where there are no
    epochs. A teacher stands for its seed 0, the one that taught; ``other_seeds`` has the test accuracy of its others.
    """
    reported, rows = report_accuracy(), []
    for name, every in records.items():
        runs = every[:1] if name in ONE_MODEL else every
        first, accuracies = runs[0], [run.test_accuracy for run in runs]
        low, high = accuracy_interval(accuracy_per_article(runs))
        by_epoch = "test_accuracy" in first.history
        rows.append(
            {
                "run": name,
                "model": first.run.title,
                "report_model": REPORT_MODELS.get(name, ""),
                "parameters": first.parameters,
                "report": reported.get(name, np.nan),
                "best_test_accuracy": np.mean([run.best_test_accuracy for run in runs]) if by_epoch else np.nan,
                "test_accuracy": np.mean(accuracies),
                "low": low,
                "high": high,
                "seeds": len(runs),
                "sd": np.std(accuracies, ddof=1) if len(runs) > 1 else np.nan,
                "other_seeds": " ".join(f"{run.test_accuracy:.6f}" for run in every[len(runs) :]),
                "train_seconds": np.mean([run.train_seconds for run in runs]),
                "seconds_per_epoch": np.mean([r.train_seconds / (len(r.history) if by_epoch else 1) for r in runs]),
                "train_articles": first.train_rows,
            }
        )
    return pd.DataFrame(rows)


def save_table(table: pd.DataFrame, folder: Path, caption: str, note: str = "") -> None:
    """``results_table.csv`` (numbers as they are) and ``.md`` (rounded, with ``caption`` saying what made it)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "results_table.csv", table.assign(made_with=caption).round(6).to_csv(index=False))
    write_text(folder / "results_table.md", results_markdown(table, caption) + note)


def results_markdown(table: pd.DataFrame, caption: str) -> str:
    """The results table in Markdown, accuracies in percent."""
    rows = []
    for row in table.to_dict("records"):
        others = ", ".join(format_percent(float(a)) for a in row["other_seeds"].split())
        seeds = f"{row['seeds']} (sd {format_percent(row['sd'])})" if row["seeds"] > 1 else "1"
        rows.append(
            {
                "Model": row["model"] + (f" ({row['report_model']})" if row["report_model"] else ""),
                "Trained parameters": format_parameters(row["parameters"]),
                "Report": format_percent(row["report"]) + (" (quoted)" if row["run"] in QUOTED else ""),
                "Ours, best test epoch (the report's protocol)": format_percent(row["best_test_accuracy"]),
                "**Ours, selected on validation**": f"**{format_percent(row['test_accuracy'])}**",
                "95 % interval": f"{format_percent(row['low'])} to {format_percent(row['high'])}",
                "Seeds": seeds + (f" (another: {others})" if others else ""),
                "Training articles": f"{row['train_articles']:,}",
                "An epoch": format_duration(row["seconds_per_epoch"]),
            }
        )
    return f"Test accuracy in percent. Made with: {caption}.\n\n" + markdown_table(pd.DataFrame(rows), "lrrrrlrrr")


def _every(records: Records) -> Iterator[Record]:
    return (record for runs in records.values() for record in runs)


def checkpoint_selection_bias(records: Records) -> pd.DataFrame:
    """What the best test epoch adds over the one that validation selected, for each run with a test accuracy by epoch.

    Accuracies are in percent, ``bias`` is in percentage points.
    """
    rows = []
    for record in _every(records):
        if "test_accuracy" in record.history:
            test, selected = 100 * record.history["test_accuracy"], record.best_epoch
            rows.append(
                {"model": record.run.title, "seed": record.seed, "epochs": len(test),
                 "best_test_epoch": int(test.argmax()) + 1, "selected_epoch": selected,
                 "best_test_accuracy": test.max(), "test_accuracy": test.iloc[selected - 1], 
                 "bias": test.max() - test.iloc[selected - 1]}
            )  # fmt: skip
    return pd.DataFrame(rows)


def accuracy_over_seeds(records: Records) -> pd.DataFrame:
    """Test accuracy of each run over its seeds, in percent: mean, sd, Student's t interval, extremes.

    One row a run, indexed by its name; sd and interval are NaN for a run with one seed.
    """
    rows = []
    for runs in records.values():
        values = np.array([100 * run.test_accuracy for run in runs])
        low, high = seed_interval(values)
        rows.append(
            {"model": runs[0].run.title, "seeds": len(values), "mean": values.mean(),
             "sd": values.std(ddof=1) if len(values) > 1 else np.nan, "low": low, "high": high,
             "lowest": values.min(), "highest": values.max(), "train_articles": runs[0].train_rows}
        )  # fmt: skip
    return pd.DataFrame(rows, index=list(records))


def confusion(record: Record, classes: Sequence[str] = CLASS_NAMES) -> pd.DataFrame:
    """Test articles by true class (index) and predicted class (columns)."""
    counts = confusion_matrix(record.labels, record.predictions, labels=range(len(classes)))
    return pd.DataFrame(counts, index=classes, columns=classes)


def most_confused(record: Record, classes: Sequence[str] = CLASS_NAMES) -> dict:
    """The pair of classes (``true``, ``predicted``) with most errors, how many, and their ``share`` of all errors."""
    counts = confusion(record, classes).to_numpy() * (1 - np.eye(len(classes), dtype=int))
    true, predicted = np.unravel_index(counts.argmax(), counts.shape)
    errors, names = int(counts[true, predicted]), (classes[true], classes[predicted])
    return {"true": names[0], "predicted": names[1], "errors": errors, "share": errors / max(counts.sum(), 1)}


def encoding_seconds(benchmark: pd.DataFrame) -> float:
    """Core seconds that the frozen encoder needs for an article of a shuffled batch.

    Estimated as (epoch that re-encodes − epoch from the cache) / articles, both from the benchmark's table.
    """
    row = benchmark.set_index("id").loc["teacher_cached_vs_encoding"]
    return float((row["numerator_seconds"] - row["denominator_seconds"]) * row["threads"] / row["articles"])


def making_seconds(record: Record, seconds_per_article: float) -> float:
    """Core seconds that making a run's model took: training and evaluation up to the choice of its weights, encoding.

    The full study lets some runs go on after the choice, to show the whole curve; those epochs do not count.

    Args:
        seconds_per_article: what encoding an article once takes (:func:`encoding_seconds`), for a run that reads
            features
    """
    encoded = record.train_rows * seconds_per_article if record.run.inputs == "features" else 0.0
    return 3600 * record.core_hours * record.needed_share + encoded


def costs(records: Records, seconds_per_article: float) -> pd.DataFrame:
    """What the study cost, one row a run: seeds, epochs, core hours here, the report's GPU hours, encoding that was
    saved.

    Args:
        seconds_per_article: see :func:`encoding_seconds`. Without a cache, a run that reads features or a frozen
        teacher's
            logits would encode every training article in every epoch
    """
    hours = (report_curves().groupby("run")["train_seconds"].sum() / 3600).to_dict()
    rows = []
    for name, runs in records.items():
        run, lengths = runs[0].run, [len(record.history) for record in runs]
        read = sum(length * record.train_rows for length, record in zip(lengths, runs, strict=True))
        needs_encoder = run.inputs == "features" or (run.teacher and RUNS[run.teacher].inputs == "features")
        rows.append(
            {"model": run.title, "group": run.group, "seeds": len(runs),
             "epochs": sum(lengths) if run.inputs != "text" else 0, "core_hours": sum(r.core_hours for r in runs),
             "report_gpu_hours": hours.get(name, np.nan),
             "encoding_hours_saved": read * seconds_per_article / 3600 if needs_encoder else 0.0}
        )  # fmt: skip
    return pd.DataFrame(rows)


def calibration_table(records: Records) -> pd.DataFrame:
    """Calibration on test articles, one row a model (the index), means over its seeds.

    Accuracy, mean ``confidence`` and expected calibration error (``ece``) in percent; the latter again (``ece_scaled``)
    at the ``temperature`` fitted on validation articles; and the ``cross_entropy`` (nats).
    """
    rows = {runs[0].run.title: pd.DataFrame([_calibration(run) for run in runs]).mean() for runs in records.values()}
    table = pd.DataFrame(rows).T.rename_axis("model")
    table.insert(0, "seeds", [len(runs) for runs in records.values()])
    return table


def _calibration(run: Record) -> dict[str, float]:
    logits, labels = run.test_logits, run.labels
    temperature = fit_temperature(run.validation_logits, run.validation_labels)
    return {
        "accuracy": 100 * run.test_accuracy,
        "confidence": 100 * confidence(logits).mean(),
        "ece": 100 * expected_calibration_error(logits, labels),
        "temperature": temperature,
        "ece_scaled": 100 * expected_calibration_error(logits / temperature, labels),
        "cross_entropy": -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean(),
    }
