"""A tiny training run, for test_training.py: in its own process too, where it is slow enough to be killed.

``python tiny_training.py FOLDER`` trains into FOLDER.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from agnews_utils.batches import CharArticles, WithTeacher
from agnews_utils.data import SAMPLE_DIR, read_csv
from agnews_utils.losses import DISTLoss
from agnews_utils.settings import read_settings
from agnews_utils.training import TrainingArgs, TrainingResult, fit

EPOCHS = 5


class TinyModel(nn.Module):
    """Characters to logits, with all that carries a state from batch to batch: batch normalisation and dropout."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(69, 8)
        self.layers = nn.Sequential(nn.Conv1d(8, 16, 3), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2))
        self.linear = nn.Linear(16, 4)

    def forward(self, characters):
        return self.linear(self.layers(self.embedding(characters.long()).transpose(1, 2)).amax(dim=2))


class Slow(CharArticles):
    """The same articles, handed out so slowly that an epoch takes most of a second."""

    def __getitem__(self, index):
        time.sleep(0.005)
        return super().__getitem__(index)


def articles(first: int, last: int, kind: type = CharArticles) -> CharArticles:
    """Rows of the embedded sample's training file as characters."""
    rows = read_csv(SAMPLE_DIR / "train.csv").iloc[first:last]
    return kind(rows["text"].tolist(), rows["label"].tolist(), length=80)


def train(
    folder: Path, *, seed: int = 0, epochs: int = EPOCHS, kind: type = CharArticles, model: nn.Module | None = None
) -> TrainingResult:
    """A distilled run on 130 articles (the last batch, smaller, has 2), teacher's logits made up."""
    settings = replace(read_settings({"AGNEWS_PROFILE": "smoke"}), device="cpu")
    torch.manual_seed(seed)
    model = TinyModel() if model is None else model
    teacher_logits = torch.randn(130, 4, generator=torch.Generator().manual_seed(7)).numpy()
    return fit(
        model,
        WithTeacher(articles(0, 130, kind), teacher_logits),
        {"validation": articles(130, 170), "test": articles(170, 230)},
        DISTLoss(),
        settings,
        TrainingArgs(epochs, batch_size=32),
        seed=seed,
        folder=folder,
    )


if __name__ == "__main__":
    train(Path(sys.argv[1]), kind=Slow)
