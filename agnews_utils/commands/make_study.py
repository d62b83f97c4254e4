"""``make study``: every missing run, planned on the terminal, shared between workers, resumable at any moment.

``python -m agnews_utils.commands.make_study [--workers N] [--runs report|strong|map|all] [--plan]``. On a processor
there is one worker a core, each with one thread: two runs side by side get more done than one run on two cores. More
processes may join in at any time, on another terminal or another node that shares the folder: a lock a run keeps them
apart, and a process that dies lets go of its lock.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from filelock import Timeout
from tqdm import tqdm

from ..analysis.articles import statistics_of_test_articles
from ..analysis.wording import format_duration, plural
from ..batches import ArticleDataset, ArticleSubset, WithTeacher, train_loader
from ..settings import Settings, read_settings
from ..study.capacity import CAPACITY_RUNS, with_teachers
from ..study.inputs import FURTHER, SPLITS
from ..study.runs import RUNS, Run
from ..study.strong import ALL_RUNS, STRONG_RUNS
from ..study.study import Study
from ..support.command import run_command
from ..support.files import read_checkpoint
from ..support.runtime import progress_bar
from ..training import TrainingArgs, seed_everything, train_epoch

MEASURED_BATCHES = 3  # of each kind of run, after one that warms up
BASELINE_RATE = 5_000  # articles a second, about; these runs are over before a measurement would be
POLL_SECONDS = 2.0
STOPPED = "Stopped; make study goes on from the last finished epoch of each run."
KINDS = {"report": RUNS, "strong": STRONG_RUNS, "map": with_teachers(CAPACITY_RUNS), "all": ALL_RUNS | CAPACITY_RUNS}


@dataclass(frozen=True)
class Step:
    """A run of the plan: which, what of it is done, and what is left of it."""

    name: str
    seed: int
    state: str  # "committed", "here", "begun" or "missing"
    epochs_done: int
    seconds_left: float  # at most: a run with patience may stop early

    @property
    def to_do(self) -> bool:
        """Whether it has no record yet."""
        return self.state in ("begun", "missing")


def missing(study: Study) -> list[tuple[str, int]]:
    """The planned runs without a record, in the order in which they can be made."""
    return [(name, seed) for name, seed in study.plan() if not study.found(name, seed)]


class RandomFeatures(ArticleDataset):
    """Features of the right shape; their values do not change the time."""

    columns = ("features", "attention_mask", "labels")

    def __init__(self, articles: ArticleSubset, hidden_size: int):
        self.articles, self.labels = articles, articles.labels
        self.features = np.random.default_rng(0).standard_normal((64, hidden_size)).astype(np.float16)

    def __getitem__(self, index: int) -> tuple:
        ids, mask, _, label = self.articles[index]
        return np.resize(self.features, (len(ids), self.features.shape[1])), mask, label


def seconds_an_article(study: Study, name: str) -> float:
    """Seconds of training on one article, measured on a few batches of random teacher logits and real articles."""
    run, args = study.run(name), study.training_args(name)
    if not run.has_epochs:
        return 1 / BASELINE_RATE
    whole = study.inputs.dataset("train", "tokens" if run.inputs == "features" else run.inputs, run.vocabulary)
    rows = range(min((MEASURED_BATCHES + 1) * args.batch_size, len(whole)))
    part: ArticleDataset = ArticleSubset(whole, rows)
    if run.inputs == "features":
        part = RandomFeatures(part, study.inputs.encoder_files.hidden_size)
    if run.teacher:
        part = WithTeacher(part, np.random.default_rng(0).standard_normal((len(part), len(study.inputs.classes))))
    model = study.build(name).to(study.settings.device)
    optimizer, batches = TrainingArgs(1).optimizer(model), list(train_loader(part, args.batch_size, 0))
    rest = batches[1:] or batches
    for some in (batches[:1], rest):
        measured = train_epoch(model, some, run.make_loss(), optimizer, study.settings)
    seed_everything(0)
    return measured["train_seconds"] / sum(len(batch["labels"]) for batch in rest)


def make_plan(study: Study) -> list[Step]:
    """Every planned run with its state; what is left is estimated from a short measurement of each kind of run."""
    speeds: dict[tuple, float] = {}
    steps = []
    for name, seed in study.plan():
        run, found = study.run(name), study.found(name, seed)
        own = study.store.folder(study.run_key(name, seed))
        if found:
            steps.append(Step(name, seed, "here" if found == own else "committed", 0, 0.0))
            continue
        kind = (run.model, run.loss, run.training.get("batch_size"), run.vocabulary, str(run.model_args))
        if kind not in speeds:
            speeds[kind] = seconds_an_article(study, name)
        checkpoint = own / "last.pt"
        done = len(read_checkpoint(checkpoint)["history"]) if checkpoint.exists() else 0
        epochs = study.training_args(name, seed).epochs - done if run.has_epochs else 1
        articles = epochs * articles_an_epoch(study, run) + articles_at_the_end(study, name, seed)
        seconds = articles * speeds[kind]
        steps.append(Step(name, seed, "begun" if done else "missing", done, seconds))
    return steps


def articles_an_epoch(study: Study, run: Run) -> float:
    """Articles of an epoch, those of its evaluation at the third that they cost without a backward pass."""
    splits, rows = study.inputs.splits, len(study.rows_of(run))
    if run.inputs == "characters":
        rows = min(study.settings.profile.char_train_rows or rows, rows)
    evaluated = SPLITS[1:] if study.settings.profile.test_curves else ("validation",)
    return rows + sum(len(splits[split]) for split in evaluated) / 3


def articles_at_the_end(study: Study, name: str, seed: int) -> float:
    """Articles of a finished model's answers: the splits and, of a teacher, all texts that its students read."""
    inputs = study.inputs
    asked = [*SPLITS[1:]]
    if any((name, seed) in other.needs for other in study.runs.values()):
        asked += ["train", FURTHER] if study.run(name).group == "teacher" else ["train"]
    return sum(len(inputs.texts(split)["text"]) for split in asked) / 3


def plan_in_words(study: Study, steps: list[Step], workers: int) -> str:
    """The plan as a table for the terminal."""
    lines = [f"{'run':<58}{'seeds':>6}{'there':>7}{'to do':>7}   {_bound(study)}"]
    for name, run in study.runs.items():
        own = [step for step in steps if step.name == name]
        if own:
            lines.append(f"{run.title:<58}{_counts(own)}")
        elif study.settings.profile.name == "full" and not run.can_be_made:
            lines.append(f"{run.title:<58}{'':>6}   left out: pip install -e .[fasttext] for it")
    if any(run.inputs == "features" for run in study.runs.values()):
        ready = all(map(study.inputs.has_features, SPLITS))
        lines.append(f"features of the frozen encoder: {'cached' if ready else 'to be computed first'}")
    return "\n".join([*lines, _left(study, steps, workers)])


def _bound(study: Study) -> str:
    """How sure the seconds are: with patience, a run may stop early."""
    return "at most" if study.settings.profile.patience else "about"


def _left(study: Study, steps: list[Step], workers: int) -> str:
    count, seconds = sum(step.to_do for step in steps), sum(step.seconds_left for step in steps) / workers
    if not count:
        return "nothing to do: every run is there"
    bound, early = (
        _bound(study),
        " (less where validation stops a run early)" if study.settings.profile.patience else "",
    )
    return f"{plural(count, 'run')} to do, {bound} {format_duration(seconds)} with {plural(workers, 'worker')}{early}"


def _counts(steps: list[Step]) -> str:
    left = [step for step in steps if step.to_do]
    begun = sum(step.epochs_done for step in left)
    seconds = format_duration(sum(step.seconds_left for step in left)) if left else "–"
    epochs = f" ({begun} epochs done)" if begun else ""
    return f"{len(steps):>6}{len(steps) - len(left):>7}{len(left):>7}   {seconds}{epochs}"


def work(study: Study, say=print) -> None:
    """Makes missing runs until none is left, each as soon as its teacher is there and no other process makes it."""
    while todo := missing(study):
        for name, seed in todo:
            if not all(study.found(*needed) for needed in study.run(name).needs):
                continue
            try:
                record = study.record(name, seed, wait=False)
            except Timeout:
                continue
            say(
                f"{record.run.title}, seed {seed}: test {record.test_accuracy:.2%} "
                f"(epoch {record.best_epoch} of {len(record.history)}), {format_duration(record.train_seconds)}"
            )
            break
        else:
            time.sleep(POLL_SECONDS)


def study_of(runs: str, **display: Any) -> Study:
    """The settings' study of this kind of runs; ``display`` says how its bars are shown."""
    return Study(replace(read_settings(), **display), KINDS[runs])


def _worker(number: int, threads: int, style: str, build: Callable[..., Study]) -> None:
    torch.set_num_threads(threads)
    tqdm.set_lock(threading.RLock())  # tqdm's own would be a semaphore, which a stopped worker leaves behind
    try:
        work(build(progress=style, bar_position=number), say=tqdm.write)
    except (OSError, ValueError) as reason:  # the course's own errors, which are sentences
        print(reason, file=sys.stderr)
        sys.exit(1)


def work_together(study: Study, build: Callable[..., Study], workers: int, total: int, command: str) -> int:
    """Starts the workers and shows how many runs are there; the exit status.

    Args:
        build: makes the same study in a worker, given how its bars are shown (``progress``, ``bar_position``)
        total: runs of the plan
        command: what to call to go on

    Raises:
        KeyboardInterrupt: Ctrl-C; the workers were stopped.
    """
    style, threads = _bar_style(study.settings), max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    crew = [context.Process(target=_worker, args=(n, threads, style, build)) for n in range(1, workers + 1)]
    # a terminal sends Ctrl-C to every process: workers inherit that it is ignored, and are stopped below
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    for process in crew:
        process.start()
    signal.signal(signal.SIGINT, before)
    try:
        _show(study, crew, style, total)
    except KeyboardInterrupt:
        for process in crew:
            process.terminate()
        raise
    if left := len(missing(study)):
        print(f"{plural(left, 'run')} missing: what stopped them is above; {command} goes on.", file=sys.stderr)
    return 1 if left or any(process.exitcode for process in crew) else 0


def _bar_style(settings: Settings) -> str:
    """Bars are for terminals; a log file would fill with them."""
    return "text" if settings.progress != "off" and sys.stderr.isatty() else "off"


def _show(study: Study, crew: list, style: str, total: int) -> None:
    """A progress bar of finished runs while workers live."""
    with progress_bar(replace(study.settings, progress=style), total=total, desc="runs") as bar:
        while any(process.is_alive() for process in crew):
            bar.update(total - len(missing(study)) - bar.n)
            time.sleep(POLL_SECONDS)


def main(arguments: list[str] | None = None) -> int:
    """Prints the plan, then makes every missing run of the settings' study."""
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.make_study", description=__doc__)
    parser.add_argument("--workers", type=int, help="processes; one a core without a GPU, else one")
    parser.add_argument("--plan", action="store_true", help="print the plan and stop")
    parser.add_argument(
        "--runs", choices=KINDS, default="all", help="those of notebooks 01 to 06, of 07, or of 07's map"
    )
    options = parser.parse_args(arguments)
    study = study_of(options.runs)
    workers = share_the_machine(study.settings, options.workers)
    print(f"{study}\nmeasuring a few batches of each kind of run …", flush=True)
    steps = make_plan(study)
    print(plan_in_words(study, steps, workers), flush=True)
    status = 0
    if missing(study) and not options.plan:
        status = work_together(study, partial(study_of, options.runs), workers, len(steps), "make study")
        if status == 0:
            print(f"All {len(steps)} runs are there: {study.store.own}")
    if status == 0:
        statistics_of_test_articles(study)
    return status


def share_the_machine(settings: Settings, workers: int | None = None) -> int:
    """How many workers; this process then takes as many threads as each of them will, for what it measures."""
    cores = os.cpu_count() or 1
    workers = workers or (1 if settings.device != "cpu" else min(cores, 8))
    torch.set_num_threads(max(1, cores // workers))
    return workers


if __name__ == "__main__":
    sys.exit(run_command(main, stopped=STOPPED))
