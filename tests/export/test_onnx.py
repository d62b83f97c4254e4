"""Students as ONNX: the logits of PyTorch and of NumPy, floats and int8, at any batch and length."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from helpers import refused

from agnews_utils.export.onnx import export_model
from agnews_utils.export.onnx_student import load_onnx_student
from agnews_utils.export.student_file import as_floats, as_int8
from agnews_utils.models import LinearProbe, SimpleCNN, SimplerCNN, WideCNN

VOCABULARY = 30_522  # the largest in use, for the largest products of the hash
SHAPES = [(1, 2), (1, 64), (3, 17), (5, 64), (4, 90), (2, 1)]


def wide(**options):
    model = WideCNN(VOCABULARY, embedding_dim=8, channels=6, **{"buckets": 2**18} | options)
    if model.wide is not None:
        torch.nn.init.normal_(model.wide.weight)  # a wrong bucket shows itself
    return model


MODELS = {
    "WideCNN": wide,
    "WideCNN without mean": lambda: wide(mean=False),
    "WideCNN without pairs": lambda: wide(buckets=0),
    "WideCNN of one width": lambda: wide(widths=(3,), buckets=1000),
    "SimpleCNN": lambda: SimpleCNN(VOCABULARY, 8),
    "SimpleCNN, padding left out": lambda: SimpleCNN(VOCABULARY, 8, mask_padding=True),
    "SimplerCNN": lambda: SimplerCNN(VOCABULARY, 8),
    "SimplerCNN of 32 positions": lambda: SimplerCNN(VOCABULARY, 8, length=32),
}


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(0)
    return MODELS[request.param]().eval()


def session_of(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def batch(articles, length, seed=0):
    """Token numbers of articles of different lengths, the highest number among them, and their mask."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, length + 1, articles)
    mask = (np.arange(length) < lengths[:, None]).astype(np.int64)
    ids = generator.integers(1, VOCABULARY, (articles, length)) * mask
    ids[0, :2] = VOCABULARY - 1
    mask[0, :2] = 1
    return {"input_ids": ids, "attention_mask": mask}


def assert_equal_logits(path, model):
    session = session_of(path)
    for shape in SHAPES:
        inputs = batch(*shape)
        with torch.no_grad():
            expected = model(**{name: torch.from_numpy(values) for name, values in inputs.items()}).numpy()
        np.testing.assert_allclose(session.run(["logits"], inputs)[0], expected, atol=1e-4)


def test_floats_answer_as_pytorch_does(model, tmp_path):
    export_model(model, tmp_path / "student.onnx")
    assert_equal_logits(tmp_path / "student.onnx", model)


def test_int8_answers_as_the_rounded_weights_do(model, tmp_path):
    export_model(model, tmp_path / "student.onnx", int8=True)
    rounded = as_floats(as_int8({name: value.numpy() for name, value in model.state_dict().items()}))
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in rounded.items()})
    assert_equal_logits(tmp_path / "student.onnx", model)


def test_no_table_is_kept_in_floats(tmp_path):
    export_model(wide(), tmp_path / "student.onnx", int8=True)
    graph = onnx.load(tmp_path / "student.onnx").graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer if len(tensor.dims) > 1}
    assert kinds.pop("embedding.weight.scale") == kinds.pop("wide.weight.scale") == onnx.TensorProto.FLOAT16
    matrices = {kind for name, kind in kinds.items() if not name.endswith(".scale")}
    assert matrices == {onnx.TensorProto.INT8}
    assert all(not tensor.external_data for tensor in graph.initializer)


def test_padding_changes_nothing(model, tmp_path):
    export_model(model, tmp_path / "student.onnx")
    session, inputs = session_of(tmp_path / "student.onnx"), batch(4, 40)
    longer = {name: np.pad(values, ((0, 0), (0, 60))) for name, values in inputs.items()}
    short, long = (session.run(["logits"], one)[0] for one in (inputs, longer))
    np.testing.assert_allclose(short, long, atol=1e-5)


def test_the_same_weights_give_the_same_bytes(model, tmp_path):
    for name in "ab":
        export_model(model, tmp_path / name, int8=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_another_model_is_refused(tmp_path):
    with refused(TypeError, "A LinearProbe cannot be exported to ONNX"):
        export_model(LinearProbe(8), tmp_path / "student.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_missing_package_is_named(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # importing it now fails as if it were not installed
    with refused(ModuleNotFoundError, f"The package {package} is missing: pip install 'agnews-utils[onnx]'."):
        if package == "onnx":
            export_model(wide(), tmp_path / "student.onnx")
        else:
            load_onnx_student(tmp_path / "student.onnx")
    assert not list(tmp_path.iterdir())
