"""Links between committed texts: the file is there, and so is the heading."""

import re

import nbformat
import pytest

from agnews_utils.settings import NOTEBOOKS, ROOT

TEXTS = [*ROOT.glob("*.md"), *NOTEBOOKS.glob("*.md"), *NOTEBOOKS.glob("[0-9]*.ipynb"), ROOT / "data" / "README.md"]


def markdown_of(path):
    """A file's Markdown; of a notebook its Markdown cells and the Markdown that code wrote."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    written = [
        o.data["text/markdown"] for c in cells for o in c.get("outputs", []) if "text/markdown" in o.get("data", {})
    ]
    return "\n\n".join([*(cell.source for cell in cells if cell.cell_type == "markdown"), *written])


def slug(heading):
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path):
    text = re.sub(r"(?ms)^```.*?^```", "", markdown_of(path))
    return {slug(heading) for heading in re.findall(r"(?m)^#+ (.+)$", text)}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)", re.sub(r"`[^`\n]*`", "", markdown_of(path)))
    broken = []
    for link in links:
        if re.match(r"\w+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        # a notebook's own anchors differ between GitHub and Jupyter, so that only those of Markdown files are relied on
        if not target.exists() or (anchor and (target.suffix != ".md" or anchor not in anchors(target))):
            broken.append(link)
    assert broken == []


def test_slugs_are_github_s():
    assert [slug(heading) for heading in ("Student's t", "TF-IDF", "k-max pooling", "`full`, on AG News")] == [
        "students-t", "tf-idf", "k-max-pooling", "full-on-ag-news",
    ]  # fmt: skip
