"""The interactive panels of the notebooks, a class a widget."""

from .ask_models import AskTheModels
from .browse_errors import BrowseErrors
from .dist_explorer import DISTExplorer
from .distil_yourself import DistilYourself

__all__ = ["AskTheModels", "BrowseErrors", "DISTExplorer", "DistilYourself"]
