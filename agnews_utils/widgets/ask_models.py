"""A widget to ask every trained model about a headline of one's own, and which of its words mattered."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets

from ..plotting.style import BLUE, CLASS_COLOURS, ORANGE
from ..settings import CLASS_NAMES
from ..study.answers import REPEATS, Answer, Answering
from ..study.runs import MODEL4, RUNS
from ..study.study import Study
from .controls import WHOLE_DESCRIPTION, button, choice, side_by_side, table
from .panel import Panel
from .raster import look, new_figure, png_of

HEADLINE = "Small shipyard bets on robot welders as orders for electric ferries double"  # invented for this course
MAX_WORDS = 200
FAVOURITE = MODEL4  # the student that the course is about
HATCHES = ("", "///", "...", "xxx")


class AskTheModels(Panel):
    """Type a headline; every model answers with its probabilities, and one of them with the words that mattered.

    Attributes:
        answers: the present :class:`Answer` of each model asked
        words: (word, drop in the predicted class's probability) of the model chosen for it
    """

    css_class = "agnews-ask"
    static_hint = "A still picture: run this notebook to type a headline of your own."

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
            self.error,
            self.picture,
            self.word_view,
            self.details,
        ]
        self.picture.show(drawn_answers([]), "An empty chart: no model has been asked yet.")
        self.ask()

    def _make_controls(self, text: str) -> None:
        names = self.models.names()
        options = [(self.models.title(name), name) for name in names]
        usual = [name for name in names if RUNS[name].group != "ablation"]
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
        """Asks the chosen models; trouble, an empty text say, is one sentence in :attr:`error`."""
        with self.errors_shown():
            text = " ".join(self.text.value.split())
            names = list(self.asked.value)
            if not self.models.names():
                raise ValueError(
                    "No trained model's weights are here: run notebooks 02 to 04 first, or, where those only read "
                    f"the records that come with the project, study.model({FAVOURITE!r}), which trains it in "
                    "minutes; then this cell again."
                )
            if not text:
                raise ValueError("There is no text to read: type or paste a headline, then press the button.")
            if not names:
                raise ValueError("No model is chosen: choose one or more in the list.")
            if len(text.split()) > MAX_WORDS:
                raise ValueError(f"The text has {len(text.split()):,} words: paste {MAX_WORDS} at most.")
            answers = [self.models.ask(name, text) for name in names]
            predicted, words = self.models.leave_one_out(self.explained.value, text)
            self.answers, self.words = answers, words
            self.picture.show(drawn_answers(answers), self._in_words())
            self.word_view.value = self._coloured_words(predicted)
            self.show_details(self._tables(predicted))
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
            f"<p><strong>{escape(self.models.title(self.explained.value))} says {CLASS_NAMES[predicted]}.</strong> "
            "Left out one at a time, a word changes that class's probability by this many hundredths. Plus "
            f"(orange): the word spoke for the class. Minus (blue): it spoke against.</p><p>{' '.join(spans)}</p>"
        )

    def _tables(self, predicted: int) -> str:
        rows = [
            [a.title, *(f"{p:.3f}" for p in a.probabilities), CLASS_NAMES[a.prediction], f"{a.milliseconds:.1f}"]
            for a in self.answers
        ]
        first = sorted(self.words, key=lambda pair: -abs(pair[1]))[:5]
        mattered = ", ".join(f"{word} {in_hundredths(drop)}" for word, drop in first)
        study = self.models.study
        tokens = len(study.inputs.tokenizer(" ".join(word for word, _ in self.words))["input_ids"])
        longest = study.settings.max_length
        cut = f" The text has {tokens} tokens, of which models that read tokens see the first {longest}."
        caption = (
            f"Probabilities, and milliseconds from text to answer, one article at a time (median of {REPEATS}), "
            f"models trained on {study.title}"
        )
        return table(["model", *CLASS_NAMES, "answer", "ms an article"], rows, caption) + (
            f"<p>What mattered most to {escape(self.models.title(self.explained.value))}, in hundredths of the "
            f"probability of {CLASS_NAMES[predicted]}: {escape(mattered)}.{cut if tokens > longest else ''}</p>"
        )


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
