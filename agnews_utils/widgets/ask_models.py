"""A widget to ask every trained model about a headline of one's own, and which of its words mattered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import torch

from ..data import Articles
from ..models import BertVDCNN, CharArticles
from ..plotting import BLUE, CLASS_COLOURS, ORANGE
from ..settings import CLASS_NAMES
from ..study.runs import RUNS
from ..study.study import Study
from ..training import predict
from .panel import WHOLE_DESCRIPTION, Panel, button, choice, ipywidgets, look, new_figure, png_of, side_by_side, table

HEADLINE = "Small shipyard bets on robot welders as orders for electric ferries double"  # invented for this course
REPEATS = 5  # timings of each model, of which the median counts
MAX_WORDS = 200
FAVOURITE = "model4_simpler_cnn_distilled"  # the student that the course is about
HATCHES = ("", "///", "...", "xxx")


@dataclass(frozen=True)
class Answer:
    """What one model says: probabilities (K,) and the milliseconds from text to answer."""

    name: str
    title: str
    probabilities: np.ndarray
    milliseconds: float

    @property
    def prediction(self) -> int:
        return int(self.probabilities.argmax())


class Answering:
    """The study's trained models, ready for any text; each is loaded when it is first asked."""

    def __init__(self, study: Study):
        self.study = study
        self._loaded: dict[str, torch.nn.Module] = {}
        self._seeds: dict[str, int | None] = {}

    def names(self) -> list[str]:
        """Runs whose weights are here. A bag of words keeps none and gives no probabilities, so it is not among them."""
        return [name for name, run in RUNS.items() if run.inputs != "text" and self.seed(name) is not None]

    def seed(self, name: str) -> int | None:
        """The first seed of the run whose weights are here: where records come with the project, only other seeds may have any."""
        if self._seeds.get(name) is None:  # once found it stays, so that a title names the model that is loaded
            seeds = range(RUNS[name].seeds)
            self._seeds[name] = next((seed for seed in seeds if self.study.has_weights(name, seed)), None)
        return self._seeds[name]

    def title(self, name: str) -> str:
        """The run's title, with its seed where that is not the first."""
        seed = self.seed(name)
        return RUNS[name].title + (f" (seed {seed})" if seed else "")

    def model(self, name: str) -> torch.nn.Module:
        """The run's model, reading tokens or characters: one trained on cached features gets the encoder before it."""
        if name not in self._loaded:
            model = self.study.model(name, self.seed(name))
            if RUNS[name].inputs == "features":
                model = BertVDCNN(self.study.encoder, model).eval()
            self._loaded[name] = model
        return self._loaded[name]

    def probabilities(self, name: str, texts: Sequence[str]) -> np.ndarray:
        """(texts, K)"""
        study, labels = self.study, [0] * len(texts)  # a data set has labels; these are asked by nobody
        if RUNS[name].inputs == "characters":
            dataset = CharArticles(texts, labels, study.settings.profile.char_length)
        else:
            dataset = Articles({"text": texts, "label": labels}, study.tokenizer, study.settings.max_length)
        return predict(self.model(name), dataset, study.settings).softmax(dim=1).numpy()

    def ask(self, name: str, text: str) -> Answer:
        """Probabilities and time for one text."""
        probabilities = self.probabilities(name, [text])[0]  # also loads the model and warms up
        seconds = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            self.probabilities(name, [text])
            seconds.append(time.perf_counter() - started)
        return Answer(name, self.title(name), probabilities, 1000 * float(np.median(seconds)))

    def words_that_matter(self, name: str, text: str) -> tuple[int, list[tuple[str, float]]]:
        """The predicted class, and for each word how far its probability falls when the word is left out."""
        words = text.split()
        without = [" ".join(words[:i] + words[i + 1 :]) or " " for i in range(len(words))]
        probabilities = self.probabilities(name, [" ".join(words), *without])
        predicted = int(probabilities[0].argmax())
        drops = probabilities[0, predicted] - probabilities[1:, predicted]
        return predicted, list(zip(words, drops.tolist(), strict=True))


def ask_the_models(study: Study, text: str = HEADLINE) -> Asking:
    """Every trained model whose weights are here answers a headline, beginning with ``text``."""
    return Asking(study, text)


class Asking(Panel):
    """Type a headline; every model answers with its probabilities, and one of them with the words that mattered.

    Attributes:
        answers: the present :class:`Answer` of each model asked
        words: (word, drop in the predicted class's probability) of the model chosen for it
    """

    css_class = "agnews-ask"
    invitation = "A still picture: run this notebook to type a headline of your own."

    def __init__(self, study: Study, text: str = HEADLINE):
        super().__init__()
        self.models = Answering(study)
        self.answers: list[Answer] = []
        self.words: list[tuple[str, float]] = []
        self._make_controls(text)
        self.word_view = ipywidgets.HTML()
        self.children = [
            self.text,
            side_by_side(self.asked, self.explained),
            side_by_side(self.ask_button),
            self.trouble,
            self.picture,
            self.word_view,
            self.facts,
        ]
        self.picture.show(drawn_answers([]), "An empty chart: no model has been asked yet.")
        self.ask()

    def _make_controls(self, text: str) -> None:
        names = self.models.names()
        options = [(self.models.title(name), name) for name in names]
        usual = [name for name in names if RUNS[name].part != "ablation"]
        self.text = ipywidgets.Textarea(
            value=text, description="Headline or article", tooltip="What the models are asked about", rows=3,
            continuous_update=False, style=WHOLE_DESCRIPTION, layout=ipywidgets.Layout(width="95%"),
        )  # fmt: skip
        self.asked = ipywidgets.SelectMultiple(
            options=options, value=usual or names, description="Models asked", rows=min(max(len(names), 2), 8),
            tooltip="Hold Shift or Ctrl to choose several", style=WHOLE_DESCRIPTION,
            layout=ipywidgets.Layout(width="460px"),
        )  # fmt: skip
        students = sorted(options, key=lambda option: RUNS[option[1]].model not in ("SimplerCNN", "SimpleCNN"))
        self.explained = choice(
            "Words that mattered to", students, "Each word is left out in turn, and this model asked again", "460px",
            FAVOURITE if FAVOURITE in names else None,
        )  # fmt: skip
        self.ask_button = button("Ask the models", "Sends the text to the chosen models", self.ask, "primary")

    def ask(self) -> list[Answer]:
        """Asks the chosen models; trouble, an empty text say, is one sentence in :attr:`trouble`."""
        with self.complaining():
            text = " ".join(self.text.value.split())
            names = list(self.asked.value)
            if not self.models.names():
                raise ValueError(
                    "No trained model's weights are here: run notebooks 02 to 04 first, or, where those only read the records that "
                    f"come with the project, study.model({FAVOURITE!r}), which trains it in minutes; then this cell again."
                )
            if not text:
                raise ValueError("There is no text to read: type or paste a headline, then press the button.")
            if not names:
                raise ValueError("No model is chosen: choose one or more in the list.")
            if len(text.split()) > MAX_WORDS:
                raise ValueError(f"The text has {len(text.split()):,} words: paste {MAX_WORDS} at most.")
            answers = [self.models.ask(name, text) for name in names]
            predicted, words = self.models.words_that_matter(self.explained.value, text)
            self.answers, self.words = answers, words
            self.picture.show(drawn_answers(answers), self._in_words())
            self.word_view.value = self._coloured_words(predicted)
            self.tell(self._tables(predicted))
        return self.answers

    def _in_words(self) -> str:
        return "Class probabilities for the text. " + " ".join(
            f"{a.title}: {CLASS_NAMES[a.prediction]} {a.probabilities[a.prediction]:.2f}." for a in self.answers
        )

    def _coloured_words(self, predicted: int) -> str:
        """The words with their drops as numbers, and a colour as strong as the number is large."""
        strongest = max((abs(drop) for _, drop in self.words), default=0) or 1
        spans = []
        for word, drop in self.words:
            red, green, blue = (int((ORANGE if drop > 0 else BLUE)[i : i + 2], 16) for i in (1, 3, 5))
            spans.append(
                f'<span style="display: inline-block; margin: 2px; padding: 1px 4px; border-radius: 3px; '
                f'background: rgba({red}, {green}, {blue}, {0.5 * abs(drop) / strongest:.2f})">{escape(word)} '
                f'<small>{in_hundredths(drop)}</small></span>'
            )  # fmt: skip
        return (
            f"<p><strong>{escape(self.models.title(self.explained.value))} says {CLASS_NAMES[predicted]}.</strong> Left out one at a "
            "time, a word changes that class's probability by this many hundredths. Plus (orange): the word spoke for the "
            f"class. Minus (blue): it spoke against.</p><p>{' '.join(spans)}</p>"
        )

    def _tables(self, predicted: int) -> str:
        rows = [
            [a.title, *(f"{p:.3f}" for p in a.probabilities), CLASS_NAMES[a.prediction], f"{a.milliseconds:.1f}"]
            for a in self.answers
        ]
        first = sorted(self.words, key=lambda pair: -abs(pair[1]))[:5]
        mattered = ", ".join(f"{word} {in_hundredths(drop)}" for word, drop in first)
        tokens = len(self.models.study.tokenizer(" ".join(word for word, _ in self.words))["input_ids"])
        longest = self.models.study.settings.max_length
        cut = (
            f" The text has {tokens} tokens, of which models that read tokens see the first {longest}."
            if tokens > longest
            else ""
        )
        return (
            table(
                ["model", *CLASS_NAMES, "answer", "ms an article"], rows,
                "Probabilities, and milliseconds from text to answer, one article at a time "
                f"(median of {REPEATS}), models trained on {self.models.study.title}",
            )
            + f"<p>What mattered most to {escape(self.models.title(self.explained.value))}, in hundredths of the probability of "
            f"{CLASS_NAMES[predicted]}: {escape(mattered)}.{cut}</p>"
        )  # fmt: skip


def in_hundredths(drop: float) -> str:
    """A change of probability as +12 or −3 hundredths."""
    return f"{100 * drop:+.0f}".replace("-", "−") if abs(drop) >= 0.005 else "0"


def drawn_answers(answers: Sequence[Answer]) -> bytes:
    """Every model a row, every class a column of bars with numbers; the answer is framed."""
    rows = max(len(answers), 1)
    with look():
        figure = new_figure(10, 0.34 * rows + 0.75)
        height = figure.get_figheight()
        grid = figure.subplots(1, len(CLASS_NAMES), sharey=True)
        figure.subplots_adjust(left=0.3, right=0.985, top=1 - 0.35 / height, bottom=0.12 / height, wspace=0.06)
        for k, (axes, name) in enumerate(zip(grid, CLASS_NAMES, strict=True)):
            for place, answer in enumerate(answers):
                share, chosen = answer.probabilities[k], answer.prediction == k
                axes.barh(place, share, 0.72, color=CLASS_COLOURS[k], hatch=HATCHES[k], edgecolor="white")
                axes.text(
                    share + 0.03, place, f"{share:.2f}" + (" ◀" if chosen else ""), va="center", fontsize=8.5,
                    weight="bold" if chosen else "normal",
                )  # fmt: skip
            axes.set(xlim=(0, 1.45), ylim=(rows - 0.4, -0.6), xticks=(0, 0.5, 1), xticklabels=())
            axes.set_title(name, fontsize=10)
            axes.set_yticks(range(len(answers)), [answer.title for answer in answers], fontsize=9)
            axes.grid(axis="y", visible=False)
        return png_of(figure)
