"""``make study``: every missing run, planned on the terminal, shared between workers, resumable at any moment.

``python -m agnews_utils.commands.make_study [--workers N] [--plan]``. On a processor there is one worker a core, each with one thread: two
runs side by side get more done than one run on two cores. More processes may join in at any time, on another terminal or
another node that shares the folder: a lock a run keeps them apart, and a process that dies lets go of its lock.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass, replace

import torch
from filelock import Timeout
from torch.utils.data import Subset

from .. import losses
from ..analysis.tables import seconds_in_words
from ..data import train_loader
from ..settings import read_settings
from ..study.runs import RUNS, can_be_made, known, planned
from ..study.study import Study
from ..training import Recipe, WithTeacher, read_checkpoint, seed_everything, train_epoch

MEASURED_BATCHES = 3  # of each kind of run, after one that warms up
BAG_OF_WORDS_RATE = 5_000  # articles a second, about; these runs are over before a measurement would be
POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Step:
    """A run of the plan: which, what of it is done, and what is left of it."""

    name: str
    seed: int
    state: str  # "committed", "here", "begun" or "missing"
    epochs_done: int
    seconds_left: float  # at most: a run with patience may stop early


def missing(study: Study) -> list[tuple[str, int]]:
    """The planned runs without a record, in the order in which they can be made."""
    return [(name, seed) for name, seed in planned(study.settings) if not study.found(name, seed)]


def seconds_an_article(study: Study, name: str) -> float:
    """Seconds of training on one article, measured on a few batches of random teacher logits and real articles."""
    run = known(name)
    if run.inputs == "text":
        return 1 / BAG_OF_WORDS_RATE
    recipe = study.recipe(name)
    inputs = "tokens" if run.inputs == "features" else run.inputs
    rows = (MEASURED_BATCHES + 1) * recipe.batch_size
    part = study.dataset("train", inputs)
    part = Subset(part, range(min(rows, len(part))))
    if run.inputs == "features":  # of the right shape; their values do not change the time
        part = [
            (torch.randn(len(ids), study.encoder_files.hidden_size).half().numpy(), mask, y) for ids, mask, _, y in part
        ]
    if run.teacher:
        part = WithTeacher(part, torch.randn(len(part), 4).numpy())
    model = study.build(name).to(study.settings.device)
    loss, optimizer = getattr(losses, run.loss)(**run.loss_args), Recipe(1).optimizer(model)
    batches = list(train_loader(part, recipe.batch_size, 0))
    train_epoch(model, batches[:1], loss, optimizer, study.settings)
    rest = batches[1:] or batches
    taken = train_epoch(model, rest, loss, optimizer, study.settings)["train_seconds"]
    seed_everything(0)
    return taken / sum(len(batch[-1]) for batch in rest)


def make_plan(study: Study) -> list[Step]:
    """Every planned run with its state; what is left is estimated from a measurement of a second or two a kind of run."""
    speeds: dict[tuple, float] = {}
    steps = []
    for name, seed in planned(study.settings):
        run, found, own = known(name), study.found(name, seed), study.run_folder(name, seed)
        if found:
            steps.append(Step(name, seed, "here" if found == own else "committed", 0, 0.0))
            continue
        kind = (run.model, run.loss, run.recipe.get("batch_size"))
        if kind not in speeds:
            speeds[kind] = seconds_an_article(study, name)
        checkpoint = own / "last.pt"
        done = len(read_checkpoint(checkpoint)["history"]) if checkpoint.exists() else 0
        most = study.settings.profile.char_train_rows if run.inputs == "characters" else run.rows
        rows = min(most or len(study.splits["train"]), len(study.splits["train"]))
        # an evaluation goes through validation and test rows without a backward pass, at about a third of the cost
        articles = rows + (len(study.splits["validation"]) + len(study.splits["test"])) / 3
        epochs = 1 if run.inputs == "text" else study.recipe(name, seed).epochs - done
        steps.append(Step(name, seed, "begun" if done else "missing", done, epochs * articles * speeds[kind]))
    return steps


def plan_in_words(study: Study, steps: list[Step], workers: int) -> str:
    """The plan as a table for the terminal."""
    lines = [f"{'run':<58}{'seeds':>6}{'there':>7}{'to do':>7}   at most"]
    for name, run in RUNS.items():
        own = [step for step in steps if step.name == name]
        if not own:
            if study.settings.profile.name == "full" and not can_be_made(run):
                lines.append(f"{run.title:<58}{'':>6}   left out: pip install -e .[fasttext] for it")
            continue
        left = [step for step in own if step.state in ("begun", "missing")]
        begun = sum(step.epochs_done for step in left)
        lines.append(
            f"{run.title:<58}{len(own):>6}{len(own) - len(left):>7}{len(left):>7}   "
            + (seconds_in_words(sum(step.seconds_left for step in left)) if left else "–")
            + (f" ({begun} epochs done)" if begun else "")
        )
    seconds = sum(step.seconds_left for step in steps) / workers
    count = sum(step.state in ("begun", "missing") for step in steps)
    ready = all(study.has_features(split) for split in ("train", "validation", "test"))
    lines += [
        f"features of the frozen encoder: {'cached' if ready else 'to be computed first'}",
        f"{count} runs to do, at most {seconds_in_words(seconds)} with {workers} worker{'s' * (workers > 1)} "
        "(less where validation stops a run early)"
        if count
        else "nothing to do: every run has its record",
    ]
    return "\n".join(lines)


def work(study: Study, say=print) -> None:
    """Makes missing runs until none is left, each as soon as its teacher is there and no other process makes it."""
    while todo := missing(study):
        for name, seed in todo:
            teacher = known(name).teacher
            if teacher and not study.found(teacher):
                continue
            try:
                record = study.record(name, seed, wait=False)
            except Timeout:
                continue
            say(
                f"{record.run.title}, seed {seed}: test {record.test_accuracy:.2%} "
                f"(epoch {record.facts['best_epoch']} of {len(record.history)}), {seconds_in_words(record.train_seconds)}"
            )
            break
        else:
            time.sleep(POLL_SECONDS)


def _worker(number: int, threads: int, quiet: bool) -> None:
    torch.set_num_threads(threads)
    progress = "off" if quiet else "text"
    study = Study(replace(read_settings(), progress=progress, bar_position=number))
    work(study, say=study.settings.write)


def main(arguments: list[str] | None = None) -> int:
    """Prints the plan, then makes every missing run of the settings' study."""
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.make_study", description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, help="processes; one a core without a GPU, else one")
    parser.add_argument("--plan", action="store_true", help="print the plan and stop")
    options = parser.parse_args(arguments)
    settings = read_settings()
    cores = os.cpu_count() or 1
    workers = options.workers or (1 if settings.device == "cuda" else min(cores, 8))
    threads = max(1, cores // workers)
    torch.set_num_threads(threads)
    study = Study(settings)
    print(study, flush=True)
    print("measuring a few batches of each kind of run …", flush=True)
    steps = make_plan(study)
    print(plan_in_words(study, steps, workers), flush=True)
    if options.plan or not missing(study):
        study.test_facts()
        return 0
    quiet = settings.progress == "off" or not sys.stderr.isatty()
    context = multiprocessing.get_context("spawn")
    crew = [context.Process(target=_worker, args=(n, threads, quiet)) for n in range(1, workers + 1)]
    for process in crew:
        process.start()
    total, before = len(steps), -1
    show = replace(settings, progress="off" if quiet else "text")
    try:
        with show.bar(total=total, desc="runs", unit="run") as bar:
            while any(process.is_alive() for process in crew):
                done = total - len(missing(study))
                if done != before:
                    bar.update(done - bar.n)
                    before = done
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        print("\nStopped; make study goes on from the last finished epoch of each run.", file=sys.stderr)
        for process in crew:
            process.terminate()
        return 130
    for process in crew:
        process.join()
    failed = [process.exitcode for process in crew if process.exitcode]
    if failed or missing(study):
        print(
            f"{len(missing(study))} runs are missing: what stopped them is above; make study goes on.", file=sys.stderr
        )
        return 1
    study.test_facts()
    print(f"All {total} runs are there: {study.runs_folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
