"""What :mod:`agnews_utils.commands.bench_students` measures: every model as files that its worker loads.

Weights are a finished run's where they are at hand. Else they are random: speed and size do not depend on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..baselines import fasttext_classifier, fasttext_words, tfidf_linear
from ..export.from_study import MODELS
from ..export.onnx import export_student_file
from ..export.onnx_student import padded
from ..export.student_file import as_floats, read_student
from ..export.words import WordPieces
from ..models import NUM_CLASSES, BertVDCNN, WideCNN
from ..study.records import published_records
from ..study.runs import FASTTEXT, FINE_TUNED_TEACHER, MODEL1, MODEL2, MODEL3, MODEL4, MODEL6, ONE_MODEL, TFIDF
from ..study.strong import ALL_RUNS, SHIPPED, SHIPPED_TITLES
from ..study.study import Study
from ..support.files import save_weights, write_text
from .measure_models import Entry

COUNTED = 32  # texts over which multiply-adds are averaged
TEACHER, TEACHER_INT8, QUANTISED = "minilm", "minilm_int8", f"{FASTTEXT}_quantised"
RUN_OF = {
    "model1": MODEL1, "model2": MODEL2, "model3": MODEL3, "model4": MODEL4, "bert_vdcnn": MODEL6,
    TEACHER: FINE_TUNED_TEACHER, TEACHER_INT8: FINE_TUNED_TEACHER,
}  # fmt: skip
FORMS = {"torch": "PyTorch", "numpy": "NumPy", "onnx": "ONNX Runtime", "onnx_int8": "ONNX Runtime, int8"}


class ModelsToMeasure:
    """Makes entries by name, and their files in ``folder``.

    Args:
        study: whose articles, encoder and weights, where it has any
        texts: what will be read; multiply-adds are counted on the first of them
    """

    def __init__(self, study: Study, folder: Path, texts: list[str]):
        self.study, self.folder, self.texts = study, folder, texts[:COUNTED]
        self.records = published_records(ALL_RUNS)[0]

    def makers(self) -> dict[str, Callable[[str], Entry]]:
        """What makes the entry of a name; those of an extra are there only where it is installed."""
        made: dict[str, Callable[[str], Entry]] = {TFIDF: self._tfidf}
        made |= dict.fromkeys((FASTTEXT, QUANTISED), self._fasttext) if find_spec("fasttext") else {}
        made |= dict.fromkeys(RUN_OF, self._network)
        onnx = all(find_spec(package) for package in ("onnx", "onnxruntime"))
        forms = [form for form in FORMS if onnx or not form.startswith("onnx")]
        return made | {f"{file}_{form}": self._shipped for file in SHIPPED for form in forms}

    def _accuracy(self, run: str) -> float | None:
        """Mean over seeds, of the committed records; of a run that stands for one model, its seed 0."""
        found = self.records.get(run, [])[: 1 if run in ONE_MODEL else None]
        return float(np.mean([record.test_accuracy for record in found])) if found else None

    def _tfidf(self, name: str) -> Entry:
        splits = self.study.inputs.splits
        pipeline, _ = tfidf_linear(splits["train"], splits["validation"])
        vectorizer, linear = pipeline[0], pipeline[-1]
        arrays, terms = self.folder / f"{name}.safetensors", self.folder / f"{name}.txt"
        kept = {"idf": vectorizer.idf_, "coef": linear.coef_, "intercept": linear.intercept_}
        save_file({key: np.ascontiguousarray(values, np.float32) for key, values in kept.items()}, arrays)
        write_text(terms, "\n".join(sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)))
        products = vectorizer.transform(self.texts).nnz * len(linear.coef_) / len(self.texts)
        return self._entry(name, ALL_RUNS[name].title, "scikit-learn", "tfidf", [arrays, terms],
                           multiply_adds=products, accuracy=self._accuracy(name))  # fmt: skip

    def _fasttext(self, name: str) -> Entry:
        plain, quantised, dim = self._fitted_fasttext()
        words = np.array([len(fasttext_words(text).split()) for text in self.texts])
        products = float(np.mean(2 * words + 1)) * dim + dim * NUM_CLASSES  # words, pairs, the end; the last layer
        title = ALL_RUNS[FASTTEXT].title + (", quantised" if name == QUANTISED else "")
        return self._entry(name, title, "fastText", "fasttext", [quantised if name == QUANTISED else plain],
                           multiply_adds=products, accuracy=self._accuracy(name))  # fmt: skip

    @cache  # noqa: B019 - lives as long as the benchmark
    def _fitted_fasttext(self) -> tuple[Path, Path, int]:
        splits = self.study.inputs.splits
        model, _ = fasttext_classifier(splits["train"], splits["validation"], seed=0)
        plain, quantised, dim = self.folder / "fasttext.bin", self.folder / "fasttext.ftz", model.get_dimension()
        model.save_model(str(plain))
        model.quantize(qnorm=True)
        model.save_model(str(quantised))
        return plain, quantised, dim

    def _network(self, name: str) -> Entry:
        run, inputs, int8 = RUN_OF[name], self.study.inputs, name == TEACHER_INT8
        known = self.study.has_weights(run)
        model = (self.study.model(run) if known else self.study.build(run)).cpu().eval()
        options: dict[str, Any] = {"arguments": {}, "int8": int8}
        if run in (MODEL6, FINE_TUNED_TEACHER):
            files = inputs.encoder_files
            options["encoder"] = [files.name, str(files.folder), files.weights]
            model = BertVDCNN(files.load(), model).eval() if run == MODEL6 else model
        else:
            options["arguments"] = {"vocab_size": len(inputs.tokenizer), "length": self.study.settings.max_length}
        pieces = inputs.tokenizer.convert_ids_to_tokens(list(range(len(inputs.tokenizer))))
        accuracy = None if int8 else self._accuracy(run)
        return self._torch(name, ALL_RUNS[run].title, model, pieces, options, accuracy=accuracy, random=not known)

    def _shipped(self, name: str) -> Entry:
        file, form = next((f, name.removeprefix(f"{f}_")) for f in SHIPPED if name.startswith(f"{f}_"))
        source = MODELS / f"{file}.safetensors"
        student, title = read_student(source), SHIPPED_TITLES[file]
        weights = as_floats(student.arrays)
        model = wide_cnn(weights, student.card["mean"])
        accuracy = student.card["int8_test_accuracy" if form in ("numpy", "onnx_int8") else "test_accuracy"]
        if form == "torch":
            options = {"arguments": wide_shapes(weights, student.card["mean"])}
            return self._torch(name, title, model, student.pieces, options, accuracy=accuracy)
        path = source
        if form != "numpy":
            path = self.folder / f"{name}.onnx"
            export_student_file(source, path, int8=form == "onnx_int8")
        products = self._multiply_adds(model, WordPieces(student.pieces, student.card["max_length"]))
        return self._entry(name, title, FORMS[form], "numpy" if form == "numpy" else "onnx", [path],
                           multiply_adds=products, accuracy=accuracy)  # fmt: skip

    def _torch(
        self, name: str, title: str, model: nn.Module, pieces: list[str], options: dict[str, Any], **known: Any
    ) -> Entry:
        length, int8 = self.study.settings.max_length, options.get("int8", False)
        options |= {"model": type(model).__name__, "max_length": length}
        weights, vocabulary = self.folder / f"{name}.safetensors", self.folder / f"{name}.txt"
        save_weights(model, weights)
        write_text(vocabulary, "\n".join(pieces))
        linear = sum(m.weight.numel() for m in model.modules() if isinstance(m, nn.Linear)) if int8 else 0
        return self._entry(name, title, "PyTorch, int8" if int8 else "PyTorch", "torch", [weights, vocabulary],
                            options=options, multiply_adds=self._multiply_adds(model, WordPieces(pieces, length)),
                            less=3 * linear, **known)  # fmt: skip

    def _entry(
        self, name: str, title: str, computed_by: str, loader: str, files: list[Path], less: int = 0, **known: Any
    ) -> Entry:
        """``less``: bytes that int8 saves, where no file of it can be written without pickle."""
        size = sum(path.stat().st_size for path in files) - less
        return Entry(name, title, computed_by, loader, [str(path) for path in files], size, **known)

    def _multiply_adds(self, model: nn.Module, words: WordPieces) -> float:
        return float(np.mean([multiply_adds(model, ids) for ids in words.encode(self.texts)]))


def multiply_adds(model: nn.Module, ids: list[int]) -> float:
    """Multiply-adds of one text: of matrix products and convolutions by their shapes; an addition of rows counts too.

    Args:
        ids: its tokens
    """
    inputs = {name: torch.from_numpy(values) for name, values in padded([ids]).items()}
    # this form of attention is made of matrix products, which are counted; the others are not on a processor
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(**inputs)
    rows = 2 * len(ids) - 1 if isinstance(model, WideCNN) and model.wide is not None else 0
    return counter.get_total_flops() / 2 + rows * NUM_CLASSES


def wide_shapes(weights: Mapping[str, np.ndarray], mean: bool) -> dict[str, Any]:
    """The arguments that make a :class:`agnews_utils.models.WideCNN` of these weights' shapes."""
    convolutions = [values for name, values in sorted(weights.items()) if name.startswith("convs.") and values.ndim > 1]
    vocab_size, embedding_dim = weights["embedding.weight"].shape
    return {
        "vocab_size": vocab_size, "embedding_dim": embedding_dim, "channels": len(convolutions[0]), "mean": mean,
        "widths": [values.shape[2] for values in convolutions], "buckets": len(weights.get("wide.weight", ())),
    }  # fmt: skip


def wide_cnn(weights: Mapping[str, np.ndarray], mean: bool) -> WideCNN:
    """The PyTorch model of a student's weights, in eval mode."""
    model = WideCNN(**wide_shapes(weights, mean))
    model.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in weights.items()})
    return model.eval()
