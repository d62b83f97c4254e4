"""A widget to distil the one-layer student oneself: choose, press Train, compare with the plain twin and earlier tries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import numpy as np
import torch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..analysis.statistics import accuracy_interval
from ..data import FirstRows, train_loader
from ..losses import CrossEntropy, DISTLoss, KLLoss, StudentLoss
from ..plotting import BLUE, GREY
from ..settings import Settings
from ..study.runs import RUNS, TEACHERS
from ..study.study import Study
from ..training import Recipe, WithTeacher, begin_epoch, best_epoch, evaluate, train_epoch
from .panel import (
    WHOLE_DESCRIPTION,
    Panel,
    button,
    choice,
    ipywidgets,
    keep_look,
    look,
    new_figure,
    number,
    png_of,
    side_by_side,
    table,
)

BATCH_SIZE = 32  # with so few articles, the course's 128 would leave too few steps to learn anything
MIN_ROWS = 2 * BATCH_SIZE
MAX_EPOCHS = 50
USUAL_TAU = {"DIST": 1.0, "KL": 4.0}
STUDENTS = {
    "one layer, padding read as in the report": "model3_simpler_cnn_plain",
    "one layer, padding left out": "simpler_cnn_plain_masked",
}  # the run whose model is built


@dataclass(frozen=True)
class Setting:
    """What one try is made with; ``student`` and ``teacher`` are names of runs."""

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

    def made_loss(self) -> StudentLoss:
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
        self.made_loss()
        if not MIN_ROWS <= self.rows <= available:
            few = "too few" if self.rows < MIN_ROWS else "more than there are"
            raise ValueError(f"{self.rows:,} labelled rows are {few}: take {MIN_ROWS} to {available:,}.")
        if not 1 <= self.epochs <= MAX_EPOCHS:
            raise ValueError(f"Epochs are {self.epochs}: take 1 to {MAX_EPOCHS}.")
        if self.seed < 0:
            raise ValueError(f"The seed is {self.seed}: take 0 or a larger whole number.")

    @property
    def plain(self) -> tuple:
        """All that the plain twin depends on."""
        return self.student, self.rows, self.epochs, self.seed

    @property
    def in_words(self) -> str:
        """The loss and its settings."""
        if self.loss == "KL":
            return f"KL, alpha {self.alpha:g}, tau {self.tau:g}"
        factor = ", with tau²" if self.scale_tau2 and self.tau != 1 else ""
        return f"DIST, beta {self.beta:g}, gamma {self.gamma:g}, CE {self.ce_weight:g}, tau {self.tau:g}{factor}"


@dataclass(frozen=True)
class Try:
    """One finished try: its setting and the histories (see :class:`agnews_utils.training.Fit`) of both students."""

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


def train_student(
    model: torch.nn.Module,
    train: torch.utils.data.Dataset,
    validation: torch.utils.data.Dataset,
    loss: StudentLoss,
    settings: Settings,
    epochs: int,
    seed: int,
    bar=None,
    after_epoch: Callable[[list[dict]], None] = lambda history: None,
) -> list[dict]:
    """Trains in memory as :func:`agnews_utils.training.fit` does, without test rows and without writing anything."""
    model.to(settings.device)
    recipe = Recipe(epochs, settings.lr, BATCH_SIZE)
    optimizer, loader = recipe.optimizer(model), train_loader(train, BATCH_SIZE, seed)
    history: list[dict] = []
    for epoch in range(1, epochs + 1):
        begin_epoch(loader, seed, epoch)
        row = {"epoch": epoch} | train_epoch(model, loader, loss, optimizer, settings, bar)
        row |= {f"validation_{name}": value for name, value in evaluate(model, validation, settings).items()}
        history.append(row)
        after_epoch(history)
    return history


def distil_yourself(study: Study) -> Tryout:
    """Trains the one-layer student with a teacher on the spot; nothing is written to disk."""
    return Tryout(study)


class Tryout(Panel):
    """Choose a teacher, a loss and its settings; train; compare on validation rows with the plain twin.

    Attributes:
        tries: the finished tries (:class:`Try`), oldest first
    """

    css_class = "agnews-tryout"
    invitation = "A still picture: run this notebook to train a student yourself."

    def __init__(self, study: Study):
        super().__init__()
        self.study, self.tries = study, []
        self._plain: dict[tuple, list[dict]] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.drawn = _Curves()
        self.teachers = {RUNS[name].title: name for name in RUNS if name in TEACHERS and has_train_logits(study, name)}
        self._make_controls()
        self.children = [
            side_by_side(self.student, self.teacher),
            side_by_side(self.loss, self.tau, self.beta, self.gamma, self.ce_weight, self.alpha, self.scale_tau2),
            side_by_side(self.rows, self.epochs, self.seed, self.train_button, self.stop_button),
            self.progress,
            self.trouble,
            self.picture,
            self.facts,
        ]
        self._loss_chosen()
        self.picture.show(self.drawn.empty(), "An empty chart: validation accuracy by epoch, before the first try.")
        self.tell(f"<p>{escape(self.note())}</p>")
        if not self.teachers:
            self.train_button.disabled = True
            self.complain("No teacher with its logits is here: run notebook 02 first, then make this widget again.")

    def _make_controls(self) -> None:
        available = len(self.study.splits["train"])
        self.student = choice("Student", list(STUDENTS.items()), "The one-layer CNN, and what it does with padding")
        self.teacher = choice("Teacher", list(self.teachers.items()), "Whose logits the student learns from")
        self.loss = choice("Loss", list(USUAL_TAU), "What the student is asked to match", "200px")
        self.tau = number("Temperature", 1.0, "tau, above 0", step=0.5)
        self.beta = number("beta (inter)", 2.0, "Weight of the inter-class relation in DIST", step=0.5)
        self.gamma = number("gamma (intra)", 2.0, "Weight of the intra-class relation in DIST", step=0.5)
        self.ce_weight = number("CE weight", 1.0, "Weight of the cross-entropy in DIST", step=0.5)
        self.alpha = number("alpha (KL share)", 0.9, "The teacher's share of the KL loss, 0 to 1", step=0.1)
        self.scale_tau2 = ipywidgets.Checkbox(
            value=False, description="Inter and intra times tau²", indent=False, tooltip="As the official code does",
            layout=ipywidgets.Layout(width="auto"),
        )  # fmt: skip
        self.rows = number(
            "Labelled rows", min(2_000, available), f"How many training articles, {MIN_ROWS} to {available}", True, 500
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
        return Setting(
            self.student.value, self.teacher.value, self.loss.value, self.tau.value, self.beta.value, self.gamma.value,
            self.ce_weight.value, self.scale_tau2.value, self.alpha.value, self.rows.value, self.epochs.value, self.seed.value,
        )  # fmt: skip

    def note(self) -> str:
        """What the numbers are accuracies on, and how well one of them is known."""
        rows = len(self.study.splits["validation"])
        shares = [best_accuracy(t.distilled) for t in self.tries[-1:]] or [0.8]
        low, high = accuracy_interval(np.arange(rows) < round(shares[0] * rows))
        return (
            f"Accuracies are on the {rows:,} validation rows: one who tries settings until a number pleases chooses by that "
            f"number, and the test set must choose nothing. With so many rows, an accuracy of {shares[0]:.0%} is known to "
            f"about {50 * (high - low):.1f} points either way, and every other seed gives another one."
        )

    def _pressed(self) -> None:
        self.train(wait=False)

    def train(self, wait: bool = True) -> Try | None:
        """Trains what the controls say, in this thread or (``wait=False``) in one of its own, which Stop can end.

        Returns:
            the new try; None where there is none (yet): trouble is then one sentence in :attr:`trouble`
        """
        if self.running:
            self.complain("A training runs already: wait for it, or press Stop.")
            return None
        before = len(self.tries)
        with self.complaining():
            setting = self.setting()
            self.prepare(setting)
            self._stop.clear()
            if wait:
                self._work(setting)
            else:
                self._thread = threading.Thread(target=self._work, args=(setting,), daemon=True)
                self._thread.start()
        return self.tries[-1] if wait and len(self.tries) > before else None

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
        setting.check(len(self.study.splits["train"]))
        self.study.articles("train"), self.study.articles("validation")
        self.study.teacher_logits(setting.teacher)

    def _work(self, setting: Setting) -> None:
        self.train_button.disabled, self.stop_button.disabled = True, False
        trained: dict[str, list[dict]] = {}
        with self.complaining():
            try:
                self._train_both(setting, trained)
                self.tries.append(Try(setting, trained["plain"], trained["distilled"]))
                self._show(setting, trained)
            except Stopped:
                done = len(trained.get("distilled", ()))
                self.complain(
                    f"{done} of {setting.epochs} epochs of the distilled student were done; this try is not in the table.",
                    "Stopped:",
                )
        self.train_button.disabled, self.stop_button.disabled = False, True

    def _train_both(self, setting: Setting, trained: dict[str, list[dict]]) -> None:
        study = self.study
        rows = FirstRows(study.articles("train"), setting.rows)
        logits = study.teacher_logits(setting.teacher)[: setting.rows]
        kinds = {"plain": (rows, CrossEntropy()), "distilled": (WithTeacher(rows, logits), setting.made_loss())}
        if setting.plain in self._plain:  # the very numbers that training it again would give
            trained["plain"] = self._plain[setting.plain]
            del kinds["plain"]
        batches = len(train_loader(rows, BATCH_SIZE, setting.seed))
        bar = _Progress(self.progress, len(kinds) * setting.epochs * batches, self._stop)
        for kind, (dataset, loss) in kinds.items():

            def after_epoch(history: list[dict], kind: str = kind) -> None:
                trained[kind] = list(history)
                self._show(setting, trained)

            history = train_student(
                study.build(setting.student, setting.seed), dataset, study.articles("validation"), loss, study.settings,
                setting.epochs, setting.seed, bar, after_epoch,
            )  # fmt: skip
            if kind == "plain":
                self._plain[setting.plain] = history
        bar.finish()

    def _show(self, setting: Setting, trained: dict[str, list[dict]]) -> None:
        alt = (
            f"Validation accuracy by epoch, {setting.in_words}, {setting.rows:,} rows, seed {setting.seed}. "
            + " ".join(
                f"{kind}: " + ", ".join(f"{row['validation_accuracy']:.1%}" for row in history) + "."
                for kind, history in trained.items()
            )
        )
        with self.drawing:
            self.picture.show(self.drawn.update(setting, trained), alt)
        self.tell(f"<p>{escape(alt)}</p>{self._table()}<p>{escape(self.note())}</p>")

    def _table(self) -> str:
        if not self.tries:
            return ""
        padding = {run: title.partition(", ")[2] for title, run in STUDENTS.items()}
        rows = [
            [str(i), padding[t.setting.student], RUNS[t.setting.teacher].title, t.setting.in_words, f"{t.setting.rows:,}",
             str(t.setting.epochs), str(t.setting.seed), f"{best_accuracy(t.plain):.2%}", f"{best_accuracy(t.distilled):.2%}",
             f"{100 * t.gain:+.2f}".replace("-", "−"), f"{sum(row['train_seconds'] for row in t.distilled):.1f}"]
            for i, t in enumerate(self.tries, 1)
        ]  # fmt: skip
        head = [
            "try",
            "student",
            "teacher",
            "loss",
            "rows",
            "epochs",
            "seed",
            "plain",
            "distilled",
            "gain (points)",
            "seconds",
        ]
        caption = "All tries: validation accuracy at the best epoch; seconds are the distilled student's"
        return table(head, rows, caption)


def has_train_logits(study: Study, name: str) -> bool:
    """Whether a teacher's logits of the training rows are here."""
    folder = study.found(name)
    return folder is not None and (folder / "train_logits.safetensors").exists()


class _Progress:
    """What the training loop takes for a progress bar: moves the widget's, and ends the training where Stop was pressed."""

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


class _Curves:
    """Validation accuracy by epoch of the plain and the distilled student."""

    def __init__(self):
        with look():
            self.figure = new_figure(8, 3.4)
            self.axes = self.figure.subplots()
            self.figure.subplots_adjust(left=0.1, right=0.98, top=0.9, bottom=0.15)
            self.lines = {
                "plain": self.axes.plot([], [], "s--", color=GREY, markersize=6, label="plain (labels only)")[0],
                "distilled": self.axes.plot(
                    [], [], "o-", color=BLUE, markersize=6, label="distilled (labels and teacher)"
                )[0],
            }
            self.axes.set(xlabel="epoch", ylabel="validation accuracy", xlim=(0.5, 5.5), ylim=(0.2, 1))
            self.title = self.axes.set_title("The same student, seed and rows, with and without teacher", fontsize=10)
            self.axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            self.axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
            self.axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            self.axes.legend(loc="lower right", fontsize=9)
            keep_look(self.axes)
            self.invitation = self.axes.text(
                0.5, 0.6, "No try yet: choose, then press Train", transform=self.axes.transAxes, ha="center", color="black",
                bbox={"facecolor": "white", "edgecolor": "none"},
            )  # fmt: skip

    def empty(self) -> bytes:
        """The PNG before the first try."""
        return png_of(self.figure)

    def update(self, setting: Setting, trained: dict[str, list[dict]]) -> bytes:
        """The PNG of these histories."""
        self.invitation.set_visible(False)
        self.title.set_text(f"{setting.in_words}; {setting.rows:,} rows, seed {setting.seed}")
        for kind, line in self.lines.items():
            history = trained.get(kind, ())
            line.set_data([row["epoch"] for row in history], [row["validation_accuracy"] for row in history])
        values = [row["validation_accuracy"] for history in trained.values() for row in history]
        self.axes.set_xlim(0.5, setting.epochs + 0.5)
        low, high = np.floor(10 * min(values)) / 10, np.ceil(10 * max(values) + 0.1) / 10
        self.axes.set_ylim(max(low - 0.1, 0), min(high, 1.02))
        return png_of(self.figure)
