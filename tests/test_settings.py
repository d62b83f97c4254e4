"""Settings: read from the environment, unknown ones refused, relative folders taken from the project's root."""

from pathlib import Path

import pytest
import torch
from helpers import refused

from agnews_utils.settings import PROFILES, ROOT, from_root, read_settings
from agnews_utils.support import devices
from agnews_utils.support.runtime import progress_bar


@pytest.mark.parametrize("name", ["Smoke", "fast", "quick ", "0"])
def test_unknown_profile(name):
    with refused(ValueError, f"AGNEWS_PROFILE is {name!r}, which is no profile: set it to one of smoke, quick, full"):
        read_settings({"AGNEWS_PROFILE": name})


@pytest.mark.parametrize("style", ["yes", "TEXT", "none"])
def test_unknown_progress_style(style):
    with refused(ValueError, f"AGNEWS_PROGRESS is {style!r}: set it to auto, text or off"):
        read_settings({"AGNEWS_PROGRESS": style})


@pytest.mark.parametrize("gpu", [False, True])
def test_default_profile_is_quick_on_every_device(monkeypatch, gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(devices, "trial", lambda device: None)
    settings = read_settings({})
    assert settings.profile == PROFILES["quick"]
    assert settings.device == ("cuda" if gpu else "cpu")
    for name in PROFILES:
        assert read_settings({"AGNEWS_PROFILE": name}).profile == PROFILES[name]


@pytest.mark.parametrize("empty", [{}, {"AGNEWS_DATA_DIR": "", "AGNEWS_ENCODER": "", "AGNEWS_WORK_DIR": ""}])
def test_defaults(empty):
    settings = read_settings(empty)
    assert settings.data is None
    assert settings.encoder is None
    assert settings.work == ROOT / "data"
    assert settings.output == ROOT / "output"
    assert settings.cache == ROOT / "data" / "cache"


def test_relative_folders_are_taken_from_the_root(tmp_path, monkeypatch):
    # a notebook's kernel works in notebooks/, a terminal in the root: both must mean the same folder
    monkeypatch.chdir(tmp_path)
    settings = read_settings({"AGNEWS_DATA_DIR": "../shared/ag_news", "AGNEWS_WORK_DIR": "elsewhere"})
    assert settings.data == str(ROOT.parent / "shared" / "ag_news")
    assert settings.work == ROOT / "elsewhere"
    assert settings.output == ROOT / "elsewhere" / "output"


def test_absolute_and_home_folders_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert from_root(str(tmp_path / "x")) == tmp_path / "x"
    assert from_root("~/x") == Path(tmp_path / "x")


@pytest.mark.parametrize("source", ["hub", "sample"])
def test_named_sources_are_no_folders(source):
    assert read_settings({"AGNEWS_DATA_DIR": source}).data == source


def test_smoke_is_quiet(capsys):
    settings = read_settings({"AGNEWS_PROFILE": "smoke", "AGNEWS_PROGRESS": "text"})
    with progress_bar(settings, range(3), desc="something") as bar:
        assert list(bar) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_text_bars_are_written_to_stderr(capsys):
    settings = read_settings({"AGNEWS_PROFILE": "quick", "AGNEWS_PROGRESS": "text"})
    list(progress_bar(settings, range(3), desc="something"))
    assert "something: 100%" in capsys.readouterr().err


def test_printed_settings_name_what_matters():
    printed = str(read_settings({"AGNEWS_PROFILE": "smoke"}))
    for part in (
        "profile smoke",
        "320 training",
        "80 validation",
        "160 test",
        "Adam at 0.001",
        "batch 128",
        "64 tokens",
    ):
        assert part in printed


def test_full_has_the_reports_settings():
    full = PROFILES["full"]
    assert (full.train_rows, full.test_rows, full.char_train_rows) == (None, None, None)
    assert (full.teacher_epochs, full.student_epochs, full.char_length) == (30, 20, 1014)
