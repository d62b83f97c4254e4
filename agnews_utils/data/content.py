"""A file's bytes: unpacked, recognised by how they begin, and decoded to text."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib

PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ\x00": lzma.decompress}
ZIP, OLD_EXCEL, PARQUET, ARROW_FILE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"ARROW1"
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def unpacked(content: bytes, path: str) -> bytes:
    """``content``, unpacked if it is gzip, bzip2 or xz.

    Raises:
        ValueError: it is packed and damaged.
    """
    for beginning, unpack in PACKED.items():
        if content.startswith(beginning):
            try:
                return unpack(content)
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as reason:
                raise ValueError(f"{path} is packed and cannot be unpacked: download or pack it again.") from reason
    return content


def refuse_other_things(content: bytes, path: str) -> None:
    """Refuses what often stands where a data file should: a web page, a pointer, a workbook.

    Raises:
        ValueError: says what it is and what to do.
    """
    start = content[:200].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise ValueError(f"{path} is a web page: download the file itself (on GitHub, by the button Raw).")
    if start.startswith(b"version https://git-lfs"):
        raise ValueError(f"{path} is a pointer of Git LFS to the file: fetch the file with git lfs pull.")
    if content.startswith((ZIP, OLD_EXCEL)):
        raise ValueError(f"{path} is an Excel workbook or a zip archive: save it as CSV UTF-8, or unpack it.")


def decoded(content: bytes, path: str) -> str:
    """The text of ``content``: UTF-8, or UTF-16 that says so by its first two bytes.

    Raises:
        ValueError: another encoding, which cannot be told for certain, or a NUL byte.
    """
    encoding = "utf-16" if content.startswith(UTF16) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as reason:
        # utf-8-sig counts from behind its mark
        mark = len(codecs.BOM_UTF8) if encoding == "utf-8-sig" and content.startswith(codecs.BOM_UTF8) else 0
        known = "UTF-8" if encoding == "utf-8-sig" else "UTF-16"
        before = content[mark : mark + reason.start].decode(encoding, errors="ignore")
        where = f"line {line_of(before, len(before))}, byte {reason.start + mark}"
        raise ValueError(
            f"{path} is not {known} ({where}): save it again as UTF-8 (in Excel, as CSV UTF-8)."
        ) from reason
    if "\0" in text:
        line = line_of(text, text.index("\0"))
        raise ValueError(f"{path}, line {line}: there is a NUL byte, which no text has: save the file again as UTF-8.")
    return text


def line_of(text: str, place: int) -> int:
    """The number of the line, from 1, on which a character stands."""
    before = text[:place]
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")
