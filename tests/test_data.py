"""The loader on each source, its splits, collate and loaders, and bad files."""

import csv
import hashlib
import runpy
from dataclasses import replace

import datasets
import huggingface_hub
import numpy as np
import pandas as pd
import pytest
from helpers import made_rows, refused, settings_in, write_csv

from agnews_utils import data
from agnews_utils.data import NO_LABEL, load_ag_news, read_further, read_source, sources
from agnews_utils.data import folder as folders
from agnews_utils.settings import CLASS_NAMES


@pytest.fixture
def folder(tmp_path):
    """A folder of 200 training and 40 test articles."""
    write_csv(tmp_path / "news" / "train.csv", made_rows(200))
    write_csv(tmp_path / "news" / "test.csv", made_rows(40, "test"))
    return tmp_path / "news"


def settings_for(folder, tmp_path):
    return settings_in(tmp_path / "work", AGNEWS_DATA_DIR=str(folder))


# --- sources


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


@pytest.mark.parametrize("header", [False, True])
def test_folder_with_and_without_header(folder, tmp_path, header):
    write_csv(folder / "train.csv", made_rows(200), header)
    source = read_source(settings_for(folder, tmp_path))
    assert not source.is_sample
    assert source.train["text"].tolist() == [f"train title {i} description number {i}" for i in range(200)]
    assert source.train["label"].tolist() == [0, 1, 2, 3] * 50
    assert len(source.test) == 40
    assert "200 rows, not the official file, fingerprint" in source.notes[0]


def test_folder_key_depends_on_its_articles_alone(folder, tmp_path):
    keys = [read_source(settings_for(folder, tmp_path)).key]
    write_csv(folder / "train.csv", made_rows(200), header=True)
    keys.append(read_source(settings_for(folder, tmp_path)).key)
    write_csv(folder / "test.csv", made_rows(41, "test"))
    keys.append(read_source(settings_for(folder, tmp_path)).key)
    assert keys[0] == keys[1] != keys[2]
    assert all(key.startswith("folder-") for key in keys)


def test_descriptions_shared_with_test_rows_are_counted(folder, tmp_path):
    rows = [(1, "another title", f"description number {i}") for i in (3, 5)]
    write_csv(folder / "train.csv", [(1, f"title {i}", f"its own {i}") for i in range(198)] + rows)
    assert any(note.startswith("2 training rows share") for note in read_source(settings_for(folder, tmp_path)).notes)


def test_text_is_title_and_description(folder, tmp_path):
    rows = [(1, " Title ", " text, with quotes "), (2, "", "only a description"), (3, "only a title", "")]
    write_csv(folder / "test.csv", rows)
    texts = read_source(settings_for(folder, tmp_path)).test["text"].tolist()
    assert texts == ["Title text, with quotes", "only a description", "only a title"]


def test_byte_order_mark_is_no_part_of_the_class(folder, tmp_path):
    content = (folder / "test.csv").read_bytes()
    (folder / "test.csv").write_bytes(b"\xef\xbb\xbf" + content)
    assert len(read_source(settings_for(folder, tmp_path)).test) == 40


def test_official_files_are_recognised(folder, tmp_path, monkeypatch):
    md5 = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in ("train.csv", "test.csv")}
    assert data.OFFICIAL_MD5 == {
        "train.csv": "b1a00f826fdfbd249f79597b59e1dc12",
        "test.csv": "d52ea96a97a2d943681189a97654912d",
    }
    monkeypatch.setattr(folders, "OFFICIAL_MD5", md5)
    source = read_source(settings_for(folder, tmp_path))
    assert (source.key, source.title) == ("agnews", "AG News")
    assert all("the official file (MD5" in note for note in source.notes[:2])
    write_csv(folder / "train.csv", made_rows(100))  # a part of the training file
    source = read_source(settings_for(folder, tmp_path))
    assert source.key.startswith("agnews-part-")
    assert "not the official file" in source.notes[0]
    assert "the official file (MD5" in source.notes[1]


@pytest.fixture
def hub(monkeypatch):
    """A hub that hands out ten articles; returns what it was asked for."""
    asked = []

    def load_dataset(name, revision):
        asked.append((name, revision))
        rows = {"text": [f" article {i} " for i in range(10)], "label": [i % 4 for i in range(10)]}
        return datasets.DatasetDict({split: datasets.Dataset.from_dict(rows) for split in ("train", "test")})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


@pytest.mark.parametrize("named", ["hub", ""])
def test_hub(tmp_path, hub, named):
    source = read_source(settings_in(tmp_path, AGNEWS_PROFILE="quick", AGNEWS_DATA_DIR=named))
    assert hub == [("fancyzhx/ag_news", "eb185aade064a813bc0b7f42de02595523103ca4")]
    assert (source.key, source.title) == ("agnews", "AG News")
    assert source.train["text"][3] == "article 3"


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
    with refused(ConnectionError, "AG News cannot be had from the hub"):
        read_source(settings_in(tmp_path, AGNEWS_DATA_DIR="hub"))


def test_offline_mode_counts_as_unreachable(tmp_path):
    # the session's own state: offline, and an empty cache (see the root's conftest.py)
    with refused(ConnectionError, "AG News cannot be had from the hub"):
        read_source(settings_in(tmp_path, AGNEWS_DATA_DIR="hub"))


# --- any classes


@pytest.mark.parametrize("test_file", [True, False])
def test_own_topics_come_from_the_file(tmp_path, test_file):
    names = ("tea", "Coffee", "water", "milk", "juice")
    for name, count in (("train", 100), ("test", 10))[: 1 + test_file]:
        write_csv(tmp_path / f"{name}.csv", [(names[i % 5], f"{name} {i}", f"number {i}") for i in range(count)])
    source = data.read_folder(tmp_path, classes="any")
    assert source.classes == ("Coffee", "juice", "milk", "tea", "water")
    assert (len(source.train), len(source.test)) == ((100, 10) if test_file else (80, 20))
    for frame in (source.train, source.test):
        numbers = frame["text"].str.extract(r"(\d+)")[0].astype(int)
        assert [source.classes[label] for label in frame["label"]] == [names[i % 5] for i in numbers]
        assert frame["label"].value_counts().nunique() == 1


# --- splits


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


# --- further texts


@pytest.fixture
def told(tmp_path):
    """A folder of 200 training and 40 test articles, no two of which have one description."""
    for name, count in (("train", 200), ("test", 40)):
        rows = [(i % 4 + 1, f"{name} title {i}", f"told in {name} number {i}") for i in range(count)]
        write_csv(tmp_path / "told" / f"{name}.csv", rows)
    return tmp_path / "told"


def further_of(folder, tmp_path, seed=0):
    """The further texts of a folder, and its splits."""
    settings = settings_for(folder, tmp_path)
    source = read_source(settings)
    splits = load_ag_news(settings, source)
    return read_further(source, splits, seed), splits


FURTHER_ROWS = {
    "further.csv": (2, "A title", "and what it tells"),
    "further_descriptions.csv": (4, "only a description"),
    "unlabelled.csv": ("a text of no known class, quoted",),
}
FURTHER_TEXTS = {
    "further.csv": {"A title and what it tells": 1},
    "further_descriptions.csv": {"only a description": 3},
    "unlabelled.csv": {"a text of no known class, quoted": -100},
}


def labels_by_text(frame):
    assert frame.columns.tolist() == ["text", "label"]
    assert frame.index.tolist() == list(range(len(frame)))
    return dict(zip(frame["text"], frame["label"].tolist(), strict=True))


def test_further_texts_come_from_three_files(told, tmp_path):
    for name, row in FURTHER_ROWS.items():
        write_csv(told / name, [row])
    further, _ = further_of(told, tmp_path)
    assert labels_by_text(further) == {text: label for texts in FURTHER_TEXTS.values() for text, label in texts.items()}
    assert NO_LABEL == -100  # what PyTorch's cross-entropy leaves out


@pytest.mark.parametrize("name", FURTHER_ROWS)
def test_one_file_of_further_texts_is_enough(told, tmp_path, name):
    write_csv(told / name, [FURTHER_ROWS[name]])
    assert labels_by_text(further_of(told, tmp_path)[0]) == FURTHER_TEXTS[name]


def test_a_folder_need_not_hold_further_texts(told, tmp_path):
    assert labels_by_text(further_of(told, tmp_path)[0]) == {}


def test_the_sample_holds_no_further_texts(settings, sample):
    assert labels_by_text(read_further(sample, load_ag_news(settings, sample))) == {}


def test_further_files_may_have_a_header(told, tmp_path):
    for name, header in (("further.csv", "Class Index,Title,Description"), ("further_descriptions.csv", "class,text")):
        (told / name).write_text(f"{header}\n" + ",".join(map(str, FURTHER_ROWS[name])) + "\n", encoding="utf-8")
    further, _ = further_of(told, tmp_path)
    assert labels_by_text(further) == FURTHER_TEXTS["further.csv"] | FURTHER_TEXTS["further_descriptions.csv"]


def test_a_further_text_is_taken_once_with_its_class(told, tmp_path):
    write_csv(told / "further_descriptions.csv", [(3, "told twice"), (3, "told twice"), (1, "told once")])
    write_csv(told / "unlabelled.csv", [("told twice",), ("told twice",), (" never told ",)])
    further, _ = further_of(told, tmp_path)
    assert len(further) == 3
    assert labels_by_text(further) == {"told twice": 2, "told once": 0, "never told": NO_LABEL}


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_what_an_article_of_a_split_ends_with_is_left_out(told, tmp_path, split):
    _, splits = further_of(told, tmp_path)
    article = splits[split]["text"][-1]
    description = article[article.index("told in") :]
    title = article[: article.index("told in")].strip()
    write_csv(told / "unlabelled.csv", [(description,), (article,), (title,), (description[:-1] + "x",)])
    write_csv(told / "further_descriptions.csv", [(1, description)])
    write_csv(told / "further.csv", [(1, title, description), (1, description, "and more")])
    further, _ = further_of(told, tmp_path)
    assert set(further["text"]) == {title, description[:-1] + "x", f"{description} and more"}


def test_further_texts_have_one_random_order(told, tmp_path):
    texts = [f"further text number {i}" for i in range(50)]
    write_csv(told / "unlabelled.csv", [(text,) for text in texts])
    first, again, other = (further_of(told, tmp_path, seed)[0]["text"].tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != texts  # the files' order would put one class, or one source, first
    assert first != other
    assert sorted(first) == sorted(other) == sorted(texts)


# --- bad input: each one clear sentence


def test_missing_folder(tmp_path):
    with refused(FileNotFoundError, f"The data folder {tmp_path / 'nowhere'} does not exist"):
        read_source(settings_for(tmp_path / "nowhere", tmp_path))


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
def test_missing_file(folder, tmp_path, name):
    (folder / name).unlink()
    with refused(FileNotFoundError, f"{name} does not exist: the folder must hold train.csv and test.csv"):
        read_source(settings_for(folder, tmp_path))


GOOD = b'"1","title","text"\n'
BAD_FILES = {
    "missing column": (b'"1","title and text"\n' * 3, "has 2 columns; it should have 3"),
    "extra column": (b'"1","title","text","more"\n' * 3, "has 4 columns; it should have 3"),
    "one column": (b"some text\nmore text\n", "has 1 columns; it should have 3"),
    "row with a column more": (GOOD + b'"2","a","b","c"\n' + GOOD, "row 2: there are 4 columns instead of three"),
    "row with a column less": (GOOD + b'"2","title and text"\n' + GOOD, "row 2: a column is missing"),
    "row with a column less, after a header": (
        b"class,title,text\n" + GOOD + b'"2","a"\n',
        "row 3: a column is missing",
    ),
    "unknown class": (GOOD + b'"5","a","b"\n', "row 2: class is '5'; it should be 1, 2, 3 or 4"),
    "class counted from 0": (b'"0","a","b"\n' + GOOD, "row 1: class is '0'"),
    "class is a word": (GOOD + b'"Sports","a","b"\n', "row 2: class is 'Sports'"),
    "no class": (GOOD + b'"","a","b"\n', "row 2: class is ''"),
    "class missing after a header": (
        b"Class Index,Title,Description\n" + GOOD + b'"x","a","b"\n',
        "row 3: class is 'x'",
    ),
    "empty text": (GOOD + b'"2"," ",""\n', "row 2: title and description are both empty"),
    "Latin-1": (GOOD + '"2","caf\xe9","b"\n'.encode("latin-1"), "is not UTF-8"),
    "UTF-16": ('"2","a","b"\n'.encode("utf-16"), "is not UTF-8"),
    "empty file": (b"", "is empty"),
    "blank lines": (b"\n\n", "is empty"),
    "header only": (b"Class Index,Title,Description\n", "holds a header and no article"),
}


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file(folder, tmp_path, name, case):
    content, fragment = BAD_FILES[case]
    (folder / name).write_bytes(content)
    with refused(ValueError, fragment) as caught:
        read_source(settings_for(folder, tmp_path))
    assert str(folder / name) in str(caught.value)


TWO, ONE = b'"1","text"\n', b'"text"\n'
BAD_FURTHER_FILES = {
    "articles, a column less": ("further.csv", TWO * 2, "has 2 columns; it should have 3: class (1 to 4), title, desc"),
    "articles, a row with a column less": ("further.csv", GOOD + TWO, "row 2: a column is missing; every row needs"),
    "descriptions, a column more": (
        "further_descriptions.csv",
        GOOD * 2,
        "has 3 columns; it should have 2: class (1 to 4), description, in this order",
    ),
    "descriptions, a column less": ("further_descriptions.csv", ONE * 2, "has 1 columns; it should have 2: class"),
    "descriptions, a row with a column more": (
        "further_descriptions.csv",
        TWO + GOOD,
        "row 2: there are 3 columns instead of two; quote fields that hold commas",
    ),
    "descriptions, a row with a column less": (
        "further_descriptions.csv",
        b"class,description\n" + TWO + ONE,
        "row 3: a column is missing; every row needs all two",
    ),
    "descriptions, unknown class": ("further_descriptions.csv", TWO + b'"0","text"\n', "row 2: class is '0'"),
    "descriptions, empty": ("further_descriptions.csv", TWO + b'"1"," "\n', "row 2: the description is empty"),
    "texts, a column more": ("unlabelled.csv", TWO * 2, "has 2 columns; it should have 1: description."),
    "texts, a row with a column more": (
        "unlabelled.csv",
        ONE + b"a comma, unquoted\n",
        "row 2: there are 2 columns instead of one; quote fields that hold commas",
    ),
    "texts, empty": ("unlabelled.csv", ONE + b'" "\n', "row 2: the description is empty"),
    "texts, Latin-1": ("unlabelled.csv", '"caf\xe9"\n'.encode("latin-1"), "is not UTF-8 (byte 4)"),
}


@pytest.mark.parametrize("case", BAD_FURTHER_FILES)
def test_bad_further_file(told, tmp_path, case):
    name, content, fragment = BAD_FURTHER_FILES[case]
    (told / name).write_bytes(content)
    with refused(ValueError, fragment) as caught:
        further_of(told, tmp_path)
    assert str(told / name) in str(caught.value)


@pytest.mark.parametrize("rows_before", [1, 50_000])
def test_not_utf8_says_where(folder, tmp_path, rows_before):
    before = GOOD * rows_before + b'"2","caf'
    (folder / "train.csv").write_bytes(before + b'\xe9","b"\n')
    with refused(ValueError, f"is not UTF-8 (byte {len(before)})"):
        read_source(settings_for(folder, tmp_path))


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
