"""The runs that make up the study, as data: which model, which loss, which teacher, how many seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from ..baselines import fasttext, tfidf
from ..losses import CrossEntropy, DISTLoss, KLLoss, Loss
from ..models import VDCNN, BertClassifier, BertVDCNN, CharVDCNN, LinearProbe, SimpleCNN, SimplerCNN
from ..training import TrainingArgs

Group = Literal["report", "baseline", "beyond", "ablation", "teacher", "ladder", "scarce", "map", "search"]
# record files and run keys keep the names that these options had when the study was made
NAMES_ON_DISK = {"group_by_length": "grouped", "keep_training": "run_on"}
GROUPS_ON_DISK = {"baseline": "yardstick"}


@dataclass(frozen=True)
class Member:
    """One voice of a run that is a mean of models.

    Attributes:
        folds: the runs that together answer for every training article, each for those that it left out
        seed: which seed of theirs
        seen: ask about the articles that they trained on instead: a control
    """

    folds: tuple[str, ...]
    seed: int = 0
    seen: bool = False


@dataclass(frozen=True)
class Run:
    """One row of the study.

    Attributes:
        name: file name and what notebooks ask for
        title: for people
        model: a class of :mod:`agnews_utils.models` or of one's own, or a function of :mod:`agnews_utils.baselines`. A
            class is given those of ``encoder``, ``channels_in``, ``vocab_size``, ``length``, ``word_vectors`` and
            ``num_classes`` that its ``__init__`` names, a function its ``num_classes``
        inputs: what the model reads
        epochs: which of the profile's epoch counts it takes
        loss: the loss's class
        loss_args, model_args: their arguments
        teacher: the run whose logits the loss compares with, its seed 0
        training: what differs from the profile's :class:`agnews_utils.training.TrainingArgs`
        rows: train on this many articles at most, the first of the (shuffled) training split; None for all
        seeds: how many seeds the full study takes
        group: "report" (its models), "baseline" (what to hold them against), "beyond" (what the report left open) or
            "ablation" (why a number is what it is); the others are those of :mod:`agnews_utils.study.strong`
        fold: (k, n) leaves out each n-th training article, from number k on, for the model to be asked about
        labels: only so many of its articles keep their label, the first; the teacher alone speaks of the others
        draw: with ``rows`` or ``labels``: not the first ones, but as many at random, drawn with this number; 0 for the
            first
        further: so many further texts (:func:`agnews_utils.data.read_further`) are added to its articles
        further_labels: further texts keep their label, where it is known
        shuffled: the teacher's logits are exchanged at random among articles of one class: a control
        vocabulary: read tokens with the so many most frequent pieces alone; None for all
        members: the run is the weighted mean of these models' logits, each on articles that it did not train on
    """

    name: str
    title: str
    model: Callable[..., Any]
    inputs: Literal["tokens", "features", "characters", "text", "logits"] = "tokens"
    epochs: Literal[
        "teacher_epochs", "student_epochs", "small_student_epochs", "char_epochs", "fine_tune_epochs", "wide_epochs"
    ] = "student_epochs"
    loss: type[Loss] = CrossEntropy
    loss_args: dict[str, Any] = field(default_factory=dict)
    model_args: dict[str, Any] = field(default_factory=dict)
    teacher: str | None = None
    training: dict[str, Any] = field(default_factory=dict)
    rows: int | None = None
    seeds: int = 1
    group: Group = "report"
    fold: tuple[int, int] | None = None
    labels: int | None = None
    draw: int = 0
    further: int = 0
    further_labels: bool = False
    shuffled: bool = False
    vocabulary: int | None = None
    members: tuple[Member, ...] = ()

    def __post_init__(self):
        if self.labels == 0:
            raise ValueError(f"{self.name!r} has no label: for a student of the teacher alone, give its loss alpha 1.")

    @property
    def needs(self) -> list[tuple[str, int]]:
        """The runs (name, seed) that must be there before this one can be made."""
        parts = [(name, member.seed) for member in self.members for name in member.folds]
        return [*parts, *([(self.teacher, 0)] if self.teacher else [])]

    @property
    def has_epochs(self) -> bool:
        """Whether it trains epoch by epoch; an n-gram baseline and a mean of models do not."""
        return self.inputs not in ("text", "logits")

    @property
    def in_course(self) -> bool:
        """Whether notebooks 01 to 05 need the run, so that any profile makes it."""
        return self.group in ("report", "baseline")

    @property
    def can_be_made(self) -> bool:
        """Whether what the run needs is installed: fastText is an extra, because it is compiled when installed."""
        return self.model is not fasttext or find_spec("fasttext") is not None

    def make_loss(self) -> Loss:
        """The loss itself."""
        return self.loss(**self.loss_args)

    def on_disk(self) -> dict[str, Any]:
        """The run as a record file describes it."""
        described = {
            "name": self.name, "title": self.title, "model": self.model.__name__, "inputs": self.inputs,
            "epochs": self.epochs.removesuffix("_epochs"), "loss": self.loss.__name__, "loss_args": self.loss_args,
            "model_args": self.model_args, "teacher": self.teacher, "recipe": to_disk(self.training), "rows": self.rows,
            "seeds": self.seeds, "part": GROUPS_ON_DISK.get(self.group, self.group),
        }  # fmt: skip
        return described | self.part_of_the_data()

    def part_of_the_data(self) -> dict[str, Any]:
        """The options that say which articles, labels and logits it sees, without those at their default."""
        options = {
            "fold": list(self.fold or ()), "labels": self.labels, "draw": self.draw, "further": self.further,
            "further_labels": self.further_labels, "shuffled": self.shuffled, "vocabulary": self.vocabulary,
            "members": [[*member.folds, member.seed, member.seen] for member in self.members],
        }  # fmt: skip
        return {name: value for name, value in options.items() if value not in (None, 0, False, [])}


def to_disk(options: dict[str, Any]) -> dict[str, Any]:
    """Options of :class:`agnews_utils.training.TrainingArgs` under the names that record files use."""
    return {NAMES_ON_DISK.get(name, name): value for name, value in options.items()}


def from_disk(options: dict[str, Any]) -> TrainingArgs:
    """The training options of a record file."""
    names = {old: new for new, old in NAMES_ON_DISK.items()}
    return TrainingArgs(**{names.get(name, name): value for name, value in options.items()})


# names of the runs that notebooks ask for; those that the report made have the names of data/report_curves.csv
TFIDF, LINEAR_PROBE, FASTTEXT = "tfidf_linear", "linear_probe", "fasttext"
MODEL1, MODEL2 = "model1_simple_cnn_plain", "model2_simple_cnn_distilled"
MODEL3, MODEL4 = "model3_simpler_cnn_plain", "model4_simpler_cnn_distilled"
MODEL5, MODEL6 = "model5_char_vdcnn", "model6_bert_vdcnn_teacher"
TEACHER, FINE_TUNED_TEACHER = MODEL6, "strong_teacher"
SIMPLE_KL, SIMPLER_KL = "simple_cnn_kl", "simpler_cnn_kl"
SIMPLER_FINE_TUNED_DIST, SIMPLER_FINE_TUNED_KL = "simpler_cnn_strong_dist", "simpler_cnn_strong_kl"
SIMPLE_FINE_TUNED_DIST = "simple_cnn_strong_dist"

SEARCHED_DIST = "simpler_cnn_dist_searched"
# what commands.search found: the top of analysis.capacity.best_of_surface over its trials
SEARCHED = {"tau": 2.4, "beta": 0.11, "gamma": 0.1}

# articles of the dropout ablation's teachers: with dropout on, features cannot be cached, so all would take too long
SMALL_PART = 12_000
REPORT_DIST: dict[str, Any] = {"loss": DISTLoss, "loss_args": {"beta": 2.0, "gamma": 2.0, "tau": 1.0}}
COMMON_KL: dict[str, Any] = {"loss": KLLoss, "loss_args": {"alpha": 0.9, "tau": 4.0}}
CNN1: dict[str, Any] = {"model": SimplerCNN, "epochs": "small_student_epochs"}
CNN4: dict[str, Any] = {"model": SimpleCNN, "epochs": "student_epochs"}
_FEATURES: dict[str, Any] = {"inputs": "features", "epochs": "teacher_epochs"}
# the usual way to fine-tune a BERT (Devlin et al. 2019, appendix A.3); the learning rate suits a MiniLM
FINE_TUNE = {"lr": 1e-4, "batch_size": 32, "weight_decay": 0.01, "warmup": 0.1, "group_by_length": True}

_COURSE = (
    Run(TFIDF, "n-gram baseline", tfidf, "text", group="baseline"),
    Run(LINEAR_PROBE, "Frozen encoder + linear", LinearProbe, **_FEATURES, training={"lr": 1e-2}, group="baseline"),
    Run(MODEL6, "BERT-VDCNN", VDCNN, **_FEATURES, seeds=2),
    Run(MODEL5, "Character VDCNN", CharVDCNN, "characters", "char_epochs", training={"group_by_length": True}),
    Run(MODEL1, "CNN-4 plain", **CNN4, seeds=3),
    Run(MODEL2, "CNN-4 DIST", **CNN4, **REPORT_DIST, teacher=TEACHER, seeds=3),
    Run(SIMPLE_KL, "CNN-4 KL", **CNN4, **COMMON_KL, teacher=TEACHER, group="baseline"),
    Run(MODEL3, "CNN-1 plain", **CNN1, seeds=10),
    Run(MODEL4, "CNN-1 DIST", **CNN1, **REPORT_DIST, teacher=TEACHER, seeds=10),
    Run(SIMPLER_KL, "CNN-1 KL", **CNN1, **COMMON_KL, teacher=TEACHER, seeds=10, group="baseline"),
)


def _beyond(name: str, title: str, **what: Any) -> Run:
    return Run(name, title, **what, group="beyond")


_BEYOND = (
    _beyond(FASTTEXT, "fastText (h = 10, bigrams)", model=fasttext, inputs="text", seeds=3),
    _beyond(FINE_TUNED_TEACHER, "Fine-tuned teacher", model=BertClassifier,
            epochs="fine_tune_epochs", training=FINE_TUNE),
    _beyond(SIMPLER_FINE_TUNED_DIST, "CNN-1 DIST, fine-tuned teacher", **CNN1, **REPORT_DIST,
            teacher=FINE_TUNED_TEACHER, seeds=10),
    _beyond(SIMPLER_FINE_TUNED_KL, "CNN-1 KL, fine-tuned teacher", **CNN1, **COMMON_KL,
            teacher=FINE_TUNED_TEACHER, seeds=10),
    _beyond(SIMPLE_FINE_TUNED_DIST, "CNN-4 DIST, fine-tuned teacher", **CNN4, **REPORT_DIST,
            teacher=FINE_TUNED_TEACHER, seeds=3),
)  # fmt: skip


def _ablation(name: str, title: str, *, seeds: int = 3, **what: Any) -> Run:
    return Run(name, title, **{**CNN1, **what}, seeds=seeds, group="ablation")


_TEACHER_ON_FEATURES: dict[str, Any] = {"model": VDCNN, **_FEATURES, "seeds": 1}
_PLAIN_AND_DIST: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("plain", "plain", {}),
    ("dist", "DIST", {**REPORT_DIST, "teacher": TEACHER}),
)
_ABLATIONS = (
    *(
        _ablation(f"simpler_cnn_{kind}_{rows // 1000}k", f"CNN-1 {title}, {rows:,} articles", rows=rows, **loss)
        for rows in (SMALL_PART, 25_000, 50_000)
        for kind, title, loss in _PLAIN_AND_DIST
    ),
    *(
        _ablation(f"simpler_cnn_{kind}_masked", f"CNN-1 {title}, padding left out",
                  model_args={"mask_padding": True}, **loss)
        for kind, title, loss in _PLAIN_AND_DIST
    ),
    _ablation("teacher_lr_0.01", "BERT-VDCNN, learning rate 0.01", **_TEACHER_ON_FEATURES, training={"lr": 1e-2}),
    _ablation("simpler_cnn_dist_teacher_lr_0.01", "CNN-1 DIST, teacher at 0.01", **REPORT_DIST,
              teacher="teacher_lr_0.01"),
    _ablation("teacher_12k", "BERT-VDCNN, 12,000 articles", **_TEACHER_ON_FEATURES, rows=SMALL_PART),
    _ablation("teacher_12k_dropout", "BERT-VDCNN, 12,000 articles, BERT's dropout on", model=BertVDCNN,
              epochs="teacher_epochs", model_args={"dropout": True}, rows=SMALL_PART, seeds=1),
    _ablation("simpler_cnn_dist_teacher_12k", "CNN-1 DIST, teacher of 12,000 articles", **REPORT_DIST,
              teacher="teacher_12k"),
    _ablation("simpler_cnn_dist_teacher_12k_dropout",
              "CNN-1 DIST, teacher of 12,000 articles with BERT's dropout on", **REPORT_DIST,
              teacher="teacher_12k_dropout"),
    # students of DIST improve for longer than plain ones: does stopping early decide their gain?
    *(
        _ablation(f"simpler_cnn_{kind}_all_epochs", f"CNN-1 {title}, never stopped early", seeds=5,
                  training={"patience": None}, **loss)
        for kind, title, loss in _PLAIN_AND_DIST
    ),
    _ablation(SEARCHED_DIST, "CNN-1 DIST, weights and tau as searched", seeds=5, loss=DISTLoss,
              loss_args=SEARCHED, teacher=TEACHER),
    # DIST and KL differ in temperature and in the labels' weight too; here each changes alone, DIST's tau without
    # tau**2
    *(
        _ablation(f"simpler_cnn_strong_{name}", f"CNN-1 {title}, fine-tuned teacher", loss=loss["loss"],
                  loss_args=loss["loss_args"] | changed, teacher=FINE_TUNED_TEACHER)
        for name, title, loss, changed in (
            ("dist_tau_4", "DIST at tau 4", REPORT_DIST, {"tau": 4.0, "scale_tau2": False}),
            ("dist_ce_0.1", "DIST with CE weight 0.1", REPORT_DIST, {"ce_weight": 0.1}),
            ("dist_tau_4_ce_0.1", "DIST at tau 4 with CE weight 0.1", REPORT_DIST,
             {"tau": 4.0, "scale_tau2": False, "ce_weight": 0.1}),
            ("kl_tau_1", "KL at tau 1", COMMON_KL, {"tau": 1.0}),
        )
    ),
)  # fmt: skip

RUNS = {run.name: run for run in (*_COURSE, *_BEYOND, *_ABLATIONS)}
TEACHERS = frozenset(run.teacher for run in RUNS.values() if run.teacher)
# runs that stand for one model, their seed 0, wherever they are compared or quoted: the teacher that taught, and
# baselines whose seeds do not correspond to a student's
ONE_MODEL = frozenset({TFIDF, LINEAR_PROBE, MODEL5, TEACHER, FINE_TUNED_TEACHER})
