"""``python -m agnews_utils.commands.search [--trials N]``: tau, beta and gamma of DIST, searched by Optuna.

The CE weight stays 1: Adam divides a step by the size of the gradient, so that only the ratios of the three weights
matter. Each trial trains the report's one-layer student with the report's teacher, and validation judges it; the test
articles take no part. Stopped at any moment, it goes on where it was; several processes may search together.
"""

from __future__ import annotations

import argparse
import sys

import optuna
import pandas as pd
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from ..losses import DISTLoss
from ..models import SimplerCNN
from ..settings import read_settings
from ..study.capacity import PARAMETERS, ROWS, SEARCH
from ..study.runs import MODEL4, TEACHER, Run
from ..study.strong import ALL_RUNS
from ..study.study import Study
from ..support.command import run_command
from ..support.files import write_text

TRIALS = 60
STOPPED = "Stopped; called again, the search goes on after its last finished trial."
SPACE = dict(
    zip(PARAMETERS, ((0.5, 8.0), (0.1, 40.0), (0.1, 40.0)), strict=True)
)  # each searched on a logarithmic scale


def trial_run(parameters: dict[str, float]) -> Run:
    """The run of a trial: CNN-1 DIST with these weights, on a third of the articles."""
    name = "_".join(["search", *(f"{key}_{parameters[key]:.5g}" for key in SPACE)])
    return Run(
        name, f"CNN-1 DIST, {parameters}", SimplerCNN, epochs="small_student_epochs", loss=DISTLoss,
        loss_args=parameters, teacher=TEACHER, rows=ROWS, training={"epochs": 12, "patience": 3}, group="search",
    )  # fmt: skip


def search(study: Study, trials: int, seed: int) -> pd.DataFrame:
    """Searches until there are so many trials; returns them all: ``tau``, ``beta``, ``gamma``, ``validation_accuracy``.

    Args:
        seed: of the sampler; processes that search together take different ones
    """

    def objective(trial: optuna.Trial) -> float:
        parameters = _rounded({name: trial.suggest_float(name, *ends, log=True) for name, ends in SPACE.items()})
        run = trial_run(parameters)
        study.add(run)
        return study.record(run.name).validation_accuracy

    study.store.own.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # it would warn of a trial that Ctrl-C ended
    made = optuna.create_study(
        study_name="dist", direction="maximize", load_if_exists=True,
        storage=JournalStorage(JournalFileBackend(str(study.store.own / "search.journal"))),
    )  # fmt: skip
    # a sampler that goes on must not draw what it drew before
    made.sampler = optuna.samplers.TPESampler(seed=seed + len(made.get_trials(deepcopy=False)), multivariate=True)
    if not made.get_trials(deepcopy=False):
        report = study.run(MODEL4).loss_args
        made.enqueue_trial({name: report[name] for name in SPACE})
    done = (optuna.trial.TrialState.COMPLETE,)
    while len(made.get_trials(deepcopy=False, states=done)) < trials:
        made.optimize(objective, n_trials=1)
    finished = made.get_trials(deepcopy=False, states=done)
    rows = [_rounded(trial.params) | {"validation_accuracy": trial.value} for trial in finished]
    return pd.DataFrame(rows)


def _rounded(parameters: dict[str, float]) -> dict[str, float]:
    """As the run's name and the table give them."""
    return {name: float(f"{parameters[name]:.5g}") for name in SPACE}


def main(arguments: list[str] | None = None) -> int:
    """Searches, and writes the trials beside the study's runs."""
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.search", description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS, help="how many in all")
    parser.add_argument("--seed", type=int, default=0, help="of the sampler; another for each process")
    options = parser.parse_args(arguments)
    study = Study(read_settings(), ALL_RUNS)
    table = search(study, options.trials, options.seed)
    write_text(study.store.own / SEARCH, table.to_csv(index=False))
    print(f"{len(table)} trials in {study.store.own / SEARCH}; best on validation:")
    print(table.nlargest(5, "validation_accuracy").to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, stopped=STOPPED))
