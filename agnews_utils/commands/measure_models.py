"""The worker of :mod:`agnews_utils.commands.bench_students`: times models in turn, or weighs one in memory.

It runs in a process of its own with its own number of threads. It imports for a model what that model needs and no
more, because imports count as resident memory.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..support.command import run_command

BLOCK = 32  # texts that one model answers one by one before it is the next one's turn
MANIFEST = "models.json"


@dataclass(frozen=True)
class Entry:
    """A model to measure.

    Attributes:
        name: short, for the command line
        title, computed_by: for people
        loader: which of :data:`LOADERS`
        files: what the loader reads
        options: what else it needs
        bytes: of all that must be on disk for the model to read a text
        multiply_adds: of a text, mean over some
        accuracy: of the committed records or cards, a share; None if there is none
        random: its weights are not at hand and were drawn at random
    """

    name: str
    title: str
    computed_by: str
    loader: str
    files: list[str]
    bytes: int
    options: dict[str, Any] = field(default_factory=dict)
    multiply_adds: float | None = None
    accuracy: float | None = None
    random: bool = False


class Loaded(NamedTuple):
    """A model that is ready.

    Attributes:
        read: texts to what the model computes with; None if its library does both in one
        answer: that to logits (texts, classes)
    """

    read: Callable[[list[str]], Any] | None
    answer: Callable[[Any], np.ndarray]


def _tfidf(files: Sequence[str], options: Mapping[str, Any], threads: int) -> Loaded:
    from safetensors.numpy import load_file
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    arrays, terms = load_file(files[0]), Path(files[1]).read_text(encoding="utf-8").split("\n")
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), vocabulary={t: i for i, t in enumerate(terms)})
    vectorizer.idf_ = arrays["idf"].astype(np.float64)
    linear = LinearSVC()
    linear.coef_, linear.intercept_ = (arrays[name].astype(np.float64) for name in ("coef", "intercept"))
    linear.classes_ = np.arange(len(linear.intercept_))
    return Loaded(vectorizer.transform, linear.decision_function)


def _fasttext(files: Sequence[str], options: Mapping[str, Any], threads: int) -> Loaded:
    import fasttext

    from ..baselines import fasttext_logits

    model = fasttext.load_model(files[0])
    return Loaded(None, lambda texts: fasttext_logits(model, texts))


def _torch(files: Sequence[str], options: Mapping[str, Any], threads: int) -> Loaded:
    import torch

    from .. import models
    from ..encoder import EncoderFiles
    from ..export.onnx_student import padded
    from ..export.words import WordPieces
    from ..support.files import load_weights

    torch.set_num_threads(threads)
    arguments = dict(options["arguments"])
    if "encoder" in options:
        name, folder, digits = options["encoder"]
        arguments["encoder"] = EncoderFiles(name, Path(folder), digits).load()
    model = load_weights(getattr(models, options["model"])(**arguments), Path(files[0])).eval()
    if options.get("int8"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it will move to another package
            model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    words = WordPieces(Path(files[1]).read_text(encoding="utf-8").split("\n"), options["max_length"])

    def read(texts: list[str]) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(values) for name, values in padded(words.encode(texts)).items()}

    @torch.inference_mode()
    def answer(inputs: dict[str, torch.Tensor]) -> np.ndarray:
        return model(**inputs).numpy()

    return Loaded(read, answer)


def _numpy(files: Sequence[str], options: Mapping[str, Any], threads: int) -> Loaded:
    from ..export.student import load_student

    student = load_student(files[0])
    return Loaded(student.tokens, student.logits_of)


def _onnx(files: Sequence[str], options: Mapping[str, Any], threads: int) -> Loaded:
    from ..export.onnx_student import load_onnx_student

    student = load_onnx_student(files[0], threads)
    return Loaded(student.tokens, student.logits_of)


LOADERS: dict[str, Callable[[Sequence[str], Mapping[str, Any], int], Loaded]] = {
    "tfidf": _tfidf, "fasttext": _fasttext, "torch": _torch, "numpy": _numpy, "onnx": _onnx,
}  # fmt: skip


def load(entry: Entry, threads: int = 1, before: Sequence[str] = ()) -> Loaded:
    """The model of an entry.

    Args:
        before: texts that it has read before it is measured, as one that is in use has
    """
    model = LOADERS[entry.loader](entry.files, entry.options, threads)
    if model.read and before:
        model.read(list(before))
    return model


def save_entries(folder: Path, entries: Sequence[Entry]) -> None:
    (folder / MANIFEST).write_text(json.dumps([asdict(entry) for entry in entries]), encoding="utf-8")


def read_entries(folder: Path) -> list[Entry]:
    return [Entry(**entry) for entry in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))]


def seconds_in_turn(models: Mapping[str, Loaded], texts: list[str], batch: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of reading and of answering, for every model and every batch of the texts.

    The models take turns, another one first each time, so that a slow moment of the machine hits all. A model answers
    once unmeasured when its turn comes: what the others left in the processor's cache is not its fault.

    Args:
        batch: texts a call; with 1, a turn is :data:`BLOCK` calls
    """
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    size = max(batch, BLOCK if batch == 1 else batch)
    order = list(models)
    gc.disable()
    try:
        for first in range(0, len(texts), size):
            block = texts[first : first + size]
            for name in order:
                if batch == 1 or first == 0:
                    _answer(models[name], block[:batch])
                seconds[name] += [_answer(models[name], block[i : i + batch]) for i in range(0, len(block), batch)]
            order = order[1:] + order[:1]
    finally:
        gc.enable()
    return seconds


def _answer(model: Loaded, texts: list[str]) -> tuple[float, float]:
    started = time.perf_counter()
    inputs = model.read(texts) if model.read else texts
    read = time.perf_counter()
    model.answer(inputs)
    return read - started, time.perf_counter() - read


def resident_bytes() -> float:
    """Resident memory of this process; where the system does not tell, its largest so far, or NaN."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes


def main(arguments: list[str]) -> int:
    """``time FOLDER THREADS BATCH ...`` or ``memory FOLDER [NAME]``; writes the result as JSON.

    A pair comes as JSON by a pipe: the texts that a model has read before, and those to measure it on.
    """
    task, folder, *rest = arguments
    entries = {entry.name: entry for entry in read_entries(Path(folder))}
    before, texts = json.load(sys.stdin)
    result: Any = {}
    if task == "time":
        threads, *batches = map(int, rest)
        for batch in batches:  # anew each time, for a model may remember the words of these very texts
            models = {name: load(entry, threads, before) for name, entry in entries.items()}
            result[str(batch)] = seconds_in_turn(models, texts, batch)
            result["whole"] = [name for name, model in models.items() if model.read is None]
    else:
        for name in rest:
            model = load(entries[name], 1, before)
            for text in texts:
                _answer(model, [text])
        result = resident_bytes()
    json.dump(result, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
