"""A widget to ask every trained model about a headline of one's own, and which of its words mattered."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from ipywidgets import HTML, SelectMultiple, Textarea

from ..export.from_study import MODELS
from ..export.student import Student, load_student
from ..models import SimpleCNN, SimplerCNN
from ..plotting.style import BLUE, ORANGE
from ..study.answers import REPEATS, Answer, Answering
from ..study.runs import MODEL4
from ..study.strong import SHIPPED_TITLES
from ..study.study import Study
from .panel import Panel, button, control, dropdown, html_table, look_of_class, new_figure, png_of, side_by_side

HEADLINE = "Small shipyard bets on robot welders as orders for electric ferries double"  # invented for this course
MAX_WORDS = 200
LINE = 110  # letters in a line of the picture
NO_WEIGHTS = (
    "No model's weights are here: the shipped students of data/models are missing, and none was trained. Get "
    f"data/models with git, or train one with study.model({MODEL4!r}), in minutes; then run this cell again."
)


class AnsweringWithShipped(Answering):
    """The study's trained models and, behind them, the students that come with the project, computed by NumPy.

    Args:
        folder: of the students' files; a student whose classes are not the course's is left out
    """

    def __init__(self, study: Study, classes: Sequence[str], folder: Path = MODELS):
        super().__init__(study)
        files = {name: folder / f"{name}.safetensors" for name in SHIPPED_TITLES}
        loaded = {name: load_student(path) for name, path in files.items() if path.exists()}
        self.shipped: dict[str, Student] = {
            name: student for name, student in loaded.items() if student.card["classes"] == list(classes)
        }

    def names(self) -> list[str]:
        """Runs whose weights are here, then the shipped students."""
        return [*super().names(), *self.shipped]

    def title(self, name: str) -> str:
        return SHIPPED_TITLES[name] if name in self.shipped else super().title(name)

    def probabilities(self, name: str, texts: Sequence[str]) -> np.ndarray:
        """(texts, K)"""
        return self.shipped[name].predict_proba(texts) if name in self.shipped else super().probabilities(name, texts)


class AskTheModels(Panel):
    """Type a headline; every model with weights answers with its probabilities, one also with the words that mattered.

    The shipped students always answer. The teacher does where its weights are: after a training on this machine.

    Its method is leave-one-out (occlusion): how far the predicted class's probability falls without a word.

    Attributes:
        answers: the present :class:`agnews_utils.study.answers.Answer` of each model asked
        words: (word, drop in the predicted class's probability) of the model chosen for it
    """

    css_class = "agnews-ask"
    hint = "A still picture: run this notebook to type a headline of your own."

    def __init__(self, study: Study, text: str = HEADLINE):
        super().__init__()
        self.study, self.classes = study, study.inputs.classes
        self.models = AnsweringWithShipped(study, self.classes)
        self.answers, self.words, self.static_hint = [], [], self.hint
        names = self.models.names()
        options = [(self.models.title(name), name) for name in names]
        usual = [name for name in names if name in self.models.shipped or study.runs[name].group != "ablation"]
        explained = sorted(options, key=lambda option: self._rank(option[1]))
        typed = {"value": text, "rows": 3, "continuous_update": False}
        self.text = control(Textarea, "Headline or article", "What the models are asked about", "95%", **typed)
        several = {"options": options, "value": usual or names, "rows": min(max(len(names), 2), 8)}
        self.asked = control(SelectMultiple, "Models asked", "Hold Shift or Ctrl to choose several", "460px", **several)
        self.explained = dropdown("Words that mattered to", "Asked again without each word", explained, "460px")
        self.ask_button = button("Ask the models", "Sends the text to the chosen models", self.ask, "primary")
        self.word_view = HTML()
        above = (self.text, side_by_side(self.asked, self.explained), side_by_side(self.ask_button))
        self.children = (*above, self.error, self.picture, self.word_view, self.status)
        self.show_picture(answers_png([], self.classes), "An empty chart: no model has been asked yet.")
        self.ask()

    def _rank(self, name: str) -> int:
        """Whose words are explained first: the student that the course is about, then other students."""
        if name in self.models.shipped:
            return 2
        return 0 if name == MODEL4 else 1 if self.study.runs[name].model in (SimplerCNN, SimpleCNN) else 3

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
            says = (
                f"{a.title}: {self.classes[a.prediction]} {a.probabilities.max():.2f} in {in_ms(a.milliseconds)}"
                for a in answers
            )
            words_shown = shortened(text)
            alt = f"Class probabilities for the text: {words_shown}. {'. '.join(says)}."
            self.show_picture(answers_png(answers, self.classes, words_shown), alt)
            self.word_view.value = self._coloured_words(self.classes[predicted])
            main_words = self._main_words(text, self.classes[predicted])
            self.static_hint = f"{main_words} {self.hint}"
            self.set_status(main_words, self._table())
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
        columns |= {name: [a.probabilities[k] for a in self.answers] for k, name in enumerate(self.classes)}
        columns["answer"] = [self.classes[a.prediction] for a in self.answers]
        columns["ms per article"] = [f"{a.milliseconds:.2f}" for a in self.answers]
        caption = "Probabilities, and milliseconds from text to answer, one article at a time "
        return html_table(columns, caption + f"(median of {REPEATS}). {self._made_with()}")

    def _made_with(self) -> str:
        """What made the models: this study the trained ones, their own data the shipped ones."""
        made = {a.name: self.models.shipped.get(a.name) for a in self.answers}
        sentences = [f"Trained on {self.study.title}."] if None in made.values() else []
        for student in [student for student in made.values() if student][:1]:
            sentences.append(
                f"Students named by their size come with the project, trained on {student.card['made_with']}."
            )
        return " ".join(sentences)


def in_hundredths(drop: float) -> str:
    """A change of probability as +12 or −3 hundredths."""
    return f"{100 * drop:+.0f}".replace("-", "−") if abs(drop) >= 0.005 else "0"


def in_ms(milliseconds: float) -> str:
    """A time as people read it: whole milliseconds from ten on, else two digits."""
    return f"{milliseconds:,.0f} ms" if milliseconds >= 9.95 else f"{milliseconds:.2g} ms"


def shortened(text: str) -> str:
    """The text as far as two lines of the picture hold it."""
    return textwrap.shorten(text, 2 * LINE, placeholder=" ...")


def answers_png(answers: Sequence[Answer], classes: Sequence[str], headline: str = "") -> bytes:
    """The headline, and under it every model a row, every class a column of bars with numbers; the answer is marked.

    The last column has the milliseconds of one article.
    """
    rows, lines = range(len(answers)), textwrap.wrap(headline, LINE)
    height = 0.34 * max(len(rows), 1) + 0.75 + 0.25 * len(lines)
    top = 1 - (0.38 + 0.25 * len(lines)) / height
    margins = {"left": 0.3, "right": 0.925, "top": top, "bottom": 0.12 / height, "wspace": 0.06}
    with new_figure(10, height, columns=len(classes), **margins) as (figure, grid):
        figure.text(0.015, 1 - 0.08 / height, "\n".join(lines), va="top", fontsize=11, style="italic", parse_math=False)
        for k, axes in enumerate(grid):
            shares = [answer.probabilities[k] for answer in answers]
            bars = axes.barh(rows, shares, 0.72, **look_of_class(k), edgecolor="white")
            for text, answer in zip(axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=8.5), answers, strict=True):
                if answer.prediction == k:
                    text.set(text=f"{text.get_text()} ◀", weight="bold")
            axes.set(xlim=(0, 1.45), ylim=(max(len(rows), 1) - 0.4, -0.6), xticks=(0, 0.5, 1), xticklabels=())
            axes.set(title=classes[k], yticks=rows, yticklabels=())
            axes.grid(axis="y", visible=False)
        grid[0].set_yticklabels([answer.title for answer in answers], fontsize=9)
        beside = {"ha": "right", "va": "center", "transform": grid[-1].get_yaxis_transform()}
        for row, answer in enumerate(answers):
            grid[-1].text(1.38, row, in_ms(answer.milliseconds), fontsize=9, **beside)
        return png_of(figure)
