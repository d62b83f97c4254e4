"""A widget to distil the one-layer student oneself: choose, press Train, compare with the undistilled control."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from html import escape

import ipywidgets
import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..analysis.statistics import accuracy_interval
from ..batches import ArticleSubset, WithTeacher, train_loader
from ..losses import CrossEntropy, DISTLoss, KLLoss, Loss
from ..plotting.style import BLUE, GREY
from ..study.runs import MODEL3, RUNS, TEACHERS
from ..study.study import Study
from ..training import TrainingArgs, best_epoch, train
from .controls import WHOLE_DESCRIPTION, button, checkbox, choice, number, side_by_side, table
from .panel import Panel
from .raster import look, new_figure, png_of

BATCH_SIZE = 32  # with so few articles, the course's 128 would leave too few steps to learn anything
MIN_ROWS = 2 * BATCH_SIZE
MAX_EPOCHS = 50
USUAL_TAU = {"DIST": 1.0, "KL": 4.0}
STUDENTS = {
    "one layer, padding read as in the report": MODEL3,
    "one layer, padding left out": "simpler_cnn_plain_masked",
}  # the run whose model is built


@dataclass(frozen=True)
class Setting:
    """What one trial is made with; ``student`` and ``teacher`` are names of runs."""

    student: str
    teacher: str
    loss: str
    tau: float
    beta: float
    gamma: float
    ce_weight: float
    scale_tau2: bool
    alpha: float
    rows: int
    epochs: int
    seed: int

    def make_loss(self) -> Loss:
        """The loss itself.

        Raises:
            ValueError: tau not above 0, a negative weight, alpha outside 0 to 1.
        """
        if self.loss == "KL":
            return KLLoss(self.alpha, self.tau)
        return DISTLoss(self.beta, self.gamma, self.tau, self.ce_weight, self.scale_tau2)

    def check(self, available: int) -> None:
        """Refuses what cannot be trained.

        Raises:
            ValueError: one sentence about what is wrong.
        """
        self.make_loss()
        if not MIN_ROWS <= self.rows <= available:
            few = "too few" if self.rows < MIN_ROWS else "more than there are"
            raise ValueError(f"{self.rows:,} labelled articles are {few}: take {MIN_ROWS} to {available:,}.")
        if not 1 <= self.epochs <= MAX_EPOCHS:
            raise ValueError(f"Epochs are {self.epochs}: take 1 to {MAX_EPOCHS}.")
        if self.seed < 0:
            raise ValueError(f"The seed is {self.seed}: take 0 or a larger whole number.")

    @property
    def control(self) -> tuple:
        """All that the undistilled control depends on."""
        return self.student, self.rows, self.epochs, self.seed

    @property
    def in_words(self) -> str:
        """The loss and its settings."""
        if self.loss == "KL":
            return f"KL, alpha {self.alpha:g}, tau {self.tau:g}"
        factor = ", with tau²" if self.scale_tau2 and self.tau != 1 else ""
        return f"DIST, beta {self.beta:g}, gamma {self.gamma:g}, CE {self.ce_weight:g}, tau {self.tau:g}{factor}"


@dataclass(frozen=True)
class Trial:
    """One finished trial: its setting, and the history of each student (a row an epoch)."""

    setting: Setting
    plain: list[dict]
    distilled: list[dict]

    @property
    def gain(self) -> float:
        """Validation accuracy of the distilled student less the plain one's, each at its best epoch."""
        return best_accuracy(self.distilled) - best_accuracy(self.plain)


def best_accuracy(history: list[dict]) -> float:
    """Validation accuracy of the best epoch."""
    return history[best_epoch(history) - 1]["validation_accuracy"]


class Stopped(Exception):
    """The reader pressed Stop."""


class DistilYourself(Panel):
    """Choose a teacher, a loss and its settings; train; compare with the undistilled control on validation articles.
    Nothing is written to disk.

    Attributes:
        trials: the finished trials (:class:`Trial`), oldest first
    """

    css_class = "agnews-tryout"
    static_hint = "A still picture: run this notebook to train a student yourself."

    def __init__(self, study: Study):
        super().__init__()
        self.study, self.trials = study, []
        self._plain: dict[tuple, list[dict]] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.teachers = {RUNS[name].title: name for name in RUNS if name in TEACHERS and has_train_logits(study, name)}
        self._make_controls()
        self.children = [
            side_by_side(self.student, self.teacher),
            side_by_side(self.loss, self.tau, self.beta, self.gamma, self.ce_weight, self.alpha, self.scale_tau2),
            side_by_side(self.rows, self.epochs, self.seed, self.train_button, self.stop_button),
            self.progress,
            self.error,
            self.picture,
            self.details,
        ]
        self._loss_chosen()
        self.picture.show(drawn_curves(), "An empty chart: validation accuracy by epoch, before the first trial.")
        self.show_details(f"<p>{escape(self.note())}</p>")
        if not self.teachers:
            self.train_button.disabled = True
            self.show_error("No teacher with its logits is here: run notebook 02 first, then make this widget again.")

    def _make_controls(self) -> None:
        available = len(self.study.inputs.splits["train"])
        self.student = choice("Student", list(STUDENTS.items()), "The one-layer CNN, and what it does with padding")
        self.teacher = choice("Teacher", list(self.teachers.items()), "Whose logits the student learns from")
        self.loss = choice("Loss", list(USUAL_TAU), "What the student is asked to match", "200px")
        self.tau = number("Temperature", 1.0, "tau, above 0", step=0.5)
        self.beta = number("beta (inter)", 2.0, "Weight of the inter-class relation in DIST", step=0.5)
        self.gamma = number("gamma (intra)", 2.0, "Weight of the intra-class relation in DIST", step=0.5)
        self.ce_weight = number("CE weight", 1.0, "Weight of the cross-entropy in DIST", step=0.5)
        self.alpha = number("alpha (KL share)", 0.9, "The teacher's share of the KL loss, 0 to 1", step=0.1)
        self.scale_tau2 = checkbox("Inter and intra times tau²", "As the official code does")
        self.rows = number(
            "Labelled articles",
            min(2_000, available),
            f"How many training articles, {MIN_ROWS} to {available}",
            True,
            500,
        )
        self.epochs = number("Epochs", 5, f"1 to {MAX_EPOCHS}", whole=True)
        self.seed = number("Seed", 0, "Of the first weights and of the order of articles", whole=True)
        self.train_button = button("Train", "Trains the plain and the distilled student", self._pressed, "primary")
        self.stop_button = button("Stop", "Stops the training that runs", self.stop)
        self.stop_button.disabled = True
        self.progress = ipywidgets.IntProgress(
            value=0, min=0, max=1, description="Progress", tooltip="Batches trained", style=WHOLE_DESCRIPTION,
            layout=ipywidgets.Layout(width="480px"),
        )  # fmt: skip
        self.loss.observe(lambda _: self._loss_chosen(), "value")

    def _loss_chosen(self) -> None:
        self.tau.value = USUAL_TAU[self.loss.value]
        for control in (self.beta, self.gamma, self.ce_weight, self.scale_tau2):
            control.disabled = self.loss.value == "KL"
        self.alpha.disabled = self.loss.value != "KL"

    def setting(self) -> Setting:
        """What the controls say now."""
        return Setting(**{field.name: getattr(self, field.name).value for field in fields(Setting)})

    def note(self) -> str:
        """What the numbers are accuracies on, and how well one of them is known."""
        rows = len(self.study.inputs.splits["validation"])
        shares = [best_accuracy(t.distilled) for t in self.trials[-1:]] or [0.8]
        low, high = accuracy_interval(np.arange(rows) < round(shares[0] * rows))
        return (
            f"Accuracies are on the {rows:,} validation articles: one who tries settings until a number pleases "
            "chooses by that number, and the test set must choose nothing. With so many articles, an accuracy of "
            f"{shares[0]:.0%} is known to about {50 * (high - low):.1f} percentage points either way, and every "
            "other seed gives another one."
        )

    def _pressed(self) -> None:
        self.train(wait=False)

    def train(self, wait: bool = True) -> Trial | None:
        """Trains what the controls say, in this thread or (``wait=False``) in one of its own, which Stop can end.

        Returns:
            the new trial; None where there is none (yet): trouble is then one sentence in :attr:`error`
        """
        if self.running:
            self.show_error("A training runs already: wait for it, or press Stop.")
            return None
        before = len(self.trials)
        with self.errors_shown():
            setting = self.setting()
            self.prepare(setting)
            self._stop.clear()
            if wait:
                self._work(setting)
            else:
                self._thread = threading.Thread(target=self._work, args=(setting,), daemon=True)
                self._thread.start()
        return self.trials[-1] if wait and len(self.trials) > before else None

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until a training in its own thread has ended."""
        if self._thread is not None:
            self._thread.join(seconds)

    def stop(self) -> None:
        """Ends a training in its own thread after the batch at work."""
        self._stop.set()

    def prepare(self, setting: Setting) -> None:
        """Checks the setting and fetches articles and logits.

        Raises:
            ValueError: see :meth:`Setting.check`; also without a teacher, or with damaged logits.
        """
        if setting.teacher is None:
            raise ValueError("No teacher with its logits is here: run notebook 02 first, then make this widget again.")
        setting.check(len(self.study.inputs.splits["train"]))
        self.study.inputs.articles("train"), self.study.inputs.articles("validation")
        self.study.teacher_logits(setting.teacher)

    def _work(self, setting: Setting) -> None:
        self.train_button.disabled, self.stop_button.disabled = True, False
        trained: dict[str, list[dict]] = {}
        with self.errors_shown():
            try:
                self._train_both(setting, trained)
                self.trials.append(Trial(setting, trained["plain"], trained["distilled"]))
                self._show(setting, trained)
            except Stopped:
                done = len(trained.get("distilled", ()))
                self.show_error(
                    f"{done} of {setting.epochs} epochs of the distilled student were done; this trial is not in the "
                    "table.",
                    "Stopped:",
                )
        self.train_button.disabled, self.stop_button.disabled = False, True

    def _train_both(self, setting: Setting, trained: dict[str, list[dict]]) -> None:
        study = self.study
        rows = ArticleSubset(study.inputs.articles("train"), range(setting.rows))
        logits = study.teacher_logits(setting.teacher)[: setting.rows]
        kinds = {"plain": (rows, CrossEntropy()), "distilled": (WithTeacher(rows, logits), setting.make_loss())}
        if setting.control in self._plain:  # the very numbers that training it again would give
            trained["plain"] = self._plain[setting.control]
            del kinds["plain"]
        batches = len(train_loader(rows, BATCH_SIZE, setting.seed))
        bar = _Progress(self.progress, len(kinds) * setting.epochs * batches, self._stop)
        args = TrainingArgs(setting.epochs, study.settings.lr, BATCH_SIZE)
        for kind, (dataset, loss) in kinds.items():

            def after_epoch(state: dict, kind: str = kind) -> None:
                trained[kind] = list(state["history"])
                self._show(setting, trained)

            train(
                study.build(setting.student, setting.seed), dataset, loss, study.settings, args, seed=setting.seed,
                eval_sets={"validation": study.inputs.articles("validation")}, after_epoch=after_epoch, bar=bar,
            )  # fmt: skip
            if kind == "plain":
                self._plain[setting.control] = trained[kind]
        bar.finish()

    def _show(self, setting: Setting, trained: dict[str, list[dict]]) -> None:
        alt = (
            f"Validation accuracy by epoch, {setting.in_words}, {setting.rows:,} articles, seed {setting.seed}. "
            + " ".join(
                f"{kind}: " + ", ".join(f"{row['validation_accuracy']:.1%}" for row in history) + "."
                for kind, history in trained.items()
            )
        )
        with self.lock:
            self.picture.show(drawn_curves(setting, trained), alt)
        self.show_details(f"<p>{escape(alt)}</p>{self._table()}<p>{escape(self.note())}</p>")

    def _table(self) -> str:
        if not self.trials:
            return ""
        padding = {run: title.partition(", ")[2] for title, run in STUDENTS.items()}
        rows = []
        for i, t in enumerate(self.trials, 1):
            s, seconds = t.setting, sum(row["train_seconds"] for row in t.distilled)
            rows.append(
                [str(i), padding[s.student], RUNS[s.teacher].title, s.in_words, f"{s.rows:,}", str(s.epochs),
                 str(s.seed), f"{best_accuracy(t.plain):.2%}", f"{best_accuracy(t.distilled):.2%}",
                 f"{100 * t.gain:+.2f}".replace("-", "−"), f"{seconds:.1f}"]
            )  # fmt: skip
        head = ["trial", "student", "teacher", "loss", "articles", "epochs", "seed", "plain", "distilled",
                "gain (percentage points)", "seconds"]  # fmt: skip
        caption = "All trials: validation accuracy at the best epoch; seconds are the distilled student's"
        return table(head, rows, caption)


def has_train_logits(study: Study, name: str) -> bool:
    """Whether a teacher's logits of the training rows are here."""
    folder = study.found(name)
    return folder is not None and (folder / "train_logits.safetensors").exists()


class _Progress:
    """What the training loop takes for a progress bar: moves the widget's, and ends the training after Stop."""

    def __init__(self, widget: ipywidgets.IntProgress, total: int, stop: threading.Event):
        self.widget, self.stop, self.done, self.moved = widget, stop, 0, 0.0
        widget.max, widget.value = total, 0

    def update(self) -> None:
        self.done += 1
        if self.stop.is_set():
            raise Stopped
        if time.monotonic() - self.moved > 0.1:  # a message to the browser for every batch would slow the training down
            self.widget.value, self.moved = self.done, time.monotonic()

    def finish(self) -> None:
        self.widget.value = self.widget.max


LINES = {
    "plain": {"fmt": "s--", "color": GREY, "label": "plain (labels only)"},
    "distilled": {"fmt": "o-", "color": BLUE, "label": "distilled (labels and teacher)"},
}


def drawn_curves(setting: Setting | None = None, trained: Mapping[str, list[dict]] | None = None) -> bytes:
    """Validation accuracy by epoch of both students as PNG; an empty chart before the first trial."""
    with look():
        figure = new_figure(8, 3.4)
        axes = figure.subplots()
        figure.subplots_adjust(left=0.1, right=0.98, top=0.9, bottom=0.15)
        values = [0.3, 0.9]
        for kind, line in LINES.items():
            history = (trained or {}).get(kind, [])
            accuracies = [row["validation_accuracy"] for row in history]
            axes.errorbar([row["epoch"] for row in history], accuracies, markersize=6, **line)
            values += accuracies
        if setting is None:
            title = "The same student, seed and articles, with and without teacher"
            axes.text(0.5, 0.6, "No trial yet: choose, then press Train", transform=axes.transAxes, ha="center")
        else:
            title, values = f"{setting.in_words}; {setting.rows:,} articles, seed {setting.seed}", values[2:]
        low, high = np.floor(10 * min(values)) / 10, np.ceil(10 * max(values) + 0.1) / 10
        axes.set(xlabel="epoch", ylabel="validation accuracy", ylim=(max(low - 0.1, 0), min(high, 1.02)))
        axes.set_xlim(0.5, (setting.epochs if setting else 5) + 0.5)
        axes.set_title(title, fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="lower right", fontsize=9)
        return png_of(figure)
