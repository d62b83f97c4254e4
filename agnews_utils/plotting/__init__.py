"""Every figure, in one style: colour-blind safe, axes with units, and what made the numbers written underneath."""

from .articles import artefact_bars, class_balance, half_widths, learning_curve, length_distribution, nearest_curve
from .comparison import (
    accuracy_bars,
    accuracy_by_rows,
    forest,
    forest_of_pairs,
    reliability_panels,
    seed_dots,
    speed_bars,
    trade_off,
)
from .runs import (
    accuracy_panel,
    confidence_histogram,
    confusion_grid,
    confusion_panel,
    loss_panel,
    loss_parts,
    report_choices,
    temperature_figure,
    training_figure,
)
from .style import BLUE, CLASS_COLOURS, GREEN, GREY, ORANGE, in_words, save, use_style

__all__ = [
    "BLUE",
    "CLASS_COLOURS",
    "GREEN",
    "GREY",
    "ORANGE",
    "accuracy_bars",
    "accuracy_by_rows",
    "accuracy_panel",
    "artefact_bars",
    "class_balance",
    "confidence_histogram",
    "confusion_grid",
    "confusion_panel",
    "forest",
    "forest_of_pairs",
    "half_widths",
    "in_words",
    "learning_curve",
    "length_distribution",
    "loss_panel",
    "loss_parts",
    "nearest_curve",
    "reliability_panels",
    "report_choices",
    "save",
    "seed_dots",
    "speed_bars",
    "temperature_figure",
    "trade_off",
    "training_figure",
    "use_style",
]
