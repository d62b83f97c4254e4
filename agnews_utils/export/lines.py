"""Lines of a file or a pipe: numbered, checked, and given as soon as they have arrived."""

from __future__ import annotations

import io
from collections.abc import Iterator

LIMIT = 100_000  # bytes of a line; a student reads some 300 of them
CHUNK = 2**16
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Line = tuple[int, bytes]  # its number, from 1, and what stands on it


def lines_of(stream: io.BufferedIOBase) -> Iterator[list[Line]]:
    """The lines that have arrived, as often as some arrive; of one over :data:`LIMIT`, only its beginning is kept."""
    number, rest = 0, b""
    while chunk := stream.read1(CHUNK):  # gives what is there and does not wait for more
        *whole, rest = (rest + chunk).split(b"\n")
        if number == 0 and whole:
            whole[0] = whole[0].removeprefix(BYTE_ORDER_MARK)
        yield list(enumerate(whole, number + 1))
        number += len(whole)
        rest = rest[: LIMIT + 2]  # a carriage return more than the limit, and one byte to know that it is too long
    if rest:
        yield [(number + 1, rest if number else rest.removeprefix(BYTE_ORDER_MARK))]


def text_of(line: bytes) -> str:
    """The text of a line.

    Raises:
        ValueError: there is none to be classified; the message goes on after "Line 3".
    """
    line = line.removesuffix(b"\r")
    if len(line) > LIMIT:
        raise ValueError(f"has more than {LIMIT:,} bytes: put every text on a line of its own.")
    if b"\0" in line:
        raise ValueError("holds a NUL byte: save the texts as UTF-8.")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as reason:
        raise ValueError(f"is not UTF-8 (byte {reason.start + 1}): save the texts as UTF-8.") from reason
    if not any(character.isprintable() and not character.isspace() for character in text):
        raise ValueError("is empty: put a text on every line.")
    return text
