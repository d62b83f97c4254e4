"""The runs that make up the study, as data: which model, which loss, which teacher, how many seeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec

from ..settings import Settings


@dataclass(frozen=True)
class Run:
    """One row of the study.

    Attributes:
        name: file name and what notebooks ask for
        title: for people
        model: class in :mod:`agnews_utils.models`, or "tfidf" or "fasttext"
        inputs: what the model reads: "tokens", "features", "characters" or "text"
        epochs: which of the profile's epoch counts it takes: "teacher", "student", "small_student", "char", "fine_tune"
        loss: class in :mod:`agnews_utils.losses`
        loss_args, model_args: their arguments
        teacher: the run whose logits the loss compares with, its first seed
        recipe: what differs from the profile's :class:`agnews_utils.training.Recipe`
        rows: train on this many rows at most, the first of the (shuffled) training split; None for all
        seeds: how many seeds the full study takes
        part: "report" (its models), "yardstick" (what to hold them against), "beyond" (what the report left open) or
            "ablation" (why a number is what it is)
    """

    name: str
    title: str
    model: str
    inputs: str
    epochs: str = "student"
    loss: str = "CrossEntropy"
    loss_args: dict = field(default_factory=dict)
    model_args: dict = field(default_factory=dict)
    teacher: str | None = None
    recipe: dict = field(default_factory=dict)
    rows: int | None = None
    seeds: int = 1
    part: str = "report"


TEACHER, STRONG = "model6_bert_vdcnn_teacher", "strong_teacher"
# two teachers of the ablations, which see what 12,000 articles teach, because one of them cannot use cached features
SMALL_PART = 12_000
_DIST = {"loss": "DISTLoss", "loss_args": {"beta": 2.0, "gamma": 2.0, "tau": 1.0}}
_KL = {"loss": "KLLoss", "loss_args": {"alpha": 0.9, "tau": 4.0}}
_SMALL = {"model": "SimplerCNN", "inputs": "tokens", "epochs": "small_student"}
_LARGE = {"model": "SimpleCNN", "inputs": "tokens", "epochs": "student"}
# the usual way to fine-tune a BERT (Devlin et al. 2019, appendix A.3); the learning rate suits a MiniLM
_FINE_TUNE = {"lr": 1e-4, "batch_size": 32, "weight_decay": 0.01, "warmup": 0.1, "grouped": True}

_REPORT = (
    Run("tfidf_linear", "TF-IDF + linear", "tfidf", "text", part="yardstick"),
    Run("linear_probe", "Frozen encoder + linear", "LinearProbe", "features", "teacher", recipe={"lr": 1e-2}, part="yardstick"),
    Run(TEACHER, "Model 6: BERT-VDCNN", "VDCNN", "features", "teacher", seeds=2),
    Run("model5_char_vdcnn", "Model 5: character VDCNN", "CharVDCNN", "characters", "char", recipe={"grouped": True}),
    Run("model1_simple_cnn_plain", "Model 1: Simple CNN, plain", **_LARGE, seeds=3),
    Run("model2_simple_cnn_distilled", "Model 2: Simple CNN, DIST", **_LARGE, **_DIST, teacher=TEACHER, seeds=3),
    Run("simple_cnn_kl", "Simple CNN, KL", **_LARGE, **_KL, teacher=TEACHER, part="yardstick"),
    Run("model3_simpler_cnn_plain", "Model 3: Simpler CNN, plain", **_SMALL, seeds=10),
    Run("model4_simpler_cnn_distilled", "Model 4: Simpler CNN, DIST", **_SMALL, **_DIST, teacher=TEACHER, seeds=10),
    Run("simpler_cnn_kl", "Simpler CNN, KL", **_SMALL, **_KL, teacher=TEACHER, seeds=10, part="yardstick"),
)  # fmt: skip
_BEYOND = (
    Run("fasttext", "fastText (h = 10, bigrams)", "fasttext", "text", seeds=3, part="beyond"),
    Run(STRONG, "Strong teacher: encoder fine-tuned", "BertClassifier", "tokens", "fine_tune", recipe=_FINE_TUNE, part="beyond"),
    Run("simpler_cnn_strong_dist", "Simpler CNN, DIST, strong teacher", **_SMALL, **_DIST, teacher=STRONG, seeds=10, part="beyond"),
    Run("simpler_cnn_strong_kl", "Simpler CNN, KL, strong teacher", **_SMALL, **_KL, teacher=STRONG, seeds=10, part="beyond"),
    Run("simple_cnn_strong_dist", "Simple CNN, DIST, strong teacher", **_LARGE, **_DIST, teacher=STRONG, seeds=3, part="beyond"),
)  # fmt: skip


def _ablation(name: str, title: str, *, seeds: int = 3, **what) -> Run:
    return Run(name, title, **{**_SMALL, **what}, seeds=seeds, part="ablation")


_TEACHER_ON_FEATURES = {"model": "VDCNN", "inputs": "features", "epochs": "teacher", "seeds": 1}
_ABLATIONS = (
    *(
        _ablation(f"simpler_cnn_{kind}_{rows // 1000}k", f"Simpler CNN, {title}, {rows:,} rows", rows=rows, **loss)
        for rows in (SMALL_PART, 25_000, 50_000)
        for kind, title, loss in (("plain", "plain", {}), ("dist", "DIST", {**_DIST, "teacher": TEACHER}))
    ),
    _ablation("simpler_cnn_plain_masked", "Simpler CNN, plain, padding left out", model_args={"mask_padding": True}),
    _ablation("simpler_cnn_dist_masked", "Simpler CNN, DIST, padding left out", model_args={"mask_padding": True},
              **_DIST, teacher=TEACHER),
    _ablation("teacher_lr_0.01", "BERT-VDCNN, learning rate 0.01", **_TEACHER_ON_FEATURES, recipe={"lr": 1e-2}),
    _ablation("simpler_cnn_dist_teacher_lr_0.01", "Simpler CNN, DIST, teacher at 0.01", **_DIST, teacher="teacher_lr_0.01"),
    _ablation("teacher_12k", "BERT-VDCNN, 12,000 rows", **_TEACHER_ON_FEATURES, rows=SMALL_PART),
    _ablation("teacher_12k_dropout", "BERT-VDCNN, 12,000 rows, BERT's dropout on", model="BertVDCNN", inputs="tokens",
              epochs="teacher", model_args={"dropout": True}, rows=SMALL_PART, seeds=1),
    _ablation("simpler_cnn_dist_teacher_12k", "Simpler CNN, DIST, teacher of 12,000 rows", **_DIST, teacher="teacher_12k"),
    _ablation("simpler_cnn_dist_teacher_12k_dropout", "Simpler CNN, DIST, teacher of 12,000 rows with BERT's dropout on",
              **_DIST, teacher="teacher_12k_dropout"),
    # students of DIST improve for longer than plain ones: does stopping early decide their gain?
    *(
        _ablation(f"simpler_cnn_{kind}_all_epochs", f"Simpler CNN, {title}, never stopped early", seeds=5,
                  recipe={"patience": None}, **loss)
        for kind, title, loss in (("plain", "plain", {}), ("dist", "DIST", {**_DIST, "teacher": TEACHER}))
    ),
    # DIST and KL differ in temperature and in the labels' weight too; here each changes alone, DIST's tau without tau**2
    *(
        _ablation(f"simpler_cnn_strong_{name}", f"Simpler CNN, {title}, strong teacher",
                  loss=loss["loss"], loss_args=loss["loss_args"] | changed, teacher=STRONG)
        for name, title, loss, changed in (
            ("dist_tau_4", "DIST at tau 4", _DIST, {"tau": 4.0, "scale_tau2": False}),
            ("dist_ce_0.1", "DIST with CE weight 0.1", _DIST, {"ce_weight": 0.1}),
            ("dist_tau_4_ce_0.1", "DIST at tau 4 with CE weight 0.1", _DIST,
             {"tau": 4.0, "scale_tau2": False, "ce_weight": 0.1}),
            ("kl_tau_1", "KL at tau 1", _KL, {"tau": 1.0}),
        )
    ),
)  # fmt: skip

# runs that the report made have the names that data/report_curves.csv gives them
RUNS = {run.name: run for run in (*_REPORT, *_BEYOND, *_ABLATIONS)}
TEACHERS = frozenset(run.teacher for run in RUNS.values() if run.teacher)
SEEDED = (
    "model3_simpler_cnn_plain",
    "model4_simpler_cnn_distilled",
    "simpler_cnn_kl",
)  # several seeds in every profile


def known(name: str) -> Run:
    """The run of that name.

    Raises:
        KeyError: there is none.
    """
    if name not in RUNS:
        raise KeyError(f"There is no run {name!r} in the study; there are {', '.join(RUNS)}.")
    return RUNS[name]


def in_course(run: Run) -> bool:
    """Whether notebooks 01 to 05 need the run, so that any profile makes it."""
    return run.part in ("report", "yardstick")


def can_be_made(run: Run) -> bool:
    """Whether what the run needs is installed here: fastText is an extra, because it is compiled when installed."""
    return run.model != "fasttext" or find_spec("fasttext") is not None


def planned(settings: Settings) -> list[tuple[str, int]]:
    """Every (run, seed) of the study at this profile that can be made here, teachers before their students.

    ``quick`` leaves out what only the full study asks; ``smoke`` tries everything, most of it with one seed.
    """
    name = settings.profile.name
    plan = []
    for run in RUNS.values():
        if can_be_made(run) and (in_course(run) or name != "quick"):
            count = run.seeds if name == "full" else settings.profile.seeds if run.name in SEEDED else 1
            plan += [(run.name, seed) for seed in range(count)]
    return plan
