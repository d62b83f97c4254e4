"""The speed budgets, measured side by side in one run: ``python -m agnews_utils.commands.bench``.

Each comparison alternates its two sides and takes the median of the ratios of neighbouring repeats, so that a machine that
slows down in between slows both. Saves ``benchmark.csv``, ``.md`` and ``.png`` among the study's figures.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Subset

from .. import models, plotting
from ..data import Articles, train_loader
from ..encoder import ENCODING_BATCH, FeatureArticles, cached_features, encode_batch
from ..losses import CrossEntropy, DISTLoss, StudentLoss
from ..settings import Settings, read_settings
from ..study.study import Study, machine
from ..support.files import write_text
from ..training import WithTeacher, seed_everything, train_epoch

REPEATS = 5
STUDENT_REPEATS = 15  # their budget is a few percent wide
ARTICLES = 1024  # of the training split; SimplerCNN, which is fast, goes through them ten times over


def side_by_side(
    first: Callable[[], object], second: Callable[[], object], repeats: int = REPEATS
) -> tuple[float, float, float]:
    """Median seconds of two actions, run in turn after one unmeasured round, and the median ratio of a round's two."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(repeats + 1):
        for action, taken in zip((first, second), seconds, strict=True):
            started = time.perf_counter()
            action()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if number:
                taken.append(time.perf_counter() - started)
    return median(seconds[0]), median(seconds[1]), median(a / b for a, b in zip(*seconds, strict=True))


def epoch_of(
    model: torch.nn.Module, data: torch.utils.data.Dataset, loss: StudentLoss, settings: Settings
) -> Callable[[], object]:
    """One training epoch of ``model`` as an action to time."""
    optimizer = torch.optim.Adam(model.to(settings.device).parameters(), lr=settings.lr, fused=True)
    loader = train_loader(data, settings.batch_size, seed=0)
    return lambda: train_epoch(model, loader, loss, optimizer, settings)


def measure(study: Study) -> pd.DataFrame:
    """All ratios: a row each with ``ratio``, ``budget``, ``wanted`` (at most / at least), both sides' seconds, ``met``."""
    settings = study.settings
    part = study.splits["train"].select(range(min(ARTICLES, len(study.splits["train"]))))
    articles = Articles(part, study.encoder.tokenizer, settings.max_length)
    features = cached_features(study.encoder, articles, settings)
    cached = FeatureArticles(features, articles)
    seed_everything(0)
    teacher_logits = torch.randn(len(articles), models.NUM_CLASSES).numpy()  # their values do not change the time
    vocab = len(study.encoder.tokenizer)

    rows = []

    def compare(
        name: str, wanted: str, budget: float, above: Callable, below: Callable, note: str, repeats: int = REPEATS
    ) -> None:
        print(f"measuring: {name} …", flush=True)
        a, b, ratio = side_by_side(above, below, repeats)
        met = ratio <= budget if wanted == "at most" else ratio >= budget
        rows.append({"what": name, "ratio": ratio, "wanted": wanted, "budget": budget, "met": met,
                     "seconds above": a, "seconds below": b, "articles": len(articles),
                     "threads": torch.get_num_threads(), "note": note})  # fmt: skip

    for architecture, times in (("SimpleCNN", 1), ("SimplerCNN", 10)):
        data = Subset(articles, list(range(len(articles))) * times)
        logits = np.tile(teacher_logits, (times, 1))
        plain, distilled = (getattr(models, architecture)(vocab, length=settings.max_length) for _ in range(2))
        compare(
            f"{architecture}: distilled epoch / plain epoch", "at most", 1.10,
            epoch_of(distilled, WithTeacher(data, logits), DISTLoss(), settings),
            epoch_of(plain, data, CrossEntropy(), settings),
            "teacher's logits cached", STUDENT_REPEATS,
        )  # fmt: skip
    order = np.argsort(-articles.attention_mask.sum(axis=1), kind="stable")

    def encode_fast() -> None:
        for first in range(0, len(order), ENCODING_BATCH):
            list(encode_batch(study.encoder, articles, order[first : first + ENCODING_BATCH], settings))

    def encode_naive() -> None:
        for first in range(0, len(articles), settings.batch_size):
            rows_ = slice(first, first + settings.batch_size)
            study.encoder(
                *(torch.from_numpy(a[rows_]).to(settings.device) for a in (articles.input_ids, articles.attention_mask))
            )

    compare(
        "encoding: 64-token float32 batches / length-sorted batches",
        "at least",
        2.0,
        encode_naive,
        encode_fast,
        settings.precision,
    )

    vdcnn = models.VDCNN(study.encoder.hidden_size)
    whole = models.BertVDCNN(study.encoder, models.VDCNN(study.encoder.hidden_size))
    compare(
        "teacher: epoch that encodes again / epoch from cached features", "at least", 3.5,
        epoch_of(whole, articles, CrossEntropy(), settings),
        epoch_of(vdcnn, cached, CrossEntropy(), settings),
        f"both in {settings.precision}; shuffled batches of 64 tokens encode again",
    )  # fmt: skip
    return pd.DataFrame(rows).set_index("what")


def peak_memory_gib(children: bool = False) -> float:
    """The largest resident memory of this process so far, or of any finished child of it, in GiB."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)  # macOS counts bytes, Linux KiB


def main() -> int:
    study = Study(replace(read_settings(), progress="off"))
    print(study, flush=True)
    table = measure(study)
    memory = peak_memory_gib()
    lines = [
        f"Measured on {study.title}; {machine(study.settings)['threads']} threads, {study.settings.precision}, "
        f"medians of {REPEATS} (students {STUDENT_REPEATS}) alternating repeats on {min(ARTICLES, len(study.splits['train'])):,} articles.", "",
        "| what | measured | budget | met |", "|---|---|---|---|",
    ]  # fmt: skip
    for name, row in table.iterrows():
        lines.append(
            f"| {name} | {row['ratio']:.2f} | {row['wanted']} {row['budget']:.2f} | {'yes' if row['met'] else 'NO'} |"
        )
    lines.append(
        f"| peak resident memory of this benchmark | {memory:.2f} GiB | at most 8 GiB | {'yes' if memory <= 8 else 'NO'} |"
    )
    text = "\n".join(lines) + "\n"
    print("\n" + text)
    plotting.use_style()
    plotting.save(plotting.speed_bars(table), study, "benchmark")
    write_text(study.figures / "benchmark.md", text)
    write_text(study.figures / "benchmark.csv", table.round(4).to_csv())
    print(f"saved as benchmark.md, .csv and .png in {study.figures}")
    return 0 if table["met"].all() and memory <= 8 else 1


if __name__ == "__main__":
    sys.exit(main())
