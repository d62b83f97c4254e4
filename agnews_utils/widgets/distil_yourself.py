"""A widget to distil CNN-1 oneself: choose, press Train, compare with the undistilled control.

It starts at few labelled articles, and more of which the teacher alone speaks. The rule that chose this start: DIST at
the report's weights, and of 500 and 200 labelled articles the first at which the student gained at each of five seeds,
on AG News and on the embedded sample, over a control that took as many steps on the labelled ones.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from html import escape
from types import SimpleNamespace

import numpy as np
from ipywidgets import Checkbox, IntProgress
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..analysis.statistics import accuracy_interval
from ..batches import ArticleDataset, ArticleSubset, WithTeacher, train_loader
from ..data import NO_LABEL
from ..losses import CrossEntropy, DISTLoss, KLLoss
from ..plotting.style import BLUE, GREY
from ..study.runs import MODEL3, TEACHERS
from ..study.store import LOGITS
from ..study.study import Study
from ..training import TrainingArgs, best_epoch, train
from .panel import Panel, button, control, dropdown, html_table, keep_look, new_figure, number, png_of, side_by_side

BATCH_SIZE = 32  # with so few articles, the course's 128 would leave too few steps to learn anything
MIN_ARTICLES = 2 * BATCH_SIZE
LABELLED, UNLABELLED = 500, 1_500  # at first
MAX_EPOCHS = 50
USUAL_TAU = {"DIST": 1.0, "KL": 4.0}
# the run whose model is built, and what the student does with padding
STUDENTS = {MODEL3: "padding read as in the report", "simpler_cnn_plain_masked": "padding left out"}
NO_TEACHER = "No teacher with its logits is here: run notebook 02 first, then make this widget again."


@dataclass(frozen=True)
class Trial:
    """A student distilled, beside its control: the same student, seed and steps, trained on the labels alone.

    ``student`` and ``teacher`` are names of runs; ``articles`` have a label, and ``unlabelled`` more have the teacher's
    answer only, which the control never sees. The histories are those of :func:`agnews_utils.training.train`.
    """

    student: str
    teacher: str
    loss: DISTLoss | KLLoss
    articles: int
    unlabelled: int
    epochs: int
    seed: int
    control: list[dict] = field(default_factory=list)
    distilled: list[dict] = field(default_factory=list)

    @property
    def loss_title(self) -> str:
        """The loss and its settings."""
        weights, tau = self.loss.weights, self.loss.tau
        if isinstance(self.loss, KLLoss):
            return f"KL, alpha {weights['kl']:g}, tau {tau:g}"
        factor = ", with tau²" if self.loss.scale_tau2 and tau != 1 else ""
        return f"DIST, beta {weights['inter']:g}, gamma {weights['intra']:g}, CE {weights['ce']:g}, tau {tau:g}{factor}"

    @property
    def gain(self) -> float:
        """Validation accuracy of the distilled student less the control's, each at its best epoch."""
        return best_accuracy(self.distilled) - best_accuracy(self.control)


def best_accuracy(history: list[dict]) -> float:
    """Validation accuracy of the best epoch."""
    return history[best_epoch(history) - 1]["validation_accuracy"]


class DistilYourself(Panel):
    """Choose a teacher, a loss and its settings; train; compare with the control. Nothing is written to disk.

    Attributes:
        trials: the finished trials (:class:`Trial`), oldest first
        thread: where the last training of the button Train runs, or ran
    """

    css_class = "agnews-distil"
    static_hint = "A still picture: run this notebook to train a student yourself."

    def __init__(self, study: Study):
        super().__init__()
        self.study, self.trials = study, []
        self._controls: dict[tuple, list[dict]] = {}  # histories, by all that they depend on
        self.thread, self._stop = threading.Thread(), threading.Event()
        self._make_controls()
        self._make_figure()
        self._choose_loss()
        self.set_status(self.note())
        if self.teacher.value is None:
            self.train_button.disabled = True
            self.show_error(NO_TEACHER)

    def _make_controls(self) -> None:
        students = [(f"one layer, {padding}", name) for name, padding in STUDENTS.items()]
        found = {name: self.study.found(name) for name in self.study.runs if name in TEACHERS}
        made = [name for name, folder in found.items() if folder and (folder / LOGITS).exists()]
        teachers = [(self.study.run(name).title, name) for name in made]
        available = len(self.study.inputs.splits["train"])
        self.student = dropdown("Student", "The one-layer CNN, and what it does with padding", students)
        self.teacher = dropdown("Teacher", "Whose logits the student learns from", teachers)
        self.loss = dropdown("Loss", "What the student is asked to match", USUAL_TAU, "200px")
        self.tau = number("Temperature", "tau, above 0", 1.0, 0.5)
        self.beta = number("beta (inter)", "Weight of the inter-class relation in DIST", 2.0, 0.5)
        self.gamma = number("gamma (intra)", "Weight of the intra-class relation in DIST", 2.0, 0.5)
        self.ce_weight = number("CE weight", "Weight of the cross-entropy in DIST", 1.0, 0.5)
        self.alpha = number("alpha (KL share)", "The teacher's share of the KL loss, 0 to 1", 0.9, 0.1)
        self.scale_tau2 = control(Checkbox, "Inter and intra times tau²", "As in the official code", indent=False)
        labelled = min(LABELLED, max(available // 4, MIN_ARTICLES))
        self.articles = number("Labelled articles", f"{MIN_ARTICLES} to {available}", labelled, 500)
        others = min(UNLABELLED, available - labelled)
        self.unlabelled = number("Unlabelled articles", "The teacher alone speaks of these; 0 or more", others, 500)
        self.epochs = number("Epochs", f"1 to {MAX_EPOCHS}", 6)
        self.seed = number("Seed", "Of the first weights and of the order of articles", 0)
        self.train_button = button("Train", "Trains student and control", lambda: self.train(wait=False), "primary")
        self.stop_button = button("Stop", "Stops the training that runs", self._stop.set)
        self.stop_button.disabled = True
        self.progress = control(IntProgress, "Progress", "Batches trained", "480px", max=1)
        self.loss.observe(lambda _: self._choose_loss(), "value")
        of_loss = (self.loss, self.tau, self.beta, self.gamma, self.ce_weight, self.alpha, self.scale_tau2)
        of_training = (
            self.articles, self.unlabelled, self.epochs, self.seed, self.train_button, self.stop_button
        )  # fmt: skip
        above = (side_by_side(*row) for row in ((self.student, self.teacher), of_loss, of_training))
        self.children = (*above, self.progress, self.error, self.picture, self.status)

    def _choose_loss(self) -> None:
        self.tau.value = USUAL_TAU[self.loss.value]
        self.alpha.disabled = self.loss.value == "DIST"
        for only_dist in (self.beta, self.gamma, self.ce_weight, self.scale_tau2):
            only_dist.disabled = self.loss.value == "KL"

    def trial(self) -> Trial:
        """What the controls say, not yet trained; a ValueError says in one sentence what cannot be trained."""
        if self.teacher.value is None:
            raise ValueError(NO_TEACHER)
        if self.loss.value == "KL":
            loss = KLLoss(self.alpha.value, self.tau.value)
        else:
            weights = {"beta": self.beta.value, "gamma": self.gamma.value, "ce_weight": self.ce_weight.value}
            loss = DISTLoss(**weights, tau=self.tau.value, scale_tau2=self.scale_tau2.value)
        names = ("student", "teacher", "articles", "unlabelled", "epochs", "seed")
        trial = Trial(loss=loss, **{name: getattr(self, name).value for name in names})
        self._check_articles(trial)
        if not 1 <= trial.epochs <= MAX_EPOCHS:
            raise ValueError(f"Epochs are {trial.epochs}: take 1 to {MAX_EPOCHS}.")
        if trial.seed < 0:
            raise ValueError(f"The seed is {trial.seed}: take 0 or a larger whole number.")
        return trial

    def _check_articles(self, trial: Trial) -> None:
        available = len(self.study.inputs.splits["train"])
        if not MIN_ARTICLES <= trial.articles <= available:
            few = "too few" if trial.articles < MIN_ARTICLES else "more than there are"
            raise ValueError(f"{trial.articles:,} labelled articles are {few}: take {MIN_ARTICLES} to {available:,}.")
        left = available - trial.articles
        if not 0 <= trial.unlabelled <= left:
            wrong = "fewer than none" if trial.unlabelled < 0 else "more than are left"
            raise ValueError(f"{trial.unlabelled:,} unlabelled articles are {wrong}: take 0 to {left:,}.")

    def _data_sets(self, trial: Trial) -> tuple[ArticleDataset, ArticleDataset]:
        """What control and student train on, equally long: the control sees its labelled articles again and again."""
        train, count = self.study.inputs.articles("train"), trial.articles + trial.unlabelled
        seen = train.with_labels(np.where(np.arange(len(train)) < trial.articles, train.labels, NO_LABEL))
        distilled = WithTeacher(ArticleSubset(seen, range(count)), self.study.teacher_logits(trial.teacher)[:count])
        return ArticleSubset(train, np.resize(np.arange(trial.articles), count)), distilled

    def note(self) -> str:
        """What the numbers are accuracies on, and how well one of them is known."""
        count = len(self.study.inputs.splits["validation"])
        accuracy = best_accuracy(self.trials[-1].distilled) if self.trials else 0.8
        low, high = accuracy_interval(np.arange(count) < round(accuracy * count))
        return (
            f"Accuracies are on the {count:,} validation articles: who tries settings until a number pleases chooses "
            f"by it, and the test set must choose nothing. Here an accuracy of {accuracy:.0%} is known to about "
            f"{50 * (high - low):.1f} percentage points either way, and every other seed gives another one."
        )

    def train(self, wait: bool = True) -> Trial | None:
        """Trains what the controls say, here or (``wait=False``) in :attr:`thread`; None without a new trial (yet)."""
        with self.showing_errors():
            if self.thread.is_alive():
                raise ValueError("A training runs already: wait for it, or press Stop.")
            trial = self.trial()
            self._stop.clear()
            if wait:
                return self._work(trial)
            self.thread = threading.Thread(target=self._work, args=(trial,), daemon=True)
            self.thread.start()
        return None

    def _work(self, trial: Trial) -> Trial | None:
        self.train_button.disabled, self.stop_button.disabled = True, False
        with self.showing_errors():
            try:
                self._train_both(trial)
                self.trials.append(trial)
                self._show(trial)
            except InterruptedError:
                done = f"{len(trial.distilled)} of {trial.epochs} epochs of the distilled student were done"
                self.show_error(f"{done}; this trial is not in the table.", "Stopped:")
        self.train_button.disabled, self.stop_button.disabled = False, True
        return trial if trial in self.trials else None

    def _train_both(self, trial: Trial) -> None:
        """Trains the distilled student, and before it the control, unless an earlier trial had the same one."""
        study, key = self.study, (trial.student, trial.articles, trial.unlabelled, trial.epochs, trial.seed)
        eval_sets = {"validation": study.inputs.articles("validation")}
        articles, with_teacher = self._data_sets(trial)
        students = [(trial.control, articles, CrossEntropy()), (trial.distilled, with_teacher, trial.loss)]
        if key in self._controls:
            trial.control.extend(self._controls[key])
            del students[0]
        args = TrainingArgs(trial.epochs, study.settings.lr, BATCH_SIZE)
        self.progress.value, self._batches = 0, 0
        self.progress.max = len(students) * trial.epochs * len(train_loader(articles, BATCH_SIZE, trial.seed))
        for history, dataset, loss in students:

            def after_epoch(state: dict, history: list[dict] = history) -> None:
                history.append(state["history"][-1])
                self._show(trial)

            model, bar = study.build(trial.student, trial.seed), SimpleNamespace(update=self._after_batch)
            options = {"seed": trial.seed, "eval_sets": eval_sets, "after_epoch": after_epoch, "bar": bar}
            train(model, dataset, loss, study.settings, args, **options)
            self._controls[key] = trial.control
        self.progress.value = self.progress.max

    def _after_batch(self) -> None:
        if self._stop.is_set():
            raise InterruptedError
        self._batches += 1
        if self._batches % 10 == 0:  # a message to the browser for every batch would slow the training down
            self.progress.value = self._batches

    def _show(self, trial: Trial) -> None:
        title = f"{trial.loss_title}; {trial.articles:,} labelled, {trial.unlabelled:,} unlabelled, seed {trial.seed}"
        alt, shown = f"Validation accuracy by epoch, {title}.", []
        for name, history in (("control", trial.control), ("distilled", trial.distilled)):
            accuracies = [row["validation_accuracy"] for row in history]
            self.lines[name].set_data(range(1, len(history) + 1), accuracies)
            alt += f" {name}: {', '.join(map('{:.1%}'.format, accuracies))}." if history else ""
            shown += accuracies
        low, high = np.floor(10 * min(shown)) / 10 - 0.1, np.ceil(10 * max(shown) + 0.1) / 10
        self.axes.set(xlim=(0.5, trial.epochs + 0.5), ylim=(max(low, 0), min(high, 1.02)))
        self.axes.title.set_text(title)
        self.show_picture(png_of(self.axes.figure), alt)
        self.set_status(alt, f"{self._table()}<p>{escape(self.note())}</p>")

    def _make_figure(self) -> None:
        """Here, in the notebook's thread: styles are global, so a thread that trains only moves what is there."""
        with new_figure(8, 3.4, left=0.1, right=0.98, top=0.9, bottom=0.15) as (_, self.axes):
            self.lines = {
                "control": self.axes.plot([], [], "s--", color=GREY, label="control (labels alone)")[0],
                "distilled": self.axes.plot([], [], "o-", color=BLUE, label="distilled (labels and teacher)")[0],
            }
            self.axes.set(xlabel="epoch", ylabel="validation accuracy", xlim=(0.5, 5.5), ylim=(0.2, 1))
            self.axes.set_title("No trial yet: choose, then press Train")
            self.axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            self.axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            self.axes.legend(loc="lower right", fontsize=9)
            keep_look(self.axes)
        empty = "An empty chart: validation accuracy by epoch, before the first trial."
        self.show_picture(png_of(self.axes.figure), empty)

    def _table(self) -> str:
        rows = [
            {"trial": i}
            | vars(t)
            | {"student": STUDENTS[t.student], "teacher": self.study.run(t.teacher).title, "loss": t.loss_title}
            | {"articles": f"{t.articles:,}", "unlabelled": f"{t.unlabelled:,}"}
            | {"control": f"{best_accuracy(t.control):.2%}", "distilled": f"{best_accuracy(t.distilled):.2%}"}
            | {"gain (percentage points)": f"{100 * t.gain:+.2f}".replace("-", "−")}
            | {"seconds": sum(row["train_seconds"] for row in t.distilled)}
            for i, t in enumerate(self.trials, 1)
        ]
        caption = "All trials: validation accuracy at the best epoch; seconds are the distilled student's"
        return html_table(rows, caption, 1) if rows else ""
