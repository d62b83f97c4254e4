"""Notebook 07: teachers asked about unseen articles, hashed pairs, int8, and what a control takes from a gain."""

from __future__ import annotations

import numpy as np
import torch

from ...models import HASH_AFTER, HASH_BEFORE, HASH_PRIME, hashed_pairs
from ..exercise import Exercise

out_of_fold = Exercise(
    "07.1",
    "A teacher that has not seen the article",
    minutes=12,
    difficulty=2,
    grades="out-of-fold answers, in the rows' order",
    question="""
    `fit(x, y)` trains a teacher, and `teacher(x)` gives its answers. `fold` says which part each row belongs to.
    Let every row be answered by a teacher that was trained on all other parts. Return the answers in the order of
    the rows.""",
    predict="A teacher knows its training rows by heart: how often does it repeat their labels?",
    outcome="""On its own rows always, so a student learns nothing there that the label does not say. On other rows
    it says what it thinks, mistakes included, and that is what a student can use.""",
    hints=(
        "Loop over the parts. In each turn, which rows train, and which rows are asked?",
        "`fold != part` are the rows to train on, `fold == part` those to ask about.",
        "Make `answers = np.empty(len(x))` first, and write `answers[fold == part] = teacher(x[fold == part])`.",
    ),
)


@out_of_fold.solution
def my_answers(fit, x: np.ndarray, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Answers (rows,) of teachers that have not seen the row; x, y and fold are (rows,), folds are numbered from 0."""
    answers = np.empty(len(x))
    for part in np.unique(fold):
        teacher = fit(x[fold != part], y[fold != part])
        answers[fold == part] = teacher(x[fold == part])
    return answers


@out_of_fold.mistake(
    "asked about rows that it has seen",
    "Each teacher answers the rows that it was trained on. It has their labels by heart.",
)
def _(fit, x, y, fold):
    answers = np.empty(len(x))
    for part in np.unique(fold):
        answers[fold == part] = fit(x[fold == part], y[fold == part])(x[fold == part])
    return answers


@out_of_fold.mistake(
    "one teacher for all rows", "One teacher was trained on all rows, so it has seen all that it answers."
)
def _(fit, x, y, fold):
    return fit(x, y)(x)


@out_of_fold.mistake(
    "order of the rows lost", "The answers stand part after part. Each row's answer belongs into the row's own place."
)
def _(fit, x, y, fold):
    parts = np.unique(fold)
    return np.concatenate([fit(x[fold != part], y[fold != part])(x[fold == part]) for part in parts])


def _neighbours(x, y):
    """A teacher that answers the mean label of the two nearest training rows."""
    return lambda asked: y[np.abs(asked[:, None] - x).argsort(axis=1, kind="stable")[:, :2]].mean(axis=1)


@out_of_fold.inputs
def _():
    generator = np.random.default_rng(0)
    return [
        (_neighbours, generator.normal(size=n), generator.integers(0, 4, n).astype(float), generator.permutation(n) % f)
        for n, f in ((12, 2), (20, 2), (21, 3))
    ]


pairs = Exercise(
    "07.2",
    "Hashed pairs of words",
    minutes=8,
    difficulty=2,
    grades="a hash that keeps the order of a pair, and leaves padding out",
    question=f"""
    Give each pair of neighbours in `ids` a row of a table with so many `buckets`. For the pair (p, q) compute p ·
    {HASH_BEFORE:,} + q · {HASH_AFTER:,}. Take the remainder by {HASH_PRIME:,}, of that the remainder by buckets - 1,
    and add 1: this is the pair's row. A pair with padding (0) has row 0.""",
    predict="Do *dog bites man* and *man bites dog* have the same single words, and the same pairs?",
    outcome="""The same words, but other pairs: the two numbers of the hash differ, so the order counts. Two pairs
    may share a row by accident, the more often the fewer buckets there are.""",
    hints=(
        "`ids[:-1]` are the first words of all pairs, `ids[1:]` the second ones.",
        "`%` is the remainder. Take it by the prime first, then by buckets - 1, and add 1 at the end.",
        "`np.where((p != 0) & (q != 0), rows, 0)` sets the pairs with padding to 0.",
    ),
    module=lambda ids, buckets: hashed_pairs(torch.from_numpy(ids)[None], buckets)[0, len(ids) :],
)


@pairs.solution
def my_pairs(ids: np.ndarray, buckets: int) -> np.ndarray:
    """Rows (L - 1,) of the pairs of neighbours in ids (L,), whole numbers, 0 for padding."""
    p, q = ids[:-1], ids[1:]
    rows = 1 + (p * 1_540_483_477 + q * 1_000_003) % 2_147_483_647 % (buckets - 1)
    return np.where((p != 0) & (q != 0), rows, 0)


def _hash(p, q, buckets, second=HASH_AFTER):
    return 1 + (p * HASH_BEFORE + q * second) % HASH_PRIME % (buckets - 1)


def _without_padding(p, q, rows):
    return np.where((p != 0) & (q != 0), rows, 0)


@pairs.mistake("order of the pair lost", "Both words have the same factor, so a pair and its reverse share a row.")
def _(ids, buckets):
    return _without_padding(ids[:-1], ids[1:], _hash(ids[:-1], ids[1:], buckets, HASH_BEFORE))


@pairs.mistake("pair turned round", "Your first word has the second word's factor: each pair is read backwards.")
def _(ids, buckets):
    return _without_padding(ids[:-1], ids[1:], _hash(ids[1:], ids[:-1], buckets))


@pairs.mistake(
    "padding paired", "Pairs with padding have rows of their own. Then the length of an article would be a word."
)
def _(ids, buckets):
    return _hash(ids[:-1], ids[1:], buckets)


@pairs.mistake(
    "row 0 not kept free", "Real pairs can fall into row 0, which belongs to padding. That is what 1 + is for."
)
def _(ids, buckets):
    return _without_padding(ids[:-1], ids[1:], _hash(ids[:-1], ids[1:], buckets) - 1)


@pairs.inputs
def _():
    lines = ([2, 17, 9, 17, 2, 3, 0, 0], [5, 6, 5], [30_521, 1, 30_521, 400, 0])
    return [(np.array(ids), buckets) for ids, buckets in zip(lines, (101, 1000, 2**18), strict=True)]


int8 = Exercise(
    "07.3",
    "Weights in eight bits",
    minutes=10,
    difficulty=2,
    grades="a scale for each row, rounding, and the bound of its error",
    question="""
    Round each row of a weight matrix to whole steps, so that its largest magnitude becomes 127 steps. Return the
    restored weights (steps times step size), and for each row the largest error that rounding can make there. No row is
    all 0.""",
    predict="A row has one weight of 10 and many of 0.03: what becomes of the small ones?",
    outcome="""They become 0: a step is 10 / 127 = 0.08, and 0.03 is less than half of it. So one large weight costs
    its whole row precision, and a scale for each row keeps the damage there.""",
    hints=(
        "The step of a row is its largest magnitude divided by 127: `np.abs(w).max(axis=1, keepdims=True) / 127`.",
        "`np.rint(w / step)` rounds to whole steps. Multiply by the step again.",
        "Rounding goes to the nearer side, so it is never further off than half a step.",
    ),
)


@int8.solution
def my_int8(w: np.ndarray) -> tuple:
    """(restored weights (rows, columns), largest possible error of each row (rows,))."""
    step = np.abs(w).max(axis=1, keepdims=True) / 127
    return np.rint(w / step) * step, step[:, 0] / 2


def _rounded(w, step, rounding=np.rint):
    return rounding(w / step) * step


def _step(w, axis=1):
    return np.abs(w).max(axis=axis, keepdims=True) / 127


@int8.mistake("one scale for all rows", "One step for the whole matrix: its largest weight costs every row precision.")
def _(w):
    step = np.full((len(w), 1), np.abs(w).max() / 127)
    return _rounded(w, step), step[:, 0] / 2


@int8.mistake("columns for rows", "You scaled the columns. Each row should have a step of its own.")
def _(w):
    return _rounded(w, _step(w, 0)), _step(w, 0)[0] / 2


@int8.mistake(
    "cut off for rounded", "You cut the fraction off, as `astype(int)` does. That makes the error twice as large."
)
def _(w):
    return _rounded(w, _step(w), np.trunc), _step(w)[:, 0]


@int8.mistake(
    "cut off, with the bound of rounding", "You cut the fraction off: some errors are above the bound you give."
)
def _(w):
    return _rounded(w, _step(w), np.trunc), _step(w)[:, 0] / 2


@int8.mistake(
    "a whole step as the bound", "The weights are right. Rounding to the nearer step is never a whole step off."
)
def _(w):
    return _rounded(w, _step(w)), _step(w)[:, 0]


@int8.inputs
def _():
    generator = np.random.default_rng(0)
    scales = np.array([[20.0], [300.0], [80.0], [5.0]])
    return [(scales * generator.normal(size=(4, columns)),) for columns in (4, 9)]


control = Exercise(
    "07.4",
    "What is left for the teacher",
    minutes=4,
    difficulty=1,
    grades="a gain counts over the best control without a teacher",
    question="""
    One student has these mean accuracies. First recipe, on labels: 91.0. With label smoothing: 91.3. On labels, trained
    as long as suits it: 91.6. Taught by a teacher whose answers are shuffled within each class: 91.5. Taught: 92.1. How
    many percentage points can at most be credited to what the teacher says of the single article?""",
    predict="Is it the distance to the first recipe, or to another row?",
    outcome="""0.5: what a better recipe without a teacher reaches as well is not the teacher's doing. The shuffled
    answers know only the class, so what they gain is no knowledge of the article either.""",
    hints=(
        "A control shares everything with the taught student, but for the thing that is tested.",
        "If any row without the teacher's knowledge of the article gets as far, that part needs no such teacher.",
        "Subtract the best of the four controls from the taught student's accuracy.",
    ),
    tolerance=0.011,
)


@control.solution
def my_credit() -> float:
    """Percentage points over the best control."""
    controls = [91.0, 91.3, 91.6, 91.5]
    return 92.1 - max(controls)


@control.mistake("weakest control", "You compared with the first recipe. Part of that gain comes without any teacher.")
def _():
    return 92.1 - 91.0


@control.mistake(
    "only one control", "The shuffled answers are one control. Another one without a teacher gets further."
)
def _():
    return 92.1 - 91.5


@control.mistake(
    "only label smoothing", "Label smoothing is one control. Others without the teacher's knowledge get further."
)
def _():
    return 92.1 - 91.3


@control.mistake("mean of the controls", "You averaged the controls. One that does well is enough to explain a gain.")
def _():
    return 92.1 - (91.0 + 91.3 + 91.6 + 91.5) / 4
