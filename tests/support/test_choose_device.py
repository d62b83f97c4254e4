"""Which device is taken, where this machine has none: a GPU that is listed, by torch's own word, and that may fail."""

import pytest
import torch
from helpers import refused

from agnews_utils.settings import read_settings
from agnews_utils.support import devices
from agnews_utils.support.devices import choose_device, kind_of, trial
from agnews_utils.support.runtime import autocast, has_bfloat16, machine, precision


@pytest.fixture
def listed(monkeypatch):
    """Lets torch list these kinds of GPU; the trial on each answers as given: None, or what is wrong."""

    def make(**answers):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in answers)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in answers)
        monkeypatch.setattr(devices, "trial", lambda device: answers.get(kind_of(device)))

    return make


@pytest.fixture
def computing(monkeypatch):
    """Lets the trial's computation on a GPU be done by a function of the processor's result."""

    def make(how):
        whole = devices._convolution_and_gradient
        monkeypatch.setattr(
            devices, "_convolution_and_gradient", lambda device: how(whole("cpu")) if device != "cpu" else whole("cpu")
        )

    return make


@pytest.mark.parametrize(
    ("answers", "taken"),
    [({}, "cpu"), ({"cuda": None}, "cuda"), ({"mps": None}, "mps"), ({"cuda": None, "mps": None}, "cuda")],
)
def test_auto_takes_the_first_gpu(listed, answers, taken):
    listed(**answers)
    assert choose_device() == taken
    assert read_settings({}).device == taken
    assert read_settings({"AGNEWS_DEVICE": "cpu"}).device == "cpu"
    assert read_settings({}).profile.name == "quick"


@pytest.mark.parametrize(("kind", "words"), [("cuda", "GPU"), ("mps", "Apple GPU")])
def test_auto_leaves_a_gpu_that_cannot_compute(listed, kind, words):
    listed(**{kind: "no kernel image is available"})
    with pytest.warns(UserWarning, match=f"The {words} of this machine cannot compute .no kernel image is avail"):
        assert choose_device("auto") == "cpu"


def test_auto_tries_the_next_one(listed):
    listed(cuda="too old", mps=None)
    with pytest.warns(UserWarning, match="too old"):
        assert choose_device("auto") == "mps"


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
def test_a_named_device(listed, name):
    listed(cuda=None, mps=None)
    assert read_settings({"AGNEWS_DEVICE": name}).device == name


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
def test_a_named_device_that_is_not_there(listed, name):
    listed()
    with refused(ValueError, f"AGNEWS_DEVICE is {name!r}, but PyTorch {torch.__version__} finds no such device here"):
        read_settings({"AGNEWS_DEVICE": name})


@pytest.mark.parametrize(("name", "words"), [("cuda:7", "GPU"), ("mps", "Apple GPU")])
def test_a_named_device_that_cannot_compute(listed, name, words):
    listed(cuda="invalid device ordinal", mps="invalid device ordinal")
    with refused(ValueError, f"AGNEWS_DEVICE is {name!r}, but this {words} cannot compute (invalid device ordinal)"):
        read_settings({"AGNEWS_DEVICE": name})


@pytest.mark.parametrize("name", ["gpu", "CUDA", "cuda:", "cuda:x", "cuda:1:2", "0", "cpu:0", " cpu"])
def test_unknown_device(name):
    with refused(ValueError, f"AGNEWS_DEVICE is {name!r}: set it to auto, cpu, cuda, cuda:1 (or another"):
        read_settings({"AGNEWS_DEVICE": name})


def test_the_trial_on_the_processor():
    assert trial("cpu") is None


def test_the_trial_on_a_device_without_a_driver():
    # meta computes shapes only: torch itself refuses to give the numbers
    assert "meta" in trial("meta")


@pytest.mark.parametrize(
    ("how", "wrong"),
    [(lambda x: x, None), (lambda x: x + 1e-3, None), (lambda x: x * 0, "its numbers are wrong"),
     (lambda x: x * float("nan"), "its numbers are wrong")],
)  # fmt: skip
def test_the_trial_compares_the_numbers(computing, how, wrong):
    computing(how)
    assert trial("cuda") == wrong


def test_the_trial_asks_for_something():
    numbers = devices._convolution_and_gradient("cpu")
    assert len(numbers) == 56 + 48
    assert (numbers != 0).sum() > 60


def test_the_trial_draws_no_random_number():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    trial("cpu")
    devices._convolution_and_gradient("cpu")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("error", [RuntimeError, AssertionError, NotImplementedError])
def test_the_trial_says_what_torch_said(computing, error):
    def fail(_):
        raise error("CUDA error: no kernel image is available for execution on the device\nCompile with ...")

    computing(fail)
    assert trial("cuda:1") == "CUDA error: no kernel image is available for execution on the device"


def test_second_gpu_has_its_own_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"card of {device}")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert machine("cuda:1")["device"] == "card of cuda:1"
    assert has_bfloat16("cuda:1")
    assert precision("cuda:1") == "bfloat16 autocast"


def test_mps_computes_in_float32():
    assert not has_bfloat16("mps")
    with autocast("mps"):
        pass
