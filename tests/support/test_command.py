"""How commands start and end, each as a user starts it."""

import errno
import io
import os
import signal
import subprocess
import sys
from importlib.util import find_spec

import pytest

from agnews_utils.settings import ROOT
from agnews_utils.support.command import INTERRUPTED, STOPPED, accept_any_character, in_words, run_command
from agnews_utils.support.files import atomic_write, write_text

COMMANDS = sorted(path.stem for path in (ROOT / "agnews_utils" / "commands").glob("[a-z]*.py"))
# two belong to bench_students, and topics to distil; search needs a package of its own
WITH_HELP = [
    name for name in COMMANDS
    if name not in ("measure_models", "models_to_measure", "topics") and (name != "search" or find_spec("optuna"))
]  # fmt: skip
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def raised_by(function, *arguments):
    with pytest.raises((OSError, LookupError, ValueError)) as caught:
        function(*arguments)
    return caught.value


def test_the_status_is_mains():
    assert run_command(lambda *given: len(given), 1, 2) == 2


def test_ctrl_c(capsys):
    def main():
        raise KeyboardInterrupt

    assert run_command(main, stopped="Stopped; it goes on.") == INTERRUPTED == 130
    assert capsys.readouterr().err == "Stopped; it goes on.\n"


def test_an_error_in_words_of_ours_is_that_sentence(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert run_command(lambda: write_text(tmp_path / "file" / "a", "text")) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'file'}: {os.strerror(errno.EEXIST)}.\n"

    def fail(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert run_command(lambda: atomic_write(tmp_path / "a", fail)) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path / 'a'} cannot be written, because the disk is full")
    assert "Errno" not in said
    assert said.count("\n") == 1


def test_a_mistake_of_the_program_is_shown_whole():
    with pytest.raises(ValueError, match="invalid literal"):
        run_command(lambda: int("x"))
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)


def test_whose_words_they_are(tmp_path):
    missing = raised_by(open, tmp_path / "nothing")
    assert in_words(missing) == f"{tmp_path / 'nothing'}: No such file or directory."
    assert in_words(raised_by(int, "x")) is None  # Python's own
    assert in_words(raised_by({}.__getitem__, "x")) is None
    from agnews_utils.study.runs import RUNS
    from agnews_utils.study.study import Study

    asked = raised_by(Study.run, type("Runs", (), {"runs": RUNS})(), "nothing")
    assert in_words(asked).startswith("There is no run 'nothing' in the study; there are tfidf_linear, ")


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "a - b ... ? 2 x tau"), ("cp850", "a - b ... ? 2 × tau"), ("cp932", "a - b … 日 2 × τ"),
     ("utf-8", "a – b … 日 2 × τ")],
)  # fmt: skip
def test_any_character_on_any_terminal(monkeypatch, encoding, shown):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="")
    monkeypatch.setattr(sys, "stdout", terminal)
    accept_any_character()
    print("a – b … 日 2 × τ", end="", flush=True)
    assert terminal.buffer.getvalue().decode(encoding) == shown


# in one process, because each would import the same libraries for seconds
HELP = """
import runpy, sys
for name in sys.argv[1:]:
    sys.argv = [name.rpartition(".")[2] + ".py", "--help"]
    try:
        runpy.run_module("agnews_utils." + name, run_name="__main__")
    except SystemExit as end:
        assert end.code == 0, (name, end.code)
"""


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp850", "cp932"])
def test_help_of_every_command_on_any_terminal(encoding):
    names = ["classify", "distil", *(f"commands.{name}" for name in WITH_HELP)]
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "-c", HELP, *names]
    environ = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "80"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, b"")
    said = done.stdout.decode(encoding)
    assert [name for name in names if f"usage: python -m agnews_utils.{name} " not in said] == []


def test_every_command_starts_by_it():
    for name in COMMANDS:
        source = (ROOT / "agnews_utils" / "commands" / f"{name}.py").read_text(encoding="utf-8")
        assert ("sys.exit(run_command(main" in source) == ('if __name__ == "__main__"' in source), name


@posix
def test_ctrl_c_while_a_command_still_imports():
    command = [sys.executable, "-X", "importtime", "-m", "agnews_utils.commands.make_study", "--help"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        seen = b""
        while b"numpy" not in seen:  # numbers come as soon as a module is imported
            seen += process.stderr.read1(2**16)
        process.send_signal(signal.SIGINT)
        out, rest = process.communicate(timeout=60)
    lines = [line for line in rest.decode().splitlines() if not line.startswith("import time:")]
    assert (process.returncode, out) == (INTERRUPTED, b"")
    assert [line for line in lines if STOPPED in line]
    assert "Traceback" not in rest.decode()


@posix
def test_a_reader_who_leaves_a_command():
    script = (
        "import sys; from agnews_utils.support.command import run_command as r; sys.exit(r(lambda: print('x' * 99)))"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=-1, stderr=-1) as process:
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""
