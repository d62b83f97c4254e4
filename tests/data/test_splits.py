"""Train, validation and test of a source."""

from dataclasses import replace

import datasets
import numpy as np
import pandas as pd
import pytest
from helpers import made_rows, refused, settings_for, write_csv

from agnews_utils.data import load_ag_news, read_source
from agnews_utils.settings import CLASS_NAMES


def test_labels_have_names(settings, sample):
    splits = load_ag_news(settings, sample)
    assert isinstance(splits, datasets.DatasetDict)
    assert list(splits) == ["train", "validation", "test"]
    for split in splits.values():
        assert split.features["label"].names == list(CLASS_NAMES) == ["World", "Sports", "Business", "Sci/Tech"]
    assert {name: len(split) for name, split in splits.items()} == {"train": 320, "validation": 80, "test": 160}


def test_splits_are_disjoint_and_stratified(tmp_path):
    write_csv(tmp_path / "train.csv", made_rows(1000))
    write_csv(tmp_path / "test.csv", made_rows(400, "test"))
    source = read_source(settings_for(tmp_path, tmp_path))
    splits = load_ag_news(settings_for(tmp_path, tmp_path), source)
    texts = {name: set(split["text"]) for name, split in splits.items()}
    assert not texts["train"] & texts["validation"]
    assert texts["train"] | texts["validation"] <= set(source.train["text"])  # all texts of this source differ
    assert texts["test"] <= set(source.test["text"])
    for split in splits.values():
        assert np.bincount(split["label"]).tolist() == [len(split) // 4] * 4
    label_of = pd.concat([source.train, source.test]).set_index("text")["label"]
    for split in splits.values():
        assert [label_of[text] for text in split["text"]] == split["label"][:]


def test_splits_are_deterministic(settings, sample):
    first, second = load_ag_news(settings, sample), load_ag_news(settings, sample)
    assert {k: v[:] for k, v in first.items()} == {k: v[:] for k, v in second.items()}
    other = load_ag_news(replace(settings, split_seed=1), sample)
    assert set(other["validation"]["text"]) != set(first["validation"]["text"])


@pytest.mark.parametrize("extra", [0, 1, 2, 3, 4])
def test_a_few_rows_more_than_the_profile_wants(tmp_path, extra):
    # smoke wants 320 + 80 training and 160 test rows: what is left over may be fewer rows than there are classes
    write_csv(tmp_path / "train.csv", made_rows(400 + extra))
    write_csv(tmp_path / "test.csv", made_rows(160 + extra, "test"))
    splits = load_ag_news(settings_for(tmp_path, tmp_path))
    assert {name: len(split) for name, split in splits.items()} == {"train": 320, "validation": 80, "test": 160}


def test_fewer_rows_than_the_profile_wants_are_all_taken(folder, tmp_path):
    # a small file keeps four fifths of its rows for training
    splits = load_ag_news(settings_for(folder, tmp_path))
    assert {name: len(split) for name, split in splits.items()} == {"train": 160, "validation": 40, "test": 40}


def test_too_few_rows(folder, tmp_path):
    write_csv(folder / "train.csv", made_rows(99))
    with refused(ValueError, "The training file has 99 rows; at least 100"):
        load_ag_news(settings_for(folder, tmp_path))
    write_csv(folder / "train.csv", made_rows(100))
    assert len(load_ag_news(settings_for(folder, tmp_path))["validation"]) == 20


def with_a_rare_class(count):
    """``count`` articles of three classes and one of the fourth."""
    return [*[row for row in made_rows(2 * count) if row[0] != 4][:count], (4, "the only", "one")]


def test_a_class_with_too_few_rows_to_train_on(folder, tmp_path):
    write_csv(folder / "train.csv", with_a_rare_class(450))
    with refused(ValueError, "with 10 of each class it names, are needed"):
        load_ag_news(settings_for(folder, tmp_path))


def test_a_rare_class_in_the_test_file(folder, tmp_path):
    # the test file is only measured on: that a class cannot be stratified is no reason to refuse it
    write_csv(folder / "test.csv", with_a_rare_class(450))
    assert len(load_ag_news(settings_for(folder, tmp_path))["test"]) == 160
