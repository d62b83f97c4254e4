"""Accuracy with its interval, paired tests, the results table and the verdicts on the report's claims.

Everything here is computed from run records alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm
from sklearn.metrics import confusion_matrix

from .corpus import NEAR
from .files import write_text
from .settings import CLASS_NAMES, ROOT
from .study import COMMITTED_RESULTS, RUNS, Record, Study, read_record

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
CONFIDENCE = 0.95
RESAMPLES = 10_000  # bootstrap draws


def study_records(study: Study) -> dict[str, list[Record]]:
    """The study's runs by name, a record a seed: read where there is one, else made.

    A record of exactly these settings that is committed under ``data/results`` counts as there.
    """
    records: dict[str, list[Record]] = {}
    for name in RUNS:
        for seed in study.seeds(name):
            own = study.run_folder(name, seed)
            committed = COMMITTED_RESULTS / study.key / own.name
            use_committed = (committed / "record.json").exists() and not (own / "record.json").exists()
            records.setdefault(name, []).append(read_record(committed) if use_committed else study.record(name, seed))
    return records


def report_curves() -> pd.DataFrame:
    """The report's own runs, one row an epoch: run, epoch, losses, accuracies, train_seconds."""
    return pd.read_csv(REPORT_CURVES)


def report_accuracy() -> dict[str, float]:
    """The report's test accuracy of each of its models: its best test epoch, or what it quotes."""
    best = report_curves().groupby("run")["test_accuracy"].max().to_dict()
    return best | QUOTED


def accuracy_interval(right: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of an accuracy: it speaks of the test rows drawn, not of seeds.

    Args:
        right: (N,), whether each row was right, or the share of seeds that got it right

    Raises:
        ValueError: no rows.
    """
    n = len(right)
    if n == 0:
        raise ValueError("An accuracy needs at least one row.")
    accuracy, z = float(np.mean(right)), norm.ppf(0.5 + confidence / 2)
    centre = (accuracy + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(accuracy * (1 - accuracy) / n + z**2 / (4 * n**2))
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> dict:
    """Exact McNemar test of two models on the same rows.

    Args:
        right_a, right_b: (N,), whether each row was right

    Returns:
        ``only_a`` and ``only_b`` (rows that one alone got right), ``gain`` (accuracy of b minus a) and the two-sided
        ``p``: if both models were equally good, how often a split of the disagreements at least this uneven would come up.

    Raises:
        ValueError: the two are not of the same rows.
    """
    if len(right_a) != len(right_b):
        raise ValueError(
            f"{len(right_a)} and {len(right_b)} rows: a paired test needs the same test rows of both models."
        )
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(~right_a & right_b))
    p = binomtest(only_b, only_a + only_b).pvalue if only_a + only_b else 1.0
    return {"only_a": only_a, "only_b": only_b, "gain": (only_b - only_a) / len(right_a), "p": float(p)}


def gain_interval(gains: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bootstrap percentile interval of the mean of per-row gains (+1: only b right, -1: only a right, 0: same).

    Rows are drawn anew with replacement. Only how many rows have each gain matters, and those counts are multinomial.
    """
    values, counts = np.unique(gains, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(gains), counts / len(gains), size=RESAMPLES) @ values / len(gains)
    low, high = np.quantile(drawn, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def mean_right(records: list[Record]) -> np.ndarray:
    """Share of seeds that got each test row right: (rows,)."""
    return np.mean([record.right for record in records], axis=0)


def results_table(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """One row a model: the report's accuracy, ours by both protocols, interval, parameters, seconds.

    With several seeds the accuracies and seconds are means over them, and the interval is Wilson's at the mean accuracy.
    The column of the best test epoch is empty for a run that has no test accuracy by epoch.
    """
    reported = report_accuracy()
    rows = []
    for name, runs in records.items():
        first = runs[0]
        low, high = accuracy_interval(mean_right(runs))
        by_epoch = all("test_accuracy" in r.history for r in runs)
        rows.append(
            {
                "run": name,
                "model": first.run.title,
                "table": REPORT_TABLES.get(name, ""),
                "parameters": first.facts["parameters"],
                "report": reported.get(name, np.nan),
                "ours, best test epoch": np.mean([r.best_test_accuracy for r in runs]) if by_epoch else np.nan,
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
        "| Model | Parameters | Report | Ours, best test epoch (the report's protocol) | **Ours, selected on validation** "
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
        seeds = f"{row['seeds']} (sd {percent(row['sd over seeds'])})" if row["seeds"] > 1 else "1"
        lines.append(
            f"| {row['model']}{where} | {parameters_in_words(row['parameters'])} | {report}{quoted} | {best} | **{ours}** "
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


def paired(records: Mapping[str, list[Record]], pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Exact McNemar test of each pair (a, b) of runs, first seeds, and the bootstrap interval of the gain b - a; in points."""
    rows = []
    for a, b in pairs:
        before, after = records[a][0], records[b][0]
        test = mcnemar(before.right, after.right)
        low, high = gain_interval(after.right.astype(int) - before.right)
        rows.append(
            {"a": before.run.title, "b": after.run.title, "only a right": test["only_a"], "only b right": test["only_b"],
             "gain": 100 * test["gain"], "low": 100 * low, "high": 100 * high, "p": test["p"]}
        )  # fmt: skip
    return pd.DataFrame(rows)


def seed_gains(before: list[Record], after: list[Record]) -> pd.Series:
    """Gain in test accuracy for each seed that both runs have, by seed."""
    first = {record.seed: record.test_accuracy for record in before}
    return pd.Series({r.seed: r.test_accuracy - first[r.seed] for r in after if r.seed in first}, dtype=float)


def kinds_of_article(facts: pd.DataFrame, labels: np.ndarray, max_length: int) -> dict[str, np.ndarray]:
    """Named groups of test rows (boolean masks), from the numbers of :func:`agnews_utils.corpus.row_facts`."""
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


@dataclass(frozen=True)
class Claim:
    """A claim of the report that compares run ``b`` with run ``a``, or the gain b - a with the gain d - c."""

    number: str
    text: str
    a: str = ""
    b: str = ""
    c: str = ""
    d: str = ""


CLAIMS = (
    Claim("1", "Frozen BERT + CNN beats frozen BERT + one linear layer", "linear_probe", "model6_bert_vdcnn_teacher"),
    Claim("2", "BERT-VDCNN beats the character VDCNN", "model5_char_vdcnn", "model6_bert_vdcnn_teacher"),
    Claim("3a", "DIST lifts the 4-layer CNN (report: by 1.38 points)", "model1_simple_cnn_plain", "model2_simple_cnn_distilled"),
    Claim("3b", "DIST lifts the 1-layer CNN (report: by 0.54 points)", "model3_simpler_cnn_plain", "model4_simpler_cnn_distilled"),
    Claim("4", "The gain is smaller when the capacity gap is larger (1 layer against 4)",
          "model1_simple_cnn_plain", "model2_simple_cnn_distilled", "model3_simpler_cnn_plain", "model4_simpler_cnn_distilled"),
    Claim("5", "Some beta, gamma, tau and CE weight let a student pass its teacher (named, not explored)"),
    Claim("6", "Models trained this way suit small devices (named, not measured)"),
)  # fmt: skip
RULE = (
    "Rule, second edition: made after a look at a trial run, and before the published one. The first was written before any "
    "number; the second adds the condition on the larger of two gains, and says that gains are those of first seeds. "
    "A claim that compares two models **holds** if the accuracy goes the claimed way "
    "and the two-sided exact McNemar test of their first seeds gives p < 0.05; it **does not hold** if the accuracy goes the "
    "other way with p < 0.05; else it **cannot be told from this run**. Where both models have several seeds, the mean gain "
    "over them must also go the same way and be larger than its standard deviation, or it cannot be told. A claim about two "
    "gains, those of first seeds, is judged by whether the 95 % bootstrap interval of their difference leaves out zero; and the "
    "larger of the two must be clearly above zero by the rule for two models, or it cannot be told. Two models that trained on "
    "different numbers of articles, and a claim that no run here tests, cannot be told."
)


def verdicts(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """Each claim with its evidence and its verdict by :data:`RULE`."""
    rows = []
    for claim in CLAIMS:
        missing = [name for name in (claim.a, claim.b, claim.c, claim.d) if name and name not in records]
        if not claim.a or missing:
            evidence = f"no record of {', '.join(missing)}" if missing else "no run here tests it"
            verdict = CANNOT_BE_TOLD
        elif claim.c:
            evidence, verdict = _compare_gains(*(records[name] for name in (claim.a, claim.b, claim.c, claim.d)))
        else:
            evidence, verdict = compare_models(records[claim.a], records[claim.b])
        rows.append({"claim": claim.number, "text": claim.text, "evidence": evidence, "verdict": verdict})
    return pd.DataFrame(rows).set_index("claim")


def verdicts_markdown(table: pd.DataFrame) -> str:
    """The verdicts in Markdown."""
    lines = ["| Claim | The report says | Evidence here | Verdict |", "|---|---|---|---|"]
    for number, row in table.iterrows():
        lines.append(f"| {number} | {row['text']} | {row['evidence']} | **{row['verdict']}** |")
    return "\n".join(lines) + "\n"


def compare_models(before: list[Record], after: list[Record]) -> tuple[str, str]:
    """Evidence and verdict, by :data:`RULE`, on "``after`` is better than ``before``"."""
    test, gains = mcnemar(before[0].right, after[0].right), seed_gains(before, after)
    evidence = (
        f"{100 * test['gain']:+.2f} points ({test['only_b']} rows fixed, {test['only_a']} broken; "
        f"McNemar p {p_in_words(test['p'])})"
    )
    clear = test["p"] < 0.05
    if len(gains) > 1:
        evidence += f"; over {len(gains)} seeds {100 * gains.mean():+.2f}, sd {100 * gains.std():.2f}"
        clear &= gains.mean() * np.sign(test["gain"]) > gains.std()
    rows = [runs[0].facts["rows"]["train"] for runs in (before, after)]
    if rows[0] != rows[1]:
        evidence += f"; but trained on {rows[0]:,} and {rows[1]:,} articles"
        clear = False
    return evidence, _verdict(test["gain"], bool(clear))


def _compare_gains(a: list[Record], b: list[Record], c: list[Record], d: list[Record]) -> tuple[str, str]:
    """Evidence and verdict on "the gain from a to b is larger than that from c to d", first seeds."""
    one, other = (after[0].right.astype(int) - before[0].right for before, after in ((a, b), (c, d)))
    low, high = gain_interval(one - other)
    difference = float((one - other).mean())
    larger_is_a_gain = compare_models(*((a, b) if difference > 0 else (c, d)))[1] == HOLDS
    evidence = (
        f"first seeds: gains {100 * one.mean():+.2f} and {100 * other.mean():+.2f}; their difference "
        f"{100 * difference:+.2f} points, 95 % {100 * low:+.2f} to {100 * high:+.2f}"
    )
    if not larger_is_a_gain:
        evidence += "; the larger is not clearly above zero"
    return evidence, _verdict(difference, larger_is_a_gain and (low > 0 or high < 0))


HOLDS, CANNOT_BE_TOLD = "holds", "cannot be told from this run"


def _verdict(gain: float, clear: bool) -> str:
    if not clear:
        return CANNOT_BE_TOLD
    return HOLDS if gain > 0 else "does not hold"


def p_in_words(p: float) -> str:
    """A p value with as many digits as it deserves, below one in ten thousand as "< 0.0001"."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.01 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
