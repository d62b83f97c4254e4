"""A widget to browse test articles by who got them wrong, from run records alone; no article shows before a press."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from ipywidgets import HTML
from scipy.special import softmax

from ..analysis.calibration import confidence
from ..study.records import Record
from ..study.runs import MODEL4, TEACHERS
from ..study.study import Study
from .panel import (
    Panel,
    button,
    class_bars,
    class_labels,
    dropdown,
    html_table,
    look_of_class,
    new_figure,
    png_of,
    side_by_side,
)

SETS = ("only the student wrong", "both wrong", "only the teacher wrong", "the student's most confident mistakes")
MAX_CONFIDENT_MISTAKES = 50


def rows_of(name: str, student: Record, teacher: Record) -> np.ndarray:
    """The test rows of one of :data:`SETS`, those first of whose class the student is most confident."""
    s, t = student.correct, teacher.correct
    rows = np.flatnonzero(dict(zip(SETS, (~s & t, ~s & ~t, s & ~t, ~s), strict=True))[name])
    rows = rows[np.argsort(-confidence(student.test_logits[rows]), kind="stable")]
    return rows[:MAX_CONFIDENT_MISTAKES] if name == SETS[3] else rows


class BrowseErrors(Panel):
    """Previous and next through a set of test articles, with both models' probabilities.

    The still shows how many articles each set has, always: no article must be left behind in a saved notebook.

    Attributes:
        records: of each run that was given, its seed 0
        rows: test rows of the present set
        place: which of them is shown, from 0; None before the first press
    """

    css_class = "agnews-browse"
    static_hint = "A still picture: run this notebook and press Next article to read the articles."

    def __init__(self, study: Study, records: Mapping[str, list[Record]]):
        super().__init__()
        self.study = study
        self.records = {name: runs[0] for name, runs in records.items() if runs and runs[0].run.inputs != "text"}
        self.rows, self.place = np.array([], int), None
        options = [(record.run.title, name) for name, record in self.records.items()]
        options.sort(key=lambda option: option[1] != MODEL4)  # the student that the course is about comes first
        students = [option for option in options if option[1] not in TEACHERS]
        teachers = [option for option in options if option[1] in TEACHERS]
        self.student = dropdown("Student", "The student whose answers are compared", students)
        self.teacher = dropdown("Teacher", "The teacher whose answers are compared", teachers)
        self.kind = dropdown("Set of articles", "Which test articles to look at", SETS, "420px")
        self.previous_button = button("Previous article", "Shows the article before", lambda: self.step(-1))
        self.next_button = button("Next article", "Shows the first or next one", lambda: self.step(1), "primary")
        self.article, chosen = HTML(), (self.student, self.teacher, self.kind)
        for control in chosen:
            control.observe(lambda _: self._choose(), "value")
        above = (side_by_side(*chosen), side_by_side(self.previous_button, self.next_button))
        self.children = (*above, self.error, self.article, self.picture, self.status)
        self.show_picture(counts_png(np.zeros((len(SETS), 1), int), [""], 0), "No test articles were counted.")
        self._choose()

    def _choose(self) -> None:
        """Finds the rows of the chosen set; no article shows until the next press."""
        self.place, self.article.value = None, ""
        with self.showing_errors():
            student, teacher = self._pair()
            self.rows = rows_of(self.kind.value, student, teacher)
            classes = self.study.inputs.classes
            sets = [student.labels[rows_of(kind, student, teacher)] for kind in SETS]
            counts = np.array([np.bincount(labels, minlength=len(classes)) for labels in sets])
            counted = "; ".join(f"{kind}: {len(labels):,}" for kind, labels in zip(SETS, sets, strict=True))
            words = f"Of {len(student.labels):,} test articles: {counted}."
            pair = " and ".join(f"{record.run.title} (seed {record.seed})" for record in (student, teacher))
            self.show_picture(counts_png(counts, classes, len(student.labels), pair), f"{pair}. {words}")
            self.set_status(f"{words} Press Next article to read the first of the {len(self.rows):,} in the set.")

    def _pair(self) -> tuple[Record, Record]:
        """The chosen records; a ValueError where there are none, or they are of other articles than the study's."""
        if self.student.value is None or self.teacher.value is None:
            raise ValueError("There is no record of a student and a teacher to compare: run notebooks 02 to 04 first.")
        pair = self.records[self.student.value], self.records[self.teacher.value]
        labels = self.study.inputs.splits["test"]["label"]
        if not all(np.array_equal(record.labels, labels) for record in pair):
            raise ValueError("These records are of other test articles: set the data folder that they came from.")
        return pair

    def step(self, by: int) -> None:
        """Shows the next article of the set, or the one before; beyond an end it goes on at the other."""
        with self.showing_errors():
            pair, count = self._pair(), len(self.rows)
            if not count:
                raise ValueError(f"There is no article in the set “{self.kind.value}”: choose another one.")
            first = 0 if by > 0 else count - 1
            self.place = first if self.place is None else (self.place + by) % count
            self._show(*pair)

    def _show(self, student: Record, teacher: Record) -> None:
        row = int(self.rows[self.place])
        y_s, y_t = (softmax(record.test_logits[row].astype(np.float64)) for record in (student, teacher))
        classes = self.study.inputs.classes
        truth, text = classes[student.labels[row]], self.study.inputs.splits["test"][row]["text"]
        self.article.value = (
            f'<div role="status" aria-live="polite"><p><strong>Article {self.place + 1} of {len(self.rows):,}, true '
            f"class {truth}:</strong></p><blockquote>{escape(text)}</blockquote></div>"
        )
        s, t = (f"{classes[y.argmax()]} with {y.max():.2f}" for y in (y_s, y_t))
        words = f"The student says {s}, the teacher {t}; the true class is {truth}."
        self.show_picture(pair_png(y_s, y_t, class_labels(student.labels[row], classes)), words, keep=False)
        columns = {"class": classes, student.run.title: y_s, teacher.run.title: y_t}
        self.set_status(words, html_table(columns, "Probabilities for this article"))


def counts_png(counts: np.ndarray, classes: Sequence[str], total: int, pair: str = "") -> bytes:
    """How many articles each set has, by true class: ``counts`` (sets, classes). ``pair``: student and teacher."""
    with new_figure(9, 3, left=0.32, right=0.95, top=0.72, bottom=0.06) as (figure, axes):
        before = np.zeros(len(counts), int)
        for k, name in enumerate(classes):
            axes.barh(SETS, counts[:, k], 0.6, left=before, edgecolor="white", label=name, **look_of_class(k))
            before = before + counts[:, k]
        for place, whole in enumerate(before):
            axes.annotate(f"{whole:,}", (whole, place), (4, 0), textcoords="offset points", va="center")
        axes.set(xlim=(0, 1.12 * max(*before, 1)), xticklabels=())
        figure.suptitle(f"{pair}\nArticles in each set by true class, of {total:,} test articles".strip(), fontsize=11)
        if any(classes):
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(classes), frameon=False, fontsize=9)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        return png_of(figure)


def pair_png(student: np.ndarray, teacher: np.ndarray, labels: Sequence[str]) -> bytes:
    """Both models' probabilities for one article; ``labels`` name the classes."""
    with new_figure(7, 2.9, left=0.1, right=0.98, top=0.9, bottom=0.2) as (figure, axes):
        for bars in class_bars(axes, student, teacher):
            axes.bar_label(bars, fmt="%.2f", fontsize=8.5)
        axes.set(ylim=(0, 1.14), xticklabels=labels)
        axes.legend(fontsize=8.5, loc="lower center", bbox_to_anchor=(0.5, 0.98), ncols=2, framealpha=0)
        return png_of(figure)
