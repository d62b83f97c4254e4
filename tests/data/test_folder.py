"""A folder as one source: keys, notes, files that are missing, classes of one's own."""

import hashlib
import os
from pathlib import Path

import pytest
from helpers import made_rows, refused, settings_for, write_csv

from agnews_utils import data
from agnews_utils.data import folder as folders
from agnews_utils.data import read_folder, read_source

STUDY = Path(os.environ.get("AGNEWS_DATA_DIR") or "nowhere")
STUDYS_TRAINING_FILE = "e964b319687855cde44846ea9e6e98bb"  # MD5, of the committed study


def test_the_samples_key_and_fingerprints_stay():
    source = read_folder(data.SAMPLE_DIR)
    assert (source.key, source.title) == ("sample", "embedded sample (not AG News)")
    assert "4,000 rows, not the official file, fingerprint 6d94223b46b25128" in source.notes[0]
    assert "1,000 rows, not the official file, fingerprint 8f6a7e4f3cfb348e" in source.notes[1]


def test_a_folders_key_stays(folder):
    # runs are kept under this key: what version 0.2.0 of the project gave these articles
    source = read_folder(folder)
    assert source.key == "folder-5de0d0a2"
    assert "fingerprint 4feb685fe167273b" in source.notes[0]
    assert "fingerprint ec01454bd9ad0cac" in source.notes[1]


@pytest.mark.skipif(not (STUDY / "train.csv").is_file(), reason="AGNEWS_DATA_DIR names no folder")
def test_the_committed_studys_articles_keep_their_key():
    if hashlib.md5((STUDY / "train.csv").read_bytes(), usedforsecurity=False).hexdigest() != STUDYS_TRAINING_FILE:
        pytest.skip("AGNEWS_DATA_DIR holds other articles than the committed study read")
    source = read_folder(STUDY)
    assert source.key == "agnews-part-3e927f78"
    assert source.title == "AG News (official test file, other training file)"
    assert "70,000 rows, not the official file, fingerprint b66067b72f92deed" in source.notes[0]
    assert "7,600 rows, the official file (MD5 d52ea96a…), fingerprint e7c9164a8ed3ece1" in source.notes[1]


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


# --- any classes


@pytest.mark.parametrize("test_file", [True, False])
def test_own_topics_come_from_the_file(tmp_path, test_file):
    names = ("tea", "Coffee", "water", "milk", "juice")
    for name, count in (("train", 100), ("test", 10))[: 1 + test_file]:
        write_csv(tmp_path / f"{name}.csv", [(names[i % 5], f"{name} {i}", f"number {i}") for i in range(count)])
    source = read_folder(tmp_path, classes="any")
    assert source.classes == ("Coffee", "juice", "milk", "tea", "water")
    assert (len(source.train), len(source.test)) == ((100, 10) if test_file else (80, 20))
    for frame in (source.train, source.test):
        numbers = frame["text"].str.extract(r"(\d+)")[0].astype(int)
        assert [source.classes[label] for label in frame["label"]] == [names[i % 5] for i in numbers]
        assert frame["label"].value_counts().nunique() == 1


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
    "missing column": (b'"a title","a text"\n' * 3, "row 1 is no article with its class"),
    "extra column": (b'"1","title","text","more"\n' * 3, "title, description: quote fields that hold a separator, or"),
    "one column": (b"some text\nmore text\n", "has 1 columns and no header; it should have 3"),
    "row with a column more": (GOOD + b'"2","a","b","c"\n' + GOOD, "row 2: there are 4 columns instead of three"),
    "row with a column less": (GOOD + b'"2","title and text"\n' + GOOD, "row 2: a column is missing"),
    "row with a column less, after a header": (
        b"class,title,text\n" + GOOD + b'"2","a"\n',
        "row 3: a column is missing",
    ),
    "unknown class": (GOOD + b'"5","a","b"\n', "row 2: class is '5'; it should be 1, 2, 3 or 4"),
    "classes from 0 and from 1": (
        GOOD + b'"0","a","b"\n"4","a","b"\n"4","c","d"\n',
        "row 2: class is '0', and other rows have '4'; classes count from 1 to 4 or from 0 to 3",
    ),
    "class is a word": (GOOD + b'"Sports","a","b"\n', "row 2: class is 'Sports'"),
    "no class": (GOOD + b'"","a","b"\n', "row 2: class is ''"),
    "class missing after a header": (
        b"Class Index,Title,Description\n" + GOOD + b'"x","a","b"\n',
        "row 3: class is 'x'",
    ),
    "empty text": (GOOD + b'"2"," ",""\n', "row 2: title and description are both empty"),
    "Latin-1": (GOOD + '"2","caf\xe9","b"\n'.encode("latin-1"), "is not UTF-8"),
    "UTF-16 without its mark": ('"2","a","b"\n'.encode("utf-16-le"), "line 1: there is a NUL byte"),
    "UTF-16 cut off": ('"2","a","b"\n'.encode("utf-16")[:-1], "is not UTF-16 (line 1, byte 24)"),
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


@pytest.mark.parametrize("rows_before", [1, 50_000])
def test_not_utf8_says_where(folder, tmp_path, rows_before):
    before = GOOD * rows_before + b'"2","caf'
    (folder / "train.csv").write_bytes(before + b'\xe9","b"\n')
    with refused(ValueError, f"is not UTF-8 (line {rows_before + 1}, byte {len(before)})"):
        read_source(settings_for(folder, tmp_path))
