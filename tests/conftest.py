"""Fixtures: settings of a tiny run, the real MiniLM, a tiny encoder, and the whole study in smoke."""

import os
import signal

import pytest
from helpers import make_tiny_encoder, settings_in

from agnews_utils.data import SAMPLE_DIR, read_folder
from agnews_utils.encoder import load_encoder
from agnews_utils.study.study import Study

# a shell starts background jobs with Ctrl-C ignored, and processes that tests start would inherit that
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


@pytest.fixture(scope="session")
def minilm(tmp_path_factory):
    return load_encoder(settings_in(tmp_path_factory.mktemp("minilm")))


@pytest.fixture(scope="session")
def tokenizer(minilm):
    return minilm.tokenizer


@pytest.fixture
def tiny_encoder(tokenizer):
    return make_tiny_encoder(tokenizer)


@pytest.fixture
def encoder_folder(tmp_path, tiny_encoder):
    """A tiny BERT saved as a folder."""
    folder = tmp_path / "my-bert"
    tiny_encoder.bert.save_pretrained(folder)
    tiny_encoder.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def sample():
    return read_folder(SAMPLE_DIR)


@pytest.fixture(scope="session")
def smoke_study():
    """Every run of the study, trained in smoke; in the session's own folder, where the notebooks find it again."""
    study = Study(settings_in(os.environ["AGNEWS_WORK_DIR"]))
    for name, seed in study.plan():
        study.record(name, seed)
    return study


@pytest.fixture(scope="session")
def smoke_records(smoke_study):
    records = {}
    for name, seed in smoke_study.plan():
        records.setdefault(name, []).append(smoke_study.record(name, seed))
    return records


def pytest_collection_modifyitems(items):
    """A test that needs every run of the study trained is a slow one (see make test-fast)."""
    for item in items:
        if "smoke_study" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
