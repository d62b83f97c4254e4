"""Settings of a run: read once from the environment, printed by every notebook.

Environment variables (all optional):

=====================  ==========================================================================================
``AGNEWS_PROFILE``     ``quick`` (default), ``full`` (the report's settings, which take hours) or ``smoke`` (tests)
``AGNEWS_DATA_DIR``    folder with ``train.csv`` and ``test.csv``; or ``hub`` or ``sample`` to insist on that source
``AGNEWS_ENCODER``     ``minilm``, ``bert-base-uncased``, a hub name ``owner/name[@revision]`` or a folder
``AGNEWS_DEVICE``      ``auto`` (a GPU that can compute, else the processor), ``cpu``, ``cuda``, ``cuda:1`` or ``mps``
``AGNEWS_WORK_DIR``    where caches, checkpoints and outputs go instead of ``data/`` and ``output/``
``AGNEWS_PROGRESS``    ``auto`` (notebook bars), ``text`` (terminal bars) or ``off``; ``smoke`` is always quiet
=====================  ==========================================================================================

A relative folder is taken from the project's root, so that it means the same in a terminal and in a notebook.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .support.checkout import assert_checkout
from .support.devices import choose_device
from .support.files import assert_writable
from .support.runtime import precision

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
CLASS_NAMES = ("World", "Sports", "Business", "Sci/Tech")


@dataclass(frozen=True)
class Profile:
    """How much of the data a run sees and how long it trains. ``None`` rows means all of them."""

    name: str
    train_rows: int | None
    validation_rows: int
    test_rows: int | None
    char_train_rows: int | None  # the character VDCNN reads, some five times the positions of a tokenised article
    char_length: int  # characters it reads at most; 1014 in Conneau et al. 2017
    teacher_epochs: int
    student_epochs: int
    small_student_epochs: int  # of the one-layer student, whose epoch costs a fifteenth of the four-layer one's
    char_epochs: int
    fine_tune_epochs: int  # of the fine-tuned teacher
    wide_epochs: int  # of the students of notebook 07
    seeds: int  # of Models 3 and 4 and their KL baseline; in ``full`` every run has its own number
    patience: int | None  # epochs without a new best validation accuracy after which a run stops; None: never
    test_curves: bool = True  # measure test accuracy after every epoch too, for the report's protocol


# fmt: off
PROFILES = {
    "smoke": Profile(
        name="smoke", train_rows=320, validation_rows=80, test_rows=160, char_train_rows=128, char_length=256,
        teacher_epochs=2, student_epochs=2, small_student_epochs=2, char_epochs=1, fine_tune_epochs=1, wide_epochs=1,
        seeds=2, patience=None,
    ),
    "quick": Profile(
        name="quick", train_rows=14_000, validation_rows=1_500, test_rows=None, char_train_rows=5_000, char_length=256,
        teacher_epochs=4, student_epochs=3, small_student_epochs=6, char_epochs=5, fine_tune_epochs=1, wide_epochs=6,
        seeds=3, patience=None,
    ),
    "full": Profile(
        name="full", train_rows=None, validation_rows=5_000, test_rows=None, char_train_rows=None, char_length=1014,
        teacher_epochs=30, student_epochs=20, small_student_epochs=20, char_epochs=15, fine_tune_epochs=3,
        wide_epochs=8, seeds=10, patience=4,
    ),
}
# fmt: on


@dataclass(frozen=True)
class Settings:
    """One run's settings; every field can be overridden for an experiment with ``dataclasses.replace``."""

    profile: Profile
    data: str | None  # a folder, "hub", "sample" or None for the default order of sources
    encoder: str | None  # a name or a folder, or None for the profile's default
    work: Path
    output: Path
    device: str
    progress: str
    max_length: int = 64  # WordPiece tokens, [CLS] and [SEP] included (report: "maximum token length of 64")
    batch_size: int = 128
    lr: float = 1e-3
    bar_position: int | None = None  # line of the terminal that progress bars take, where several processes share it
    split_seed: int = 0  # of the validation rows and of a profile's part of the data; never varied

    @property
    def cache(self) -> Path:
        """Folder of encoder features and teacher logits, shared by all runs."""
        return self.work / "cache"

    def __str__(self) -> str:
        p = self.profile
        stop = f"; a run stops after {p.patience} epochs without a new best on validation" if p.patience else ""
        return (
            f"profile {p.name}: {_rows(p.train_rows)} training, {p.validation_rows:,} validation, "
            f"{_rows(p.test_rows)} test rows; epochs: teacher {p.teacher_epochs}, students {p.student_epochs} (four "
            f"layers) and {p.small_student_epochs} (one layer), characters {p.char_epochs}\nAdam at {self.lr}, batch "
            f"{self.batch_size}, {self.max_length} tokens; {self.device}, {precision(self.device)}{stop}"
        )


def _rows(count: int | None) -> str:
    return "all" if count is None else f"{count:,}"


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from environment variables (see the module's table).

    Raises:
        ValueError: unknown profile, progress style or device, or a named device that cannot compute.
        FileNotFoundError: the package was installed without the project's folder.
        PermissionError: the folders of work and output cannot be written.
    """
    given = {name: value for name, value in (os.environ if environ is None else environ).items() if value}
    assert_checkout(ROOT)
    device = choose_device(given.get("AGNEWS_DEVICE", "auto"))
    name = given.get("AGNEWS_PROFILE", "quick")
    if name not in PROFILES:
        raise ValueError(f"AGNEWS_PROFILE is {name!r}, which is no profile: set it to one of {', '.join(PROFILES)}.")
    data, given_work = given.get("AGNEWS_DATA_DIR"), given.get("AGNEWS_WORK_DIR")
    work, output = from_root(given_work or "data"), from_root(given_work or "") / "output"
    for folder in (work, output):
        assert_writable(folder)
    return Settings(
        profile=PROFILES[name],
        data=data if data in (None, "hub", "sample") else str(from_root(data)),
        encoder=given.get("AGNEWS_ENCODER"),
        work=work,
        output=output,
        device=device,
        progress=_progress(given.get("AGNEWS_PROGRESS", "auto"), name),
    )


def _progress(style: str, profile: str) -> str:
    if style not in ("auto", "text", "off"):
        raise ValueError(f"AGNEWS_PROGRESS is {style!r}: set it to auto, text or off.")
    return "off" if profile == "smoke" else style


def from_root(path: str) -> Path:
    """``path`` as an absolute path, relative ones taken from the project's root."""
    return (ROOT / Path(path).expanduser()).resolve()
