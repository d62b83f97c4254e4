"""``python -m agnews_utils.commands.try_versions``: the quick tests at both ends of the ranges in ``pyproject.toml``.

Each end gets a fresh environment in a temporary folder: ``lowest`` has every direct dependency at its lower bound,
``newest`` at the newest release that the package index offers. The environments take some gigabytes, and are deleted
unless ``--folder`` names a folder: there they stay, and are used again the next time. What came out is printed, and
written to ``versions.md`` in the output folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from packaging.requirements import Requirement

from ..analysis.wording import markdown_table
from ..settings import ROOT, read_settings
from ..support.command import run_command
from ..support.files import write_text

ENDS = ("lowest", "newest")
EXTRAS = ("dev", "onnx", "search")  # what the quick tests use beside the dependencies
TESTS = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", "-m", "not slow", "--ignore=tests/browser", "tests"]
SHOWN = ("torch", "transformers", "datasets", "numpy", "pandas", "scikit-learn")  # in the table


def ranges() -> list[Requirement]:
    """The direct dependencies and :data:`EXTRAS`, as ``pyproject.toml`` gives them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]
    return [Requirement(line) for line in [*project["dependencies"], *extras]]


def at_end(requirements: Sequence[Requirement], end: str, exact: Sequence[str] = ()) -> list[str]:
    """What pip is asked to install.

    Args:
        end: "lowest" makes every lower bound an exact version, "newest" leaves the ranges to pip
        exact: ``name==version`` that replaces the range of that name at the newest end
    """
    if end == "newest":
        named = {Requirement(one).name: one for one in exact}
        return [named.get(one.name, str(one)) for one in requirements]
    bounds = {one.name: next(s.version for s in one.specifier if s.operator in (">=", "==")) for one in requirements}
    return [f"{name}=={version}" for name, version in bounds.items()]


def environment(folder: Path, python: str, wanted: Sequence[str]) -> Path:
    """The Python of an environment with these packages; one that is there is taken, and brought to these versions.

    Raises:
        RuntimeError: the environment or its packages cannot be had; what pip said stands on stderr.
    """
    own, ready, packages = folder / "bin" / "python", folder / "ready", "\n".join(wanted)
    if ready.exists() and ready.read_text(encoding="utf-8") == packages:
        return own
    install = [own, "-m", "pip", "install", "--quiet", "--upgrade", *wanted]
    for command in ([python, "-m", "venv", folder], install):
        if subprocess.run(command).returncode:
            raise RuntimeError("no environment (pip says why above)")
    write_text(ready, packages)
    return own


def versions(python: Path) -> dict[str, str]:
    """Installed versions by name, and Python's own."""
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, check=True)
    number = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True, check=True
    )
    return {one["name"]: one["version"] for one in json.loads(listed.stdout)} | {"python": number.stdout.strip()}


def run_tests(python: Path, tests: Sequence[str]) -> str:
    """Runs the tests with that Python and returns pytest's last line; everything else goes to the terminal."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AGNEWS_")}
    process = subprocess.Popen(
        [python, "-m", "pytest", *tests], cwd=ROOT, env=environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
        text=True, encoding="utf-8", errors="replace",
    )  # fmt: skip
    last = "no output"
    for line in process.stdout or ():
        print(line, end="", flush=True)
        last = line.strip(" =\n") or last
    if status := process.wait():  # below 0: the number of the signal that ended it, as a crash does
        return f"FAILED (status {status}): {last if status > 0 else 'the process crashed'}"
    return last


def try_one(folder: Path, python: str, end: str, options: argparse.Namespace) -> dict[str, str]:
    """A row of the table: an environment, its versions, and what the tests say there."""
    print(f"{python}, {end} versions: making the environment ...", flush=True)
    row = {"end": end, "Python": python}
    try:
        own = environment(folder / f"{end}-{Path(python).name}", python, at_end(ranges(), end, options.exact))
    except RuntimeError as reason:
        return row | {"quick tests": str(reason)}
    there = versions(own)
    row |= {"Python": there["python"]} | {name: there.get(name, "") for name in SHOWN}
    return row | {"quick tests": run_tests(own, options.tests.split() if options.tests else TESTS)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries every Python with every end; the exit status is 1 if anything fails."""
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.try_versions", description=__doc__)
    parser.add_argument("--python", nargs="+", default=[sys.executable], metavar="PYTHON", help="which interpreters")
    parser.add_argument("--end", nargs="+", choices=ENDS, default=ENDS, help="which ends (default: both)")
    parser.add_argument("--exact", nargs="+", default=[], metavar="NAME==VERSION", help="instead of a newest version")
    parser.add_argument("--folder", type=Path, help="keep the environments here, and use those that are here")
    parser.add_argument("--tests", help="pytest's arguments in one string (default: the quick tests)")
    options = parser.parse_args(arguments)
    rows = []
    with TemporaryDirectory(prefix="agnews-versions-") as temporary:
        folder = options.folder.resolve() if options.folder else Path(temporary)
        for python in options.python:
            rows += [try_one(folder, python, end, options) for end in options.end]
    table = markdown_table(pd.DataFrame(rows).fillna(""))
    print(f"\n{table}")
    write_text(read_settings().output / "versions.md", table)
    return int(any("FAILED" in row["quick tests"] or "no env" in row["quick tests"] for row in rows))


if __name__ == "__main__":
    sys.exit(run_command(main))
