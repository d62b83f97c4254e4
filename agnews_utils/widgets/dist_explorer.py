"""A widget to take the DIST loss apart: sliders, editable logits, and what the student would learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from ipywidgets import Checkbox

from ..losses import DISTLoss
from ..settings import CLASS_NAMES
from .dist_figure import HUGE_GRADIENT, DISTFigure, Measured, effect, over_tau, signed
from .panel import Panel, control, dropdown, html_table, number, side_by_side, slider_with_field

TERMS = {"ce": "cross-entropy", "inter": "inter", "intra": "intra"}
LABELS = (2, 0, 1, 3)  # of the four articles: Business, World, Sports, Sci/Tech
EDITED = "logits edited by hand"
_STUDENT = ((1, 0.5, 2, 0), (2.5, 0, 0.5, 0), (0, 3, 0, 0.5), (0.5, 0, 1, 1.5))
_TEACHER = ((0, -1, 4, 2), (5, 0, 1, 0), (0, 6, -1, 0), (0, -1, 2, 3))
_CONFIDENT_TEACHER = ((0, -1, 5, 1.5), (5, 0, 1, 0), (0, 6, -1, 0), (0, -1, 1.5, 5))
_CONFIDENT_AND_WRONG = ((0, 0, 0, 6), (0, 0, 6, 0), (6, 0, 0, 0), (0, 6, 0, 0))


def _less_confident(shares: Sequence[float]) -> tuple:
    """Logits whose probabilities are ``share`` of the teacher's plus an equal part of the rest for every class."""
    share, probabilities = torch.tensor(shares)[:, None], torch.tensor(_TEACHER, dtype=torch.float).softmax(dim=1)
    logits = (share * probabilities + (1 - share) / len(CLASS_NAMES)).log()
    return tuple(map(tuple, (logits - logits.mean(dim=1, keepdim=True)).numpy().round(3).tolist()))


# name: student's and teacher's logits of four articles
SITUATIONS = {
    "the notebook's four articles": (_STUDENT, _TEACHER),
    "confident and correct": (((0, 0, 5, 1), (5, 1, 0, 0), (0, 5, 0, 1), (0, 0, 1, 5)), _CONFIDENT_TEACHER),
    "confident and wrong": (_CONFIDENT_AND_WRONG, _CONFIDENT_TEACHER),
    "two classes confused": (
        ((0, -1, 2.5, 3), (4, 0, 0.5, 0), (0, 4, 0, 0), (0, -1, 3, 2.5)),
        ((0, -1, 3.5, 2.5), (5, 0, 1, 0), (0, 6, -1, 0), (0, -1, 2.5, 3.5)),
    ),
    "student flat": (((0.1, 0, 0, 0.1), (0, 0.1, 0.1, 0), (0.1, 0, 0.1, 0), (0, 0.1, 0, 0.1)), _TEACHER),
    "student = teacher, less confident": (_less_confident((0.4, 0.4, 0.4, 0.4)), _TEACHER),
    "student = teacher, unevenly less confident": (_less_confident((0.2, 0.9, 0.4, 0.7)), _TEACHER),
    "teacher confident and wrong": (_STUDENT, _CONFIDENT_AND_WRONG),
}
WHY_HUGE = """<p>The step is huge because a row (article) or column (class) of the student's probabilities is nearly
constant: a correlation divides by its spread.</p>"""


class DISTExplorer(Panel):
    """Sliders for tau and the weights, editable logits, and the loss with its training step for one of four articles.

    It begins with a ``situation``, one of :data:`SITUATIONS` (ValueError if not).

    Attributes:
        measured: what the present setting gives (:class:`agnews_utils.widgets.dist_figure.Measured`)
        curves: inter and intra over tau, without and with tau squared
        student, teacher, labels: the four articles' logits (4, 4) and classes (4,)
    """

    css_class = "agnews-explorer"
    static_hint = "A still picture: run this notebook to move the sliders and edit the logits."

    def __init__(self, situation: str = next(iter(SITUATIONS))):
        super().__init__()
        if situation not in SITUATIONS:
            raise ValueError(f"There is no situation {situation!r}: take one of {', '.join(SITUATIONS)}.")
        self.figure, self._silent = DISTFigure(), False
        self.situation = dropdown("Situation", "Fills in all logits of all four articles", [*SITUATIONS, EDITED])
        self.situation.value = situation
        articles = [(f"article {i + 1}", i) for i in range(len(LABELS))]
        self.article = dropdown("Article shown", "Which of the four articles is shown and edited", articles, "220px")
        classes = zip(CLASS_NAMES, range(len(CLASS_NAMES)), strict=True)
        self.true_class = dropdown("True class", "The label of the article shown", classes, "220px")
        pairs = (
            slider_with_field("Temperature tau", "tau =", "Both softmaxes divide logits by it; above 0", 1.0, 0.1, 8),
            slider_with_field("Weight beta (inter)", "beta =", "Of the inter-class relation; 0 or more", 2.0, 0, 8),
            slider_with_field("Weight gamma (intra)", "gamma =", "Of the intra-class relation; 0 or more", 2.0, 0, 8),
            slider_with_field("Weight of cross-entropy", "CE =", "Of the label's own term; 0 or more", 1.0, 0, 2),
        )
        self.sliders, (self.tau, self.beta, self.gamma, self.ce_weight) = zip(*(p.children for p in pairs), strict=True)
        self.scale_tau2 = control(Checkbox, "Multiply inter and intra by tau²", "As in the official code", indent=False)
        hint = "{}'s logit of {} for the article shown"
        self.student_logits, self.teacher_logits = (
            [number(f"{who}, {name}", hint.format(who, name), 0.0, 0.5) for name in CLASS_NAMES]
            for who in ("Student", "Teacher")
        )
        first, boxes = (self.situation, self.article, self.true_class), (self.scale_tau2,)
        above = (side_by_side(*row) for row in (first, pairs, boxes, self.student_logits, self.teacher_logits))
        self.children = (*above, self.error, self.picture, self.status)
        self.situation.observe(lambda change: self._load(change.new), "value")
        self.article.observe(lambda _: self._show_article(), "value")
        for setting in (self.tau, self.beta, self.gamma, self.ce_weight, self.scale_tau2):
            setting.observe(lambda _: self._update(), "value")
        for edited in (*self.student_logits, *self.teacher_logits, self.true_class):
            edited.observe(lambda _: self._edited(), "value")
        self._load(situation)

    def _load(self, situation: str) -> None:
        if situation != EDITED:
            self.student, self.teacher = (torch.tensor(logits, dtype=torch.float) for logits in SITUATIONS[situation])
            self.labels = torch.tensor(LABELS)
            self._show_article()

    def _show_article(self) -> None:
        article = self.article.value
        self._silent = True  # the controls are set together, and the picture drawn once afterwards
        self.true_class.value = int(self.labels[article])
        for fields, logits in ((self.student_logits, self.student), (self.teacher_logits, self.teacher)):
            for field, value in zip(fields, logits[article].tolist(), strict=True):
                field.value = round(value, 4)
        self._silent = False
        self._update()

    def _edited(self) -> None:
        if not self._silent:
            article = self.article.value
            for logits, fields in ((self.student, self.student_logits), (self.teacher, self.teacher_logits)):
                logits[article] = torch.tensor([field.value for field in fields])
            self.labels[article] = self.true_class.value
            self.situation.value = EDITED
            self._update()

    def _update(self) -> None:
        with self.showing_errors():
            weights = {"beta": self.beta.value, "gamma": self.gamma.value, "ce_weight": self.ce_weight.value}
            loss = DISTLoss(**weights, tau=self.tau.value, scale_tau2=self.scale_tau2.value)
            articles, article = (self.student, self.teacher, self.labels), self.article.value
            self.measured = Measured(*articles, loss)
            self.curves = over_tau(*articles)
            png = self.figure.update(self.measured, article, int(self.labels[article]), self.curves)
            self.show_picture(png, self.sentence())
            self.set_status(self.sentence(), self._tables())

    def sentence(self) -> str:
        """The picture in words."""
        m, article = self.measured, self.article.value
        says = (f"gives {CLASS_NAMES[y[article].argmax()]} {y[article].max():.2f}" for y in m.probabilities)
        step = m.steps["total"][article]
        largest = int(np.abs(step).argmax())
        terms = ", ".join(f"{title} {m.terms[term]:.4f}" for term, title in TERMS.items())
        return (
            f"DIST loss at tau {m.loss.tau:.2f}, {'with' if m.loss.scale_tau2 else 'without'} tau²: {terms}, "
            f"total {m.total:.4f}. Article {article + 1}, truly {CLASS_NAMES[int(self.labels[article])]}: the student "
            f"{next(says)}, the teacher {next(says)}. The step of training is largest on {CLASS_NAMES[largest]}, "
            f"{signed(step[largest])}: it {effect(step[largest])} that logit."
        )

    def _tables(self) -> str:
        m, article = self.measured, self.article.value
        factor = m.loss.tau**2 if m.loss.scale_tau2 else 1.0
        terms = {
            "term": [*TERMS.values(), "total"],
            "value": [*(f"{m.unscaled[term]:.4f}" for term in TERMS), ""],
            "times (tau²)": ["1.00", f"{factor:.2f}", f"{factor:.2f}", ""],
            "times (weight)": [*(f"{m.loss.weights[term]:.2f}" for term in TERMS), ""],
            "in the total": [*(m.loss.weights[term] * m.terms[term] for term in TERMS), m.total],
        }
        steps = {name: step[article] for name, step in m.steps.items()}
        classes = {"class": CLASS_NAMES, "student": m.probabilities[0][article], "teacher": m.probabilities[1][article]}
        classes |= {f"step of {title}": map(signed, steps[term]) for term, title in TERMS.items()}
        classes |= {"of the total": map(signed, steps["total"]), "training": map(effect, steps["total"])}
        caption = (
            f"Article {article + 1}: temperature-scaled probabilities, and the step that each weighted term asks for: "
            "minus its gradient by the student's logits"
        )
        tables = html_table(terms, "The loss over all four articles", 4) + html_table(classes, caption, 4)
        return (WHY_HUGE if np.abs(m.gradients["total"]).max() > HUGE_GRADIENT else "") + tables
