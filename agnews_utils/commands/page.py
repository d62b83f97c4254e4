"""``make page``: what the page in ``docs/`` is made of beside its own HTML, style and scripts, from committed files.

The page is opened from the local folder, where a browser loads classic scripts and pictures and nothing else. So
students, tables and situations are written as scripts, and figures are copied.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator, Mapping
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from torch.autograd import grad

from ..analysis.answers import answer
from ..analysis.wording import format_percent
from ..export.from_study import MODELS
from ..export.student_file import read_student
from ..losses import DISTLoss, KLLoss
from ..settings import CLASS_NAMES, ROOT
from ..study.records import published_records
from ..study.strong import ALL_RUNS, SHIPPED
from ..support.checkout import assert_checkout
from ..support.command import run_command
from ..support.files import atomic_write
from ..widgets.dist_explorer import LABELS, SITUATIONS
from .publish import headlines

DOCS = ROOT / "docs"
STUDENTS = ("student_1mb", "student_100kb")  # five times the bytes for the best one would gain a visitor little
LIMIT = 6_000_000  # bytes of the whole folder
WRITTEN = ("data", "figures")  # folders whose every file this command writes
RESULTS_MARKS = ("<!-- results: written by make page -->", "<!-- end of results -->")
CODE_POINTS = 0x110000
SETTINGS = ({}, {"tau": 4.0, "beta": 1.0, "gamma": 3.0, "ce_weight": 0.5, "scale_tau2": True})
EDGE_CASES = {
    "a constant row of the student": ([[0, 0, 0, 0], [1, 2, 0, -1]], [[1, 0, 0, 3], [0, 2, 1, 0]], [3, 1]),
    "a constant row of the teacher": ([[1, 0, 0, 3], [0, 2, 1, 0]], [[5, 5, 5, 5], [1, 2, 0, -1]], [0, 2]),
    "one article": ([[1, 0.5, 2, 0]], [[0, -1, 4, 2]], [2]),
    "student = teacher": ([[1, 0, 2, 0], [0, 3, 0, 1]], [[1, 0, 2, 0], [0, 3, 0, 1]], [2, 1]),
    "large logits": ([[40, -40, 0, 3], [0, 30, 5, 0]], [[0, 60, -3, 2], [9, 0, 0, -50]], [0, 1]),
}


def made_files(docs: Path) -> dict[str, bytes]:
    """Every file that the command writes, by its path in ``docs``, whose ``index.html`` asks for numbers and figures.

    Raises:
        FileNotFoundError, ValueError: a student or figure is missing or damaged, or the page asks for an unknown
            number.
    """
    html = (docs / "index.html").read_text(encoding="utf-8")
    made = {f"data/{name}.js": student_script(name) for name in STUDENTS}
    made["data/characters.js"] = script("characters", characters(), "how BERT's tokenizer sees each character")
    made["data/situations.js"] = script("situations", situations(), "agnews_utils/widgets/dist_explorer.py")
    made["data/golden_losses.json"] = one_per_line(golden_losses())
    for name in sorted(set(re.findall(r'src="(figures/[^"]+)"', html))):
        made[name] = (ROOT / name).read_bytes()
    made["index.html"] = filled(html).encode()
    return made


def script(name: str, value: Any, source: str) -> bytes:
    """A classic script that hands ``value`` to the page under ``name``."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return f"// written by make page: {source}\nAGNEWS.data.{name} = {text};\n".encode()


def student_script(name: str) -> bytes:
    """The file of a student as a script; a damaged one is refused (see ``read_student``)."""
    path = MODELS / f"{name}.safetensors"
    read_student(path)
    return script(name, base64.b64encode(path.read_bytes()).decode(), path.relative_to(ROOT).as_posix())


def characters() -> dict[str, str]:
    """The characters that the tokenizer drops, takes for spaces, and makes a word of their own.

    Asked of the tokenizer itself about every one, because a browser may know another Unicode. Ranges of hexadecimal
    numbers: ``"0-8 b-c"``.
    """
    normalizer, pre_tokenizer = BertNormalizer(lowercase=True), BertPreTokenizer()
    kinds: dict[str, list[int]] = {"dropped": [], "space": [], "alone": []}
    for start in range(0, CODE_POINTS, 4096):
        asked = [code for code in range(start, start + 4096) if not 0xD800 <= code < 0xE000]
        text = normalizer.normalize_str(" ".join(f"a{chr(code)}b" for code in asked))
        words = iter([word for word, _ in pre_tokenizer.pre_tokenize_str(text)])
        for code in asked:
            if kind := _kind(words):
                kinds[kind].append(code)
    return {kind: " ".join(_ranges(codes)) for kind, codes in kinds.items()}


def _kind(words: Iterator[str]) -> str | None:
    """What became of the character between an "a" and a "b"; None for a letter."""
    first = next(words)
    if first != "a":
        return "dropped" if first == "ab" else None
    return "space" if next(words) == "b" else "alone" if next(words) == "b" else None


def _ranges(codes: list[int]) -> Iterator[str]:
    breaks = [i for i, (a, b) in enumerate(pairwise(codes), 1) if b != a + 1]
    for start, end in pairwise([0, *breaks, len(codes)]):
        first, last = codes[start], codes[end - 1]
        yield f"{first:x}-{last:x}" if last > first else f"{first:x}"


def situations() -> dict[str, Any]:
    """The explorer's classes, labels and situations: student's and teacher's logits (4, 4) by name."""
    named = [{"name": name, "student": s, "teacher": t} for name, (s, t) in SITUATIONS.items()]
    return {"classes": CLASS_NAMES, "labels": LABELS, "situations": named}


def golden_losses() -> list[dict[str, Any]]:
    """Cases of the losses in float64, for whoever writes the formulas in another language.

    ``terms`` are before their weights and, for inter and intra with ``scale_tau2`` and always for ``kl``, times tau
    squared; ``gradient`` is that of ``total`` by the student's logits.
    """
    batches = {name: (s, t, LABELS) for name, (s, t) in SITUATIONS.items()} | EDGE_CASES
    return [_golden(name, *batch, **settings) for name, batch in batches.items() for settings in SETTINGS]


def _golden(
    name: str, student: Any, teacher: Any, labels: Any, beta=2.0, gamma=2.0, tau=1.0, ce_weight=1.0, scale_tau2=False
) -> dict[str, Any]:
    z_s = torch.tensor(student, dtype=torch.double, requires_grad=True)
    z_t, y = torch.tensor(teacher, dtype=torch.double), torch.tensor(labels)
    loss = DISTLoss(beta, gamma, tau, ce_weight, scale_tau2)
    terms = loss.terms(z_s, z_t, y)
    total = loss.total(terms)
    terms["kl"] = KLLoss(tau=tau).terms(z_s, z_t, y)["kl"]
    case = {"name": name, "student": student, "teacher": teacher, "labels": labels, "tau": tau, "beta": beta}
    case |= {"gamma": gamma, "ce_weight": ce_weight, "scale_tau2": scale_tau2}
    case["terms"] = {key: _rounded(value.item()) for key, value in terms.items()}
    case["total"] = _rounded(total.item())
    case["gradient"] = [[_rounded(x) for x in row] for row in grad(total, z_s)[0].tolist()]
    return case


def _rounded(value: float) -> float:
    """Eight decimals, which every machine agrees on; no minus before a zero."""
    return round(value, 8) + 0.0


def one_per_line(cases: list[dict[str, Any]]) -> bytes:
    """A JSON list with one case a line."""
    return ("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n").encode()


def numbers() -> tuple[dict[str, str], str]:
    """What the page's sentences can ask for by name, and the README's results."""
    records, source = published_records(ALL_RUNS)
    questions = {
        "dist gain": "Does DIST help CNN-1?",
        "kl gain": "Does KL help CNN-1 with the fine-tuned teacher?",
        "strong over n-grams": "Does the 5 MB student beat the n-gram baseline?",
        "strong on labels alone over n-grams": "Does the 5 MB student beat the n-gram baseline from labels alone?",
        "gain of teaching": "What do the teacher and the unlabelled texts add to the 5 MB student?",
        "1 MB over pruned n-grams": "Does the 1 MB student beat an n-gram baseline of its size?",
        "100 kB over pruned n-grams": "Does the 100 kB student beat an n-gram baseline of its size?",
    }
    named = {name: answer(records, question).number for name, question in questions.items()}
    for name in SHIPPED:
        path = MODELS / f"{name}.safetensors"
        accuracy = format_percent(read_student(path).card["int8_test_accuracy"])
        named[name] = f"{path.stat().st_size:,} bytes, {accuracy} %"
    return named | {"source": source}, headlines(records, source)


def filled(html: str) -> str:
    """The page with its numbers: in each ``<span data-number="name">``, and the README's results between the marks.

    Raises:
        ValueError: the page asks for a number that has no such name.
    """
    named, results = numbers()

    def fill(match: re.Match) -> str:
        if match[1] not in named:
            raise ValueError(f"docs/index.html asks for the number {match[1]!r}: take one of {', '.join(named)}.")
        return f'<span data-number="{match[1]}">{escape(named[match[1]])}</span>'

    html = re.sub(r'<span data-number="([^"]*)">[^<]*</span>', fill, html)
    start, end = RESULTS_MARKS
    block = f"{start}\n{as_html(results)}{end}"
    return re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _: block, html, flags=re.DOTALL)


def as_html(results: str) -> str:
    """The README's results, a paragraph and a list, as HTML."""
    first, *lines = (escape(line, quote=False) for line in results.splitlines() if line)
    items = (re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", line.removeprefix("- ")) for line in lines)
    return f"<p>{first}</p>\n<ul>\n" + "".join(f"<li>{item}</li>\n" for item in items) + "</ul>\n"


def size_with(made: Mapping[str, bytes], docs: Path) -> int:
    """Bytes of the whole folder once these files are written."""
    kept = [path for path in docs.rglob("*") if path.is_file() and path.relative_to(docs).parts[0] not in WRITTEN]
    return sum(map(len, made.values())) + sum(
        p.stat().st_size for p in kept if p.relative_to(docs).as_posix() not in made
    )


def write(docs: Path) -> int:
    """Writes the page's files, drops those of an earlier page, and returns the bytes of the folder.

    Raises:
        FileNotFoundError, ValueError: see :func:`made_files`; or the folder would be too large. Nothing is written.
    """
    made = made_files(docs)
    if (size := size_with(made, docs)) > LIMIT:
        raise ValueError(
            f"The page would have {size:,} bytes; with at most {LIMIT:,}, leave out a student or a figure."
        )
    for name, content in made.items():
        atomic_write(docs / name, lambda aside, content=content: aside.write_bytes(content))
    for folder in WRITTEN:
        for path in (docs / folder).iterdir():
            if f"{folder}/{path.name}" not in made:
                path.unlink()
    return size


def main(docs: Path = DOCS) -> int:
    try:
        assert_checkout(ROOT)
        size = write(docs)
    except (FileNotFoundError, ValueError) as reason:
        print(reason, file=sys.stderr)
        return 1
    print(f"docs/index.html with its data and figures: {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, without_options=__doc__))
