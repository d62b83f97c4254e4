"""The runs of notebook 07: teachers fit to teach, and what makes a small student strong, one factor at a time."""

from __future__ import annotations

from typing import Any

from ..baselines import small_tfidf, tfidf
from ..losses import DISTLoss, KLLoss, LogitLoss
from ..models import EMBEDDING_STD, BertClassifier, PretrainedCNN1, SimplerCNN, WideCNN
from .ensembles import Ensemble
from .runs import CNN1, CNN4, COMMON_KL, FINE_TUNE, FINE_TUNED_TEACHER, REPORT_DIST, RUNS, TEACHER, Member, Run

FOLDS = 2
ALL = 1_000_000  # more texts than there are: all of them
SEEDS = 5  # shared by all students of the ladder, for paired comparisons


def folds_of(name: str) -> tuple[str, ...]:
    """The names of the runs that each leave out one fold of the training articles."""
    return tuple(f"{name}_without_{fold}_of_{FOLDS}" for fold in range(FOLDS))


MINILM_FOLDS, TFIDF_FOLDS, CNN_FOLDS = folds_of("fine_tuned"), folds_of("tfidf_linear"), folds_of("simpler_cnn")
UNSEEN, SEEN, MIXED, ENSEMBLE = "fine_tuned_unseen", "fine_tuned_seen", "mixed_unseen", "ensemble_unseen"
TFIDF_UNSEEN, CNN_UNSEEN = "tfidf_unseen", "simpler_cnn_unseen"  # weaker teachers, for the map of capacities


def _folds(names: tuple[str, ...], title: str, **what: Any) -> list[Run]:
    return [
        Run(name, f"{title}, without fold {fold + 1} of {FOLDS}", **what, fold=(fold, FOLDS), group="teacher")
        for fold, name in enumerate(names)
    ]


def _mean(name: str, title: str, *members: Member) -> Run:
    return Run(name, title, Ensemble, "logits", members=members, group="teacher")


TEACHER_RUNS = (
    *_folds(MINILM_FOLDS, "Fine-tuned teacher", model=BertClassifier, epochs="fine_tune_epochs", training=FINE_TUNE,
            seeds=2),
    *_folds(TFIDF_FOLDS, "n-gram baseline", model=tfidf, inputs="text"),
    *_folds(CNN_FOLDS, "CNN-1 plain", model=SimplerCNN, epochs="small_student_epochs"),
    _mean(UNSEEN, "Fine-tuned teachers, asked about unseen articles", Member(MINILM_FOLDS)),
    _mean(SEEN, "Fine-tuned teachers, asked about their own articles", Member(MINILM_FOLDS, seen=True)),
    _mean(MIXED, "Fine-tuned teachers and TF-IDF, asked about unseen articles",
          Member(MINILM_FOLDS), Member(TFIDF_FOLDS)),
    _mean(ENSEMBLE, "Fine-tuned teachers of two seeds and TF-IDF, asked about unseen articles",
          Member(MINILM_FOLDS), Member(MINILM_FOLDS, seed=1), Member(TFIDF_FOLDS)),
    _mean(TFIDF_UNSEEN, "n-gram baseline, asked about unseen articles", Member(TFIDF_FOLDS)),
    _mean(CNN_UNSEEN, "CNN-1 plain, asked about unseen articles", Member(CNN_FOLDS)),
)  # fmt: skip

# the student of at most 5 MB: its vocabulary, and how it trains. Validation chose both (labels alone, seed 0)
_STUDENT: dict[str, Any] = {
    "model": WideCNN,
    "epochs": "wide_epochs",
    "vocabulary": 24_000,
    "training": {"warmup": 0.05, "group_by_length": True, "patience": None},
    "seeds": SEEDS,
}
_FEW_EPOCHS = {"training": _STUDENT["training"] | {"epochs": 4}}
_KL: dict[str, Any] = {"loss": KLLoss, "loss_args": {"alpha": 0.3, "tau": 2.0}}
_EVERYTHING: dict[str, Any] = {**_KL, "teacher": MIXED, "further": ALL}


def _student(name: str, title: str, **what: Any) -> Run:
    return Run(f"wide_{name}", title, **{**_STUDENT, **what}, group="ladder")


def _best_but(name: str, title: str, **changed: Any) -> Run:
    """The ladder's best student, one thing of it changed."""
    return _student(f"kl_further_{name}", title, **_EVERYTHING | changed)


_BARE = {"pretrained": False, "mean": False, "buckets": 0}
PLAIN, PLAIN_FEW, BEST = "wide_plain", "wide_plain_few_epochs", "wide_kl_further"
# each run changes one thing of the one before it
LADDER = (
    _student("no_vectors", "Two-width CNN", model_args=_BARE),
    _student("no_mean", "Two-width CNN, pretrained embeddings", model_args={"mean": False, "buckets": 0}),
    _student("no_pairs", "Two-width CNN, pretrained embeddings, mean", model_args={"buckets": 0}),
    _student("plain", "5 MB student, labels alone"),
    _student("kl_seen", "5 MB student, KL, teachers asked about seen articles", **_KL, teacher=SEEN),
    _student("kl_unseen", "5 MB student, KL, teachers asked about unseen articles", **_KL, teacher=UNSEEN),
    _student("kl_mixed", "5 MB student, KL, n-gram baseline among the teachers", **_KL, teacher=MIXED),
    _student("kl_further_5k", "5 MB student, KL, 5,000 unlabelled texts", **_EVERYTHING | {"further": 5_000}),
    _student("kl_further_12k", "5 MB student, KL, 12,000 unlabelled texts", **_EVERYTHING | {"further": 12_000}),
    _student("kl_further", "5 MB student, KL, all unlabelled texts", **_EVERYTHING),
    _student("kl_ensemble", "5 MB student, KL, teachers of two seeds", **_EVERYTHING | {"teacher": ENSEMBLE}),
)
# notebook 06's two suspects, each put right in CNN-1 itself: what its teacher is asked about, and its start. PyTorch
# draws an embedding's start with standard deviation 1, so a small random start stands between that and real vectors
_CNN1 = CNN1 | {"seeds": SEEDS, "group": "ladder"}
_CNN1_SMALL_START = _CNN1 | {"model_args": {"embedding_std": EMBEDDING_STD}}
_CNN4_SMALL_START = CNN4 | {"seeds": 3, "group": "ladder", "model_args": {"embedding_std": EMBEDDING_STD}}
SMALL_START, PRETRAINED = "simpler_cnn_small_start", "simpler_cnn_pretrained"
CNN4_SMALL_START, CNN4_SMALL_START_DIST = "simple_cnn_small_start", "simple_cnn_small_start_dist"
SMALL_START_DIST, SMALL_START_KL = "simpler_cnn_small_start_dist", "simpler_cnn_small_start_kl_unseen"
CNN1_SEEN, CNN1_UNSEEN = "simpler_cnn_kl_seen", "simpler_cnn_kl_unseen"
CNN1_AGAIN = "simpler_cnn_plain_again"  # the older runs are of a processor with 16-bit numbers, these are not
CURES = (
    Run(CNN1_AGAIN, "CNN-1 plain, computed anew", **_CNN1 | {"seeds": 3}),
    Run(SMALL_START, "CNN-1 plain, small random start", **_CNN1_SMALL_START),
    Run(PRETRAINED, "CNN-1 plain, pretrained embeddings", **_CNN1 | {"model": PretrainedCNN1}),
    Run(CNN1_SEEN, "CNN-1 KL, teachers asked about seen articles", **_CNN1, **COMMON_KL, teacher=SEEN),
    Run(CNN1_UNSEEN, "CNN-1 KL, teachers asked about unseen articles", **_CNN1, **COMMON_KL, teacher=UNSEEN),
    Run(SMALL_START_DIST, "CNN-1 DIST, small random start", **_CNN1_SMALL_START, **REPORT_DIST, teacher=TEACHER),
    Run(SMALL_START_KL, "CNN-1 KL, small random start, teachers asked about unseen articles", **_CNN1_SMALL_START,
        **COMMON_KL, teacher=UNSEEN),
    Run(CNN4_SMALL_START, "CNN-4 plain, small random start", **_CNN4_SMALL_START),
    Run(CNN4_SMALL_START_DIST, "CNN-4 DIST, small random start", **_CNN4_SMALL_START, **REPORT_DIST, teacher=TEACHER),
)  # fmt: skip
# between CNN-1 with a small start and the ladder's first row: its network, trained as CNN-1 is
AS_CNN1 = "wide_as_cnn1"
STEPS = (
    _student("as_cnn1", "Two-width CNN, trained as CNN-1", training={}, epochs="small_student_epochs",
             model_args=_BARE | {"dropout": 0.0, "masked": 0.0}),
)  # fmt: skip
# each run changes one thing of the student on labels alone, or of the ladder's best
VARIANTS = (
    _student("plain_few_epochs", "5 MB student, labels alone, 4 epochs", **_FEW_EPOCHS),
    _student("smoothing", "5 MB student, label smoothing", loss_args={"smoothing": 0.1}),
    _student("twice", "5 MB student, twice the loss", loss_args={"weight": 2.0}),
    _best_but("shuffled", "5 MB student, KL, answers shuffled within a class", shuffled=True),
    _best_but("dist", "5 MB student, DIST", loss=DISTLoss, loss_args={"beta": 2.0, "gamma": 2.0, "tau": 1.0}),
    _best_but("logits", "5 MB student, logit regression", loss=LogitLoss, loss_args={"alpha": 0.3}),
    *(_best_but(f"tau_{tau}", f"5 MB student, KL at tau {tau}", loss_args=_KL["loss_args"] | {"tau": float(tau)})
      for tau in (1, 4)),
    *(_best_but(f"alpha_{alpha}", f"5 MB student, KL's share {alpha}", loss_args=_KL["loss_args"] | {"alpha": alpha})
      for alpha in (0.5, 0.7, 1.0)),
    _best_but("long", "5 MB student, KL, 16 epochs", training=_STUDENT["training"] | {"epochs": 16}),
    _student("kl_fine_tuned", "5 MB student, KL, one fine-tuned teacher, seen articles", **_KL,
             teacher=FINE_TUNED_TEACHER),
)  # fmt: skip
# the further texts with the labels that are known of most of them: how much of the gain is text, how much labels?
TFIDF_ALL = "tfidf_linear_all_labels"
ALL_LABELS = (
    Run(TFIDF_ALL, "n-gram baseline, all labels", tfidf, "text", further=ALL, further_labels=True, group="ladder"),
    _student("plain_all_labels", "5 MB student, labels alone, all labels", further=ALL, further_labels=True),
    _student("kl_all_labels", "5 MB student, KL, all labels", **_EVERYTHING, further_labels=True),
)
_1MB: dict[str, Any] = {
    "vocabulary": 7_400, "model_args": {"embedding_dim": 48, "channels": 96, "buckets": 2**17},
}  # fmt: skip
_100KB: dict[str, Any] = {
    "vocabulary": 2_000, "model_args": {"embedding_dim": 16, "channels": 32, "buckets": 2**13},
}  # fmt: skip
SMALLER = (
    _student("1mb", "1 MB student, KL", **_EVERYTHING, **_1MB),
    _student("100kb", "100 kB student, KL", **_EVERYTHING, **_100KB),
)
# what they owe to their teachers: the same networks from labels alone, as long as suits them (the better on validation)
SMALLER_ALONE = (
    _student("1mb_plain", "1 MB student, labels alone", **_1MB, seeds=3),
    _student("1mb_plain_few_epochs", "1 MB student, labels alone, 4 epochs", **_1MB, **_FEW_EPOCHS, seeds=3),
    _student("100kb_plain", "100 kB student, labels alone", **_100KB, seeds=3),
    _student("100kb_plain_few_epochs", "100 kB student, labels alone, 4 epochs", **_100KB, **_FEW_EPOCHS, seeds=3),
)

# the n-gram baseline with the same care for bytes as the students: int8, and as many n-grams as fit into their files
TFIDF_INT8, TFIDF_1MB, TFIDF_100KB = SMALL_TFIDF = "tfidf_linear_int8", "tfidf_linear_1mb", "tfidf_linear_100kb"
SMALL_BASELINES = tuple(
    Run(name, f"n-gram baseline {words}", small_tfidf, "text", model_args=size, group="ladder")
    for name, words, size in (
        (TFIDF_INT8, "in int8", {}), (TFIDF_1MB, "of 1 MB", {"terms": 114_000}),
        (TFIDF_100KB, "of 100 kB", {"terms": 10_400}),
    )
)  # fmt: skip

# when labels are scarce: the first so many training articles keep theirs, and how a fine-tuned teacher, or a student
# on those alone, trains on so few (epochs, articles a step)
SCARCE = {100: ((6, 4), (30, 16)), 500: ((3, 8), (30, 32)), 2_000: ((3, 16), (20, 64)), 8_000: ((2, 32), (8, 128)),
          32_000: ((2, 32), (6, 128))}  # fmt: skip


DRAWS, DRAWN_LABELS = (1, 2, 3, 4), 100  # further draws of the labelled articles, of so many, one seed each


def scarce_names(labels: int, draw: int = 0) -> tuple[str, str, str, str]:
    """Names of the runs with so many labels: TF-IDF, the fine-tuned teacher, the student without and with it."""
    kinds = ("tfidf_linear", "fine_tuned", "wide_plain", "wide_kl")
    return tuple(f"{kind}_{labels}_labels" + f"_draw_{draw}" * bool(draw) for kind in kinds)  # type: ignore[return-value]


def _scarce_runs(labels: int, draw: int = 0) -> list[Run]:
    bag, teacher, plain, taught = scarce_names(labels, draw)
    (epochs, batch), (epochs_alone, batch_alone) = SCARCE[labels]
    drawn: dict[str, Any] = {"group": "scarce", "draw": draw}
    few, which = drawn | {"rows": labels}, f", draw {draw + 1}" * bool(draw)
    alone = _STUDENT["training"] | {"epochs": epochs_alone, "batch_size": batch_alone}
    student = _STUDENT | {"seeds": 1 if draw else 3}
    return [
        Run(bag, f"n-gram baseline, {labels:,} labels{which}", tfidf, "text", **few),
        Run(teacher, f"Fine-tuned teacher, {labels:,} labels{which}", BertClassifier, epochs="fine_tune_epochs",
            training=FINE_TUNE | {"epochs": epochs, "batch_size": batch}, **few),
        Run(plain, f"5 MB student, {labels:,} labels alone{which}", **student | {"training": alone}, **few),
        Run(taught, f"5 MB student, {labels:,} labels and KL on all articles{which}", **student, **_KL, teacher=teacher,
            labels=labels, **drawn),
    ]  # fmt: skip


SCARCE_RUNS = (
    *(run for labels in SCARCE for run in _scarce_runs(labels)),
    *(run for draw in DRAWS for run in _scarce_runs(DRAWN_LABELS, draw)),
)

_OLD = (RUNS[TEACHER], RUNS[FINE_TUNED_TEACHER])
STRONG_RUNS = {
    run.name: run
    for run in (
        *_OLD,
        *TEACHER_RUNS,
        *CURES,
        *STEPS,
        *LADDER,
        *VARIANTS,
        *ALL_LABELS,
        *SMALLER,
        *SMALLER_ALONE,
        *SMALL_BASELINES,
        *SCARCE_RUNS,
    )
}
ALL_RUNS = RUNS | STRONG_RUNS
# the students whose weights come with the project, by file name
SHIPPED = {"student_5mb": BEST, "student_1mb": "wide_1mb", "student_100kb": "wide_100kb"}
SHIPPED_TITLES = {"student_5mb": "5 MB student", "student_1mb": "1 MB student", "student_100kb": "100 kB student"}
# the same networks from labels alone: of 8 and 4 epochs the better on validation
ALONE = {"student_5mb": PLAIN_FEW, "student_1mb": "wide_1mb_plain", "student_100kb": "wide_100kb_plain"}
