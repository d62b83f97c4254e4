"""Which source applies: a folder, the hub, the embedded sample."""

import csv
import runpy
from types import SimpleNamespace

import datasets
import huggingface_hub
import pytest
from helpers import refused, settings_in

from agnews_utils import data
from agnews_utils.data import hub as hubs
from agnews_utils.data import read_source, sources


def test_sample_is_what_its_generator_writes():
    generated = runpy.run_path(str(data.SAMPLE_DIR / "make_sample.py"))["generate"]()
    for name, rows in zip(("train", "test"), generated, strict=True):
        with open(data.SAMPLE_DIR / f"{name}.csv", newline="", encoding="utf-8") as file:
            assert [tuple(row) for row in csv.reader(file)] == [tuple(row) for row in rows]


def test_sample_source(settings):
    source = read_source(settings)
    assert source.is_sample
    assert source.key == "sample"
    assert "not AG News" in source.title
    assert (len(source.train), len(source.test)) == (4000, 1000)
    assert {"text", "label"} <= set(source.train.columns)
    assert sorted(source.train["label"].unique()) == [0, 1, 2, 3]
    assert (source.train["text"] == source.train["text"].str.strip()).all()


def test_smoke_needs_no_network(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "read_hub", lambda: pytest.fail("smoke asked the hub"))
    assert read_source(settings_in(tmp_path, AGNEWS_DATA_DIR="")).is_sample


ARTICLES = {"train": 12, "test": 8}


def small_hub(monkeypatch, articles=ARTICLES, cache="ag_news"):
    """A hub that hands out a few articles, of which AG News is said to have so many; returns what it was asked for."""
    asked = []

    def split(name):
        count = articles[name]
        rows = {"text": [f" {name} article {i} " for i in range(count)], "label": [i % 4 for i in range(count)]}
        made = datasets.Dataset.from_dict(rows)
        return SimpleNamespace(to_pandas=made.to_pandas, cache_files=[{"filename": f"/ag_news/0.0.0/{cache}/a.arrow"}])

    def load_dataset(name, revision):
        asked.append((name, revision))
        return {name: split(name) for name in articles}

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(hubs, "ROWS_OF_A_CLASS", {"train": 3, "test": 2})
    return asked


def from_the_hub(tmp_path, named="hub"):
    return read_source(settings_in(tmp_path, AGNEWS_PROFILE="quick", AGNEWS_DATA_DIR=named))


@pytest.mark.parametrize("named", ["hub", ""])
def test_hub(tmp_path, monkeypatch, named):
    asked = small_hub(monkeypatch)
    source = from_the_hub(tmp_path, named)
    assert asked == [("fancyzhx/ag_news", "eb185aade064a813bc0b7f42de02595523103ca4")]
    assert (source.key, source.title) == ("agnews", "AG News")
    assert source.train["text"][3] == "train article 3"
    assert "12 rows, hub revision eb185aad" in source.notes[0]


def test_ag_news_has_30000_training_and_1900_test_articles_of_a_class():
    assert hubs.ROWS_OF_A_CLASS == {"train": 30_000, "test": 1_900}


@pytest.mark.parametrize(
    ("revision", "is_ag_news"), [("eb185aade064a813bc0b7f42de02595523103ca4", True), ("a" * 40, False)]
)
def test_another_revision_of_the_hubs_cache_is_not_called_ag_news(tmp_path, monkeypatch, revision, is_ag_news):
    small_hub(monkeypatch, cache=revision)
    source = from_the_hub(tmp_path)
    assert (source.title == "AG News") == (source.key == "agnews") == is_ag_news
    assert source.key.startswith("agnews-other-") != is_ag_news
    assert f"hub revision {revision[:8]}" in source.notes[0]


@pytest.mark.parametrize("counts", [{"train": 11, "test": 8}, {"train": 12, "test": 9}])
def test_other_numbers_of_articles_are_not_ag_news(tmp_path, monkeypatch, counts):
    small_hub(monkeypatch, counts)
    source = from_the_hub(tmp_path)
    assert source.title == "AG News (another copy, from the hub's cache)"
    assert source.key.startswith("agnews-other-")


def hub_that_says(reason, monkeypatch):
    """A hub that is asked (the session itself is offline) and fails; ``load_dataset`` must then not be reached."""

    def dataset_info(*_, timeout, **__):
        assert timeout <= 10  # a reader without a network must not wait for minutes
        raise reason

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(
        huggingface_hub.HfApi, "dataset_info", lambda self, *args, **kwargs: dataset_info(*args, **kwargs)
    )
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("went on without an answer"))


UNREACHABLE = [OSError("no route to host"), RuntimeError("client has been closed"), TimeoutError("timed out")]


@pytest.mark.parametrize("reason", UNREACHABLE, ids=lambda reason: type(reason).__name__)
def test_unreachable_hub_falls_back_with_a_warning(tmp_path, monkeypatch, reason):
    hub_that_says(reason, monkeypatch)
    with pytest.warns(UserWarning, match="NOT AG News"):
        assert read_source(settings_in(tmp_path, AGNEWS_PROFILE="quick", AGNEWS_DATA_DIR="")).is_sample


@pytest.mark.parametrize("reason", UNREACHABLE, ids=lambda reason: type(reason).__name__)
def test_named_hub_is_never_replaced(tmp_path, monkeypatch, reason):
    hub_that_says(reason, monkeypatch)
    with refused(ConnectionError, f"had from the hub (fancyzhx/ag_news: no answer from the hub: {reason})"):
        read_source(settings_in(tmp_path, AGNEWS_DATA_DIR="hub"))


def test_a_cache_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    def load_dataset(*_, **__):
        raise PermissionError(13, "Permission denied", "ag_news.lock")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with refused(ConnectionError, "Permission denied: 'ag_news.lock'"):
        from_the_hub(tmp_path)
    with pytest.warns(UserWarning, match="Permission denied"):
        assert from_the_hub(tmp_path, "").is_sample


def test_offline_mode_counts_as_unreachable(tmp_path):
    # the session's own state: offline, and an empty cache (see the root's conftest.py)
    with refused(ConnectionError, "AG News cannot be had from the hub"):
        read_source(settings_in(tmp_path, AGNEWS_DATA_DIR="hub"))
