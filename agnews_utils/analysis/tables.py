"""The results table and what else is read off run records: confusion, selection, gains by kind of article, costs.

Everything here is computed from run records alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from ..settings import CLASS_NAMES, ROOT
from ..study.records import COMMITTED_RESULTS, Record, read_records
from ..study.runs import RUNS
from ..study.study import Study
from ..support.files import write_text
from .corpus import NEAR
from .statistics import (
    accuracy_interval,
    components_interval,
    gain_interval,
    gains_by_seed,
    mcnemar,
    seed_interval,
    two_way_interval,
)

REPORT_CURVES = ROOT / "data" / "report_curves.csv"
QUOTED = {
    "model5_char_vdcnn": 0.9083
}  # Conneau et al. 2017, table 5, max-pooling: the report quotes it and ran nothing
# the report's own table and row of each model
REPORT_TABLES = {
    "model1_simple_cnn_plain": "Table 1",
    "model2_simple_cnn_distilled": "Table 2",
    "model3_simpler_cnn_plain": "Table 3",
    "model4_simpler_cnn_distilled": "Table 4",
    "model5_char_vdcnn": "Table 5",
    "model6_bert_vdcnn_teacher": "Table 5",
}


def study_records(study: Study, *parts: str) -> dict[str, list[Record]]:
    """The study's runs by name, a record a seed: read where there is one, else made (see :meth:`Study.seeds`).

    Args:
        parts: of which parts of the study (see :class:`agnews_utils.study.runs.Run`); all if none is named
    """
    names = [name for name, run in RUNS.items() if not parts or run.part in parts]
    records = {name: [study.record(name, seed) for seed in study.seeds(name)] for name in names}
    return {name: runs for name, runs in records.items() if runs}


def widest_records(study: Study) -> tuple[dict[str, list[Record]], str]:
    """All records of the widest study at hand and what made them: ``study``'s own, or in ``quick`` the published ones.

    Raises:
        FileNotFoundError: ``quick``, and no full study is committed.
    """
    return published_records() if study.settings.profile.name == "quick" else (study_records(study), study.title)


def published_records() -> tuple[dict[str, list[Record]], str]:
    """All records of the full study that is committed under ``data/results``, and what made them.

    Raises:
        FileNotFoundError: there is none.
    """
    folders = sorted({path.parent.parent for path in COMMITTED_RESULTS.glob("*-full/*/record.json")})
    if not folders:
        raise FileNotFoundError(
            f"There is no full study under {COMMITTED_RESULTS}: get it with git, or make one (make study, AGNEWS_PROFILE=full)."
        )
    records = read_records(max(folders, key=lambda folder: len(list(folder.glob("*/record.json")))))
    # a run that is no longer planned is no part of it
    records = {name: runs for name, runs in records.items() if name in RUNS}
    facts = next(iter(records.values()))[0].facts
    return records, (
        f"{facts['data']['title']}, {facts['rows']['train']:,} training rows, encoder {facts['encoder']['name']} "
        "(the published full study)"
    )


def of_parts(records: Mapping[str, list[Record]], *parts: str) -> dict[str, list[Record]]:
    """The records of runs of these parts of the study (see :class:`agnews_utils.study.runs.Run`)."""
    return {name: runs for name, runs in records.items() if RUNS[name].part in parts}


def report_curves() -> pd.DataFrame:
    """The report's own runs, one row an epoch: run, epoch, losses, accuracies, train_seconds."""
    return pd.read_csv(REPORT_CURVES)


def report_accuracy() -> dict[str, float]:
    """The report's test accuracy of each of its models: its best test epoch, or what it quotes."""
    best = report_curves().groupby("run")["test_accuracy"].max().to_dict()
    return best | QUOTED


def mean_right(records: list[Record]) -> np.ndarray:
    """Share of seeds that got each test row right: (rows,)."""
    return np.mean([record.right for record in records], axis=0)


def results_table(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """One row a model: the report's accuracy, ours by both protocols, interval, parameters, seconds.

    With several seeds the accuracy and the seconds are means over them, and the interval is Wilson's for one run at the mean
    accuracy (that of the mean itself is narrower). The best test epoch is that of the first seed, beside the number of epochs
    that it is the best of: the first seeds of Models 1 to 4 and 6 train all that their recipe allows, any other run may have
    stopped early. Empty for a run that has no test
    accuracy by epoch.
    """
    reported = report_accuracy()
    rows = []
    for name, runs in records.items():
        first = runs[0]
        low, high = accuracy_interval(mean_right(runs))
        by_epoch = "test_accuracy" in first.history
        epochs = len(first.history) if by_epoch else np.nan
        rows.append(
            {
                "run": name,
                "model": first.run.title,
                "table": REPORT_TABLES.get(name, ""),
                "parameters": first.facts["parameters"],
                "report": reported.get(name, np.nan),
                "ours, best test epoch": first.best_test_accuracy if by_epoch else np.nan,
                "epochs of the first seed": epochs,
                "stopped early": by_epoch and epochs < first.facts["recipe"]["epochs"],
                "ours, selected on validation": np.mean([r.test_accuracy for r in runs]),
                "95% low": low,
                "95% high": high,
                "seeds": len(runs),
                "sd over seeds": np.std([r.test_accuracy for r in runs], ddof=1) if len(runs) > 1 else np.nan,
                "training seconds": np.mean([r.train_seconds for r in runs]),
                "training rows": first.facts["rows"]["train"],
            }
        )
    return pd.DataFrame(rows)


def selection(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """For each run with a test accuracy by epoch: what the best test epoch adds over the one that validation chose (points)."""
    rows = []
    for record in (record for runs in records.values() for record in runs):
        if "test_accuracy" not in record.history:
            continue
        test, chosen = 100 * record.history["test_accuracy"], record.facts["best_epoch"]
        rows.append(
            {"model": record.run.title, "seed": record.seed, "epochs": len(test), "best test epoch": int(test.argmax()) + 1,
             "validation's epoch": chosen, "accuracy, best test": test.max(), "accuracy, validation's": test.iloc[chosen - 1],
             "optimism": test.max() - test.iloc[chosen - 1]}
        )  # fmt: skip
    return pd.DataFrame(rows)


def save_table(table: pd.DataFrame, folder: Path, caption: str) -> None:
    """``results_table.csv`` (numbers as they are) and ``.md`` (rounded, with ``caption`` saying what made it)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "results_table.csv", table.assign(made_with=caption).round(6).to_csv(index=False))
    write_text(folder / "results_table.md", table_markdown(table, caption))


def table_markdown(table: pd.DataFrame, caption: str) -> str:
    """The results table in Markdown, accuracies in percent."""
    lines = [
        f"Test accuracy in percent. Made with: {caption}.",
        "",
        "| Model | Trained parameters | Report | Ours, best test epoch of the first seed (the report's protocol) | **Ours, selected on validation** "
        "| 95 % interval | Seeds | Training rows | Training |",
        "|---|---:|---:|---:|---:|---|---|---:|---:|",
    ]
    for row in table.to_dict("records"):
        where = f" ({row['table']})" if row["table"] else ""
        report, best, ours, low, high = (
            percent(row[column])
            for column in ("report", "ours, best test epoch", "ours, selected on validation", "95% low", "95% high")
        )
        quoted = " (quoted)" if row["run"] in QUOTED else ""
        of = f" (of {row['epochs of the first seed']:.0f} epochs)" if row["stopped early"] else ""
        seeds = f"{row['seeds']} (sd {percent(row['sd over seeds'])})" if row["seeds"] > 1 else "1"
        lines.append(
            f"| {row['model']}{where} | {parameters_in_words(row['parameters'])} | {report}{quoted} | {best}{of} | **{ours}** "
            f"| {low} to {high} | {seeds} | {row['training rows']:,} | {seconds_in_words(row['training seconds'])} |"
        )
    return "\n".join(lines) + "\n"


def parameters_in_words(count: int) -> str:
    """A number of parameters: millions from one tenth of a million on, else as it is."""
    return f"{count / 1e6:.2f} M" if count >= 100_000 else f"{count:,}"


def percent(share: float) -> str:
    """A share as a percentage without its sign, two decimals; a dash where there is none."""
    return "–" if np.isnan(share) else f"{100 * share:.2f}"


def seconds_in_words(seconds: float) -> str:
    """A duration as a person says it."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def confusion(record: Record) -> pd.DataFrame:
    """Test rows by true class (index) and predicted class (columns)."""
    counts = confusion_matrix(record.labels, record.predictions, labels=range(len(CLASS_NAMES)))
    return pd.DataFrame(counts, index=CLASS_NAMES, columns=CLASS_NAMES)


def most_confused(record: Record) -> dict:
    """The pair of classes (``true``, ``predicted``) with most errors, how many, and their ``share`` of all errors."""
    counts = confusion(record).to_numpy() * (1 - np.eye(len(CLASS_NAMES), dtype=int))
    true, predicted = np.unravel_index(counts.argmax(), counts.shape)
    errors, names = int(counts[true, predicted]), (CLASS_NAMES[true], CLASS_NAMES[predicted])
    return {"true": names[0], "predicted": names[1], "errors": errors, "share": errors / max(counts.sum(), 1)}


def pair_of(
    records: Mapping[str, list[Record]], a: str, b: str, fixed: Collection[str] = ()
) -> tuple[list[Record], list[Record]]:
    """The records of two runs, to be compared seed by seed.

    Args:
        fixed: runs of which one model is asked, the first seed's, against every seed of the other run: the teacher that
            taught, or a model without chance. Its seeds would pair with the other's by number alone, which means nothing
    """
    before, after = (records[name][:1] if name in fixed else records[name] for name in (a, b))
    if a in fixed:
        before = [replace(before[0], seed=run.seed) for run in after]
    if b in fixed:
        after = [replace(after[0], seed=run.seed) for run in before]
    return before, after


def paired(
    records: Mapping[str, list[Record]], pairs: Sequence[tuple[str, str]], fixed: Collection[str] = ()
) -> pd.DataFrame:
    """Each pair (a, b) of runs over the seeds that both have; gains b - a and their intervals in points.

    ``low`` to ``high`` is the two-way bootstrap over seeds and test rows, ``seeds low`` to ``seeds high`` Student's t over
    seeds for these very rows, ``once low`` to ``once high`` the interval from variance components; then the
    exact McNemar test of the first shared seed, and the number of seeds at which it gives p < 0.05 in favour of b and of a.

    Args:
        fixed: runs of which only the first seed's model is asked, see :func:`pair_of`
    """
    rows = []
    for a, b in pairs:
        gains = gains_by_seed(*pair_of(records, a, b, fixed))
        tests = [mcnemar(gain < 0, gain > 0) for gain in gains.to_numpy()]
        low, high = two_way_interval(gains)
        seeds_low, seeds_high = seed_interval(gains.mean(axis=1))
        once_low, once_high = components_interval(gains)
        first = tests[0]
        rows.append(
            {"a": records[a][0].run.title, "b": records[b][0].run.title, "seeds": len(gains),
             "gain": 100 * gains.to_numpy().mean(), "low": 100 * low, "high": 100 * high,
             "seeds low": 100 * seeds_low, "seeds high": 100 * seeds_high,
             "once low": 100 * once_low, "once high": 100 * once_high,
             "only a right": first["only_a"], "only b right": first["only_b"], "p": first["p"],
             "b better at p < 0.05": sum(test["p"] < 0.05 and test["gain"] > 0 for test in tests),
             "a better at p < 0.05": sum(test["p"] < 0.05 and test["gain"] < 0 for test in tests)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def seed_gains(before: list[Record], after: list[Record]) -> pd.Series:
    """Gain in test accuracy for each seed that both runs have, by seed."""
    return gains_by_seed(before, after).mean(axis=1)


def accuracy_over_seeds(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """Validation-selected test accuracy of each run over its seeds, in percent: mean, sd, Student's t interval, extremes.

    One row a run, indexed by its name; sd and interval are not a number for a run with one seed.
    """
    rows = []
    for runs in records.values():
        values = np.array([100 * run.test_accuracy for run in runs])
        low, high = seed_interval(values)
        rows.append(
            {"model": runs[0].run.title, "seeds": len(values), "mean": values.mean(),
             "sd": values.std(ddof=1) if len(values) > 1 else np.nan, "low": low, "high": high,
             "lowest seed": values.min(), "highest seed": values.max(),
             "training rows": runs[0].facts["rows"]["train"]}
        )  # fmt: skip
    return pd.DataFrame(rows, index=list(records))


def patience_costs(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """What stopping early gives away, on the runs that had a patience and trained all epochs all the same.

    One row a run: the epoch kept by the rule and the one that validation would have chosen of all, with their test accuracies
    in percent.
    """
    rows = []
    for record in (record for runs in records.values() for record in runs):
        recipe = record.facts["recipe"]
        if recipe["patience"] and recipe["run_on"]:
            kept, best = record.facts["best_epoch"], int(record.history["validation_accuracy"].argmax()) + 1
            test = 100 * record.history["test_accuracy"]
            rows.append(
                {"model": record.run.title, "epochs": len(test), "kept by the rule": kept, "best of all epochs": best,
                 "accuracy, kept": test[kept - 1], "accuracy, best of all": test[best - 1]}
            )  # fmt: skip
    return pd.DataFrame(rows)


def encoding_seconds(benchmark: pd.DataFrame) -> float:
    """Core seconds that the frozen encoder needs for an article of a shuffled batch, by the benchmark's table.

    It is what a teacher's epoch that encodes again takes longer than one from cached features, both measured side by side.
    """
    row = benchmark[benchmark["what"].str.startswith("teacher: epoch that encodes again")].iloc[0]
    return float((row["seconds above"] - row["seconds below"]) * row["threads"] / row["articles"])


def costs(records: Mapping[str, list[Record]], seconds_per_article: float) -> pd.DataFrame:
    """What the study cost, one row a run: seeds, epochs, core hours here, the report's GPU hours, encoding that was saved.

    Args:
        seconds_per_article: core seconds that the frozen encoder needs for an article, as measured by the benchmark. Without a
            cache, every training article of every epoch of a run that reads features or a teacher's logits would be encoded
            again; the cache encodes each once, which is not counted here but in a row of its own by the caller.
    """
    curves = report_curves()
    hours = (curves.groupby("run")["train_seconds"].sum() / 3600).to_dict()
    rows = []
    for name, runs in records.items():
        run = runs[0].run
        epochs = sum(len(r.history) for r in runs) if run.inputs != "text" else 0
        read = sum(len(r.history) * r.facts["rows"]["train"] for r in runs)
        needs_encoder = run.inputs == "features" or (run.teacher and RUNS[run.teacher].inputs == "features")
        rows.append(
            {"model": run.title, "part": run.part, "seeds": len(runs), "epochs": epochs,
             "core hours": sum(r.core_hours for r in runs), "report, GPU hours of training": hours.get(name, np.nan),
             "core hours of encoding saved": read * seconds_per_article / 3600 if needs_encoder else 0.0}
        )  # fmt: skip
    return pd.DataFrame(rows)


def kinds_of_article(facts: pd.DataFrame, labels: np.ndarray, max_length: int) -> dict[str, np.ndarray]:
    """Named groups of test rows (boolean masks), from the numbers of :func:`agnews_utils.analysis.corpus.row_facts`."""
    short, long = facts["tokens"].quantile([1 / 3, 2 / 3])
    unseen = facts["unseen_words"]
    kinds = {f"class {name}": labels == number for number, name in enumerate(CLASS_NAMES)}
    kinds |= {
        "short (lowest third)": facts["tokens"] <= short,
        "long (highest third)": facts["tokens"] > long,
        f"cut at {max_length} tokens": facts["tokens"] > max_length,
        "holds an artefact": facts["artefact"] == 1,
        "names an agency": facts["agency"] == 1,
        "no word unseen in training": unseen == 0,
        "over 5 % of words unseen": unseen > 0.05,
        "near duplicate in training": facts["nearest_train"] >= NEAR,
    }
    return {name: np.asarray(mask) for name, mask in kinds.items() if np.sum(mask)}


def gains_by_kind(before: list[Record], after: list[Record], kinds: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Accuracy before and after on each kind of article, the gain in points with its bootstrap interval, and rows."""
    a, b = mean_right(before), mean_right(after)
    rows = []
    for name, mask in {"all": np.ones(len(a), bool), **kinds}.items():
        low, high = gain_interval((b - a)[mask])
        rows.append(
            {"kind": name, "rows": int(mask.sum()), "before": a[mask].mean(), "after": b[mask].mean(),
             "gain": (b - a)[mask].mean(), "low": low, "high": high}
        )  # fmt: skip
    return pd.DataFrame(rows).set_index("kind")
