"""The module behind the course. What to read, in this order:

1. ``settings``    profiles, paths, environment variables
2. ``data``        AG News from files, the hub or the embedded sample: checked, split
3. ``batches``     articles as tokens or characters; batches by name
4. ``baselines``   TF-IDF and fastText
5. ``encoder``     the frozen BERT
6. ``features``    what it says of every article, computed once
7. ``models``      the two small CNNs, the VDCNN, the teachers
8. ``losses``      DIST and its relations, KL, cross-entropy
9. ``training``    the training loop, and checkpoints around it

The machinery stands behind it:

- ``study``      the runs, their records, and how one is loaded or made: ``Study``
- ``export``     a student as one small file, and a classifier that needs NumPy alone
- ``analysis``   tables, intervals, paired tests, calibration, the report's claims, the articles in numbers
- ``plotting``   every figure
- ``widgets``    the notebooks' four panels: ``DISTExplorer`` and others
- ``exercises``  the notebooks' exercises, which check themselves: ``check``, ``hint``
- ``commands``   what ``make`` calls: run_notebooks, publish, page, site, make_study, bench; and what ``distil`` does
- ``classify``   ``python -m agnews_utils.classify "a headline"``: a student's answer, without PyTorch
- ``distil``     ``python -m agnews_utils.distil FOLDER --out MODEL``: a student of one's own topics, and its report
- ``support``    the machine, and files that are written whole or not at all

Imports go one way, from the end of this list to its beginning; ``support`` and ``settings`` are there for all.
"""

__version__ = "0.2.0"
