"""A widget to browse test articles by who got them wrong, from run records alone; no article shows before a press."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import ipywidgets
import numpy as np
from scipy.special import softmax

from ..analysis.calibration import confidence
from ..plotting.style import BLUE, ORANGE
from ..settings import CLASS_NAMES
from ..study.records import Record
from ..study.runs import MODEL4, RUNS, TEACHERS
from ..study.study import Study
from .controls import button, choice, side_by_side, table
from .panel import Panel
from .raster import captioned, class_bars, look, new_figure, png_of

SETS = {  # name: what student and teacher have to be on an article
    "wrong by student, correct by teacher": (False, True),
    "both wrong": (False, False),
    "correct by student, wrong by teacher": (True, False),
    "student's most confident mistakes": (False, None),
}
MOST_CONFIDENT = 50  # mistakes that count as the most confident


def rows_of(name: str, student: Record, teacher: Record) -> np.ndarray:
    """The test articles of one of :data:`SETS`, those first of whose class the student is most confident."""
    student_correct, teacher_correct = SETS[name]
    wanted = student.correct == student_correct
    if teacher_correct is not None:
        wanted &= teacher.correct == teacher_correct
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(-confidence(student.test_logits[rows]), kind="stable")]
    return rows if teacher_correct is not None else rows[:MOST_CONFIDENT]


class BrowseErrors(Panel):
    """Previous and next through a set of test articles, with both models' probabilities; records count with seed 0.

    Attributes:
        rows: test articles of the present set
        place: which of them is shown, from 0; None before the first press
    """

    css_class = "agnews-browse"
    static_hint = "A still picture: run this notebook and press Next article to read the articles."

    def __init__(self, study: Study, records: Mapping[str, list[Record]]):
        super().__init__()
        self.study = study
        self.records = {name: runs[0] for name, runs in records.items() if runs and RUNS[name].inputs != "text"}
        self.rows, self.place = np.array([], int), None
        self._still_png, self._still_alt = drawn_counts(dict.fromkeys(SETS, 0), 0), "No test articles were counted."
        self.picture.show(self._still_png, self._still_alt)
        self.article = ipywidgets.HTML()
        self._make_controls()
        self.children = [
            side_by_side(self.student, self.teacher, self.kind),
            side_by_side(self.previous_button, self.next_button),
            self.error,
            self.article,
            self.picture,
            self.details,
        ]
        self._choose()

    def _make_controls(self) -> None:
        students = [name for name in self.records if name not in TEACHERS]
        teachers = [name for name in self.records if name in TEACHERS]
        students.sort(key=lambda name: name != MODEL4)
        self.student, self.teacher = (
            choice(who, [(RUNS[name].title, name) for name in names], f"The {who.lower()} whose answers are compared")
            for who, names in (("Student", students), ("Teacher", teachers))
        )
        self.kind = choice("Set of articles", list(SETS), "Which test articles to look at", "420px")
        self.previous_button = button("Previous article", "Shows the article before", lambda: self.step(-1))
        self.next_button = button(
            "Next article", "Shows the first, then the next article", lambda: self.step(1), "primary"
        )
        for control in (self.student, self.teacher, self.kind):
            control.observe(lambda _: self._choose(), "value")

    def _choose(self) -> None:
        """Finds the rows of the chosen set; no article shows until the next press."""
        self.place, self.article.value = None, ""
        with self.errors_shown():
            student, teacher = self._pair()
            self.rows = rows_of(self.kind.value, student, teacher)
            counts = {kind: len(rows_of(kind, student, teacher)) for kind in SETS}
            counted = "; ".join(f"{kind}: {count:,}" for kind, count in counts.items())
            words = f"Of {len(student.labels):,} test articles: {counted}."
            with self.lock:
                self._still_png, self._still_alt = drawn_counts(counts, len(student.labels)), words
            self.picture.show(self._still_png, words)
            self.show_details(
                f"<p>{escape(words)} Press Next article to read the first of the {len(self.rows):,} in the set.</p>"
            )

    def _pair(self) -> tuple[Record, Record]:
        """The chosen records.

        Raises:
            ValueError: there is no student or teacher, or they are of other articles than the study's.
        """
        if self.student.value is None or self.teacher.value is None:
            raise ValueError("There is no record of a student and a teacher to compare: run notebooks 02 to 04 first.")
        student, teacher = self.records[self.student.value], self.records[self.teacher.value]
        labels = np.asarray(self.study.inputs.splits["test"]["label"])
        if not all(np.array_equal(record.labels, labels) for record in (student, teacher)):
            raise ValueError(
                "These records are of other test articles than this study's: set the data folder they came from."
            )
        return student, teacher

    def step(self, by: int) -> None:
        """Shows the next article of the set, or the one before; beyond an end it goes on at the other."""
        with self.errors_shown():
            student, teacher = self._pair()
            if not len(self.rows):
                raise ValueError(
                    f"There is no article in the set “{self.kind.value}” for these two models: choose another."
                )
            first = 0 if by > 0 else len(self.rows) - 1
            self.place = first if self.place is None else (self.place + by) % len(self.rows)
            self._show(student, teacher)

    def _show(self, student: Record, teacher: Record) -> None:
        row = int(self.rows[self.place])
        y_s, y_t = (softmax(record.test_logits[row].astype(np.float64)) for record in (student, teacher))
        label, text = int(student.labels[row]), self.study.inputs.splits["test"][row]["text"]
        self.article.value = (
            f'<div role="status" aria-live="polite"><p><strong>Article {self.place + 1} of {len(self.rows):,}, '
            f"true class {CLASS_NAMES[label]}:</strong></p><blockquote>{escape(text)}</blockquote></div>"
        )
        words = (
            f"The student says {CLASS_NAMES[y_s.argmax()]} with {y_s.max():.2f}, the teacher "
            f"{CLASS_NAMES[y_t.argmax()]} with {y_t.max():.2f}; the true class is {CLASS_NAMES[label]}."
        )
        self.picture.show(drawn_pair(y_s, y_t, label), words)
        rows = [[name, f"{y_s[i]:.3f}", f"{y_t[i]:.3f}"] for i, name in enumerate(CLASS_NAMES)]
        head = ["class", student.run.title, teacher.run.title]
        self.show_details(f"<p>{escape(words)}</p>" + table(head, rows, "Probabilities for this article"))

    def static_png(self) -> bytes:
        """Always the counts: an article must not be left behind in a saved notebook."""
        with self.lock:
            return captioned(self._still_png, self.static_hint)

    def alt_text(self) -> str:
        return f"{self._still_alt} {self.static_hint}"


def drawn_counts(counts: Mapping[str, int], total: int) -> bytes:
    """How many articles each set has."""
    with look():
        figure = new_figure(8, 2.3)
        axes = figure.subplots()
        figure.subplots_adjust(left=0.36, right=0.95, top=0.88, bottom=0.08)
        places = range(len(counts))
        axes.barh(places, counts.values(), 0.6, color=BLUE)
        most = max([*counts.values(), 1])
        for place, count in zip(places, counts.values(), strict=True):
            axes.text(count + 0.01 * most, place, f"{count:,}", va="center", fontsize=9)
        axes.set(yticks=places, yticklabels=counts, xlim=(0, 1.12 * most), xticklabels=())
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_title(f"Articles in each set, of {total:,} test articles", fontsize=10)
        return png_of(figure)


def drawn_pair(student: np.ndarray, teacher: np.ndarray, label: int) -> bytes:
    """Both models' probabilities for one article."""
    with look():
        figure = new_figure(7, 2.9)
        axes = figure.subplots()
        figure.subplots_adjust(left=0.1, right=0.98, top=0.9, bottom=0.2)
        names = [f"{name}\n(true class)" if i == label else name for i, name in enumerate(CLASS_NAMES)]
        class_bars(axes, [("student", student, BLUE, ""), ("teacher", teacher, ORANGE, "///")], names)
        axes.legend(fontsize=8.5, loc="lower center", bbox_to_anchor=(0.5, 0.98), ncols=2, framealpha=0)
        return png_of(figure)
