"""The report's claims, the rule by which they are judged (``rule.md``), and the verdicts that the records give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..study.records import Record
from ..study.runs import LINEAR_PROBE, MODEL1, MODEL2, MODEL3, MODEL4, MODEL5, SEARCHED_DIST, TEACHER
from .answers import QUESTIONS, answer
from .pairs import gains_by_seed, match_seeds
from .statistics import mcnemar, two_way_bootstrap_interval
from .wording import format_p, markdown_table, plural

ENOUGH_SEEDS = 3  # for an interval over seeds to stand alone
HOLDS, DOES_NOT_HOLD, INCONCLUSIVE = "holds", "does not hold", "inconclusive"


@dataclass(frozen=True)
class Claim:
    """A claim of the report: ``treatment`` beats ``baseline``, or beats it by more than the other pair does.

    ``one_teacher`` says that the baseline is the teacher whose seed-0 model taught every seed of the treatment.
    ``some_setting`` says that it claims a setting to exist: one that was found and fails refutes nothing.
    """

    number: str
    text: str
    baseline: str = ""
    treatment: str = ""
    other_baseline: str = ""
    other_treatment: str = ""
    one_teacher: bool = False
    some_setting: bool = False

    @property
    def runs(self) -> list[str]:
        """The runs that it speaks of."""
        return [n for n in (self.baseline, self.treatment, self.other_baseline, self.other_treatment) if n]


CLAIMS = (
    Claim("1", "Frozen BERT + CNN beats frozen BERT + one linear layer", LINEAR_PROBE, TEACHER),
    Claim("2", "BERT-VDCNN beats the character VDCNN", MODEL5, TEACHER),
    Claim("3a", "DIST lifts CNN-4 (report: by 1.38 percentage points)", MODEL1, MODEL2),
    Claim("3b", "DIST lifts CNN-1 (report: by 0.54 percentage points)", MODEL3, MODEL4),
    Claim(
        "4", "The gain is smaller when the capacity gap is larger (CNN-1 against CNN-4)", MODEL1, MODEL2, MODEL3, MODEL4
    ),
    Claim(
        "5",
        "Some beta, gamma, tau and CE weight let a student pass its teacher (named, not explored; here: those "
        "that a search on validation found)",
        TEACHER,
        SEARCHED_DIST,
        one_teacher=True,
        some_setting=True,
    ),
    Claim("6", "Models trained this way suit small devices (named, not measured)"),
)


def rule() -> str:
    """The rule of the verdicts, in Markdown."""
    return Path(__file__).with_name("rule.md").read_text(encoding="utf-8")


def verdicts(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """Each claim (the index) with its ``text``, its ``evidence`` and its ``verdict`` by :func:`rule`."""
    rows = []
    for claim in CLAIMS:
        missing = [name for name in claim.runs if name not in records]
        if missing or not claim.runs:
            evidence = f"no record of {', '.join(missing)}" if missing else "no run here tests it"
            verdict = INCONCLUSIVE
        else:
            compare = compare_gains if claim.other_baseline else compare_models
            runs = [records[name] for name in claim.runs]
            if claim.one_teacher:
                runs = list(match_seeds(records, claim.baseline, claim.treatment, fixed=[claim.baseline]))
            evidence, verdict = compare(*runs)
            if claim.some_setting and verdict == DOES_NOT_HOLD:
                verdict = INCONCLUSIVE
        rows.append({"claim": claim.number, "text": claim.text, "evidence": evidence, "verdict": verdict})
    return pd.DataFrame(rows).set_index("claim")


def numbers(records: Mapping[str, list[Record]]) -> dict[str, str]:
    """The one number that the course gives to each claim, by its number: the answers of ``analysis.answers``.

    Of claim 4 it is by how much the gains of both students differ, over the seeds that all four models have.
    """
    asked = {pair: question for question, pair in QUESTIONS.items()}
    found = {}
    for claim in CLAIMS:
        models = claim.runs
        if any(name not in records for name in models):
            found[claim.number] = "its runs are not here"
        elif claim.other_baseline:
            pairs = [gains_by_seed(*(records[name] for name in pair)) for pair in (models[:2], models[2:])]
            apart, low, high, seeds = difference_of(*pairs)
            found[claim.number] = (
                f"the two gains are {100 * apart:+.1f} percentage points apart (95 % {100 * low:+.1f} to "
                f"{100 * high:+.1f}; {plural(len(seeds), 'shared seed')})"
            )
        else:
            found[claim.number] = (
                answer(records, asked[tuple(models)]).number if models else "bytes, time and accuracy (notebook 08)"
            )
    return found


def verdicts_markdown(table: pd.DataFrame) -> str:
    """The verdicts in Markdown."""
    table = table.assign(verdict=[f"**{verdict}**" for verdict in table["verdict"]]).reset_index()
    return markdown_table(table.set_axis(["Claim", "The report says", "Evidence here", "Verdict"], axis=1))


def compare_models(before: list[Record], after: list[Record]) -> tuple[str, str]:
    """Evidence and verdict, by :func:`rule`, on "``after`` is better than ``before``"."""
    gains = gains_by_seed(before, after)
    evidence, clear = judge(gains)
    rows = [runs[0].train_rows for runs in (before, after)]
    if rows[0] != rows[1]:
        evidence += f"; but trained on {rows[0]:,} and {rows[1]:,} articles"
        clear = False
    return evidence, verdict_of(float(gains.to_numpy().mean()), clear)


def judge(gains: pd.DataFrame) -> tuple[str, bool]:
    """Evidence on a gain, and whether it is clear by :func:`rule`.

    Args:
        gains: (seeds, articles), what :func:`agnews_utils.analysis.pairs.gains_by_seed` gives
    """
    low, high = two_way_bootstrap_interval(gains)
    gain, seeds = float(gains.to_numpy().mean()), len(gains)
    evidence = (
        f"{100 * gain:+.2f} percentage points (95 % {100 * low:+.2f} to {100 * high:+.2f}; {plural(seeds, 'seed')})"
    )
    clear = low > 0 or high < 0
    if seeds < ENOUGH_SEEDS:
        test = mcnemar(gains.iloc[0] < 0, gains.iloc[0] > 0)
        fixed, broken = test["only_b_correct"], test["only_a_correct"]
        evidence += f"; {fixed} articles fixed, {broken} broken, McNemar p {format_p(test['p'])}"
        clear &= test["p"] < 0.05
    return evidence, bool(clear)


def compare_gains(a: list[Record], b: list[Record], c: list[Record], d: list[Record]) -> tuple[str, str]:
    """Evidence and verdict on "the gain from a to b is larger than that from c to d"."""
    holds = [compare_models(before, after)[1] == HOLDS for before, after in ((a, b), (c, d))]
    return judge_difference(gains_by_seed(a, b), gains_by_seed(c, d), holds)


def difference_of(one: pd.DataFrame, other: pd.DataFrame) -> tuple[float, float, float, pd.Index]:
    """By how much the first gain (seeds, articles) is larger: a share, the ends of its 95 % interval, shared seeds."""
    seeds = one.index.intersection(other.index)
    apart = one.loc[seeds] - other.loc[seeds]
    return float(apart.to_numpy().mean()), *two_way_bootstrap_interval(apart), seeds


def gains_apart(records: Mapping[str, list[Record]], one: str, other: str) -> tuple[float, float, float]:
    """By how many percentage points one question's gain is larger than another's, and the ends of the 95 % interval.

    Args:
        one, other: of :data:`agnews_utils.analysis.answers.QUESTIONS`
    """
    gains = [gains_by_seed(*(records[name] for name in QUESTIONS[question])) for question in (one, other)]
    apart, low, high, _ = difference_of(*gains)
    return 100 * apart, 100 * low, 100 * high


def judge_difference(one: pd.DataFrame, other: pd.DataFrame, holds: Sequence[bool]) -> tuple[str, str]:
    """Evidence and verdict, by :func:`rule`, on "the first gain is larger than the other".

    Args:
        one, other: (seeds, articles), as :func:`judge` takes them
        holds: of each, whether it is itself clearly above zero
    """
    difference, low, high, seeds = difference_of(one, other)
    one, other = one.loc[seeds], other.loc[seeds]
    larger_is_a_gain = holds[0 if difference > 0 else 1]
    evidence = (
        f"gains {100 * one.to_numpy().mean():+.2f} and {100 * other.to_numpy().mean():+.2f} over "
        f"{plural(len(seeds), 'seed')}; their difference {100 * difference:+.2f} percentage points "
        f"(95 % {100 * low:+.2f} to {100 * high:+.2f})"
    )
    if not larger_is_a_gain:
        evidence += "; the larger is not clearly above zero"
    return evidence, verdict_of(difference, larger_is_a_gain and (low > 0 or high < 0))


def verdict_of(gain: float, clear: bool) -> str:
    """The verdict on "this gain is above zero"; ``clear``: its interval excludes zero, and nothing else forbids one."""
    if not clear:
        return INCONCLUSIVE
    return HOLDS if gain > 0 else DOES_NOT_HOLD
