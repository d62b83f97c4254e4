"""Texts of other topics than news: an invented help desk, and docstrings of Python's standard library.

``python tests/made_topics.py helpdesk|docstrings FOLDER`` writes FOLDER/train.csv, and the help desk's unlabelled.csv:
what the README's figures of own topics were measured on.
"""

import ast
import csv
import random
import sys
import sysconfig
from pathlib import Path

SPELLINGS = {"invoice": "bill", "parcel": "package", "password": "pass word", "refund": "money back", "sign": "log"}
ITEMS = ("kettle", "desk lamp", "headphones", "tent", "bicycle pump", "printer", "rucksack", "router", "camera")
DAYS = ("Monday", "yesterday", "last week", "two days ago", "since May", "this morning", "on the 3rd")
OPENINGS = ("Hello,", "Hi there.", "Good morning,", "", "", "Please help:", "Second time I write.", "Quick question:")
ENDINGS = ("Thank you.", "Please answer soon.", "What now?", "", "", "I am waiting.", "Regards", "This is urgent!")
# what a writer of each class asks, and what is told in passing: that may be of any class
ASKED = {
    "account": ("I cannot log in to my page", "my password is not accepted", "how do I change my email address",
                "please close my profile", "the code for signing in never arrives", "I want another user name"),
    "billing": ("the invoice shows a wrong sum", "I was charged twice for the {item}", "my card was refused {day}",
                "I need an invoice with our company's address", "the discount is missing", "why did the price change"),
    "delivery": ("the parcel with the {item} has not come", "the tracking page shows nothing {day}",
                 "can you bring the {item} to another address", "the box was left with a neighbour",
                 "when will the {item} arrive", "the courier did not ring {day}"),
    "returns": ("I want to send the {item} back", "how long may I keep the {item} before I return it",
                "the refund for the {item} is not here", "the {item} has the wrong colour, please exchange it",
                "who pays for sending the {item} back", "the {item} does not fit, I need another size"),
    "repair": ("the {item} stopped working {day}", "the {item} makes a strange noise",
               "the screen of the {item} is black", "the {item} will not switch on", "a part of the {item} broke {day}",
               "is the {item} still under warranty"),
}  # fmt: skip
PASSING = (
    "I bought the {item} {day}", "my order came {day}", "I paid by card", "I wrote to you {day}",
    "the invoice is in my profile", "the parcel looked fine", "I have been a customer for years",
    "the {item} was a present", "your page is slow", "I would rather not send it back", "the price was good",
)  # fmt: skip
# chapters of the standard library's documentation, with the modules read for each
CHAPTERS = {
    "concurrency": "concurrent contextlib contextvars multiprocessing queue sched signal subprocess threading",
    "development": "ast bdb dis doctest inspect pdb pickletools pstats pydoc symtable timeit tokenize trace traceback "
    "tracemalloc typing unittest venv",
    "files": "bz2 configparser copyreg csv dbm filecmp fileinput fnmatch glob gzip linecache lzma netrc os pathlib "
    "pickle plistlib shelve shutil sqlite3 stat tarfile tempfile zipfile zipimport",
    "graphics": "colorsys curses tkinter turtle turtledemo wave",
    "networking": "asyncio ftplib http imaplib ipaddress poplib selectors smtplib socket socketserver ssl urllib uuid "
    "webbrowser wsgiref xmlrpc",
    "numbers": "bisect calendar collections copy datetime decimal enum fractions functools graphlib heapq numbers "
    "random statistics types weakref zoneinfo",
    "text": "base64 codecs difflib email encodings html json mailbox mimetypes quopri string stringprep textwrap xml",
}


def helpdesk(count, seed=0):
    """``count`` invented requests as (class, text), all different; a fifth is written by someone who mistypes."""
    draw, rows = random.Random(seed), {}
    while len(rows) < count:
        name = draw.choice(list(ASKED))
        told = [draw.choice(ASKED[name]), *draw.sample(PASSING, draw.choice((0, 1, 1, 2)))]
        if draw.random() < 0.15:  # a second request, of another class
            told.append(draw.choice(ASKED[draw.choice(list(ASKED))]))
        draw.shuffle(told)
        fields = {"item": draw.choice(ITEMS), "day": draw.choice(DAYS)}
        text = f"{draw.choice(OPENINGS)} {'. '.join(told).format(**fields)}. {draw.choice(ENDINGS)}".strip()
        if draw.random() < 0.2:
            text = mistyped(text, draw)
        rows.setdefault(text, name)
    return [(name, text) for text, name in rows.items()]


def mistyped(text, draw):
    """The text in other words, and with two letters exchanged in one of ten."""
    for usual, other in SPELLINGS.items():
        text = text.replace(usual, other)
    words = text.split()
    for place, word in enumerate(words):
        if len(word) > 3 and draw.random() < 0.1:
            words[place] = word[0] + word[2] + word[1] + word[3:]
    return " ".join(words)


def docstrings():
    """The first paragraph of every docstring of at least five words in these modules, as (chapter, text)."""
    library, rows = Path(sysconfig.get_path("stdlib")), {}
    for chapter, modules in CHAPTERS.items():
        for module in modules.split():
            for path in [library / f"{module}.py", *sorted((library / module).rglob("*.py"))]:
                if path.is_file():
                    for text in paragraphs(path):
                        rows.setdefault(text, chapter)
    return [(chapter, text) for text, chapter in rows.items()]


def paragraphs(path):
    """The first paragraph of each docstring of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
            if len(text.split()) >= 5:
                yield text


def write_rows(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_topics(kind, folder, count=5_000, unlabelled=0):
    """``train.csv`` of (class, title, description), the title empty; and so many unlabelled texts."""
    rows = helpdesk(count + unlabelled) if kind == "helpdesk" else docstrings()[:count]
    labelled = [(name, "", text) for name, text in rows[:count]]
    write_rows(folder / "train.csv", ("class", "title", "description"), labelled)
    if unlabelled:
        write_rows(folder / "unlabelled.csv", ("description",), [(text,) for _, text in rows[count:]])


if __name__ == "__main__":
    few = {"count": 1_200, "unlabelled": 800} if sys.argv[1] == "helpdesk" else {}
    write_topics(sys.argv[1], Path(sys.argv[2]), **few)
