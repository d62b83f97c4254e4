"""The report's claims, the rule by which they are judged, and the verdicts that the records give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ..study.records import Record
from ..study.runs import TEACHER
from .statistics import gains_by_seed, mcnemar, p_in_words, seeds_in_words, two_way_interval


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
    Claim("1", "Frozen BERT + CNN beats frozen BERT + one linear layer", "linear_probe", TEACHER),
    Claim("2", "BERT-VDCNN beats the character VDCNN", "model5_char_vdcnn", TEACHER),
    Claim("3a", "DIST lifts the 4-layer CNN (report: by 1.38 points)", "model1_simple_cnn_plain", "model2_simple_cnn_distilled"),
    Claim("3b", "DIST lifts the 1-layer CNN (report: by 0.54 points)", "model3_simpler_cnn_plain", "model4_simpler_cnn_distilled"),
    Claim("4", "The gain is smaller when the capacity gap is larger (1 layer against 4)",
          "model1_simple_cnn_plain", "model2_simple_cnn_distilled", "model3_simpler_cnn_plain", "model4_simpler_cnn_distilled"),
    Claim("5", "Some beta, gamma, tau and CE weight let a student pass its teacher (named, not explored)"),
    Claim("6", "Models trained this way suit small devices (named, not measured)"),
)  # fmt: skip
RULE = (
    "Rule, fourth edition. The third was written before any pair of runs of the full study was compared (the earlier ones "
    "judged by first seeds, because a quick run has few). The fourth only widens: with few seeds the interval is at "
    "least as wide as Student's t over seeds. It was made after numbers had been seen, and changed no verdict then. A claim that "
    "model b is better than model a is judged by the gain in test accuracy over all seeds that both have, each model at the "
    "epoch that validation chose: by the 95 % interval of "
    "the mean gain from a bootstrap that draws both seeds and test articles anew. The claim **holds** if the whole interval "
    "is above zero, **does not hold** if the whole interval is below zero, and is **inconclusive** otherwise. "
    "(This bootstrap errs on the wide side, as notebook 06 shows in section 3: what just holds zero is undecided, not refuted.) With "
    "fewer than three shared seeds the exact McNemar test of the first seeds must also give p < 0.05, because one or two "
    "seeds say little about seeds. A claim that one gain is larger than another is judged by the same interval of the "
    "difference of the two gains, over the seeds that all four models have; the larger gain must itself be clearly above zero, "
    "or it is inconclusive. Models trained on different numbers of articles, and a claim that no run here tests, are "
    "inconclusive."
)
ENOUGH_SEEDS = 3  # for an interval over seeds to stand alone
HOLDS, DOES_NOT_HOLD, INCONCLUSIVE = "holds", "does not hold", "inconclusive"


def verdicts(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """Each claim with its evidence and its verdict by :data:`RULE`."""
    rows = []
    for claim in CLAIMS:
        missing = [name for name in (claim.a, claim.b, claim.c, claim.d) if name and name not in records]
        if not claim.a or missing:
            evidence = f"no record of {', '.join(missing)}" if missing else "no run here tests it"
            verdict = INCONCLUSIVE
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
    gains = gains_by_seed(before, after)
    low, high = two_way_interval(gains)
    gain, seeds = float(gains.to_numpy().mean()), len(gains)
    evidence = f"{100 * gain:+.2f} points (95 % {100 * low:+.2f} to {100 * high:+.2f}; {seeds_in_words(seeds)})"
    clear = low > 0 or high < 0
    if seeds < ENOUGH_SEEDS:
        first = gains.index[0]
        one, other = (next(run for run in runs if run.seed == first) for runs in (before, after))
        test = mcnemar(one.right, other.right)
        evidence += f"; {test['only_b']} rows fixed, {test['only_a']} broken, McNemar p {p_in_words(test['p'])}"
        clear &= test["p"] < 0.05
    rows = [runs[0].facts["rows"]["train"] for runs in (before, after)]
    if rows[0] != rows[1]:
        evidence += f"; but trained on {rows[0]:,} and {rows[1]:,} articles"
        clear = False
    return evidence, _verdict(gain, clear)


def _compare_gains(a: list[Record], b: list[Record], c: list[Record], d: list[Record]) -> tuple[str, str]:
    """Evidence and verdict on "the gain from a to b is larger than that from c to d"."""
    one, other = gains_by_seed(a, b), gains_by_seed(c, d)
    seeds = one.index.intersection(other.index)
    one, other = one.loc[seeds], other.loc[seeds]
    low, high = two_way_interval(one - other)
    difference = float((one - other).to_numpy().mean())
    larger_is_a_gain = compare_models(*((a, b) if difference > 0 else (c, d)))[1] == HOLDS
    evidence = (
        f"gains {100 * one.to_numpy().mean():+.2f} and {100 * other.to_numpy().mean():+.2f} over {seeds_in_words(len(seeds))}; "
        f"their difference {100 * difference:+.2f} points (95 % {100 * low:+.2f} to {100 * high:+.2f})"
    )
    if not larger_is_a_gain:
        evidence += "; the larger is not clearly above zero"
    return evidence, _verdict(difference, larger_is_a_gain and (low > 0 or high < 0))


def _verdict(gain: float, clear: bool) -> str:
    if not clear:
        return INCONCLUSIVE
    return HOLDS if gain > 0 else DOES_NOT_HOLD
