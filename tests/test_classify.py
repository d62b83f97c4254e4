"""The command as a user starts it: what it imports, pipes, and how it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from agnews_utils.settings import ROOT

COMMAND = [sys.executable, "-m", "agnews_utils.classify", "--model", "100kb"]
HEADLINE = "Striker scores twice in the cup final"
HEAVY = ("torch", "transformers", "pandas", "sklearn", "scipy", "datasets", "matplotlib")
# a finder that refuses what the command must do without, and at the end a look at what was imported
WITHOUT = f"""
import sys
class Refuse:
    def find_spec(name, *_):
        if name.partition(".")[0] in {HEAVY}:
            raise ImportError(name + " is refused")
sys.meta_path.insert(0, Refuse)
from agnews_utils.classify import main
status = main(sys.argv[1:])
assert not set(sys.modules) & set({HEAVY})
sys.exit(status)
"""
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def run(*arguments, command=COMMAND, **options):
    return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, timeout=120, **options)


def start(*arguments, **options):
    return subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=-1, stderr=-1, **options)


def test_needs_neither_torch_nor_transformers():
    done = run("--model", "100kb", HEADLINE, command=[sys.executable, "-c", WITHOUT])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"Sports ")


def test_the_library_needs_neither():
    script = (
        "from agnews_utils.export.student import load_student; import sys\n"
        "load_student('data/models/student_100kb.safetensors').predict_proba(['a text'])\n"
        f"print(sorted(set(sys.modules) & set({HEAVY})))"
    )
    assert run(command=[sys.executable, "-c", script]).stdout.strip() == b"[]"


@posix
def test_starts_fast():
    """In processor time, and against NumPy's own start, so that a busy or slow machine does not decide."""
    import resource

    def seconds(command):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(command=command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    numpy, whole = [sys.executable, "-c", "import numpy"], [*COMMAND[:-1], "5mb", HEADLINE]
    assert min(seconds(whole) for _ in range(3)) < 3 * min(seconds(numpy) for _ in range(3))


def test_reads_a_pipe():
    done = run("--format", "csv", input=b"\xef\xbb\xbf" + HEADLINE.encode() + b"\r\n\r\n" + HEADLINE.encode())
    rows = done.stdout.splitlines()
    assert done.returncode == 1
    assert rows[1].startswith(b"1,Sports,")
    assert rows[2] == b"3" + rows[1][1:]
    assert done.stderr.strip() == b"Line 2 is empty: put a text on every line."
    assert run(input=b"").returncode == 0


def test_a_megabyte_on_a_line_costs_that_line_alone():
    done = run("--format", "csv", input=b"x " * 500_000 + b"\n" + HEADLINE.encode() + b"\n")
    assert (done.returncode, done.stdout.splitlines()[1][:9]) == (1, b"2,Sports,")
    assert done.stderr.startswith(b"Line 1 has more than 100,000 bytes")


def test_answers_come_while_the_pipe_is_open():
    with start("--format", "csv", stdin=-1) as process:
        for number in (1, 2):
            process.stdin.write(HEADLINE.encode() + b"\n")
            process.stdin.flush()
            if number == 1:
                assert process.stdout.readline().startswith(b"number,")
            assert process.stdout.readline().startswith(b"%d,Sports," % number)
        process.stdin.close()
        assert process.wait(60) == 0


@posix
def test_a_reader_who_leaves_ends_it_quietly():
    with start(stdin=-1) as process:
        process.stdout.close()
        process.stdin.write(HEADLINE.encode() + b"\n")
        process.stdin.flush()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""
        process.stdin.close()


@posix
def test_ctrl_c_ends_it_by_a_sentence_and_leaves_no_output(tmp_path):
    with start("--output", str(tmp_path / "topics.txt"), stdin=-1) as process:
        process.stdin.write(HEADLINE.encode() + b"\n")
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while not list(tmp_path.iterdir()):  # until it has begun to write beside the output
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == b"Stopped: what was finished is there, and nothing is half written.\n"
        process.stdin.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_that_cannot_print_a_character(encoding):
    done = run("Café 日本 wins the cup final", env=os.environ | {"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    shown = "Café 日本 wins".encode(encoding, "replace")
    assert shown in done.stdout


def test_a_text_that_is_not_utf8():
    if os.name == "nt":
        pytest.skip("Windows gives arguments as Unicode")
    done = run(b"caf\xe9", HEADLINE)
    assert (done.returncode, done.stderr) == (1, b"Text 1 is not UTF-8 (byte 4): save the texts as UTF-8.\n")
    assert done.stdout.startswith(b"Sports ")
