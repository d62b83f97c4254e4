"""Kills the study (SIGKILL) at random moments and checks that it ends with the very records of an undisturbed one.

``python tests/study/kill_study.py [--kills 20] [--seed 0]``; then two processes at once on one folder, checked in the
same way. It is a script and no test because it takes minutes. Everything is on the embedded sample at smoke scale, with
more epochs than smoke has, so that there is something to interrupt.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STARTUP = 6.0  # seconds before a fresh process trains, about: kills come after it
LONGEST = 6.0  # seconds that a process may then live


def make_all(folder: Path) -> None:
    """Makes every missing run into ``folder``, on one thread, so that numbers do not depend on what else runs."""
    import torch

    from agnews_utils.commands.make_study import work
    from agnews_utils.settings import read_settings
    from agnews_utils.study.study import Study

    torch.set_num_threads(1)
    settings = read_settings({"AGNEWS_PROFILE": "smoke", "AGNEWS_DATA_DIR": "sample", "AGNEWS_WORK_DIR": str(folder)})
    profile = replace(settings.profile, teacher_epochs=6, student_epochs=4, small_student_epochs=12, char_epochs=4)
    work(Study(replace(settings, profile=profile, device="cpu")))


def start(folder: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen([sys.executable, __file__, "--into", str(folder)], cwd=ROOT, env=environment)


def without_seconds(value):
    """A record's content without what must differ: seconds."""
    if isinstance(value, dict):
        return {key: without_seconds(inner) for key, inner in value.items() if not key.endswith("seconds")}
    return [without_seconds(inner) for inner in value] if isinstance(value, list) else value


def state(folder: Path) -> dict[str, object]:
    """Every file that finished runs left, by name: records without seconds, other files as bytes."""
    found = {}
    for path in sorted(folder.glob("runs/*/*/*")):
        name = "/".join(path.parts[-2:])
        if path.name == "record.json":
            found[name] = without_seconds(json.loads(path.read_text()))
        elif path.name != "lock":
            found[name] = path.read_bytes()
    return found


def compare(name: str, expected: dict, folder: Path) -> bool:
    got = state(folder)
    differing = sorted(key for key in expected.keys() | got.keys() if expected.get(key) != got.get(key))
    leftovers = [path.name for path in folder.rglob("*") if ".tmp" in path.name or path.suffix == ".partial"]
    kinds = Counter(key.rpartition("/")[2] for key in expected)
    print(
        f"{name}: {len(expected)} files {dict(kinds)}, {len(differing)} differ {differing[:5]}, left over {leftovers}"
    )
    return not differing and not leftovers


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--into", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.into:
        make_all(options.into)
        return 0
    place = Path(tempfile.mkdtemp(prefix="agnews-kill-"))
    try:
        started = time.perf_counter()
        if start(place / "undisturbed").wait():
            return 1
        print(f"undisturbed: {time.perf_counter() - started:.0f} s", flush=True)
        expected = state(place / "undisturbed")
        draw, killed = random.Random(options.seed), 0
        while True:
            process = start(place / "killed")
            try:
                limit = STARTUP + draw.uniform(0, LONGEST) if killed < options.kills else None
                if process.wait(limit):
                    return 1
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
                done = len(list((place / "killed").glob("runs/*/*/record.json")))
                print(f"kill {killed} after {limit:.1f} s, {done} runs finished so far", flush=True)
        good = compare(f"after {killed} kills", expected, place / "killed")
        both = [start(place / "two") for _ in range(2)]
        good &= not any(process.wait() for process in both)
        good &= compare("two processes at once", expected, place / "two")
        return 0 if good and killed >= options.kills else 1
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
