"""A student as an ONNX file: token numbers and mask in, logits out; batch and length are free.

The graph is written operator by operator. ``torch.onnx.export`` makes one of floats too (with the packages onnxscript
and onnx-ir, and with a loop over the articles for the pairs of words), but none whose tables stay int8. One description
for both is shorter, needs no PyTorch for a student's file, and gives the same bytes every time.

With int8, every table stays int8 in the file and in memory; the rows that a text needs are made floats after they are
gathered, by the scales of :func:`agnews_utils.export.student_file.quantise`. Convolutions and the last layer are
computed in floats.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .student import HASH_AFTER, HASH_BEFORE, HASH_PRIME
from .student_file import SCALE, as_floats, as_int8, convolutions, read_student

if TYPE_CHECKING:
    from torch import nn

Arrays = Mapping[str, np.ndarray]
# both are old enough for every runtime of the last years, onnxruntime-web too
OPSET, IR_VERSION = 17, 8
FORMAT = "agnews-student-onnx-1"
CARD = ("title", "run", "seed", "classes", "max_length", "temperature", "threshold")  # what the file says of itself
TO_THE_END = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Kind:
    """Which forward pass the graph computes.

    Attributes:
        wide: that of :class:`agnews_utils.models.WideCNN`; else that of :class:`agnews_utils.models.SimpleCNN`
        mean: WideCNN's option
        length, mask_padding: SimpleCNN's options
    """

    wide: bool
    mean: bool = True
    length: int = 64
    mask_padding: bool = False


def export_model(model: nn.Module, path: Path, int8: bool = False) -> None:
    """Writes a student of the course as ONNX, whole or not at all.

    Args:
        model: a :class:`agnews_utils.models.WideCNN`, ``SimpleCNN`` or ``SimplerCNN``
        int8: matrices as int8, the embedding too; logits are then those of the rounded weights

    Raises:
        TypeError: it is another model.
        ModuleNotFoundError: the package onnx is missing.
    """
    from ..models import SimpleCNN, WideCNN

    if isinstance(model, WideCNN):
        kind = Kind(True, mean=model.mean)
    elif isinstance(model, SimpleCNN):
        kind = Kind(False, length=model.length, mask_padding=model.mask_padding)
    else:
        raise TypeError(f"A {type(model).__name__} cannot be exported to ONNX: only WideCNN, SimpleCNN, SimplerCNN.")
    weights = {name: value.detach().cpu().float().numpy() for name, value in model.state_dict().items()}
    write_onnx(path, as_int8(weights) if int8 else weights, kind)


def export_student_file(source: Path, path: Path, int8: bool = True) -> None:
    """Writes the student of a safetensors file as ONNX, with its vocabulary and what it is; whole or not at all.

    Args:
        source: what :func:`agnews_utils.export.student_file.write_student` wrote
        int8: the file's own int8 weights and scales; else floats

    Raises:
        FileNotFoundError, ValueError: see :func:`agnews_utils.export.student_file.read_student`.
        ModuleNotFoundError: the package onnx is missing.
    """
    student = read_student(source)  # refuses what is no student's file
    arrays = student.arrays if int8 else as_floats(student.arrays)
    card = {name: student.card[name] for name in CARD if name in student.card}
    about = {"format": FORMAT, "pieces": "\n".join(student.pieces), "card": json.dumps(card)}
    write_onnx(path, arrays, Kind(True, mean=student.card["mean"]), about)


def write_onnx(path: Path, arrays: Arrays, kind: Kind, about: Mapping[str, str] | None = None) -> None:
    """Checks the graph of these weights and writes it, all in one file.

    Args:
        arrays: weights by their names in the model: floats, or int8 with scales beside them
        about: what the file says of itself, by name
    """
    from ..support.files import atomic_write  # it brings torch along, which answering by such a file must not

    onnx = need("onnx")
    graph = _Graph(arrays)
    if kind.wide:
        _wide_cnn(graph, kind)
    else:
        _simple_cnn(graph, kind)
    model = graph.model(about or {})
    onnx.checker.check_model(model, full_check=True)
    written = model.SerializeToString(deterministic=True)
    atomic_write(path, lambda aside: aside.write_bytes(written))


def need(name: str) -> Any:
    """The module of the extra ``[onnx]``.

    Raises:
        ModuleNotFoundError: it is not installed; the message says how it is.
    """
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError as reason:
        raise ModuleNotFoundError(f"The package {name} is missing: pip install 'agnews-utils[onnx]'.") from reason


class _Graph:
    """A graph that grows by an operator a call; a value is known by its name.

    Args:
        arrays: the model's weights, by name
    """

    def __init__(self, arrays: Arrays):
        self.arrays, self.onnx = arrays, need("onnx")
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.ids, self.mask = "input_ids", "attention_mask"

    def op(self, kind: str, *values: str, name: str | None = None, **attributes: Any) -> str:
        """Adds an operator and returns the name of its result."""
        result = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(values), [result], **attributes))
        return result

    def constant(self, values: np.ndarray, name: str | None = None) -> str:
        """Adds an array and returns its name."""
        name = name or f"constant_{len(self.constants)}"
        self.constants[name] = values
        return name

    def whole(self, *numbers: int) -> str:
        """A row of whole numbers."""
        return self.constant(np.array(numbers, np.int64))

    def cast(self, value: str, to: str = "FLOAT") -> str:
        return self.op("Cast", value, to=getattr(self.onnx.TensorProto, to))

    def part(self, value: str, begin: str | int, end: str | int, axis: int = 1) -> str:
        """Positions ``begin`` to ``end`` of an axis."""
        ends = [self.whole(end) if isinstance(end, int) else end for end in (begin, end)]
        return self.op("Slice", value, *ends, self.whole(axis))

    def weight(self, name: str) -> str:
        """A weight as floats; an int8 one becomes so when a runtime loads the graph."""
        values, scales = self.arrays[name], self.arrays.get(name + SCALE)
        stored = self.constant(values, name)
        if scales is None:
            return stored
        return self.op("Mul", self.cast(stored), self.cast(self.constant(scales, name + SCALE)))

    def rows(self, name: str, numbers: str) -> str:
        """Rows of a table, gathered first and made floats then."""
        scales = self.arrays.get(name + SCALE)
        found = self.op("Gather", self.constant(self.arrays[name], name), numbers)
        if scales is None:
            return found
        of_rows = self.op("Gather", self.constant(scales, name + SCALE), numbers)
        return self.op("Mul", self.cast(found), self.cast(of_rows))

    def strongest(self, x: str, name: str, mask: str | None) -> str:
        """A convolution of (B, C, L), its maximum over the unmasked positions, and ReLU: (B, C')."""
        width = self.arrays[f"{name}.weight"].shape[2]
        y = self.op("Conv", x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"), pads=[width // 2] * 2)
        y = self.op("Mul", y, mask) if mask else y  # zeros change no maximum above 0
        return self.op("Flatten", self.op("Relu", self.op("GlobalMaxPool", y)))

    def linear(self, x: str, name: str | None = None) -> str:
        return self.op("Gemm", x, self.weight("linear.weight"), self.weight("linear.bias"), transB=1, name=name)

    def model(self, about: Mapping[str, str]) -> Any:
        """The finished model; its result is the value ``logits``."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto
        classes = len(self.arrays["linear.bias"])
        constants = [self.onnx.numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in self.constants.items()]
        inputs = [helper.make_tensor_value_info(n, kind.INT64, ["batch", "length"]) for n in (self.ids, self.mask)]
        output = helper.make_tensor_value_info("logits", kind.FLOAT, ["batch", classes])
        graph = helper.make_graph(self.nodes, "student", inputs, [output], constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="agnews_utils"
        )
        helper.set_model_props(model, dict(about))
        return model


def _wide_cnn(graph: _Graph, kind: Kind) -> None:
    mask = graph.cast(graph.mask)
    # a padding position is a zero vector, whatever row 0 of the table holds
    x = graph.op("Mul", graph.rows("embedding.weight", graph.ids), graph.op("Unsqueeze", mask, graph.whole(2)))
    channels_first, over = graph.op("Transpose", x, perm=[0, 2, 1]), graph.op("Unsqueeze", mask, graph.whole(1))
    parts = [graph.strongest(channels_first, name, over) for name in convolutions(graph.arrays)]
    if kind.mean:
        count = graph.op("ReduceSum", mask, graph.whole(1), keepdims=1)
        count = graph.op("Max", count, graph.constant(np.array(1, np.float32)))
        parts.append(graph.op("Div", graph.op("ReduceSum", x, graph.whole(1), keepdims=0), count))
    together = graph.op("Concat", *parts, axis=1)
    if "wide.weight" in graph.arrays:
        graph.op("Add", graph.linear(together), _wide_part(graph), name="logits")
    else:
        graph.linear(together, name="logits")


def _wide_part(graph: _Graph) -> str:
    """What tokens and pairs say by themselves; int8 rows are added up as whole numbers, and scaled once."""
    table, scales = graph.arrays["wide.weight"], graph.arrays.get("wide.weight" + SCALE)
    table = np.concatenate([np.zeros_like(table[:1]), table[1:]])  # the bucket of padding counts nothing
    found = graph.op("Gather", graph.constant(table, "wide.weight"), _hashed_pairs(graph, len(table)))
    if scales is None:
        return graph.op("ReduceSum", found, graph.whole(1), keepdims=0)
    total = graph.op("ReduceSum", graph.cast(found, "INT32"), graph.whole(1), keepdims=0)
    return graph.op("Mul", graph.cast(total), graph.cast(graph.constant(scales, "wide.weight" + SCALE)))


def _hashed_pairs(graph: _Graph, buckets: int) -> str:
    """:func:`agnews_utils.models.hashed_pairs`, in the whole numbers of 64 bits that it is exact in."""
    before, after = graph.part(graph.ids, 0, -1), graph.part(graph.ids, 1, TO_THE_END)
    alone = graph.op("Mul", graph.ids, graph.whole(HASH_AFTER))
    second = graph.op("Mul", after, graph.whole(HASH_AFTER))
    pairs = graph.op("Add", graph.op("Mul", before, graph.whole(HASH_BEFORE)), second)
    hashed = graph.op("Mod", graph.op("Concat", alone, pairs, axis=1), graph.whole(HASH_PRIME))
    hashed = graph.op("Add", graph.op("Mod", hashed, graph.whole(buckets - 1)), graph.whole(1))
    both = graph.op("And", graph.cast(before, "BOOL"), graph.cast(after, "BOOL"))
    real = graph.op("Concat", graph.cast(graph.ids, "BOOL"), both, axis=1)
    return graph.op("Where", real, hashed, graph.whole(0))


def _simple_cnn(graph: _Graph, kind: Kind) -> None:
    *before, last = convolutions(graph.arrays)
    if kind.mask_padding:
        ids, over = graph.ids, graph.op("Unsqueeze", graph.cast(graph.mask), graph.whole(1))
    else:
        ids, over = _to_length(graph, kind.length), None
    x = graph.op("Transpose", graph.rows("embedding.weight", ids), perm=[0, 2, 1])
    x = graph.op("Mul", x, over) if over else x
    for name in before:
        x = graph.op("Conv", x, graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias"), pads=[1, 1])
        x = graph.op("Relu", x)
        x = graph.op("Mul", x, over) if over else x
    graph.linear(graph.strongest(x, last, over), name="logits")


def _to_length(graph: _Graph, length: int) -> str:
    """:func:`agnews_utils.models.to_length`: cut at ``length`` or at the longest article, filled up to ``length``."""
    tokens = graph.op("ReduceSum", graph.cast(graph.cast(graph.ids, "BOOL"), "INT64"), graph.whole(1), keepdims=0)
    longest = graph.op("ReduceMax", tokens, axes=[0], keepdims=1)
    cut = graph.part(graph.ids, 0, graph.op("Max", longest, graph.whole(length)))
    missing = graph.op("Sub", graph.whole(length), graph.op("Shape", cut, start=1, end=2))
    missing = graph.op("Max", missing, graph.whole(0))
    return graph.op("Pad", cut, graph.op("Concat", graph.whole(0, 0, 0), missing, axis=0))
