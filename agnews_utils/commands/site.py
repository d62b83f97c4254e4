"""``make site``: the rendered course beside the page of ``docs/``, in ``output/site``; nothing is executed.

Sphinx builds it with MyST-NB from copies of the notebooks and of the Markdown beside them. Outputs are those that are
committed. Any warning, and any link inside the site that leads nowhere, fails the command.
"""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from nbformat import NotebookNode

from ..settings import NOTEBOOKS, ROOT
from ..support.command import run_command
from .colab import BRANCH, REPOSITORY
from .colab import TAG as COLAB

SITE = ROOT / "output" / "site"
COURSE = "course"  # the course's folder in the site
PAGES = ("EXERCISES.md", "PREDICTIONS.md", "INSTRUCTORS.md", "GLOSSARY.md")
FILES = f"{REPOSITORY}/blob/{BRANCH}/"
COURSE_LINK = f'href="{REPOSITORY}/tree/{BRANCH}/notebooks"'  # in docs/index.html, which is also opened without a site
STILLS = "stills"
BOOK = ROOT / "book"  # Sphinx's settings and the style


def chapters() -> list[str]:
    """The course's files in the site's order: every numbered notebook, then :data:`PAGES`."""
    return [*(path.name for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))), *PAGES]


def index() -> str:
    """The course's first page: what the README says of the course, and the table of contents."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    match = re.search(r"(?ms)^## The course\n(.*?)^## ", readme)
    if match is None:
        raise ValueError("README.md has no section 'The course': the site's first page is made from it.")
    about = re.sub(r"\]\((?!\w+:)(?!notebooks/)", r"](../", match[1]).replace("](notebooks/", "](")
    names = chapters()
    contents = [("The course", names[: -len(PAGES)]), ("To practise and to teach", names[-len(PAGES) :])]
    trees = "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(files) + "\n```\n"
        for caption, files in contents
    )
    page = '<a href="../index.html">Ask a student that runs in your browser</a>, or take the DIST loss apart there.'
    return f"# Distilling a news classifier\n\n{page}\n{outward(about)}{trees}"


def outward(text: str) -> str:
    """Markdown whose links out of ``notebooks/`` lead to the repository, but for the page; pictures are copied."""
    text = re.sub(r"\[([^]]+)\]\(\.\./docs/index\.html\)", r'<a href="../index.html">\1</a>', text)
    text = re.sub(r"(!\[[^\]]*\]\()\.\./figures/", r"\1figures/", text)
    return re.sub(r"(\]\()\.\./", rf"\1{FILES}", text)


def prepared(notebook: NotebookNode, name: str, stills: Path) -> NotebookNode:
    """A notebook for the site: without Colab's cell, its pictures written to ``stills`` and shown with their words."""
    notebook.cells = [cell for cell in notebook.cells if COLAB not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            cell.source = outward(cell.source)
        for place, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            if "text/markdown" in data:
                data["text/markdown"] = outward(data["text/markdown"])
            if "image/png" in data:
                file = f"{name}-{number}-{place}.png"
                (stills / file).write_bytes(base64.b64decode(data.pop("image/png")))
                alt = escape(output.metadata.get("image/png", {}).get("alt", ""))
                data["text/html"] = f'<img src="{STILLS}/{file}" alt="{alt}" loading="lazy">'
    return notebook


def stage(folder: Path) -> None:
    """Writes what Sphinx reads: notebooks, Markdown, pictures and the configuration."""
    stills = folder / "_extra" / STILLS
    for made in (stills, folder / "_static", folder / "figures"):
        made.mkdir(parents=True)
    for name in chapters():
        source, target = NOTEBOOKS / name, folder / name
        if source.suffix == ".ipynb":
            notebook = prepared(nbformat.read(source, as_version=4), source.stem, stills)
            target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        else:
            target.write_text(outward(source.read_text(encoding="utf-8")), encoding="utf-8")
    for picture in (ROOT / "figures").glob("*.png"):
        shutil.copyfile(picture, folder / "figures" / picture.name)
    shutil.copyfile(BOOK / "site.css", folder / "_static" / "site.css")
    shutil.copyfile(BOOK / "conf.py", folder / "conf.py")
    (folder / "index.md").write_text(index(), encoding="utf-8")


def landing_page() -> str:
    """``docs/index.html`` with its link to the course leading to the course beside it."""
    html = (ROOT / "docs" / "index.html").read_text(encoding="utf-8")
    if COURSE_LINK not in html:
        raise ValueError(f"docs/index.html has no link to the course ({COURSE_LINK}).")
    return html.replace(COURSE_LINK, f'href="{COURSE}/index.html"')


class _Page(HTMLParser):
    """The links and anchors of one HTML page."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def broken_links(site: Path) -> Iterator[str]:
    """Links of the site's pages, to files or anchors inside the site, that lead nowhere: ``page: link``."""
    written = (path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts)  # those are templates
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in written}
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(url.fragment)
            there = target.is_file() and (not anchor or target not in pages or anchor in pages[target].anchors)
            if not there:
                yield f"{path.relative_to(site)}: {link}"


def build(site: Path = SITE) -> list[str]:
    """Makes the site anew, whole or not at all.

    Returns:
        the broken links, for which the site is not put in place

    Raises:
        subprocess.CalledProcessError: Sphinx failed or warned; it has said why.
        FileNotFoundError, ValueError: a part is missing.
    """
    with tempfile.TemporaryDirectory(prefix="agnews-site-") as temporary:
        source, html, made = (Path(temporary).resolve() / name for name in ("source", "build/html", "site"))
        stage(source)
        options = ["-W", "--keep-going", "-q", "-b", "html", "-d", str(html.parent / "doctrees")]
        options += ["-D", f"html_theme_options.repository_url={REPOSITORY}"]
        subprocess.run([sys.executable, "-m", "sphinx", *options, str(source), str(html)], check=True)
        shutil.copytree(ROOT / "docs", made)
        (made / "index.html").write_text(landing_page(), encoding="utf-8")
        shutil.copytree(html, made / COURSE, ignore=shutil.ignore_patterns("_sources", ".buildinfo"))
        (made / ".nojekyll").touch()  # else GitHub leaves out folders that begin with an underscore
        if broken := list(broken_links(made)):
            return broken
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(made, site)
    return []


def main() -> int:
    try:
        broken = build()
    except subprocess.CalledProcessError:
        print("The site is not built: Sphinx says above what is wrong.", file=sys.stderr)
        return 1
    except (FileNotFoundError, ValueError) as reason:
        print(reason, file=sys.stderr)
        return 1
    if broken:
        print("The site is not built: these links lead nowhere.", *broken, sep="\n", file=sys.stderr)
        return 1
    print(f"{SITE.relative_to(ROOT)}/index.html: the page; {COURSE}/index.html: the course, {len(chapters())} chapters")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, without_options=__doc__))
