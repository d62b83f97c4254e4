"""One answer a question: the one number, interval and sentence that every notebook and page gives to it.

Notebooks ask for these answers and compute no gain of their own; notebook 09 shows the other ways to compute one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..settings import ROOT
from ..study.records import Record
from ..study.runs import (
    FINE_TUNED_TEACHER,
    LINEAR_PROBE,
    MODEL1,
    MODEL2,
    MODEL3,
    MODEL4,
    MODEL5,
    ONE_MODEL,
    SEARCHED_DIST,
    SIMPLE_FINE_TUNED_DIST,
    SIMPLE_KL,
    SIMPLER_FINE_TUNED_DIST,
    SIMPLER_FINE_TUNED_KL,
    SIMPLER_KL,
    TEACHER,
    TFIDF,
)
from ..study.strong import (
    ALONE,
    AS_CNN1,
    BEST,
    CNN1_AGAIN,
    CNN1_SEEN,
    CNN1_UNSEEN,
    CNN4_SMALL_START,
    CNN4_SMALL_START_DIST,
    PLAIN,
    PLAIN_FEW,
    PRETRAINED,
    SMALL_START,
    SMALL_START_DIST,
    SMALL_START_KL,
    SMALL_TFIDF,
    TFIDF_1MB,
    TFIDF_100KB,
    TFIDF_ALL,
    TFIDF_INT8,
)
from .pairs import accuracy_per_article, gains_by_seed, match_seeds
from .report import report_accuracy
from .statistics import accuracy_interval, two_way_bootstrap_interval
from .wording import format_percent, markdown_table, plural

ANSWERS = ROOT / "figures" / "answers.csv"
Records = Mapping[str, list[Record]]
FIXED = (*ONE_MODEL, TFIDF_ALL, *SMALL_TFIDF)  # one model of each stands against all seeds of another
# how sentences call a run whose title says more than they need
NAMES = {BEST: "5 MB student", "wide_1mb": "1 MB student", "wide_100kb": "100 kB student"}
# question: (baseline, treatment); the gain is the treatment's accuracy minus the baseline's
QUESTIONS = {
    "Does BERT-VDCNN beat the n-gram baseline?": (TFIDF, TEACHER),
    "Does a VDCNN beat one linear layer on the same frozen BERT?": (LINEAR_PROBE, TEACHER),
    "Does BERT-VDCNN beat the same network on characters?": (MODEL5, TEACHER),
    "How much better is the fine-tuned teacher?": (TEACHER, FINE_TUNED_TEACHER),
    "Does CNN-4 beat the n-gram baseline from labels alone?": (TFIDF, MODEL1),
    "Does CNN-1 beat the n-gram baseline from labels alone?": (TFIDF, MODEL3),
    "Are four layers better than one, from labels alone?": (MODEL3, MODEL1),
    "Does DIST help CNN-4?": (MODEL1, MODEL2),
    "Does DIST help CNN-1?": (MODEL3, MODEL4),
    "Does KL help CNN-1?": (MODEL3, SIMPLER_KL),
    "Is DIST better than KL for CNN-1?": (SIMPLER_KL, MODEL4),
    "Does DIST help CNN-1 with the fine-tuned teacher?": (MODEL3, SIMPLER_FINE_TUNED_DIST),
    "Does KL help CNN-1 with the fine-tuned teacher?": (MODEL3, SIMPLER_FINE_TUNED_KL),
    "Does DIST help CNN-4 with the fine-tuned teacher?": (MODEL1, SIMPLE_FINE_TUNED_DIST),
    "Does DIST use the better teacher, in CNN-1?": (MODEL4, SIMPLER_FINE_TUNED_DIST),
    "Does KL use the better teacher, in CNN-1?": (SIMPLER_KL, SIMPLER_FINE_TUNED_KL),
    "Does DIST use the better teacher, in CNN-4?": (MODEL2, SIMPLE_FINE_TUNED_DIST),
    "Is KL better than DIST with the fine-tuned teacher?": (SIMPLER_FINE_TUNED_DIST, SIMPLER_FINE_TUNED_KL),
    "Does temperature 4 help DIST with the fine-tuned teacher?": (
        SIMPLER_FINE_TUNED_DIST, "simpler_cnn_strong_dist_tau_4"),
    "Does temperature 4 help KL with the fine-tuned teacher?": ("simpler_cnn_strong_kl_tau_1", SIMPLER_FINE_TUNED_KL),
    "Does CNN-1 KL with the fine-tuned teacher beat the n-gram baseline?": (TFIDF, SIMPLER_FINE_TUNED_KL),
    "Does the 5 MB student beat CNN-1 KL with the fine-tuned teacher?": (SIMPLER_FINE_TUNED_KL, BEST),
    "Does the 5 MB student beat the n-gram baseline?": (TFIDF, BEST),
    "Does the 5 MB student beat the n-gram baseline from labels alone?": (TFIDF, PLAIN_FEW),
    "Does the 5 MB student beat the n-gram baseline on the same articles?": (TFIDF, "wide_kl_mixed"),
    "Does the 5 MB student beat an n-gram baseline with the labels of all texts?": (TFIDF_ALL, BEST),
    "What do the teacher and the unlabelled texts add to the 5 MB student?": (PLAIN_FEW, BEST),
    "What do BERT teachers add on the same articles?": (PLAIN, "wide_kl_unseen"),
    "What do BERT teachers and the n-gram baseline add on the same articles?": (PLAIN, "wide_kl_mixed"),
    "Are unseen articles better than seen ones to ask about, for CNN-1?": (CNN1_SEEN, CNN1_UNSEEN),
    "What do pretrained word vectors add to CNN-1?": (MODEL3, PRETRAINED),
    "What does a small random start add to CNN-1?": (MODEL3, SMALL_START),
    "Does another processor change CNN-1?": (MODEL3, CNN1_AGAIN),
    "Are pretrained word vectors better than a small random start, in CNN-1?": (SMALL_START, PRETRAINED),
    "Does DIST help CNN-1 when its start is small?": (SMALL_START, SMALL_START_DIST),
    "Does DIST let CNN-1 pass its teacher when its start is small?": (TEACHER, SMALL_START_DIST),
    "Does CNN-1 pass BERT-VDCNN from labels alone when its start is small?": (TEACHER, SMALL_START),
    "Does KL about unseen articles help CNN-1 when its start is small?": (SMALL_START, SMALL_START_KL),
    "Does CNN-1 with both put right beat the n-gram baseline?": (TFIDF, SMALL_START_KL),
    "What does a small random start add to CNN-4?": (MODEL1, CNN4_SMALL_START),
    "Does DIST help CNN-4 when its start is small?": (CNN4_SMALL_START, CNN4_SMALL_START_DIST),
    "Does CNN-4 DIST with a small start beat the n-gram baseline?": (TFIDF, CNN4_SMALL_START_DIST),
    "What does the two-width network add to CNN-1 with a small start?": (SMALL_START, AS_CNN1),
    "What does the other training add to the two-width network?": (AS_CNN1, "wide_no_vectors"),
    "What does the two-width CNN add over CNN-1, from labels alone?": (MODEL3, "wide_no_vectors"),
    "What do pretrained word vectors add to it?": ("wide_no_vectors", "wide_no_mean"),
    "What does the mean of the word vectors add to it?": ("wide_no_mean", "wide_no_pairs"),
    "What do hashed pairs add to it?": ("wide_no_pairs", PLAIN),
    "What does the 5 MB student's start add?": ("wide_no_vectors", PLAIN),
    "Does a teacher help that was asked about seen articles?": (PLAIN, "wide_kl_seen"),
    "Are unseen articles better than seen ones to ask about?": ("wide_kl_seen", "wide_kl_unseen"),
    "Does label smoothing help the 5 MB student?": (PLAIN, "wide_smoothing"),
    "Does twice the loss help the 5 MB student?": (PLAIN, "wide_twice"),
    "Does a teacher help whose answers are shuffled within a class?": (PLAIN_FEW, "wide_kl_further_shuffled"),
    "Is the real teacher better than the shuffled one?": ("wide_kl_further_shuffled", BEST),
    "Does the 1 MB student beat the n-gram baseline?": (TFIDF, "wide_1mb"),
    "Does the 100 kB student beat the n-gram baseline?": (TFIDF, "wide_100kb"),
    "Does rounding to int8 change the n-gram baseline?": (TFIDF, TFIDF_INT8),
    "Does pruning to 100 kB change the n-gram baseline?": (TFIDF, TFIDF_100KB),
    "Does the 5 MB student beat the n-gram baseline in int8?": (TFIDF_INT8, BEST),
    "Does the 1 MB student beat an n-gram baseline of its size?": (TFIDF_1MB, "wide_1mb"),
    "Does the 1 MB student beat an n-gram baseline of its size from labels alone?": (TFIDF_1MB, ALONE["student_1mb"]),
    "Does the 100 kB student beat an n-gram baseline of its size?": (TFIDF_100KB, "wide_100kb"),
    "What do the teacher and the unlabelled texts add to the 1 MB student?": (ALONE["student_1mb"], "wide_1mb"),
    "What do the teacher and the unlabelled texts add to the 100 kB student?": (ALONE["student_100kb"], "wide_100kb"),
    "How far is the 5 MB student behind the fine-tuned teacher?": (FINE_TUNED_TEACHER, BEST),
    "Is the 5 MB student better than the 1 MB student?": ("wide_1mb", BEST),
    "How far is the 1 MB student behind the fine-tuned teacher?": (FINE_TUNED_TEACHER, "wide_1mb"),
    "Does DIST help CNN-1 when no run stops early?": ("simpler_cnn_plain_all_epochs", "simpler_cnn_dist_all_epochs"),
    "Does KL help CNN-4?": (MODEL1, SIMPLE_KL),
    "Does CNN-4 DIST beat the n-gram baseline?": (TFIDF, MODEL2),
    "Does CNN-1 DIST beat the n-gram baseline?": (TFIDF, MODEL4),
    "Do the unlabelled texts help the 5 MB student?": ("wide_kl_mixed", BEST),
    "Do more labels help the n-gram baseline?": (TFIDF, TFIDF_ALL),
    "Does DIST with searched settings let CNN-1 pass its teacher?": (TEACHER, SEARCHED_DIST),
    "Does DIST help CNN-1 with 12,000 labels?": ("simpler_cnn_plain_12k", "simpler_cnn_dist_12k"),
    "At equal settings, is KL better than DIST with the fine-tuned teacher?": (
        "simpler_cnn_strong_dist_tau_4_ce_0.1", SIMPLER_FINE_TUNED_KL),
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A gain in percentage points with its 95 % interval over seeds and articles.

    Attributes:
        question: one of :data:`QUESTIONS`
        treatment, baseline: the models' names for people
        gain, low, high: percentage points
        seeds: shared by both; with one, the interval speaks of articles only
    """

    question: str
    treatment: str
    baseline: str
    gain: float
    low: float
    high: float
    seeds: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    @property
    def number(self) -> str:
        """The gain with its interval."""
        kind = "" if self.seeds > 1 else ", over articles only"
        return (
            f"{self.gain:+.2f} percentage points (95 % {self.low:+.2f} to {self.high:+.2f}; "
            f"{plural(self.seeds, 'seed')}{kind})"
        )

    @property
    def short(self) -> str:
        """The gain with its interval, for a text that has named the unit."""
        return f"{self.gain:+.2f} ({self.low:+.2f} to {self.high:+.2f})"

    def says(self, gain: str, loss: str, neither: str) -> str:
        """One of three wordings: for a clear gain, for a clear loss, or for neither."""
        return (gain if self.gain > 0 else loss) if self.is_clear else neither

    def __str__(self) -> str:
        """One sentence."""
        verdict = self.says("is better than", "is worse than", "is not clearly different from")
        sentence = f"{with_article(self.treatment)} {verdict} {with_article(self.baseline)}: {self.number}."
        return sentence[0].upper() + sentence[1:]


def with_article(title: str) -> str:
    """A model's title as it stands in a sentence: *the 5 MB student*, but *CNN-1 DIST*."""
    named = title.endswith((" student", " teacher")) or title.startswith("n-gram baseline")
    if "," in title or not named:
        return title
    return f"the {title[0].lower()}{title[1:]}"


def answer(records: Records, question: str) -> Answer:
    """The answer to one of :data:`QUESTIONS`.

    Raises:
        KeyError: no such question, or no record of one of its models.
    """
    return compare(records, *QUESTIONS[question], question)


def compare(records: Records, baseline: str, treatment: str, question: str = "") -> Answer:
    """The gain of one run over another, computed as every answer is: for figures of many gains.

    Raises:
        KeyError: no record of one of the two.
    """
    gains = gains_by_seed(*match_seeds(records, baseline, treatment, FIXED))
    low, high = two_way_bootstrap_interval(gains)
    return Answer(
        question, name_of(records, treatment), name_of(records, baseline),
        100 * float(gains.to_numpy().mean()), 100 * low, 100 * high, len(gains),
    )  # fmt: skip


def name_of(records: Records, name: str) -> str:
    """What sentences and tables call a run."""
    return NAMES.get(name, records[name][0].run.title)


def in_a_table(answers: Iterable[Answer]) -> str:
    """The answers as a Markdown table: both models, the gain in percentage points, its interval, seeds, the verdict."""
    rows = [
        {
            "model": a.treatment,
            "against": a.baseline,
            "gain, points": f"{a.gain:+.2f}",
            "95 % interval": f"{a.low:+.2f} to {a.high:+.2f}",
            "seeds": f"{a.seeds}" if a.seeds > 1 else "1 (over articles only)",
            "verdict": a.says("**better**", "**worse**", "not clearly different"),
        }
        for a in answers
    ]
    return markdown_table(pd.DataFrame(rows), "llrrll")


def in_a_table_of(columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> str:
    """Answers as a Markdown table whose first columns are one's own: in each row their texts, and then the answer."""
    table = [
        dict(zip(columns, texts, strict=True))
        | {"gain, points": a.short, "seeds": a.seeds, "verdict": a.says("**better**", "**worse**", "not clear")}
        for *texts, a in rows
    ]
    return markdown_table(pd.DataFrame(table), "l" * len(columns) + "rrl")


def accuracy(records: Records, name: str, interval: bool = False) -> str:
    """A model's one test accuracy in percent: the mean over its seeds, at the epochs that validation chose.

    Args:
        interval: with Wilson's 95 % interval over test articles
    """
    correct = accuracy_per_article(records[name][:1] if name in ONE_MODEL else records[name])
    low, high = (format_percent(end) for end in accuracy_interval(correct))
    return f"{format_percent(correct.mean())} %" + (f" ({low} to {high})" if interval else "")


def answers_table(records: Records) -> pd.DataFrame:
    """All answers that these records give, then all accuracies and the report's own: ``number`` with ``low``, ``high``.

    Gains are in percentage points, accuracies in percent. Saved as :data:`ANSWERS`, it is the one table that the
    numbers of generated sentences are from.
    """
    rows = []
    for question, pair in QUESTIONS.items():
        if all(name in records for name in pair):
            a = answer(records, question)
            rows.append({"question": question, "number": a.gain, "low": a.low, "high": a.high, "seeds": a.seeds})
    for name, runs in records.items():
        correct = accuracy_per_article(runs[:1] if name in ONE_MODEL else runs)
        low, high = accuracy_interval(correct)
        rows.append(
            {"question": f"accuracy: {name_of(records, name)}", "number": 100 * correct.mean(), "low": 100 * low,
             "high": 100 * high, "seeds": 1 if name in ONE_MODEL else len(runs)}
        )  # fmt: skip
    for name, share in report_accuracy().items():
        rows.append({"question": f"the report: {name}", "number": 100 * share, "seeds": 1})
    return pd.DataFrame(rows)
