"""A student's ONNX file as a classifier: ONNX Runtime and a tokenizer, nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..support.hub import one_line
from .classifier import Classifier
from .onnx import FORMAT, need
from .words import WordPieces

BATCH = 32  # texts that are computed together; more of them leave the processor's cache


class OnnxStudent(Classifier):
    """What :class:`agnews_utils.export.student.Student` is, computed by ONNX Runtime.

    Attributes:
        card: what the file says of itself: ``classes``, ``max_length``, ...
        tokens: texts to numbers of pieces

    Args:
        path: what :func:`agnews_utils.export.onnx.export_student_file` wrote
        threads: of the runtime

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is cut off, or no student's file.
        ModuleNotFoundError: the package onnxruntime is missing.
    """

    def __init__(self, path: str | Path, threads: int = 1):
        runtime = need("onnxruntime")
        if not Path(path).is_file():
            raise FileNotFoundError(f"There is no student at {path}.")
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        try:
            self.session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as reason:  # the runtime has an exception of its own for every way to be damaged
            raise ValueError(f"{path} cannot be read ({one_line(reason)}): it is damaged; get it again.") from reason
        about = self.session.get_modelmeta().custom_metadata_map
        if about.get("format") != FORMAT:
            raise ValueError(
                f"{path} is not a student's ONNX file ({FORMAT}): give one that this version of the course made."
            )
        self.card = json.loads(about["card"])
        self.tokens = WordPieces(about["pieces"].split("\n"), self.card["max_length"])

    def logits_of(self, tokens: Sequence[list[int]]) -> np.ndarray:
        """Logits (texts, classes) of tokenised texts; texts of like length are computed together."""
        logits = np.empty((len(tokens), len(self.card["classes"])), np.float32)
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            logits[rows] = self.session.run(["logits"], padded([tokens[row] for row in rows]))[0]
        return logits


def padded(tokens: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
    """What the graph reads: ``input_ids`` and ``attention_mask``, int64 (texts, longest)."""
    ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(tokens):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    return {"input_ids": ids, "attention_mask": mask}


def load_onnx_student(path: str | Path, threads: int = 1) -> OnnxStudent:
    """The student of an ONNX file; raises as :class:`OnnxStudent` does."""
    return OnnxStudent(path, threads)
