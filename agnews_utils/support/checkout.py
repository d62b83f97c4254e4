"""Whether the package stands in the project's folder, whose data, notebooks and students it reads."""

from __future__ import annotations

from pathlib import Path


def assert_checkout(root: Path) -> None:
    """
    Raises:
        FileNotFoundError: ``root``, which is above the package, is not the project's folder.
    """
    if not (root / "data" / "sample").is_dir():
        raise FileNotFoundError(
            f"agnews_utils was installed to {root} without the project's data and notebooks: get the whole project, "
            "and in its folder run `pip install -e .` (or make run)."
        )
