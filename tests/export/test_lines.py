"""Lines from a stream: numbered and checked, however the stream is cut into pieces."""

import io

import pytest
from helpers import refused

from agnews_utils.export import lines
from agnews_utils.export.lines import LIMIT, lines_of, text_of


class Pieces(io.BytesIO):
    """A stream that gives so many bytes at a time, as a slow pipe does."""

    def __init__(self, content, size):
        super().__init__(content)
        self.size = size

    def read1(self, most=-1):
        return super().read1(self.size)


def all_lines(content, size=7):
    return [line for batch in lines_of(Pieces(content, size)) for line in batch]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"one", [b"one"]),
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\n\ntwo", [b"one", b"", b"two"]),
        (b"\xef\xbb\xbfone\r\ntwo\r\n", [b"one\r", b"two\r"]),
        (b"\xef\xbb\xbfone", [b"one"]),
    ],
)
def test_lines_are_numbered_from_one(content, expected, size):
    assert all_lines(content, size) == list(enumerate(expected, 1))


def test_a_batch_holds_what_has_arrived():
    batches = lines_of(Pieces(b"one\ntwo\nthree\n", 9))
    assert next(batches) == [(1, b"one"), (2, b"two")]
    assert next(batches) == [(3, b"three")]


def test_a_long_line_is_not_kept_whole():
    content = b"one\n" + b"x" * (3 * LIMIT) + b"\nthree\n"
    (_, first), (number, long), last = all_lines(content, lines.CHUNK)
    assert (first, last, number) == (b"one", (3, b"three"), 2)
    assert LIMIT < len(long) <= LIMIT + 2 + lines.CHUNK


@pytest.mark.parametrize("size", [1_000, 2**16])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_the_limit_is_exact(size, end):
    ((_, line),) = all_lines(b"x" * LIMIT + end, size)
    assert len(text_of(line)) == LIMIT
    ((_, line),) = all_lines(b"x" * (LIMIT + 1) + end, size)
    with refused(ValueError, f"has more than {LIMIT:,} bytes"):
        text_of(line)


def test_a_text_is_read_as_it_stands():
    assert text_of("Ünï 日本 \U0001f600\tx\r".encode()) == "Ünï 日本 \U0001f600\tx"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "is empty"),
        (b"\r", "is empty"),
        (b" \t ", "is empty"),
        ("\u200b\u00a0".encode(), "is empty"),
        (b"caf\xe9", "is not UTF-8 (byte 4)"),
        (b"\xff\xfes\x00", "holds a NUL byte"),
        (b"a\0b", "holds a NUL byte"),
    ],
)
def test_what_is_no_text_is_refused(line, said):
    with refused(ValueError, said):
        text_of(line)
