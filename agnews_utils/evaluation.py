"""Accuracy with its interval, paired tests, the results table and the verdicts on the report's claims.

Everything here is computed from run records alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest, bootstrap
from sklearn.metrics import confusion_matrix

from .encoder import write_text
from .settings import CLASS_NAMES, ROOT
from .study import Record

REPORT_CURVES = ROOT / "data" / "report_curves.csv"
QUOTED = {"model5_char_vdcnn": 0.9083}  # Conneau et al. 2017, table 5, max-pooling: the report quotes it and ran nothing
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


def report_curves() -> pd.DataFrame:
    """The report's own runs, one row an epoch: run, epoch, losses, accuracies, train_seconds."""
    return pd.read_csv(REPORT_CURVES)


def report_accuracy() -> dict[str, float]:
    """The report's test accuracy of each of its models: its best test epoch, or what it quotes."""
    best = report_curves().groupby("run")["test_accuracy"].max().to_dict()
    return best | QUOTED


def accuracy_interval(right: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of an accuracy, from whether each row was right: it speaks of the test rows drawn, not of seeds."""
    interval = binomtest(int(np.sum(right)), len(right)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


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
        raise ValueError(f"{len(right_a)} and {len(right_b)} rows: a paired test needs the same test rows of both models.")
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(~right_a & right_b))
    p = binomtest(only_b, only_a + only_b).pvalue if only_a + only_b else 1.0
    return {"only_a": only_a, "only_b": only_b, "gain": (only_b - only_a) / len(right_a), "p": float(p)}


def gain_interval(gains: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bootstrap interval of the mean of per-row gains (+1: only b right, -1: only a right, 0: same), over test rows."""
    if np.ptp(gains) == 0:
        return float(gains[0]), float(gains[0])
    drawn = bootstrap(
        (gains,), np.mean, n_resamples=2000, batch=50, confidence_level=confidence, method="percentile", rng=np.random.default_rng(0)
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def mean_right(records: list[Record]) -> np.ndarray:
    """Share of seeds that got each test row right: (rows,)."""
    return np.mean([record.right for record in records], axis=0)


def results_table(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """One row a model: the report's accuracy, ours by both protocols, interval, parameters, seconds.

    With several seeds the accuracies and seconds are means over them; the interval is Wilson's of the first seed.
    """
    reported = report_accuracy()
    rows = []
    for name, runs in records.items():
        first = runs[0]
        low, high = accuracy_interval(first.right)
        rows.append(
            {
                "run": name,
                "model": first.run.title,
                "report's table": REPORT_TABLES.get(name, ""),
                "parameters": first.facts["parameters"],
                "report": reported.get(name, np.nan),
                "ours, best test epoch": np.mean([r.best_test_accuracy for r in runs]),
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


def save_table(table: pd.DataFrame, folder: Path, caption: str) -> None:
    """``results_table.csv`` (numbers as they are) and ``.md`` (rounded, with ``caption`` saying what made it)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "results_table.csv", table.assign(made_with=caption).round(6).to_csv(index=False))
    write_text(folder / "results_table.md", table_markdown(table, caption))


def table_markdown(table: pd.DataFrame, caption: str) -> str:
    """The results table in Markdown, accuracies in percent."""
    lines = [
        f"Test accuracy in percent. {caption}.",
        "",
        "| Model | Parameters | Report | Ours, best test epoch (the report's protocol) | **Ours, selected on validation** "
        "| 95 % interval | Seeds | Training |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        where = f" ({row[\"report's table\"]})" if row["report's table"] else ""
        report = "–" if np.isnan(row["report"]) else f"{row['report']:.2%}".replace("%", "")
        if row["run"] in QUOTED:
            report += " (quoted)"
        numbers = [f"{100 * row[c]:.2f}" for c in ("ours, best test epoch", "ours, selected on validation", "95% low", "95% high")]
        lines.append(
            f"| {row['model']}{where} | {row['parameters'] / 1e6:.2f} M | {report} | {numbers[0]} | **{numbers[1]}** "
            f"| {numbers[2]} to {numbers[3]} | {row['seeds']} | {seconds_in_words(row['training seconds'])} |"
        )
    return "\n".join(lines) + "\n"


def seconds_in_words(seconds: float) -> str:
    """A duration as a person says it."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def confusion(record: Record) -> pd.DataFrame:
    """Test rows by true class (index) and predicted class (columns)."""
    counts = confusion_matrix(record.labels, record.predictions, labels=range(len(CLASS_NAMES)))
    return pd.DataFrame(counts, index=CLASS_NAMES, columns=CLASS_NAMES)


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
        "near duplicate in training": facts["nearest_train"] >= 0.5,
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
    "The rule, written before the numbers: a claim that compares two models **holds** if the accuracy goes the claimed way "
    "and the two-sided exact McNemar test of their first seeds gives p < 0.05; it **does not hold** if the accuracy goes the "
    "other way with p < 0.05; else it **cannot be told from this run**. A claim about two gains is judged by whether the "
    "95 % bootstrap interval of their difference leaves out zero. A claim that no run here tests cannot be told."
)


def verdicts(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """Each claim with its evidence and its verdict by :data:`RULE`."""
    rows = []
    for claim in CLAIMS:
        missing = [name for name in (claim.a, claim.b, claim.c, claim.d) if name and name not in records]
        if not claim.a or missing:
            evidence = f"no record of {', '.join(missing)}" if missing else "no run here tests it"
            rows.append({"claim": claim.number, "text": claim.text, "evidence": evidence, "verdict": CANNOT_BE_TOLD})
            continue
        a, b = records[claim.a][0].right, records[claim.b][0].right
        test = mcnemar(a, b)
        if not claim.c:
            evidence = (
                f"{100 * test['gain']:+.2f} points ({test['only_b']} rows fixed, {test['only_a']} broken; "
                f"McNemar p = {p_in_words(test['p'])})"
            )
            rows.append(
                {"claim": claim.number, "text": claim.text, "evidence": evidence,
                 "verdict": _verdict(test["gain"], test["p"] < 0.05)}
            )  # fmt: skip
            continue
        c, d = records[claim.c][0].right, records[claim.d][0].right
        difference = (b.astype(int) - a) - (d.astype(int) - c)
        low, high = gain_interval(difference)
        evidence = (
            f"gains {100 * test['gain']:+.2f} and {100 * mcnemar(c, d)['gain']:+.2f}; their difference "
            f"{100 * difference.mean():+.2f} points, 95 % {100 * low:+.2f} to {100 * high:+.2f}"
        )
        verdict = _verdict(float(difference.mean()), low > 0 or high < 0)
        rows.append({"claim": claim.number, "text": claim.text, "evidence": evidence, "verdict": verdict})
    return pd.DataFrame(rows).set_index("claim")


CANNOT_BE_TOLD = "cannot be told from this run"


def _verdict(gain: float, clear: bool) -> str:
    if not clear:
        return CANNOT_BE_TOLD
    return "holds" if gain > 0 else "does not hold"


def p_in_words(p: float) -> str:
    """A p value with as many digits as it deserves."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"
