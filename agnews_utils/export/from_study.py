"""From a run of the study to a student's file."""

from __future__ import annotations

from pathlib import Path

from ..models import WideCNN
from ..settings import CLASS_NAMES
from ..study.study import Study
from .student_file import write_student


def export_run(study: Study, name: str, seed: int, path: Path) -> None:
    """Writes the trained student of a run to ``path``.

    Raises:
        TypeError: the run's model is no :class:`agnews_utils.models.WideCNN`.
    """
    model = study.model(name, seed)
    if not isinstance(model, WideCNN):
        raise TypeError(f"{name!r} is a {type(model).__name__}; only a WideCNN can be exported.")
    run, record = study.run(name), study.record(name, seed)
    tokenizer = study.inputs.tokenizer
    pieces = tokenizer.convert_ids_to_tokens(study.inputs.pieces(run.vocabulary).tolist())
    card = {
        "title": run.title, "run": name, "seed": seed, "classes": list(CLASS_NAMES), "mean": model.mean,
        "max_length": study.settings.max_length, "made_with": study.title,
        "test_accuracy": round(record.test_accuracy, 6), "articles": record.train_rows,
    }  # fmt: skip
    weights = {key: value.detach().cpu().float().numpy() for key, value in model.state_dict().items()}
    write_student(path, weights, pieces, card)
