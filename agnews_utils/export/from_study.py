"""From a run of the study to a student's file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..models import WideCNN
from ..study.records import Record
from ..study.strong import SHIPPED
from ..study.study import Study
from .student import Student
from .student_file import MODELS, StudentFile, as_int8, write_student

# what a card says of a record; the second argument is the teacher's title (agnews_utils.analysis.student_cards)
Describe = Callable[[Record, str | None], dict[str, Any]]


def export_run(study: Study, name: str, seed: int, path: Path, describe: Describe) -> None:
    """Writes the trained student of a run to ``path``; its card says what int8 makes of its test accuracy.

    Raises:
        TypeError: the run's model is no :class:`agnews_utils.models.WideCNN`.
    """
    model = study.model(name, seed)
    if not isinstance(model, WideCNN):
        raise TypeError(f"{name!r} is a {type(model).__name__}; only a WideCNN can be exported.")
    run, inputs = study.run(name), study.inputs
    arrays = as_int8({key: value.detach().cpu().float().numpy() for key, value in model.state_dict().items()})
    card = {
        "title": run.title, "run": name, "seed": seed, "classes": list(inputs.classes), "mean": model.mean,
        "max_length": study.settings.max_length, "made_with": study.title,
    }  # fmt: skip
    card |= describe(study.record(name, seed), study.run(run.teacher).title if run.teacher else None)
    pieces = inputs.tokenizer.convert_ids_to_tokens(inputs.pieces(run.vocabulary).tolist())
    test = inputs.splits["test"]
    answers = Student(StudentFile(arrays, pieces, card)).logits(test["text"]).argmax(axis=1)  # as users will compute it
    card["int8_test_accuracy"] = round(float((answers == np.asarray(test["label"])).mean()), 6)
    write_student(path, StudentFile(arrays, pieces, card))


def export_students(study: Study, describe: Describe, folder: Path = MODELS) -> list[Path]:
    """Writes the students that are shipped, each of the seed with the highest validation accuracy of those here."""
    paths = []
    for file, name in SHIPPED.items():
        seeds = [seed for seed in range(study.run(name).seeds) if study.has_weights(name, seed)]
        if seeds:
            best = max(seeds, key=lambda seed: study.record(name, seed).validation_accuracy)
            export_run(study, name, best, folder / f"{file}.safetensors", describe)
            paths.append(folder / f"{file}.safetensors")
    return paths
