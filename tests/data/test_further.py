"""Texts beside the two files of a folder."""

import pytest
from helpers import refused, settings_for, write_csv

from agnews_utils.data import NO_LABEL, load_ag_news, read_further, read_source

GOOD = b'"1","title","text"\n'


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


TWO, ONE = b'"1","a text"\n', b'"a text"\n'
BAD_FURTHER_FILES = {
    "articles, no class": (
        "further.csv",
        ONE * 2,
        "has 1 columns and no header; it should have 3: class (1 to 4), title",
    ),
    "articles, a row with a column less": ("further.csv", GOOD + TWO, "row 2: a column is missing; every row needs"),
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
    "descriptions, unknown class": ("further_descriptions.csv", TWO + b'"7","text"\n', "row 2: class is '7'"),
    "descriptions, two ways to count": (
        "further_descriptions.csv",
        b'"4","text"\n' * 2 + b'"0","text"\n',
        "row 3: class is '0', and other rows have '4'",
    ),
    "descriptions, empty": ("further_descriptions.csv", TWO + b'"1"," "\n', "row 2: the description is empty"),
    "texts, a column more": ("unlabelled.csv", TWO * 2, "has 2 columns; it should have 1: description."),
    "texts, a row with a column more": (
        "unlabelled.csv",
        ONE + b"a comma, unquoted\n",
        "row 2: there are 2 columns instead of one; quote fields that hold commas",
    ),
    "texts, empty": ("unlabelled.csv", ONE + b'" "\n', "row 2: the description is empty"),
    "texts, Latin-1": ("unlabelled.csv", '"caf\xe9"\n'.encode("latin-1"), "is not UTF-8 (line 1, byte 4)"),
}


@pytest.mark.parametrize("case", BAD_FURTHER_FILES)
def test_bad_further_file(told, tmp_path, case):
    name, content, fragment = BAD_FURTHER_FILES[case]
    (told / name).write_bytes(content)
    with refused(ValueError, fragment) as caught:
        further_of(told, tmp_path)
    assert str(told / name) in str(caught.value)


@pytest.mark.parametrize(("first", "label"), [(0, 2), (1, 1)])
def test_further_classes_count_as_the_training_files_do(told, tmp_path, first, label):
    for name, count in (("train", 200), ("test", 40)):
        rows = [(i % 4 + first, f"{name} title {i}", f"told in {name} number {i}") for i in range(count)]
        write_csv(told / f"{name}.csv", rows)
    write_csv(told / "further_descriptions.csv", [(2, "only a description")])
    assert labels_by_text(further_of(told, tmp_path)[0]) == {"only a description": label}
