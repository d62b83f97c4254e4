"""Articles from a folder in any usual form, from the hub or from the embedded sample: read, checked, split.

A folder may hold them as the official or Kaggle's CSV, as CSV of pandas or ``datasets``, with commas, semicolons or
tabs, as JSON lines, Parquet, Arrow or ``save_to_disk``; packed, in an archive or one folder deeper. Columns are taken
by their usual names in any order, classes as 1 to 4, 0 to 3 or names. What cannot be told for certain is refused in a
sentence that names file, row and cure.

The rooms, in the order in which a file passes through:

- ``sources``     which source applies; ``hub``: AG News from the Hugging Face hub
- ``folder``      a folder's training and test articles as one :class:`Source`
- ``finding``     which files they are
- ``articles``    a file as texts and classes: its form recognised, its texts checked
- ``content``     bytes unpacked, recognised and decoded
- ``delimited``   rows and columns of a text with separators; ``packed``: of JSON, Parquet and Arrow
- ``columns``     which column is which; ``classes``: how classes are written; ``table``: what all of these hand on
- ``duplicates``  articles that are there more than once
- ``source``      :class:`Source` itself, and fingerprints
- ``further``     texts beside the two files
- ``splits``      train, validation and test as a profile wants them
"""

from .folder import OFFICIAL_MD5, SAMPLE_DIR, read_csv, read_folder
from .further import read_further
from .hub import HUB_DATASET, HUB_REVISION
from .source import NO_LABEL, Source, fingerprint
from .sources import read_source
from .splits import load_ag_news

__all__ = [
    "HUB_DATASET",
    "HUB_REVISION",
    "NO_LABEL",
    "OFFICIAL_MD5",
    "SAMPLE_DIR",
    "Source",
    "fingerprint",
    "load_ag_news",
    "read_csv",
    "read_folder",
    "read_further",
    "read_source",
]
