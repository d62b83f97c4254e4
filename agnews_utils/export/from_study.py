"""From a run of the study to a student's file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..models import WideCNN
from ..settings import CLASS_NAMES, ROOT
from ..study.strong import SHIPPED
from ..study.study import Study
from ..training import evaluate
from .student_file import as_floats, as_int8, write_student

MODELS = ROOT / "data" / "models"  # the committed students


def export_run(study: Study, name: str, seed: int, path: Path) -> None:
    """Writes the trained student of a run to ``path``; its card says what int8 makes of its test accuracy.

    Raises:
        TypeError: the run's model is no :class:`agnews_utils.models.WideCNN`.
    """
    model = study.model(name, seed)
    if not isinstance(model, WideCNN):
        raise TypeError(f"{name!r} is a {type(model).__name__}; only a WideCNN can be exported.")
    run, record, inputs = study.run(name), study.record(name, seed), study.inputs
    weights = {key: value.detach().cpu().float().numpy() for key, value in model.state_dict().items()}
    rounded = as_floats(as_int8(weights))
    model.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in rounded.items()})
    measured = evaluate(model, inputs.dataset("test", run.inputs, run.vocabulary), study.settings)
    card = {
        "title": run.title, "run": name, "seed": seed, "classes": list(CLASS_NAMES), "mean": model.mean,
        "max_length": study.settings.max_length, "made_with": study.title, "train_articles": record.train_rows,
        "test_accuracy": round(record.test_accuracy, 6),
        "int8_test_accuracy": round(measured["accuracy"], 6),
    }  # fmt: skip
    pieces = inputs.tokenizer.convert_ids_to_tokens(inputs.pieces(run.vocabulary).tolist())
    write_student(path, weights, pieces, card)


def export_students(study: Study, folder: Path = MODELS) -> list[Path]:
    """Writes the students that are shipped, each of the seed with the highest validation accuracy of those here."""
    paths = []
    for file, name in SHIPPED.items():
        seeds = [seed for seed in range(study.run(name).seeds) if study.has_weights(name, seed)]
        if seeds:
            best = max(seeds, key=lambda seed: study.record(name, seed).validation_accuracy)
            export_run(study, name, best, folder / f"{file}.safetensors")
            paths.append(folder / f"{file}.safetensors")
    return paths
