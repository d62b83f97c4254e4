"""A widget to take the DIST loss apart: sliders for its settings, editable logits, and what the student would learn."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from html import escape

import ipywidgets
import numpy as np
import torch

from ..losses import DISTLoss
from ..settings import CLASS_NAMES
from .controls import checkbox, choice, number, side_by_side, slider_for, table
from .dist_figure import HUGE_GRADIENT, draw, measure, over_tau, pushes, signed
from .panel import Panel
from .raster import png_of

TERMS = {"ce": "cross-entropy", "inter": "inter", "intra": "intra"}
LABELS = (2, 0, 1, 3)  # of the four articles: Business, World, Sports, Sci/Tech
_TEACHER = ((0.0, -1.0, 4.0, 2.0), (5.0, 0.0, 1.0, 0.0), (0.0, 6.0, -1.0, 0.0), (0.0, -1.0, 2.0, 3.0))
EDITED = "logits edited by hand"


def _less_confident(shares: Sequence[float]) -> tuple:
    """Logits whose probabilities are ``share`` of the teacher's plus an equal part of the rest for every class."""
    probabilities = torch.tensor(_TEACHER).softmax(dim=1)
    share = torch.tensor(shares)[:, None]
    logits = (share * probabilities + (1 - share) / len(CLASS_NAMES)).log()
    return tuple(map(tuple, (logits - logits.mean(dim=1, keepdim=True)).numpy().round(3).tolist()))


# name: student's and teacher's logits of four articles
SITUATIONS = {
    "the notebook's four articles": (
        ((1.0, 0.5, 2.0, 0.0), (2.5, 0.0, 0.5, 0.0), (0.0, 3.0, 0.0, 0.5), (0.5, 0.0, 1.0, 1.5)),
        _TEACHER,
    ),
    "confident and correct": (
        ((0.0, 0.0, 5.0, 1.0), (5.0, 1.0, 0.0, 0.0), (0.0, 5.0, 0.0, 1.0), (0.0, 0.0, 1.0, 5.0)),
        ((0.0, -1.0, 5.0, 1.5), (5.0, 0.0, 1.0, 0.0), (0.0, 6.0, -1.0, 0.0), (0.0, -1.0, 1.5, 5.0)),
    ),
    "confident and wrong": (
        ((0.0, 0.0, 0.0, 6.0), (0.0, 0.0, 6.0, 0.0), (6.0, 0.0, 0.0, 0.0), (0.0, 6.0, 0.0, 0.0)),
        ((0.0, -1.0, 5.0, 1.5), (5.0, 0.0, 1.0, 0.0), (0.0, 6.0, -1.0, 0.0), (0.0, -1.0, 1.5, 5.0)),
    ),
    "two classes confused": (
        ((0.0, -1.0, 2.5, 3.0), (4.0, 0.0, 0.5, 0.0), (0.0, 4.0, 0.0, 0.0), (0.0, -1.0, 3.0, 2.5)),
        ((0.0, -1.0, 3.5, 2.5), (5.0, 0.0, 1.0, 0.0), (0.0, 6.0, -1.0, 0.0), (0.0, -1.0, 2.5, 3.5)),
    ),
    "student flat": (
        ((0.1, 0.0, 0.0, 0.1), (0.0, 0.1, 0.1, 0.0), (0.1, 0.0, 0.1, 0.0), (0.0, 0.1, 0.0, 0.1)),
        _TEACHER,
    ),
    "student = teacher, less confident": (_less_confident((0.4, 0.4, 0.4, 0.4)), _TEACHER),
    "student = teacher, unevenly less confident": (_less_confident((0.2, 0.9, 0.4, 0.7)), _TEACHER),
    "teacher confident and wrong": (
        ((1.0, 0.5, 2.0, 0.0), (2.5, 0.0, 0.5, 0.0), (0.0, 3.0, 0.0, 0.5), (0.5, 0.0, 1.0, 1.5)),
        ((0.0, 0.0, 0.0, 6.0), (0.0, 0.0, 6.0, 0.0), (6.0, 0.0, 0.0, 0.0), (0.0, 6.0, 0.0, 0.0)),
    ),
}


class DISTExplorer(Panel):
    """Sliders for tau and the weights, editable logits, and the loss with its gradient for one of four articles.

    Attributes:
        measured: what the present setting gives (:class:`agnews_utils.widgets.dist_figure.Measured`)
        figure: its picture
        student, teacher, labels: the four articles' logits (4, 4) and classes (4,)
    """

    css_class = "agnews-explorer"
    static_hint = "A still picture: run this notebook to move the sliders and edit the logits."

    def __init__(self, situation: str = next(iter(SITUATIONS))):
        super().__init__()
        if situation not in SITUATIONS:
            raise ValueError(f"There is no situation {situation!r}; there are {', '.join(SITUATIONS)}.")
        self.labels = torch.tensor(LABELS)
        self._curves: tuple = ()  # the logits and labels of the curves on show, then the curves
        self._silent = False
        self._make_controls(situation)
        self.children = [
            side_by_side(self.situation, self.article, self.true_class),
            side_by_side(  # each slider with its field, so that a narrow page does not part them
                *map(ipywidgets.HBox, zip(self.sliders, (self.tau, self.beta, self.gamma, self.ce_weight), strict=True))
            ),
            self.scale_tau2,
            side_by_side(*self.student_logits),
            side_by_side(*self.teacher_logits),
            self.error,
            self.picture,
            self.details,
        ]
        self._load(situation)

    def _make_controls(self, situation: str) -> None:
        self.situation = choice(
            "Situation", [*SITUATIONS, EDITED], "Fills in both models' logits of all four articles", value=situation
        )
        articles = [(f"article {i + 1}", i) for i in range(len(LABELS))]
        self.article = choice("Article shown", articles, "Which of the four articles is shown and edited", "220px")
        classes = [(name, i) for i, name in enumerate(CLASS_NAMES)]
        self.true_class = choice("True class", classes, "The label of the article shown", "220px", LABELS[0])
        self.tau, self.beta, self.gamma, self.ce_weight = (
            number(f"{name} =", value, tooltip, step=0.1, width="130px")
            for name, value, tooltip in (
                ("tau", 1.0, "Both softmaxes divide the logits by it; above 0"),
                ("beta", 2.0, "Weight of the inter-class relation; 0 or more"),
                ("gamma", 2.0, "Weight of the intra-class relation; 0 or more"),
                ("CE", 1.0, "Weight of the cross-entropy, the term that knows the label; 0 or more"),
            )
        )
        self.sliders = [
            slider_for(self.tau, "Temperature tau", 0.1, 8.0),
            slider_for(self.beta, "Weight beta (inter)", 0.0, 8.0),
            slider_for(self.gamma, "Weight gamma (intra)", 0.0, 8.0),
            slider_for(self.ce_weight, "Weight of cross-entropy", 0.0, 2.0),
        ]
        self.scale_tau2 = checkbox("Multiply inter and intra by tau²", "As the official code does")
        self.student_logits, self.teacher_logits = (
            [
                number(f"{who}, {name}", 0.0, f"{who}'s logit of {name} for the article shown", step=0.5)
                for name in CLASS_NAMES
            ]
            for who in ("Student", "Teacher")
        )
        self.situation.observe(self._situation_chosen, "value")
        self.article.observe(lambda _: self._show_article(), "value")
        for control in (self.tau, self.beta, self.gamma, self.ce_weight, self.scale_tau2):
            control.observe(lambda _: self._update(), "value")
        for control in (*self.student_logits, *self.teacher_logits, self.true_class):
            control.observe(lambda _: self._edited(), "value")

    @contextmanager
    def _quietly(self):
        """Controls are set together, and the picture drawn once afterwards."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    def _situation_chosen(self, change) -> None:
        if not self._silent and change.new != EDITED:
            self._load(change.new)

    def _load(self, situation: str) -> None:
        self.student, self.teacher = (torch.tensor(logits) for logits in SITUATIONS[situation])
        self.labels = torch.tensor(LABELS)
        self._show_article()

    def _show_article(self) -> None:
        row = self.article.value
        with self._quietly():
            self.true_class.value = int(self.labels[row])
            for fields, logits in ((self.student_logits, self.student), (self.teacher_logits, self.teacher)):
                for field, value in zip(fields, logits[row].tolist(), strict=True):
                    field.value = round(value, 4)
        self._update()

    def _edited(self) -> None:
        if self._silent:
            return
        row = self.article.value
        self.student, self.teacher, self.labels = self.student.clone(), self.teacher.clone(), self.labels.clone()
        self.student[row] = torch.tensor([float(field.value) for field in self.student_logits])
        self.teacher[row] = torch.tensor([float(field.value) for field in self.teacher_logits])
        self.labels[row] = self.true_class.value
        with self._quietly():
            self.situation.value = EDITED
        self._update()

    def _update(self) -> None:
        if self._silent:
            return
        with self.errors_shown():
            loss = DISTLoss(
                self.beta.value, self.gamma.value, self.tau.value, self.ce_weight.value, self.scale_tau2.value
            )
            self.measured = measure(self.student, self.teacher, self.labels, loss)
            if not self._curves or any(a is not b for a, b in zip(self._curves, self._articles, strict=False)):
                self._curves = (
                    *self._articles,
                    {scaled: over_tau(*self._articles, scaled) for scaled in (False, True)},
                )
            row = self.article.value
            with self.lock:
                self.figure = draw(self.measured, row, int(self.labels[row]), self._curves[-1])
                self.picture.show(png_of(self.figure), self.in_words())
            self.show_details(self._tables())

    @property
    def _articles(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.student, self.teacher, self.labels

    def in_words(self) -> str:
        """The picture in sentences."""
        m, row = self.measured, self.article.value
        says = [
            f"{who} gives {CLASS_NAMES[y[row].argmax()]} {y[row].max():.2f}"
            for who, y in zip(("the student", "the teacher"), m.probabilities, strict=True)
        ]
        gradient = m.gradients["total"][row]
        largest = int(np.abs(gradient).argmax())
        return (
            f"DIST loss at tau {m.loss.tau:.2f}, {'with' if m.loss.scale_tau2 else 'without'} tau²: cross-entropy "
            f"{m.terms['ce']:.4f}, inter {m.terms['inter']:.4f}, intra {m.terms['intra']:.4f}, total {m.total:.4f}. "
            f"Article {row + 1}, truly {CLASS_NAMES[int(self.labels[row])]}: {says[0]}, {says[1]}. The total's "
            f"gradient is largest on {CLASS_NAMES[largest]}, {signed(gradient[largest])}: training "
            f"{pushes(gradient[largest])} that logit."
        )

    def _tables(self) -> str:
        m, row = self.measured, self.article.value
        factor = {name: m.loss.tau**2 if m.loss.scale_tau2 and name != "ce" else 1.0 for name in TERMS}
        terms = [
            [title, f"{m.plain[name]:.4f}", f"{factor[name]:.2f}", f"{m.loss.weights[name]:.2f}",
             f"{m.loss.weights[name] * m.terms[name]:.4f}"]
            for name, title in TERMS.items()
        ]  # fmt: skip
        terms.append(["total", "", "", "", f"{m.total:.4f}"])
        classes = [
            [name, *(f"{y[row, i]:.4f}" for y in m.probabilities), *(signed(m.gradients[term][row, i]) for term in
            (*TERMS, "total")),
             pushes(m.gradients["total"][row, i])]
            for i, name in enumerate(CLASS_NAMES)
        ]  # fmt: skip
        note = ""
        if np.abs(m.gradients["total"]).max() > HUGE_GRADIENT:
            note = (
                "<p>The gradient is huge because a row (article) or column (class) of the student's probabilities is "
                "nearly constant: a correlation divides by its spread.</p>"
            )
        head = ["class", "student", "teacher", *(f"gradient of {title}" for title in TERMS.values())]
        caption = (
            f"Article {row + 1}: temperature-scaled probabilities, and the gradient of each weighted term with respect "
            "to the student's logits"
        )
        return (
            f"<p>{escape(self.in_words())}</p>{note}"
            + table(
                ["term", "value", "times (tau²)", "times (weight)", "in the total"], terms, "Loss of all four articles"
            )
            + table([*head, "of the total", "training"], classes, caption)
        )
