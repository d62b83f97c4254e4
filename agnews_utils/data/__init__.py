"""Articles from a folder in any usual form, from the hub or from the embedded sample: read, checked, split.

What stands where, in the order in which a file passes through:

- ``sources``  which source applies, in which order
- ``hub``      AG News from the Hugging Face hub
- ``folder``   a folder's training and test articles as one :class:`Source`
- ``source``   :class:`Source` itself, and fingerprints
- ``further``  texts beside the two files
- ``splits``   train, validation and test as a profile wants them
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
