"""The page in docs/: what is committed is what the command makes, and nothing in it needs a network."""

import json
import re
import shutil

import pytest
import torch
from helpers import refused

from agnews_utils.commands import page
from agnews_utils.commands.page import DOCS, LIMIT, WRITTEN
from agnews_utils.losses import DISTLoss, KLLoss

HTML = (DOCS / "index.html").read_text(encoding="utf-8")
SCRIPTS = sorted(DOCS.glob("*.js"))


@pytest.mark.slow
def test_committed_is_what_the_command_makes():
    made = page.made_files(DOCS)
    assert [name for name, content in made.items() if (DOCS / name).read_bytes() != content] == []
    committed = {path.relative_to(DOCS).as_posix() for folder in WRITTEN for path in (DOCS / folder).iterdir()}
    assert committed == made.keys() - {"index.html"}


def test_the_folder_is_small():
    assert sum(path.stat().st_size for path in DOCS.rglob("*") if path.is_file()) <= LIMIT


def test_what_the_page_names_is_there_and_nothing_is_fetched():
    loaded = re.findall(r'(?:src|<link rel="stylesheet" href)="([^"]+)"', HTML)
    assert len(loaded) > 10
    assert [name for name in loaded if not (DOCS / name).is_file()] == []
    assert 'type="module"' not in HTML
    for path in [*SCRIPTS, DOCS / "page.css"]:
        assert not re.search(
            r"\b(fetch|import|XMLHttpRequest|innerHTML|eval)\b|url\(|https?:", path.read_text("utf-8")
        ), path


def test_every_figure_has_words_and_every_control_a_label():
    assert [alt for alt in re.findall(r"<img [^>]*>", HTML) if not re.search(r'alt="[^"]{40,}"', alt)] == []
    controls = re.findall(r'<(?:textarea|select|input) [^>]*id="([^"]+)"', HTML)
    assert [name for name in controls if f'<label for="{name}">' not in HTML] == []


def test_no_number_is_left_empty():
    assert re.search(r'<span data-number="[^"]+">[^<]', HTML)
    assert not re.search(r'<span data-number="[^"]*">\s*<', HTML)


def test_golden_cases_are_what_the_losses_give():
    cases = json.loads((DOCS / "data" / "golden_losses.json").read_text(encoding="utf-8"))
    assert len(cases) > 20
    for case in cases:
        student, teacher = (torch.tensor(case[name], dtype=torch.float) for name in ("student", "teacher"))
        labels, close = torch.tensor(case["labels"]), {"rel": 1e-4, "abs": 2e-5}
        loss = DISTLoss(case["beta"], case["gamma"], case["tau"], case["ce_weight"], case["scale_tau2"])
        assert float(loss(student, teacher, labels)) == pytest.approx(case["total"], **close)
        terms = loss.terms(student, teacher, labels) | {
            "kl": KLLoss(tau=case["tau"]).terms(student, teacher, labels)["kl"]
        }
        assert {name: float(value) for name, value in terms.items()} == pytest.approx(case["terms"], **close)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the page, with what takes seconds left out."""
    shutil.copytree(DOCS, tmp_path / "docs")
    monkeypatch.setattr(page, "characters", lambda: {"space": "20"})
    names = re.findall(r'data-number="([^"]+)"', HTML)
    monkeypatch.setattr(
        page, "numbers", lambda: (dict.fromkeys(names, "+7 <b>"), "On test:\n\n- **1 < 2** (of 3): one\n")
    )
    return tmp_path / "docs"


def test_numbers_are_filled_in_and_old_files_dropped(folder):
    (folder / "figures" / "old.png").write_bytes(b"old")
    page.write(folder)
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert html.count("+7 &lt;b&gt;</span>") == HTML.count("data-number=")
    assert "<p>On test:</p>\n<ul>\n<li><strong>1 &lt; 2</strong> (of 3): one</li>\n</ul>" in html
    assert not (folder / "figures" / "old.png").exists()
    page.write(folder)
    assert (folder / "index.html").read_text(encoding="utf-8") == html


def test_unknown_number_and_too_large_a_page_are_refused(folder, monkeypatch, capsys):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.setattr(page, "LIMIT", 1000)
    with refused(ValueError, "with at most 1,000, leave out a student or a figure"):
        page.write(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    (folder / "index.html").write_text('<span data-number="none"></span>', encoding="utf-8")
    with refused(ValueError, "asks for the number 'none'"):
        page.write(folder)
    assert page.main(folder) == 1
    assert "asks for the number 'none'" in capsys.readouterr().err
