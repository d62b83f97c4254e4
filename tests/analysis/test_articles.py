"""What is in the articles: artefacts, duplicates, telling words and facts, on texts made for it."""

import numpy as np
import pytest

from agnews_utils.analysis.articles import (
    AGENCY,
    MARKUP_NOISE,
    NEAR,
    article_statistics,
    class_indicative_words,
    markup_noise_counts,
    nearest_similarity,
    token_lengths,
)

STORY = "the minister of trade said on monday that prices would rise again before the end of this year"  # 18 words
OTHER = "a striker scored twice in the second half as the home team won its first match of the season"
TAG, BARE, BACKSLASH, ADDRESS = MARKUP_NOISE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Profit &amp; loss", {TAG}),
        ("He said &quot;no&quot;", {TAG}),
        ("price of &#36;3", {TAG}),
        ("the bank #39;s profit", {BARE}),
        ("said quot;no quot; again", {BARE}),
        ("a &lt;b&gt;bold&lt;/b&gt; word", {TAG}),
        ("see <a href='x'>more</a>", {TAG}),
        ("a lost\\line break", {BACKSLASH}),
        ("see http://www.example.com/story today", {ADDRESS}),
        ("see www.example.com", {ADDRESS}),
        ("AT&T and Q&A; R&D costs 3 < 4", set()),
        ("an amount; no amp or lt", set()),
        ("an ordinary sentence, with (brackets) and #39", set()),
    ],
)
def test_artefact_patterns(text, found):
    assert {name for name, pattern in MARKUP_NOISE.items() if pattern.search(text)} == found


def test_artefacts_are_counted_by_article():
    splits = {"train": ["a\\b \\ c", "plain", "x &amp; y", "x\\y"], "test": ["plain"]}
    table = markup_noise_counts(splits)
    assert table["train: articles"].to_dict() == {TAG: 1, BARE: 0, BACKSLASH: 2, ADDRESS: 0}
    assert table.loc[BACKSLASH, "train: share"] == 0.5
    assert (table["test: articles"] == 0).all()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("LONDON (Reuters) - Shares fell", True),
        ("AP - A storm", True),
        ("(AFP) A storm", True),
        ("(Newswire) - A storm", True),
        ("A storm (the third) - and a maple tree", False),
    ],
)
def test_agencies(text, names):
    assert bool(AGENCY.search(text)) is names


def changed(text, place, word="otherwise"):
    """One word replaced: in its middle it breaks the five shingles that hold it."""
    words = text.split()
    words[place] = word
    return " ".join(words)


def jaccard(a, b):
    shingles = [{tuple(t.split()[i : i + 5]) for i in range(len(t.split()) - 4)} for t in (a, b)]
    return len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])


LONG = STORY.replace("minister of trade", "minister of foreign trade")


@pytest.mark.parametrize("other", [STORY, changed(STORY, 17), changed(STORY, 8), LONG, OTHER])
def test_similarity_is_jaccards_of_five_word_shingles(other):
    # no word of one letter, which the vectorizer would drop, in these texts
    other = other.replace("a striker", "one striker")
    expected = pytest.approx(jaccard(STORY, other))
    assert nearest_similarity([STORY], [other]).tolist() == [expected]
    assert nearest_similarity([STORY, other]).tolist() == [expected, expected]


def test_nearest_is_the_nearest_of_all_and_never_itself():
    texts = [STORY, changed(STORY, 17), OTHER]
    similar = jaccard(STORY, texts[1])
    assert nearest_similarity(texts).tolist() == pytest.approx([similar, similar, 0])
    assert nearest_similarity([OTHER, STORY], texts).tolist() == pytest.approx([1, 1])


def test_short_articles_resemble_nothing():
    # fewer than five words have no shingle
    assert nearest_similarity(["two words", "two words", STORY]).tolist() == [0, 0, 0]
    assert nearest_similarity(["two words", "other words"]).tolist() == [0, 0]


def test_sample_holds_the_duplicates_that_its_generator_plants(sample):
    train, test = list(sample.train["text"]), list(sample.test["text"])
    assert (nearest_similarity(train) >= NEAR).sum() >= 80  # 20 exact pairs, 20 near ones
    assert (nearest_similarity(test, train) >= NEAR).sum() >= 5  # 10 descriptions under another title


def test_telling_words():
    texts, labels = [], []
    for label, word in enumerate(("ceasefire", "goalkeeper", "dividend", "software")):
        for i in range(20):
            texts.append(f"the {word} was reported on day {i} with everything {'else' if i < 4 else 'again'}")
            labels.append(label)
    table = class_indicative_words(texts, labels, ["World", "Sports", "Business", "Sci/Tech"], count=1)
    assert table.to_dict("records") == [
        {"World": "ceasefire", "Sports": "goalkeeper", "Business": "dividend", "Sci/Tech": "software"}
    ]


def test_telling_words_are_frequent_enough():
    # a word of one article alone tells its class for certain, and tells nothing
    texts = [f"common story number{i} of {'sport' if i % 2 else 'trade'}" for i in range(40)]
    table = class_indicative_words(
        [*texts, "hapax " + texts[1]], [i % 2 for i in range(40)] + [1], ["trade", "sport"], count=3
    )
    assert "hapax" not in table.to_numpy()
    assert table.loc[0].tolist() == ["trade", "sport"]


def test_token_lengths_count_before_any_cut(tokenizer):
    lengths = token_lengths(["one two three", "word " * 100, ""], tokenizer)
    assert lengths.tolist() == [5, 102, 2]


def test_row_facts():
    train = [STORY, OTHER]
    texts = [STORY, "AP - bank #39;s xylophone", "the team won"]
    facts = article_statistics(texts, train)
    assert facts["characters"].tolist() == [len(text) for text in texts]
    assert facts["artefact"].tolist() == [0, 1, 0]
    assert facts["agency"].tolist() == [0, 1, 0]
    assert facts["unseen_words"].tolist() == [0, 1, 0]  # ap, bank, 39 and xylophone are in no training article
    assert facts["nearest_train"].tolist() == [1, 0, 0]
    assert all(
        np.issubdtype(kind, np.number) for kind in facts.dtypes
    )  # numbers only: a committed file holds no article
