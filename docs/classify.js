/* The first part of the page: a text, the student's probabilities, and the words that mattered. */
"use strict";

(() => {
  const EXAMPLES = [
    "Striker scores twice as the home team wins the league title",
    "Shares fall after the bank reports a lower quarterly profit",
    "Software maker releases a new version of its web browser",
    "Prime minister meets rebels for peace talks after bomb kills soldiers",
    "Football club sells its stadium to a technology company",
  ]; // invented for this course
  const TITLES = { student_1mb: "of 1 MB", student_100kb: "of 100 kB" };
  const PAUSE = 400; // milliseconds without a key before words are tried and the answer is read out
  const MAIN_WORDS = 3;

  const at = (id) => document.getElementById(id);
  const students = {};
  let waiting = 0;

  /** An element with attributes and children; a visitor's text only ever becomes a text node. */
  AGNEWS.element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  /** A number with its sign; a minus that is read out as one. */
  AGNEWS.signed = (value, digits) => {
    const text = value.toFixed(digits);
    return Number(text) === 0 ? (0).toFixed(digits) : (value > 0 ? "+" : "") + text.replace("-", "−");
  };
  const { element, signed } = AGNEWS;
  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  function chosen() {
    const name = at("student").value;
    return (students[name] ??= AGNEWS.student(AGNEWS.data[name]));
  }

  function showCard({ card }) {
    const part = [`${percent(card.int8_test_accuracy)} of the test articles right`, `made with ${card.made_with}`];
    at("card").textContent = `${card.title}: ${part.join("; ")}.`;
  }

  function showBars(classes, probabilities, predicted) {
    at("bars").replaceChildren(...probabilities.map((share, k) => {
      const bar = element("span", { class: `bar class${k}`, "aria-hidden": "true" });
      bar.style.width = `${100 * share}%`;
      const line = [element("span", { class: "name" }, classes[k]), element("span", { class: "track" }, bar)];
      return element("li", k === predicted ? { class: "best" } : {}, ...line, element("span", {}, percent(share)));
    }));
  }

  /** The verdict in words: below the card's threshold, if it has one, the student is unsure. */
  function verdict({ classes, threshold = 0 }, probabilities, predicted) {
    const best = `${classes[predicted]}, ${percent(probabilities[predicted])}`;
    return probabilities[predicted] < threshold ? `Unsure. Best guess: ${best}` : best;
  }

  /** What of the text the student could not use. */
  function reading(student, words, { ids, read }) {
    const notes = [], known = ids.slice(1, -1).some((id) => student.pieces[id] !== "[UNK]");
    if (!known) notes.push("The student knows no word of this text, so its answer says nothing.");
    if (read < words.length) notes.push(`It read the first ${read} of ${words.length} words: no more fit.`);
    return notes.join(" ");
  }

  function showWords(words, drops) {
    const strongest = Math.max(...drops.map(Math.abs), 0.01);
    at("words").replaceChildren(...drops.flatMap((drop, i) => {
      const number = signed(100 * drop, 0), kind = number === "0" ? "" : drop > 0 ? " for" : " against";
      const shown = element("span", { class: `word${kind}` }, `${words[i]} `, element("small", {}, number));
      shown.style.setProperty("--share", Math.abs(drop) / strongest);
      return [shown, " "];
    }));
  }

  function mainWords(words, drops) {
    const order = drops.map((_, i) => i).sort((a, b) => Math.abs(drops[b]) - Math.abs(drops[a])).slice(0, MAIN_WORDS);
    return order.map((i) => `${words[i]} ${signed(100 * drops[i], 0)}`).join(", ");
  }

  function nothingTyped() {
    at("verdict").textContent = "Type a headline, and the student answers.";
    for (const id of ["bars", "words"]) at(id).replaceChildren();
    at("reading").textContent = at("classify-status").textContent = "";
  }

  /** Answers at once; the words follow after a pause, and what a screen reader says of a change (`event`). */
  function answer(event) {
    clearTimeout(waiting);
    const student = chosen(), { card } = student, words = AGNEWS.Student.words(at("text").value);
    showCard(student);
    if (!words.length) {
      nothingTyped();
      return;
    }
    const said = student.answer(words), { probabilities, read } = said;
    const predicted = probabilities.indexOf(Math.max(...probabilities));
    const sentence = verdict(card, probabilities, predicted), note = reading(student, words, said);
    at("verdict").textContent = sentence;
    showBars(card.classes, probabilities, predicted);
    at("reading").textContent = note;
    waiting = setTimeout(() => {
      const drops = student.leaveOneOut(words, read, predicted, probabilities[predicted]);
      showWords(words, drops);
      if (event) at("classify-status").textContent = `${sentence}. ${note} Words that mattered most: ${mainWords(words, drops)}.`;
    }, PAUSE);
  }

  function start() {
    const names = Object.keys(TITLES).filter((name) => AGNEWS.data[name]);
    if (!names.length || !AGNEWS.data.characters) throw new Error("docs/data is incomplete: keep the folder whole.");
    at("student").append(...names.map((name) => element("option", { value: name }, TITLES[name])));
    for (const example of EXAMPLES) {
      const button = element("button", { type: "button" }, example);
      button.addEventListener("click", (event) => {
        at("text").value = example;
        answer(event);
      });
      at("examples").append(" ", button);
    }
    at("text").addEventListener("input", answer);
    at("student").addEventListener("change", answer);
    answer();
  }

  try {
    start();
  } catch (reason) {
    at("classify").prepend(element("p", { class: "problem", role: "alert" }, `The student cannot answer: ${reason.message}`));
  }
})();
