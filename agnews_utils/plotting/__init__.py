"""Every figure, in one style: colour-blind safe, axes with units, and what made the numbers written underneath."""

# ruff: noqa: F403
from .articles import *
from .capacity import *
from .comparison import *
from .frontier import *
from .runs import *
from .strong import *
from .style import *
