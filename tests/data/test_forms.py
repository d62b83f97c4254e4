"""The same articles in every form are read alike; what cannot be told for certain is refused."""

import gzip
from pathlib import Path

import datasets
import pandas as pd
import pytest
from helpers import made_rows, refused, write_csv
from made_files import FORMS, SETS, csv_bytes, official, text_of, write, write_form

from agnews_utils.data import fingerprint, read_folder
from agnews_utils.settings import CLASS_NAMES

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_alike(tmp_path, form):
    source = read_folder(write_form(form, tmp_path / "news"))
    for name, frame in (("train", source.train), ("test", source.test)):
        texts = [text_of(article) for article in SETS[name]]
        if form == "backslashes before quotes":  # a backslash before anything else would be one more question
            texts = [text.replace("\\", "/") for text in texts]
        assert frame["text"].tolist() == texts
        assert frame["label"].tolist() == [article[0] for article in SETS[name]]
    assert source.classes == CLASS_NAMES
    if form != "backslashes before quotes":
        prints = [fingerprint(map(text_of, articles), [a[0] for a in articles]) for articles in SETS.values()]
        assert source.key == f"folder-{fingerprint(prints)[:8]}"  # one key in every form


NOTES = {
    "official": (
        "train.csv, CSV, no header, columns class, title, description; classes from 1; World 12",
        "; 0 of these",
    ),
    "Kaggle, semicolons": (
        "CSV with semicolons, columns Class Index, Title, Description; classes from 1",
        "Sci/Tech 3",
    ),
    "label, id, text": (
        "columns label, text (left out: id); classes from 1; World 12, Sports 12",
        "0 of these articles",
    ),
    "index, text, label": ("columns label, text (left out: row numbers); classes from 0", "World 3, Sports 3"),
    "gzip of pandas": ("train.csv.gz, CSV, columns label, title, description (left out: row numbers)", "test.csv.gz"),
    "parquet of the hub": ("train-00000-of-00001.parquet, Parquet, columns label, text; classes by name", "test-00000"),
    "save_to_disk": ("train, Arrow, columns label, text; classes by name", "are training articles too"),
}


@pytest.mark.parametrize("form", NOTES)
def test_what_was_read_is_said_in_one_line_a_file(tmp_path, form):
    source = read_folder(write_form(form, tmp_path))
    for note, fragment in zip(source.notes, NOTES[form], strict=False):
        assert fragment in note
        assert "\n" not in note


@pytest.mark.parametrize("name", ["train.csv", "test.csv"])
def test_a_path_may_be_the_file(tmp_path, name):
    official(tmp_path)
    source = read_folder(tmp_path / name)
    assert source.key == read_folder(tmp_path).key
    assert source.folder == tmp_path


def test_a_path_may_be_the_archive(tmp_path):
    write_form("official, zip", tmp_path)
    assert read_folder(tmp_path / "archive.zip").key == read_folder(tmp_path).key


def test_test_articles_that_were_trained_on_are_counted(folder):
    write_csv(folder / "train.csv", made_rows(200) + made_rows(40, "test")[:7])
    assert "; 7 of these articles are training articles too" in read_folder(folder).notes[1]


def test_texts_of_two_classes_are_counted(folder):
    again = [(row[0] % 4 + 1, *row[1:]) for row in made_rows(200)[:9]]
    write_csv(folder / "train.csv", made_rows(200) + again)
    assert "9 training texts stand there under more than one class" in read_folder(folder).notes


@pytest.mark.parametrize("order", [1, -1])
def test_one_file_twice_is_refused(folder, order):
    write_csv(folder / "test.csv", made_rows(200)[::order])
    with refused(ValueError, "The test file test.csv holds the same articles as train.csv"):
        read_folder(folder)


# --- classes


def three_columns(labels):
    return [(label, f"title {i}", f"text {i}") for i, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("train", "test", "first"), [((0, 1, 2, 3), (1, 2), 0), ((1, 2, 3, 4), (1, 2), 1), ((2,), (4,), 1)]
)
def test_a_file_of_few_classes_counts_as_the_other_one(tmp_path, train, test, first):
    for name, labels in (("train", train), ("test", test)):
        rows = [(label, f"{name} {i}", "text") for i, label in enumerate(labels)]
        write(tmp_path / f"{name}.csv", rows, ("label", "title", "description"))
    source = read_folder(tmp_path)
    assert source.train["label"].tolist() == [label - first for label in train]
    assert source.test["label"].tolist() == [label - first for label in test]


def test_two_files_that_differ_in_form_may_count_differently(tmp_path):
    write(tmp_path / "train.csv", [(f"text {i}", i % 4) for i in range(8)], ("text", "label"))
    write(tmp_path / "test.csv", three_columns((1, 2, 3, 4)))
    source = read_folder(tmp_path)
    assert source.train["label"].tolist() == [0, 1, 2, 3] * 2
    assert source.test["label"].tolist() == [0, 1, 2, 3]


LABELLED = ("label", "title", "description")
BAD_CLASSES = {
    "no deciding class": ((1, 2, 3), (1, 2, 3), "no article has class 0 or class 4, so whether classes"),
    "files count differently": ((0, 1, 2, 3), (1, 2, 3, 4), "Classes count from 0 in"),
    "0 among 1 to 4": ((1, 2, 3, 4, 4, 0), (1, 4), "train.csv, row 7: class is '0', and other rows have '4'"),
    "a name among numbers": (
        (1, 2, 3, 4, "Sports"),
        (1, 4),
        "train.csv, row 6: class is 'Sports'; it should be 1, 2, 3",
    ),
    "a number among names": (("World", "3", "Sports"), ("World",), "class is "),
    "half a class": ((1, 2, 3, "2.5"), (4,), "train.csv, row 5: class is '2.5'; it should be 1, 2, 3 or 4"),
    "another topic": (
        ("World", "Gardening"),
        ("World",),
        "row 3: class is 'Gardening'; it should be 1, 2, 3 or 4, or a",
    ),
    "a superscript": (("1", "²", "4"), (1, 4), "train.csv, row 3: class is '²'; it should be 1, 2, 3 or 4"),
}


@pytest.mark.parametrize("case", BAD_CLASSES)
def test_classes_that_cannot_be_told_are_refused(tmp_path, case):
    train, test, fragment = BAD_CLASSES[case]
    write(tmp_path / "train.csv", three_columns(train), LABELLED)
    write(tmp_path / "test.csv", [(label, f"a test {i}", "text") for i, label in enumerate(test)], LABELLED)
    with refused(ValueError, fragment) as caught:
        read_folder(tmp_path)
    assert "distil" in str(caught.value) or case not in ("another topic", "a name among numbers")


@pytest.mark.parametrize(
    "classes",
    [("１", "２", "３", "４"), ("１．０", "2.0", "３.0", "４．"), ("١", "٢", "٣", "٤"), ("１", "2", "３.0", "4")],
    ids=["full-width", "full-width with zeros", "Arabic-Indic", "mixed"],
)
@pytest.mark.parametrize("header", [(), LABELLED], ids=["no header", "header"])
def test_digits_of_other_scripts_are_the_same_classes(tmp_path, classes, header):
    write(tmp_path / "train.csv", three_columns(classes * 3), header)
    write(tmp_path / "test.csv", [(label, f"a test {i}", "text") for i, label in enumerate((4, 1))], header)
    source = read_folder(tmp_path)
    assert source.train["label"].tolist() == [0, 1, 2, 3] * 3
    assert source.test["label"].tolist() == [3, 0]


def test_names_in_full_width_letters_are_the_same_classes(tmp_path):
    names = ("Ｗｏｒｌｄ", "Ｓｐｏｒｔｓ", "ＢＵＳＩＮＥＳＳ", "Ｓｃｉ／Ｔｅｃｈ")
    write(tmp_path / "train.csv", three_columns(names), LABELLED)
    write(tmp_path / "test.csv", [("World", "a test", "text")], LABELLED)
    assert read_folder(tmp_path).train["label"].tolist() == [0, 1, 2, 3]


def test_a_topic_of_ones_own_may_be_a_full_width_number(tmp_path):
    write(tmp_path / "train.csv", three_columns(("１", "2", "１0") * 5))
    assert read_folder(tmp_path, classes="any").classes == ("1", "2", "10")


def test_a_number_and_a_name_that_disagree_are_refused(tmp_path):
    rows = [(f"text {i}", i % 4, CLASS_NAMES[i % 4]) for i in range(12)]
    rows[9] = ("text 9", 1, "World")
    write(tmp_path / "train.csv", rows, ("text", "label", "label_text"))
    write(tmp_path / "test.csv", rows[:4], ("text", "label", "label_text"))
    with refused(ValueError, "row 11: class '1' is called 'World' here, otherwise in row 3"):
        read_folder(tmp_path)


# --- refusals: one sentence with the file, the row and the cure

HTML = b"<!DOCTYPE html>\n<html><body>Not found</body></html>\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 29470338\n"
PLAIN = [(i % 4 + 1, f"title {i}", f"plain words {i}") for i in range(60)]


def plain_rows(changed=None, quoting=0):
    rows = csv_bytes(PLAIN, quoting=quoting).decode().splitlines()
    for number, row in (changed or {}).items():
        rows[number - 1] = row
    return ("\n".join(rows) + "\n").encode()


REFUSED = {
    "a web page": (HTML, "is a web page: download the file itself"),
    "a pointer": (POINTER, "is a pointer of Git LFS to the file: fetch the file with git lfs pull"),
    "a workbook": (b"PK\x03\x04" + bytes(range(256)), "is an Excel workbook or a zip archive: save it as CSV UTF-8"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + bytes(range(256)), "is an Excel workbook or a zip archive"),
    "a cut gzip": (gzip.compress(plain_rows())[:-9], "is packed and cannot be unpacked"),
    "a cut parquet": (b"PAR1" + b"\x15\x04" * 50, "cannot be read as Parquet"),
    "cp1252": (plain_rows({7: "3,caf\xe9,b"}).decode().encode("cp1252"), "is not UTF-8 (line 7, byte 149): save"),
    "NUL in a text": (plain_rows({6: "2,a\0b,c"}), "line 6: there is a NUL byte"),
    "NUL in a class": (plain_rows({5: "1\0,b,c"}), "line 5: there is a NUL byte"),
    "an open quote that a later one closes": (
        plain_rows({21: '1,title 20,"never closed', 41: '1,title 40,closed here"'}),
        "row 21: a field holds what looks like further rows ('never closed\\n2,title 21,plain words 21",
    ),
    "an open quote in a file of quotes": (
        plain_rows({21: '"1","title 20","never closed'}, quoting=1),
        "line 21: a quote is missing or one too many in the field that begins '\"never closed",
    ),
    "an open quote to the end": (
        plain_rows({21: '1,"title 20,never closed'}),
        "line 21: a quote is missing or one too many in the field that begins '\"title 20,never closed",
    ),
    "a quote too many": (
        plain_rows({9: '1,tit"le 8,words'}),
        "line 9: a quote is missing or one too many in the field",
    ),
    "a quote too many in quotes": (plain_rows({9: '1,"tit"le 8",words'}), "line 9: a quote is missing or one too many"),
    "one quote in a file of tabs": (
        plain_rows({9: '1,tit"le 8,words'}).replace(b",", b"\t"),
        "line 9: a quote is missing or one too many in the field that begins 'tit\"le 8",
    ),
    "backslashes of two kinds": (
        plain_rows({9: '1,"a \\"word\\"",b', 10: '2,"c:\\dir",d'}),
        "line 9: a quote is missing or one too many",
    ),
    "cut off in a word": (plain_rows()[:-6], "row 60: the file ends without a line end, so this text may be cut off"),
    "cut off in a doubled quote": (
        plain_rows() + b'"1","title","He said ""hi"" and"\n'[:22],
        "row 61: the file ends without a line end, so this text may be cut off",
    ),
    "unquoted commas": (plain_rows({9: "1,title 8,words, more"}), "row 9: there are 4 columns instead of three"),
    "nothing to see": (
        plain_rows({5: "1,\u200b,\ufeff\u200b"}),
        "row 5: title and description are both empty, or of invisible characters alone ('\\u200b \\ufeff\\u200b'):",
    ),
    "a soft hyphen": (plain_rows({5: "1,\u00ad,"}), "row 5: title and description are both empty, or of invisible"),
    "fillers": (plain_rows({5: "1,\u3164\u115f,\u2800"}), "row 5: title and description are both empty, or of"),
    "selectors and tags": (plain_rows({5: "1,\ufe0f,\U000e0020\U000e0100"}), "row 5: title and description are both"),
    "an unknown column": (
        b"label,title,mood\n1,a,b\n",
        "column 'mood' is not known; columns should be label (or class",
    ),
    "no class": (b"title,description\na,b\n", "has no column of classes; columns should be label (or class, category"),
    "no text": (b"label,id\n1,5\n", "has no column of texts"),
    "two classes": (b"label,category,text\n1,2,a\n", "columns 'label' and 'category' are both taken for the class"),
    "two texts": (b"label,text,content\n1,a,b\n", "columns 'text' and 'content' are both taken for the description"),
    "a column without a name": (b",label,text\nx,1,b\n", "row 2: column 1 has no name and holds 'x': name it in row 1"),
    "an id without a header": (csv_bytes([(i % 4 + 1, 100 + i, "text") for i in range(9)]), "holds numbers alone"),
    "two columns of classes without a header": (
        csv_bytes([(i % 4 + 1, "text", i % 4 + 1) for i in range(9)]),
        "whether the first or the last column is the class cannot be told: add a first line such as",
    ),
    "broken JSON": (b'{"text": "a", "label": 1}\n{"text": "b", "lab', "row 2: this is no JSON"),
    "JSON without a label": (b'{"text": "a", "label": 1}\n{"text": "b"}\n', "row 2: this is no object of text, label"),
    "a name twice in JSON": (b'{"text": "a", "text": "b", "label": 1}\n', "a name stands twice in one object"),
    "a number as a text": (b'{"text": 5, "label": 1}\n', "row 1: the description is '5', a int: write it as text"),
    "true as a class": (b'{"text": "a", "label": true}\n', "row 1: the class is 'True', a bool"),
    "a list as a class": (b'{"text": "a", "label": [1]}\n', "row 1: the class is '[1]', a list"),
    "NUL in JSON": (b'{"text": "a\\u0000b", "label": 4}\n', "row 1: there is a NUL or half a character"),
    "half a character": (b'{"text": "a\\ud83d b", "label": 4}\n', "row 1: there is a NUL or half a character"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_of_articles_is_refused(folder, case):
    content, fragment = REFUSED[case]
    (folder / "train.csv").write_bytes(content)
    with refused(ValueError, fragment) as caught:
        read_folder(folder)
    assert str(folder / "train.csv") in str(caught.value)


def test_a_field_of_200000_characters_is_read(folder):
    write_csv(folder / "train.csv", [*made_rows(200), (1, "long", "word " * 40_000)])
    assert len(read_folder(folder).train["text"][200]) == 200_004


def test_lines_in_a_field_are_text(folder):
    rows = [(i % 4 + 1, f"title {i}", f"first {i}\nsecond, {i % 4 + 1}\r\nthird") for i in range(20)]
    write(folder / "train.csv", rows)
    assert read_folder(folder).train["text"].tolist() == [f"{title} {text}" for _, title, text in rows]


def test_one_character_that_can_be_seen_is_a_text(folder):
    seen = ["!", "é", "\u0301", "日", "🌍", "\U0001fadf", "\ue000", "�"]  # a mark, a new emoji, a font's own among them
    write(folder / "train.csv", [(i % 4 + 1, "\u200b", f"\u00ad{one}") for i, one in enumerate(seen)])
    assert read_folder(folder).train["text"].tolist() == [f"\u200b \u00ad{one}" for one in seen]


def test_missing_cells_stay_empty_and_nan_stays_a_word(folder):
    rows = [(1, "only a title", ""), (2, "", "only a text"), (3, "nan", "None"), (4, "NA", "null")]
    write(folder / "train.csv", rows)
    assert read_folder(folder).train["text"].tolist() == ["only a title", "only a text", "nan None", "NA null"]


def test_a_missing_cell_of_a_table_of_types_is_empty(folder):
    (folder / "train.csv").unlink()
    frame = pd.DataFrame({"label": [1, 2, 4], "title": ["a", None, "c"], "description": ["x", "y", None]})
    frame.to_parquet(folder / "train.parquet")
    assert read_folder(folder).train["text"].tolist() == ["a x", "y", "c"]
    frame.astype({"label": "float64"}).assign(label=[1, None, 4]).to_parquet(folder / "train.parquet")
    with refused(ValueError, "train.parquet, row 2: class is ''"):
        read_folder(folder)


def test_a_missing_part_is_refused(tmp_path):
    write_form("parquet in three parts", tmp_path)
    (tmp_path / "train-00001-of-00003.parquet").unlink()
    with refused(ValueError, "of its parts only 2 are there: download all of them"):
        read_folder(tmp_path)


def test_two_files_that_could_be_meant_are_refused(tmp_path):
    write_form("JSON lines", tmp_path)
    write_form("gzip of pandas", tmp_path)
    with refused(ValueError, "could both be meant: keep one of them"):
        read_folder(tmp_path)


def test_two_folders_that_could_be_meant_are_refused(tmp_path):
    for name in ("old", "new"):
        official(tmp_path / name)
    with refused(ValueError, "holds training files in"):
        read_folder(tmp_path)


def test_a_missing_file_says_what_is_there(tmp_path):
    (tmp_path / "articles.xlsx").write_bytes(b"PK")
    with refused(FileNotFoundError, "train.csv does not exist: the folder must hold train.csv and test.csv") as caught:
        read_folder(tmp_path)
    assert "it holds articles.xlsx" in str(caught.value)


def test_a_damaged_archive_is_refused(tmp_path):
    write_form("official, zip", tmp_path)
    content = bytearray((tmp_path / "archive.zip").read_bytes())
    content[200] ^= 1  # inside the packed training file: its checksum no longer fits
    (tmp_path / "archive.zip").write_bytes(content)
    with refused(ValueError, "archive.zip is damaged (ag_news/train.csv): download it again"):
        read_folder(tmp_path)


# --- the cases of the review, where they are at hand

READ = (
    "blank_lines bom_quoted_noheader description_title_swapped duplicates_conflicting emoji_zero_width "
    "extra_files fullwidth_digits gzip_named_csv header_variants hf_parquet hf_text_label_csv huge_field jsonl kaggle "
    "kaggle_bom_crlf label_id_text label_names labels_0_3_three_columns labels_float missing_cells na_titles "
    "newlines_in_fields official_noheader one_class_missing_in_test one_row_test other_order pandas_index "
    "quotes_backslash_nocomma quotes_doubled subfolder torchtext_label_text train_equals_test_rows_overlap tsv "
    "upper_case_names utf16 zip_in_folder"
)
NOT_READ = (
    "cp1252 empty_test header_only_test labels_0_3_without_0 nul_byte nul_in_class "
    "only_invisible same_file_twice test_without_labels unbalanced_quote unbalanced_quote_all_quoted "
    "unquoted_commas xlsx_named_csv"
)
TEXTS_OF_ONE_KIND = "train headline number {0} Sentence {0} of the train file, with a comma and {1} items."
OTHER_TEXTS = ("emoji_zero_width", "huge_field", "missing_cells", "na_titles", "newlines_in_fields", "quotes_doubled")


@pytest.mark.skipif(not CASES.is_dir(), reason="the review's cases are not at hand")
@pytest.mark.parametrize("case", READ.split())
def test_the_reviews_files_are_read(case):
    source = read_folder(CASES / case)
    rows = {"duplicates_conflicting": 290, "train_equals_test_rows_overlap": 300}.get(case, 240)
    assert len(source.train) == rows
    assert source.train["label"].tolist()[:240] == [0, 1, 2, 3] * 60
    if case not in (*OTHER_TEXTS, "quotes_backslash_nocomma"):
        assert source.train["text"].tolist()[:240] == [TEXTS_OF_ONE_KIND.format(i, 7 * i) for i in range(240)]


@pytest.mark.skipif(not CASES.is_dir(), reason="the review's cases are not at hand")
@pytest.mark.parametrize("case", NOT_READ.split())
def test_the_reviews_other_files_are_refused(case):
    with refused(ValueError, ".") as caught:
        read_folder(CASES / case)
    assert case in str(caught.value) or case == "same_file_twice"


@pytest.mark.skipif(not CASES.is_dir(), reason="the review's cases are not at hand")
def test_every_case_of_the_review_has_its_expectation():
    cases = {path.name for path in CASES.iterdir() if not path.name.startswith("encoder_")}
    assert cases == {*READ.split(), *NOT_READ.split()}
