"""Articles that stand in both files, or twice in one: counted, and said."""

from __future__ import annotations

import pandas as pd


def overlap_notes(train: pd.DataFrame, test: pd.DataFrame, names: tuple[str, str]) -> list[str]:
    """What is said of articles that are there more than once; the first sentence is about test articles in training.

    Args:
        names: of the training and the test file, for a message

    Raises:
        ValueError: no article stands in one of the two alone.
    """
    trained, tested = train["text"].tolist(), test["text"].tolist()
    known, asked = set(trained), set(tested)
    if known == asked:
        raise ValueError(
            f"The test file {names[1]} holds the same articles as {names[0]}: put other articles into it, since a "
            "model cannot be measured on what it learned from."
        )
    notes = [f"{sum(text in known for text in tested):,} of these articles are training articles too"]
    conflicts = len(set(zip(trained, train["label"].tolist(), strict=True))) - len(known)
    if conflicts:
        notes.append(f"{conflicts:,} training texts stand there under more than one class")
    if "description" in train:
        endings = set(test["description"].tolist()) - {""}
        pairs = zip(trained, train["description"].tolist(), strict=True)
        shared = sum(ending in endings and text not in asked for text, ending in pairs)
        notes.append(f"{shared:,} training rows share their description with a test row under another title")
    return notes
