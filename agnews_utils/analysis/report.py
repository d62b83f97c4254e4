"""The numbers that the report prints, and the curves of its own runs."""

from __future__ import annotations

import pandas as pd
import torch
from torch import nn

from ..settings import ROOT
from ..study.runs import MODEL1, MODEL2, MODEL3, MODEL4, MODEL5, MODEL6, RUNS, Run
from .wording import plural

REPORT_CURVES = ROOT / "data" / "report_curves.csv"
QUOTED = {MODEL5: 0.9083}  # Conneau et al. 2017, table 5, max-pooling: the report quotes it and ran nothing
# what the report calls each of its models
REPORT_MODELS = {
    name: f"the report's Model {number}"
    for number, name in enumerate((MODEL1, MODEL2, MODEL3, MODEL4, MODEL5, MODEL6), 1)
}


def report_curves() -> pd.DataFrame:
    """The report's own runs, one row an epoch: run, epoch, losses, accuracies, train_seconds."""
    return pd.read_csv(REPORT_CURVES)


def report_accuracy() -> dict[str, float]:
    """The report's test accuracy of each of its models: its best test epoch, or what it quotes."""
    return report_curves().groupby("run")["test_accuracy"].max().to_dict() | QUOTED


# what a model of the report is for; what it reads, trains and learns from is read off its run
ROLES = {
    MODEL1: "What do four layers learn without a teacher? CNN-4 DIST is held against it.",
    MODEL2: "Does the teacher help four layers?",
    MODEL3: "What does one layer learn without a teacher? CNN-1 DIST is held against it.",
    MODEL4: "Does the teacher help one layer, much smaller than itself?",
    MODEL5: "What does BERT-VDCNN owe to BERT? The same network without one.",
    MODEL6: "The report's teacher: of CNN-4 DIST and CNN-1 DIST.",
}
READS = {"tokens": "WordPiece tokens", "features": "a frozen BERT's features", "characters": "characters"}
LAYERS = {nn.Embedding: "embedding", nn.Conv1d: "convolution", nn.Linear: "linear layer"}


def what_for() -> pd.DataFrame:
    """What the report's six models are for, a row each: what it reads, trains and learns from, and its role."""
    rows = {}
    for name, role in ROLES.items():
        run = RUNS[name]
        learns = (
            f"labels, and by {run.loss.__name__.removesuffix('Loss')} from the teacher" if run.teacher else "labels"
        )
        rows[run.title] = {
            "in the report": REPORT_MODELS[name].removeprefix("the report's "), "reads": READS[run.inputs],
            "trains": _layers(run), "learns from": learns, "role in the study": role,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _layers(run: Run) -> str:
    """How many layers of each kind the run trains, in words."""
    with torch.random.fork_rng(devices=[]):  # whoever asks keeps the random numbers
        model = run.model(**({"channels_in": 1} if run.inputs == "features" else {}))
    counts = {noun: sum(isinstance(part, kind) for part in model.modules()) for kind, noun in LAYERS.items()}
    return ", ".join(plural(count, noun) for noun, count in counts.items() if count)
