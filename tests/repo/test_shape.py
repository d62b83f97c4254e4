"""The shape of the package: a short top folder, imports one way, functions that fit a screen."""

import ast
import tomllib

import pytest

from agnews_utils.settings import ROOT

PACKAGE = ROOT / "agnews_utils"
MODULES = sorted(PACKAGE.rglob("*.py"))
# a module imports its own floor and those before it
FLOORS = (
    ("settings", "support"),
    ("data",),
    ("batches",),
    ("baselines", "encoder", "features", "models", "losses"),
    ("training",),
    ("study",),
    ("export",),
    ("analysis",),
    ("plotting",),
    ("widgets",),
    ("exercises",),
    ("commands",),
    ("classify", "distil"),
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}


def imports_of(path):
    """The parts of the package that a module imports at run time."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in [n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)]:
        node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*parts[: len(parts) - node.level], *(node.module or "").split(".")]
            names = [base[1]] if len(base) > 1 and base[1] else [alias.name for alias in node.names]
            yield from (name for name in names if name in FLOOR_OF)


def test_the_top_folder_is_short():
    entries = [p.name for p in PACKAGE.iterdir() if p.name != "__pycache__"]
    # classify and distil stand here for their names (python -m agnews_utils.classify); exercises: what a reader does,
    # not only reads
    assert len(entries) <= 20, sorted(entries)


def test_every_entry_has_a_floor_and_stands_in_the_map():
    names = {p.stem for p in PACKAGE.iterdir() if p.name not in ("__pycache__", "__init__.py")}
    assert names == set(FLOOR_OF)
    map_of_the_package = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")))
    assert [name for name in names if f"``{name}``" not in map_of_the_package] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if own != "__init__":
        assert [name for name in imports_of(path) if FLOOR_OF[name] > FLOOR_OF[own]] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_functions_fit_a_screen(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert [f.name for f in functions if f.end_lineno - f.lineno >= 50] == []


def test_importing_the_package_alone_imports_nothing():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    assert not [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f'__version__ = "{project["version"]}"' in (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    assert f"version: {project['version']}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_pins_agree_and_each_has_its_reason():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = {line.partition("==")[0]: line for line in lines if "==" in line}
    assert [line for line in pins.values() if "#" not in line] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [d.partition(">")[0].partition("=")[0] for d in project["dependencies"]]
    assert [name for name in wanted if name not in pins] == []
    for pinned in (d for d in project["optional-dependencies"]["dev"] if "==" in d):
        assert pins[pinned.partition("==")[0]].startswith(pinned + " ")
