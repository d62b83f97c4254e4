"""Random tables in random forms are read back equal; random damage is refused or harmless, never a silent change."""

import bz2
import csv
import gzip
import io
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agnews_utils.data.articles import read_articles
from agnews_utils.data.classes import Classes
from agnews_utils.settings import CLASS_NAMES

KNOWN = Classes(CLASS_NAMES)
# texts of what a file can hold, with more of what readers trip over; a text has a letter, or it would be refused
TROUBLE = st.sampled_from(
    ['"', '""', ",", ";", "\t", "\n", "\r\n", "\\", '\\"', " ", "1", "NA", "é", "🌍", "'", "\u200b"]
)
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
TEXTS = st.lists(WORDS | TROUBLE, max_size=6).map(lambda parts: "a" + "".join(parts))
ENDS = [(0, "the first", "class"), (3, "the last", "class")]  # show what classes count from
ROWS = st.lists(st.tuples(st.integers(0, 3), TEXTS, TEXTS), min_size=1, max_size=12).map(lambda rows: rows + ENDS)
TEXT_FORMS = ("official", "Kaggle", "semicolons", "tabs", "text and label", "names")
FORMS = st.sampled_from([*TEXT_FORMS, "JSON lines", "Parquet"])


def written(rows, form):
    """The rows' file in a form: its bytes."""
    if form == "JSON lines":
        entries = [{"label": label, "title": title, "description": text} for label, title, text in rows]
        return "".join(json.dumps(entry) + "\n" for entry in entries).encode()
    if form == "Parquet":
        out = io.BytesIO()
        pd.DataFrame(rows, columns=["label", "title", "description"]).to_parquet(out)
        return out.getvalue()
    lines = [(label + 1, title, text) for label, title, text in rows]
    options = {"quoting": csv.QUOTE_MINIMAL}
    if form == "official":
        options = {"quoting": csv.QUOTE_ALL}
    elif form == "text and label":
        lines = [("text", "label"), *((f"{title} {text}", label) for label, title, text in rows)]
    elif form == "names":
        lines = [("Topic", "Title", "Text"), *((CLASS_NAMES[label], title, text) for label, title, text in rows)]
    else:
        lines = [("Class Index", "Title", "Description"), *lines]
        options |= {"delimiter": {"semicolons": ";", "tabs": "\t"}.get(form, ",")}
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", **options).writerows(lines)
    return out.getvalue().encode()


def read(content):
    """Texts and labels of a file's bytes."""
    part = read_articles(content, "train.csv", KNOWN.is_class)
    first = KNOWN.first_number(part.table, part.classes)
    if first is None:
        raise ValueError("train.csv: whether classes count from 0 or from 1 cannot be told.")
    return list(zip(part.texts, KNOWN.labels(part.classes, first), strict=True))


def articles(rows):
    return [(f"{title.strip()} {text.strip()}".strip(), label) for label, title, text in rows]


def joined_articles(rows):
    return [(f"{title} {text}".strip(), label) for label, title, text in rows]


@settings(max_examples=150, deadline=None)
@given(ROWS, FORMS)
def test_random_tables_are_read_back_equal(rows, form):
    expected = joined_articles(rows) if form == "text and label" else articles(rows)
    assert read(written(rows, form)) == expected


# --- damage

SENTENCES = ("oil falls", 'He said "no" and left', "one, two and three", "wörld \\ cup", "a (b); [c]", 'twice "x", "y"')
TEXT, CLASS, OTHER = "text", "class number", "other"
SEPARATORS = {"semicolons": b";", "tabs": b"\t"}


def tidy_rows(rng, count=10):
    """Articles of one line each, with quotes and separators in them; classes 0 and 3 are there."""
    labels = [0, 3, *rng.integers(0, 4, count - 2).tolist()]
    return [(label, f"{rng.choice(SENTENCES)} {i}", f"{i}: {rng.choice(SENTENCES)}") for i, label in enumerate(labels)]


def cells_of(rows, form):
    """Header and rows of a form, each cell with what it is."""
    if form == "text and label":
        head, body = ("text", "label"), [((f"{title} {text}", TEXT), (label, CLASS)) for label, title, text in rows]
    elif form == "names":
        head, body = ("Topic", "Title", "Text"), [((CLASS_NAMES[a], OTHER), (b, TEXT), (c, TEXT)) for a, b, c in rows]
    else:
        head, body = (
            ("Class Index", "Title", "Description"),
            [((a + 1, CLASS), (b, TEXT), (c, TEXT)) for a, b, c in rows],
        )
    return [*([] if form == "official" else [[(name, OTHER) for name in head]]), *map(list, body)]


def with_structure(rows, form):
    """A form's bytes; the places of quotes, separators, line ends and names; and those of class numbers."""
    separator = SEPARATORS.get(form, b",")
    content, kinds = bytearray(), []

    def add(piece, kind=OTHER):
        content.extend(piece)
        kinds.extend([kind] * len(piece))

    for line in cells_of(rows, form):
        for number, (cell, kind) in enumerate(line):
            cell = str(cell).encode()
            quoted = form == "official" or any(mark in cell for mark in (b'"', b"\n", separator))
            add(separator if number else b"")
            add(b'"' if quoted else b"")
            add(cell.replace(b'"', b'""'), kind)
            add(b'"' if quoted else b"")
        add(b"\n")
    return bytes(content), *(np.flatnonzero(np.array(kinds) == kind) for kind in (OTHER, CLASS))


class Damage:
    """Kinds of damage to bytes; each gives the damaged bytes."""

    @staticmethod
    def flip_a_bit_of_structure(data, structure, classes, rng):
        data[rng.choice(structure)] ^= 1 << int(rng.integers(8))
        return data

    @staticmethod
    def replace_a_byte_of_structure(data, structure, classes, rng):
        data[rng.choice(structure)] = int(rng.choice([*b'",;\t\n\r x\\', int(rng.integers(256))]))
        return data

    @staticmethod
    def lose_a_byte_of_structure(data, structure, classes, rng):
        del data[rng.choice(structure)]
        return data

    @staticmethod
    def cut(data, structure, classes, rng):
        return data[: rng.integers(len(data))]

    @staticmethod
    def double_a_line(data, structure, classes, rng):
        lines = data.splitlines(keepends=True)
        number = int(rng.integers(len(lines)))
        return b"".join([*lines[: number + 1], *lines[number:]])

    @staticmethod
    def lose_a_line(data, structure, classes, rng):
        lines = data.splitlines(keepends=True)
        del lines[int(rng.integers(len(lines)))]
        return b"".join(lines)

    @staticmethod
    def lose_a_quote(data, structure, classes, rng):
        places = [place for place, byte in enumerate(data) if byte == 34]
        del data[int(rng.choice(places))]
        return data

    @staticmethod
    def lose_two_quotes(data, structure, classes, rng):
        places = [place for place, byte in enumerate(data) if byte == 34]
        for place in sorted(rng.choice(places, 2, replace=False), reverse=True):
            del data[int(place)]
        return data

    @staticmethod
    def add_a_quote(data, structure, classes, rng):
        place = int(rng.integers(len(data)))
        data[place:place] = b'"'
        return data

    @staticmethod
    def add_two_quotes_beside_separators(data, structure, classes, rng):
        for place in sorted(rng.choice(structure, 2), reverse=True):
            after = int(place) + int(rng.integers(2))
            data[after:after] = b'"'
        return data

    @staticmethod
    def change_a_separator(data, structure, classes, rng):
        places = [place for place in structure if data[place] in b",;\t"]
        data[int(rng.choice(places))] = int(rng.choice(list(b",;\t |")))
        return data

    @staticmethod
    def spoil_a_class(data, structure, classes, rng):
        places = classes if len(classes) else structure
        data[int(rng.choice(places))] = int(rng.choice(list(b"5789xX.-")))
        return data

    @staticmethod
    def swap_class_and_text(data, structure, classes, rng):
        lines = data.splitlines(keepends=True)
        number = int(rng.integers(len(lines)))
        separator = next(mark for mark in (b"\t", b";", b",") if mark in lines[0])
        cells = lines[number].rstrip(b"\n").split(separator)
        cells[0], cells[-1] = cells[-1], cells[0]
        lines[number] = separator.join(cells) + b"\n"
        return b"".join(lines)

    @staticmethod
    def put_in_what_is_no_text(data, structure, classes, rng):
        place = int(rng.integers(len(data)))
        data[place:place] = bytes([int(rng.choice([0, 0xFF, 0xC0]))])
        return data


KINDS = [name for name in vars(Damage) if not name.startswith("_")]


def told_apart(articles):
    """Articles without the quotes in their texts: see the docstring of the test."""
    return Counter((text.replace('"', ""), label) for text, label in articles)


def is_silent(result, before, kind):
    """Whether a file that was read holds other articles than before the damage."""
    if kind == "cut" or kind == "lose_a_line":
        return bool(told_apart(result) - told_apart(before))
    if kind == "double_a_line":
        return set(result) != set(before)
    return told_apart(result) != told_apart(before)


def outcomes(form, kind, seeds):
    """How many damaged files were refused, read unchanged, and read with other articles."""
    counts, silent = Counter(), []
    for seed in seeds:
        rng = np.random.default_rng([seed, TEXT_FORMS.index(form), KINDS.index(kind)])
        rows = tidy_rows(rng)
        content, structure, classes = with_structure(rows, form)
        before = read(content)
        assert before == (joined_articles(rows) if form == "text and label" else articles(rows))
        broken = bytes(getattr(Damage, kind)(bytearray(content), structure, classes, rng))
        try:
            after = read(broken)
        except ValueError as reason:
            counts["refused, file named" if str(reason).startswith("train.csv") else "refused"] += 1
        else:
            counts["silent" if is_silent(after, before, kind) else "harmless"] += 1
            if is_silent(after, before, kind):
                silent.append((seed, broken))
    return counts, silent


@pytest.mark.parametrize("form", TEXT_FORMS)
def test_random_damage_is_refused_or_harmless(form):
    """Twelve files of each kind of damage: 1,000 in all, none of which may be read with another text or class.

    What cannot be told from a valid other file is no damage here: a letter changed inside a text, a class number
    changed into another one, title and description of a row exchanged. Neither is a pair of quotes that belongs to a
    text, lost as a whole, so that texts are compared without their quotes. Of a file that was cut, or lost a line, what
    is left must be unchanged; a line that stands twice is an article that stands twice.
    """
    counts, silent = Counter(), []
    for kind in KINDS:
        of_kind, changed = outcomes(form, kind, range(12))
        counts += of_kind
        silent += changed
    assert silent == []
    assert counts["refused"] == 0  # every refusal names the file
    assert counts.total() == 12 * len(KINDS) >= 150
    assert counts["harmless"] >= 10


PACKED = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "Parquet": lambda content: written(tidy_rows(np.random.default_rng(0)), "Parquet"),
    "JSON lines": lambda content: written(tidy_rows(np.random.default_rng(0)), "JSON lines"),
}


@pytest.mark.parametrize("form", PACKED)
def test_a_cut_file_is_refused_or_unchanged(form):
    rows = tidy_rows(np.random.default_rng(0))
    content = PACKED[form](written(rows, "official"))
    assert read(content) == articles(rows)
    for length in np.random.default_rng(1).integers(1, len(content), 60):
        try:
            after = read(content[:length])
        except ValueError as reason:
            assert "train.csv" in str(reason)  # noqa: PT017 - either this or what stands behind else
        else:
            assert after == articles(rows)[: len(after)]


def test_damaged_json_lines_are_refused_or_harmless():
    rows = tidy_rows(np.random.default_rng(0))
    content = written(rows, "JSON lines")
    structure = [place for place, byte in enumerate(content) if byte in b'{}"\n' and content[place - 1] != ord("\\")]
    refusals = 0
    for seed in range(150):
        data, place = bytearray(content), int(np.random.default_rng(seed).choice(structure))
        data[place : place + 1] = [b"", b"x", b'""', b",", b"}"][seed % 5]
        try:
            after = read(bytes(data))
        except ValueError as reason:
            assert "train.csv" in str(reason)  # noqa: PT017
            refusals += 1
        else:
            assert told_apart(after) == told_apart(articles(rows))
    assert refusals > 100
