"""Every figure, in one style: colour-blind safe, axes with units, and what made the numbers written underneath."""

# ruff: noqa: F403
from .answers import *
from .articles import *
from .capacity import *
from .causes import *
from .chance import *
from .comparison import *
from .distillation import *
from .frontier import *
from .networks import *
from .pictures import *
from .runs import *
from .strong import *
from .style import *
from .teachers import *
