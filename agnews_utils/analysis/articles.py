"""What is in the articles: markup noise, lengths, duplicates and class-indicative words, as counts (never as text)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer

from ..study.records import TEST_ROWS, published_folder
from ..study.study import Study
from ..support.files import write_text

# name -> what it looks like in the raw text
MARKUP_NOISE = {
    "HTML tag or entity (&lt;b&gt; &amp; …)": re.compile(r"&(?:[a-z]+|#\d+);|</?[A-Za-z][^<>&]*>"),
    "entity without its & ( #39; quot; …)": re.compile(r"(?<!&)(?:#\d+;|\b(?:quot|lt|gt|amp|nbsp);)"),
    "stray backslash": re.compile(r"\\"),
    "web address": re.compile(r"(?:https?://|www\.)\S+"),
}
AGENCY = re.compile(r"\((?:Reuters|AP|AFP|[A-Z][A-Za-z]*wire)\)|\b(?:Reuters|AP|AFP) - ")
SHINGLE = 5  # words in a row; articles are compared by the sets of their shingles
NEAR = 0.5  # Jaccard similarity of shingles from which two articles count as near duplicates
BOILERPLATE = 500  # a shingle in more articles than this is an agency's standing phrase and tells nothing


def markup_noise_counts(splits: dict[str, Sequence[str]]) -> pd.DataFrame:
    """Articles that hold each kind of markup noise, and their share: a row a kind, two columns a split."""
    table = {}
    for name, texts in splits.items():
        counts = [sum(bool(pattern.search(text)) for text in texts) for pattern in MARKUP_NOISE.values()]
        table[f"{name}: articles"] = counts
        table[f"{name}: share"] = np.array(counts) / len(texts)
    return pd.DataFrame(table, index=list(MARKUP_NOISE))


def nearest_similarity(texts: Sequence[str], others: Sequence[str] | None = None) -> np.ndarray:
    """For each text, the Jaccard similarity (0 to 1) of its nearest other text, by runs of five words: (texts,).

    Args:
        texts: texts to ask about
        others: texts to search; None searches ``texts`` themselves, each without itself
    """
    within = others is None
    everything = [
        *texts,
        *([] if within else others),
        "one two three four five",
    ]  # texts of fewer words alone have no vocabulary
    shingles = CountVectorizer(ngram_range=(SHINGLE, SHINGLE), binary=True, dtype=np.int32).fit_transform(everything)
    asked = shingles[: len(texts)]
    searched = asked if within else shingles[len(texts) : -1]
    sizes, frequency = shingles.getnnz(axis=1), searched.getnnz(axis=0)
    # a run of words of one text alone can match nothing within the same texts: leaving it out keeps the product small
    useful = (frequency >= (2 if within else 1)) & (frequency <= BOILERPLATE)
    shared = (asked[:, useful] @ searched[:, useful].T).tocoo()
    keep = shared.row != shared.col if within else np.ones(shared.nnz, bool)
    rows, columns, common = shared.row[keep], shared.col[keep], shared.data[keep]
    nearest = np.zeros(len(texts))
    np.maximum.at(nearest, rows, common / (sizes[rows] + sizes[columns if within else columns + len(texts)] - common))
    return nearest


def class_indicative_words(
    texts: Sequence[str], labels: Sequence[int], class_names: Sequence[str], count: int = 12
) -> pd.DataFrame:
    """For each class, its most indicative words: a column a class, most indicative first.

    A word's score is the logarithm of how much more often an article of the class holds it than one of the others,
    with one article added on both sides; only words in at least 0.1 % of all articles (and five) are ranked.
    """
    vectorizer = CountVectorizer(
        binary=True, stop_words="english", token_pattern=r"(?u)\b[a-zA-Z]{3,}\b", min_df=max(5, len(texts) // 1000)
    )
    present = vectorizer.fit_transform(texts)
    words, labels = vectorizer.get_feature_names_out(), np.asarray(labels)
    columns = {}
    for number, name in enumerate(class_names):
        inside = labels == number
        score = np.log(
            (np.asarray(present[inside].sum(axis=0)).ravel() + 1)
            / (inside.sum() + 2)
            / ((np.asarray(present[~inside].sum(axis=0)).ravel() + 1) / ((~inside).sum() + 2))
        )
        columns[name] = words[np.argsort(-score)[:count]]
    return pd.DataFrame(columns)


def token_lengths(texts: Sequence[str], tokenizer) -> np.ndarray:
    """WordPiece tokens of each text, [CLS] and [SEP] included, before any cut."""
    return np.array([len(ids) for ids in tokenizer(list(texts), verbose=False)["input_ids"]])


def article_statistics(texts: Sequence[str], train: Sequence[str]) -> pd.DataFrame:
    """Numbers about each article that a later analysis can ask for without the text.

    Columns: ``characters``; ``artefact`` and ``agency`` (0 or 1); ``unseen_words``, the share of its words that no
    training article holds; ``nearest_train``, the Jaccard similarity of the nearest training article.
    """
    vectorizer = CountVectorizer(binary=True)
    vectorizer.fit(train)
    analyse, known = vectorizer.build_analyzer(), vectorizer.vocabulary_
    words = [analyse(text) for text in texts]
    return pd.DataFrame(
        {
            "characters": [len(text) for text in texts],
            "artefact": [int(any(pattern.search(text) for pattern in MARKUP_NOISE.values())) for text in texts],
            "agency": [int(bool(AGENCY.search(text))) for text in texts],
            "unseen_words": [round(sum(w not in known for w in ws) / max(len(ws), 1), 4) for ws in words],
            "nearest_train": np.round(nearest_similarity(texts, train), 4),
        }
    )


def published_statistics() -> pd.DataFrame:
    """:func:`statistics_of_test_articles` of the committed full study."""
    return pd.read_csv(published_folder() / TEST_ROWS)


def statistics_of_test_articles(study: Study) -> pd.DataFrame:
    """:func:`article_statistics` and ``tokens`` of each test article of a study, in order; computed once and kept."""
    splits, path = study.inputs.splits, study.store.committed / TEST_ROWS
    if not path.exists():
        path = study.store.own / TEST_ROWS
    if not path.exists():
        lengths = token_lengths(splits["test"]["text"], study.inputs.tokenizer)
        frame = article_statistics(splits["test"]["text"], splits["train"]["text"]).assign(tokens=lengths)
        write_text(path, frame.to_csv(index=False))
    return pd.read_csv(path)
