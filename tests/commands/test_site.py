"""The site: what Sphinx is given, where links lead, and that a broken one is found."""

import base64
import re
import subprocess

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from agnews_utils.commands import site
from agnews_utils.settings import NOTEBOOKS

PIXEL = base64.b64encode(b"a picture").decode()


def test_every_notebook_and_page_is_a_chapter():
    there = [path.name for path in NOTEBOOKS.iterdir() if path.suffix in (".ipynb", ".md")]
    assert sorted(site.chapters()) == sorted(there)
    contents = re.findall(r"(?ms)^:caption: [^\n]+\n\n(.*?)^```", site.index())
    assert "".join(contents).split() == site.chapters()


def test_the_first_page_links_to_chapters_and_to_the_repository():
    index = site.index()
    assert "](notebooks/" not in index
    linked = re.findall(r"\]\(([^):]+\.(?:ipynb|md))\)", index)
    assert {name for name in site.chapters() if name.endswith(".ipynb")} <= set(linked)


def test_links_out_of_the_notebooks_lead_to_the_repository():
    assert site.outward("[a](../README.md) [b](04_x.ipynb#c)") == f"[a]({site.FILES}README.md) [b](04_x.ipynb#c)"
    assert site.outward("![a](../figures/a.png)") == "![a](figures/a.png)"
    assert site.outward("[the page](../docs/index.html)") == '<a href="../index.html">the page</a>'


@pytest.fixture
def notebook():
    picture = new_output("display_data", {"image/png": PIXEL}, metadata={"image/png": {"alt": 'a "tiny" one'}})
    sentence = new_output("display_data", {"text/markdown": "[a](../README.md)"})
    return new_notebook(
        cells=[
            new_code_cell("import os", metadata={"tags": ["colab"]}),
            new_markdown_cell("![a](../figures/a.png)"),
            new_code_cell("f()", outputs=[sentence, picture], metadata={"tags": ["hide-input"]}),
        ]
    )


def test_a_notebook_loses_its_colab_cell_and_keeps_its_pictures_with_their_words(notebook, tmp_path):
    cells = site.prepared(notebook, "04_x", tmp_path).cells
    assert [cell.source for cell in cells] == ["![a](figures/a.png)", "f()"]
    assert cells[1].metadata.tags == ["hide-input"]  # which the theme folds
    sentence, picture = cells[1].outputs
    assert sentence.data["text/markdown"] == f"[a]({site.FILES}README.md)"
    assert "image/png" not in picture.data
    assert 'src="stills/04_x-1-1.png" alt="a &quot;tiny&quot; one"' in picture.data["text/html"]
    assert (tmp_path / "04_x-1-1.png").read_bytes() == b"a picture"


def test_the_page_leads_to_the_course_beside_it():
    assert f'href="{site.COURSE}/index.html"' in site.landing_page()
    assert site.COURSE_LINK not in site.landing_page()


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / "index.html").write_text('<a href="course/a.html#there">x</a><a href="https://example.org/none">y</a>')
    (tmp_path / "course" / "a.html").write_text(
        '<h2 id="there">x</h2><a href="../index.html">y</a><a href="#gone">z</a>'
        '<img src="no.png"><a href="../index.html#no">z</a>'
    )
    assert list(site.broken_links(tmp_path)) == [
        "course/a.html: #gone",
        "course/a.html: no.png",
        "course/a.html: ../index.html#no",
    ]


def test_a_site_with_a_warning_is_not_put_in_place(tmp_path, monkeypatch, capsys):
    def fails(*_, **__):
        raise subprocess.CalledProcessError(1, "sphinx")

    monkeypatch.setattr(site.subprocess, "run", fails)
    monkeypatch.setattr(site, "SITE", tmp_path / "site")
    assert site.main() == 1
    assert "Sphinx says above" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


@pytest.mark.slow
def test_builds(tmp_path):
    pytest.importorskip("myst_nb", reason="Sphinx is missing: make site installs it")
    assert site.build(tmp_path / "site") == []
    course = tmp_path / "site" / "course"
    for name in site.chapters():
        page = (course / name).with_suffix(".html").read_text(encoding="utf-8")
        assert "google.colab" not in page
        if name.endswith(".ipynb"):
            executed = nbformat.read(NOTEBOOKS / name, as_version=4)
            stills = sum(
                "image/png" in output.data
                for c in executed.cells
                for output in c.get("outputs", [])
                if "data" in output
            )
            assert page.count('src="stills/') == stills
    assert "<math" in (course / "04_students_distilled.html").read_text(encoding="utf-8")
    assert (course / "searchindex.js").is_file()
