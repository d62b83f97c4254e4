"""``make bench``: the speed budgets, measured side by side in one run.

Each comparison alternates its two sides and takes the median of the ratios of neighbouring repeats, so that a machine
that slows down in between slows both. Saves ``benchmark.csv``, ``.md`` and ``.png`` among the study's figures.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import pandas as pd
import torch

from .. import models, plotting
from ..analysis.wording import markdown_table
from ..batches import ArticleDataset, Articles, ArticleSubset, FeatureArticles, WithTeacher, train_loader
from ..features import cached_features, encode
from ..losses import CrossEntropy, DISTLoss, Loss
from ..settings import Settings, read_settings
from ..study.study import Study
from ..support.command import run_command
from ..support.files import write_text
from ..support.runtime import peak_memory_gib, precision
from ..training import TrainingArgs, seed_everything, train_epoch

REPEATS = 5
STUDENT_REPEATS = 15  # their budget is a few percent wide
ARTICLES = 1024  # of the training split; SimplerCNN, which is fast, goes through them ten times over
MEMORY_GIB = 8


@dataclass(frozen=True)
class Comparison:
    """Two actions to time in turn, and the budget of the ratio of their seconds."""

    id: str
    what: str
    wanted: str  # "at most" or "at least"
    budget: float
    numerator: Callable[[], object]
    denominator: Callable[[], object]
    note: str
    repeats: int = REPEATS

    def measure(self) -> dict:
        """A row of the benchmark's table."""
        print(f"measuring: {self.what} …", flush=True)
        numerator, denominator, ratio = side_by_side(self.numerator, self.denominator, self.repeats)
        met = ratio <= self.budget if self.wanted == "at most" else ratio >= self.budget
        return {
            "id": self.id, "what": self.what, "ratio": ratio, "wanted": self.wanted, "budget": self.budget, "met": met,
            "numerator_seconds": numerator, "denominator_seconds": denominator, "threads": torch.get_num_threads(),
            "note": self.note,
        }  # fmt: skip


def side_by_side(first: Callable[[], object], second: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Median seconds of two actions, run in turn after one unmeasured round, and the median ratio of a round's two."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(repeats + 1):
        for action, taken in zip((first, second), seconds, strict=True):
            started = time.perf_counter()
            action()
            if torch.cuda.is_initialized():
                torch.cuda.synchronize()
            if number:
                taken.append(time.perf_counter() - started)
    return median(seconds[0]), median(seconds[1]), median(a / b for a, b in zip(*seconds, strict=True))


def epoch_of(model: torch.nn.Module, data: ArticleDataset, loss: Loss, settings: Settings) -> Callable[[], object]:
    """One training epoch of ``model`` as an action to time."""
    optimizer = TrainingArgs(1, settings.lr).optimizer(model.to(settings.device))
    loader = train_loader(data, settings.batch_size, seed=0)
    return lambda: train_epoch(model, loader, loss, optimizer, settings)


def comparisons(study: Study) -> list[Comparison]:
    """All that is measured."""
    settings, encoder = study.settings, study.inputs.encoder
    part = study.inputs.splits["train"].select(range(min(ARTICLES, len(study.inputs.splits["train"]))))
    articles = Articles(part, study.inputs.tokenizer, settings.max_length)
    cached = FeatureArticles(cached_features(encoder, articles, settings), articles)
    seed_everything(0)
    teacher_logits = torch.randn(len(articles), models.NUM_CLASSES).numpy()  # their values do not change the time

    def distilling(kind: type[models.SimpleCNN], run: str, times: int) -> Comparison:
        data = ArticleSubset(articles, list(range(len(articles))) * times)
        plain, distilled = (kind(len(study.inputs.tokenizer), length=settings.max_length) for _ in range(2))
        taught = WithTeacher(data, np.tile(teacher_logits, (times, 1)))
        return Comparison(
            f"{run}_distilled_vs_plain", f"{kind.__name__}: distilled epoch / plain epoch", "at most", 1.10,
            epoch_of(distilled, taught, DISTLoss(), settings), epoch_of(plain, data, CrossEntropy(), settings),
            "teacher's logits cached", STUDENT_REPEATS,
        )  # fmt: skip

    def encode_padded() -> None:
        for first in range(0, len(articles), settings.batch_size):
            columns = (articles.input_ids, articles.attention_mask)
            encoder(*(torch.from_numpy(c[first : first + settings.batch_size]).to(settings.device) for c in columns))

    return [
        distilling(models.SimpleCNN, "simple_cnn", 1),
        distilling(models.SimplerCNN, "simpler_cnn", 10),
        Comparison(
            "encoding_sorted_vs_padded", "encoding: 64-token float32 batches / length-sorted batches", "at least", 2.0,
            encode_padded, lambda: encode(encoder, articles, np.arange(len(articles)), settings),
            precision(settings.device),
        ),
        Comparison(
            "teacher_cached_vs_encoding", "teacher: epoch that encodes again / epoch from cached features", "at least",
            3.5, epoch_of(models.BertVDCNN(encoder), articles, CrossEntropy(), settings),
            epoch_of(models.VDCNN(encoder.hidden_size), cached, CrossEntropy(), settings),
            f"both in {precision(settings.device)}; shuffled batches of 64 tokens encode again",
        ),
    ]  # fmt: skip


def main() -> int:
    study = Study(replace(read_settings(), progress="off"))
    print(study, flush=True)
    count = min(ARTICLES, len(study.inputs.splits["train"]))
    table = pd.DataFrame([comparison.measure() for comparison in comparisons(study)]).assign(articles=count)
    memory = peak_memory_gib()
    rows = [(row.what, f"{row.ratio:.2f}", f"{row.wanted} {row.budget:.2f}", row.met) for row in table.itertuples()] + [
        (
            "peak resident memory of this benchmark",
            f"{memory:.2f} GiB",
            f"at most {MEMORY_GIB} GiB",
            memory <= MEMORY_GIB,
        )
    ]
    shown = pd.DataFrame(rows, columns=["what", "measured", "budget", "met"])
    shown["met"] = ["yes" if met else "NO" for met in shown["met"]]
    text = (
        f"Measured on {study.title}; {torch.get_num_threads()} threads, {precision(study.settings.device)}, medians of "
        f"{REPEATS} (students {STUDENT_REPEATS}) alternating repeats on {count:,} articles.\n\n{markdown_table(shown)}"
    )
    print(f"\n{text}")
    plotting.use_style()
    plotting.save(plotting.speed_bars(table), study, "benchmark")
    write_text(study.figures / "benchmark.md", text)
    write_text(study.figures / "benchmark.csv", table.round(4).to_csv(index=False))
    print(f"saved as benchmark.md, .csv and .png in {study.figures}")
    return 0 if table["met"].all() and memory <= MEMORY_GIB else 1


if __name__ == "__main__":
    sys.exit(run_command(main, without_options=__doc__))
