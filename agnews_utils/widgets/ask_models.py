"""A widget to ask every trained model about a headline of one's own, and which of its words mattered."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ipywidgets import HTML, SelectMultiple, Textarea

from ..models import SimpleCNN, SimplerCNN
from ..plotting.style import BLUE, CLASS_COLOURS, ORANGE
from ..study.answers import REPEATS, Answer, Answering
from ..study.runs import MODEL4
from ..study.study import Study
from .panel import Panel, button, control, dropdown, html_table, new_figure, png_of, side_by_side

HEADLINE = "Small shipyard bets on robot welders as orders for electric ferries double"  # invented for this course
MAX_WORDS = 200
HATCHES = ("", "///", "...", "xxx")
NO_WEIGHTS = (
    "No trained model's weights are here: run notebooks 02 to 04 first, or, where those only read the records that "
    f"come with the project, study.model({MODEL4!r}), which trains it in minutes; then this cell again."
)


class AskTheModels(Panel):
    """Type a headline; every model with weights answers with its probabilities, one also with the words that mattered.

    Its method is leave-one-out (occlusion): how far the predicted class's probability falls without a word.

    Attributes:
        answers: the present :class:`agnews_utils.study.answers.Answer` of each model asked
        words: (word, drop in the predicted class's probability) of the model chosen for it
    """

    css_class = "agnews-ask"
    static_hint = "A still picture: run this notebook to type a headline of your own."

    def __init__(self, study: Study, text: str = HEADLINE):
        super().__init__()
        self.study, self.models = study, Answering(study)
        self.answers, self.words = [], []
        names = self.models.names()
        options = [(self.models.title(name), name) for name in names]
        usual = [name for name in names if study.runs[name].group != "ablation"] or names
        small = (SimplerCNN, SimpleCNN)  # students come first, and of them the one that the course is about
        explained = sorted(options, key=lambda option: (option[1] != MODEL4, study.runs[option[1]].model not in small))
        typed = {"value": text, "rows": 3, "continuous_update": False}
        self.text = control(Textarea, "Headline or article", "What the models are asked about", "95%", **typed)
        several = {"options": options, "value": usual, "rows": min(max(len(names), 2), 8)}
        self.asked = control(SelectMultiple, "Models asked", "Hold Shift or Ctrl to choose several", "460px", **several)
        self.explained = dropdown("Words that mattered to", "Asked again without each word", explained, "460px")
        self.ask_button = button("Ask the models", "Sends the text to the chosen models", self.ask, "primary")
        self.word_view = HTML()
        above = (self.text, side_by_side(self.asked, self.explained), side_by_side(self.ask_button))
        self.children = (*above, self.error, self.picture, self.word_view, self.status)
        self.show_picture(answers_png([], study.inputs.classes), "An empty chart: no model has been asked yet.")
        self.ask()

    def ask(self) -> list[Answer]:
        """Asks the chosen models; what cannot be done, an empty text say, is one sentence in :attr:`error`."""
        with self.showing_errors():
            words = self.text.value.split()
            if not self.models.names():
                raise ValueError(NO_WEIGHTS)
            if not words:
                raise ValueError("There is no text to read: type or paste a headline, then press the button.")
            if not self.asked.value:
                raise ValueError("No model is chosen: choose one or more in the list.")
            if len(words) > MAX_WORDS:
                raise ValueError(f"The text has {len(words):,} words: paste {MAX_WORDS} at most.")
            text = " ".join(words)
            answers = [self.models.ask(name, text) for name in self.asked.value]
            predicted, self.words = self.models.leave_one_out(self.explained.value, text)
            self.answers = answers
            classes = self.study.inputs.classes
            says = (f"{a.title}: {classes[a.prediction]} {a.probabilities[a.prediction]:.2f}." for a in answers)
            self.show_picture(answers_png(answers, classes), f"Class probabilities for the text. {' '.join(says)}")
            self.word_view.value = self._coloured_words(classes[predicted])
            self.set_status(self._main_words(text, classes[predicted]), self._table())
        return self.answers

    def _coloured_words(self, predicted: str) -> str:
        """The words with their drops as numbers, and a colour as strong as the number is large."""
        strongest = max((abs(drop) for _, drop in self.words), default=0) or 1
        spans = [
            '<span style="display: inline-block; margin: 2px; padding: 1px 4px; border-radius: 3px; background: '
            f'{ORANGE if drop > 0 else BLUE}{round(127 * abs(drop) / strongest):02x}">{escape(word)} '
            f"<small>{in_hundredths(drop)}</small></span>"
            for word, drop in self.words
        ]
        return (
            f"<p><strong>{escape(self.models.title(self.explained.value))} says {predicted}.</strong> Left out one at "
            "a time, a word changes that class's probability by this many hundredths. Plus (orange): the word spoke "
            f"for the class. Minus (blue): it spoke against.</p><p>{' '.join(spans)}</p>"
        )

    def _main_words(self, text: str, predicted: str) -> str:
        main = sorted(self.words, key=lambda pair: -abs(pair[1]))[:5]
        mattered = ", ".join(f"{word} {in_hundredths(drop)}" for word, drop in main)
        tokens, longest = len(self.study.inputs.tokenizer(text)["input_ids"]), self.study.settings.max_length
        cut = f" The text has {tokens} tokens, of which models that read tokens see the first {longest}."
        return (
            f"What mattered most to {self.models.title(self.explained.value)}, in hundredths of the probability of "
            f"{predicted}: {mattered}.{cut if tokens > longest else ''}"
        )

    def _table(self) -> str:
        columns = {"model": [a.title for a in self.answers]}
        classes = self.study.inputs.classes
        columns |= {name: [a.probabilities[k] for a in self.answers] for k, name in enumerate(classes)}
        columns["answer"] = [classes[a.prediction] for a in self.answers]
        columns["ms an article"] = [f"{a.milliseconds:.1f}" for a in self.answers]
        caption = "Probabilities, and milliseconds from text to answer, one article at a time "
        return html_table(columns, caption + f"(median of {REPEATS}), models trained on {self.study.title}")


def in_hundredths(drop: float) -> str:
    """A change of probability as +12 or −3 hundredths."""
    return f"{100 * drop:+.0f}".replace("-", "−") if abs(drop) >= 0.005 else "0"


def answers_png(answers: Sequence[Answer], classes: Sequence[str]) -> bytes:
    """Every model a row, every class a column of bars with numbers; the answer is marked."""
    rows = range(len(answers))
    height = 0.34 * max(len(rows), 1) + 0.75
    margins = {"left": 0.3, "right": 0.985, "top": 1 - 0.35 / height, "bottom": 0.12 / height, "wspace": 0.06}
    with new_figure(10, height, columns=len(classes), **margins) as (figure, grid):
        for k, axes in enumerate(grid):
            shares = [answer.probabilities[k] for answer in answers]
            look = {"color": CLASS_COLOURS[k % len(CLASS_COLOURS)], "hatch": HATCHES[k % len(HATCHES)]}
            bars = axes.barh(rows, shares, 0.72, **look, edgecolor="white")
            for text, answer in zip(axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=8.5), answers, strict=True):
                if answer.prediction == k:
                    text.set(text=f"{text.get_text()} ◀", weight="bold")
            axes.set(xlim=(0, 1.45), ylim=(max(len(rows), 1) - 0.4, -0.6), xticks=(0, 0.5, 1), xticklabels=())
            axes.set(title=classes[k], yticks=rows, yticklabels=())
            axes.grid(axis="y", visible=False)
        grid[0].set_yticklabels([answer.title for answer in answers], fontsize=9)
        return png_of(figure)
