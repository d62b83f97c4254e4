/* The second part of the page: sliders for the DIST loss and the logits of four articles, and what they give. */
"use strict";

(() => {
  const { element, signed } = AGNEWS;
  const EDITED = "edited by hand", PAUSE = 500; // milliseconds without a change before it is read out
  const SETTINGS = [
    ["tau", "Temperature tau", 0.1, 8],
    ["beta", "Weight beta of inter", 0, 8],
    ["gamma", "Weight gamma of intra", 0, 8],
    ["ceWeight", "Weight of cross-entropy", 0, 2],
  ];
  const NAMES = { ce: "cross-entropy", inter: "inter (rows)", intra: "intra (columns)" };
  const LARGEST = 8; // logit that a slider gives

  const at = (id) => document.getElementById(id);
  const { classes, labels: firstLabels, situations } = AGNEWS.data.situations ?? {};
  const settings = { tau: 1, beta: 2, gamma: 2, ceWeight: 1, scaleTau2: false };
  const state = { student: [], teacher: [], labels: [] };
  const sliders = {};
  let waiting = 0, loaded = false;

  const article = () => Number(at("article").value);

  /** A slider with its label and its number; `moved` hears of each change. */
  function slider(id, title, low, high, moved) {
    const input = element("input", { type: "range", id, min: low, max: high, step: 0.1 });
    const number = element("span", { class: "number", "aria-hidden": "true" });
    input.addEventListener("input", () => moved(Number(input.value)));
    sliders[id] = (value) => {
      input.value = value;
      number.textContent = value.toFixed(1).replace("-", "−");
    };
    return element("div", { class: "slider" }, element("label", { for: id }, title), input, number);
  }

  function options(id, names, changed) {
    at(id).append(...names.map((name, value) => element("option", { value }, name)));
    at(id).addEventListener("change", changed);
  }

  function load() {
    const situation = situations[Number(at("situation").value)];
    if (!situation) return;
    for (const who of ["student", "teacher"]) state[who] = situation[who].map((row) => [...row]);
    state.labels = [...firstLabels];
    show();
  }

  function edited() {
    at("situation").value = situations.length; // the option after them
    show();
  }

  const shade = (cell, share) => {
    cell.style.setProperty("--share", share);
    return cell;
  };

  /** A cell for a correlation: coloured by its distance from 1, which is what the loss counts (its root, so that a small one shows). */
  const correlation = (value, kind) => shade(element("td", { class: kind }, signed(value, 3)), Math.sqrt(Math.min(1 - value, 1)));

  /** Four articles by four classes, the student's probability above the teacher's; correlations at the ends. */
  function matrix(m) {
    const head = [element("th", { scope: "col" }, "article"), ...classes.map((name) => element("th", { scope: "col" }, name))];
    head.push(element("th", { scope: "col", class: "inter" }, "row r"));
    const body = m.rows.map((r, i) => {
      const cells = m.ys[i].map((share, k) => {
        const parts = [[share, "student"], [m.yt[i][k], "teacher"]].map(([y, who]) =>
          shade(element("span", { class: `share ${who}` }, element("span", { class: "unseen" }, `${who} `), y.toFixed(2)), y));
        return element("td", k === state.labels[i] ? { class: "truth" } : {}, ...parts);
      });
      const title = element("th", { scope: "row" }, `${i + 1}`);
      return element("tr", i === article() ? { class: "shown", "aria-current": "true" } : {}, title, ...cells, correlation(r, "inter"));
    });
    const foot = [element("th", { scope: "row", class: "intra" }, "column r"), ...m.columns.map((r) => correlation(r, "intra"))];
    const caption = "Probabilities at tau: the student's above the teacher's. A frame marks the true class, a bar the article to edit.";
    return element("table", { class: "matrix" }, element("caption", {}, caption), element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...body, element("tr", {}, ...foot, element("td"))));
  }

  /** The loss as a table: each term, its factors, and its part in the total. */
  function terms(m) {
    const weights = { ce: settings.ceWeight, inter: settings.beta, intra: settings.gamma };
    const row = (name, ...cells) => element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((c) => element("td", {}, c)));
    const rows = Object.keys(NAMES).map((key) => {
      const scale = key === "ce" ? 1 : m.scale, value = m.terms[key];
      return row(NAMES[key], (value / scale).toFixed(4), scale.toFixed(2), weights[key].toFixed(1), (weights[key] * value).toFixed(4));
    });
    rows.push(row("DIST, total", "", "", "", m.total.toFixed(4)));
    const squared = settings.tau ** 2;
    rows.push(row("KL, to compare", (m.terms.kl / squared).toFixed(4), squared.toFixed(2), "", m.terms.kl.toFixed(4)));
    const head = ["term", "value", "× tau²", "× weight", "gives"].map((name) => element("th", { scope: "col" }, name));
    return element("table", { class: "terms" }, element("caption", {}, "The loss over the four articles"),
      element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  }

  /** What a training step does to the article's logits: it goes against the gradient. */
  function step(gradient) {
    const parts = classes.map((name, k) => {
      const size = signed(-gradient[k], 3), verb = { "+": "raises", "−": "lowers" }[size[0]] ?? "leaves";
      return `${verb} ${name} (${size})`;
    });
    return `A training step on article ${article() + 1} ${parts.join(", ")}. In brackets: minus the gradient of the total.`;
  }

  function show() {
    const i = article();
    for (const [id] of SETTINGS) sliders[id](settings[id]);
    for (const who of ["student", "teacher"]) classes.forEach((_, k) => sliders[`${who}${k}`](state[who][i][k]));
    at("label").value = state.labels[i];
    const m = AGNEWS.dist(state.student, state.teacher, state.labels, settings);
    const gradient = AGNEWS.distGradient(state.student, state.teacher, state.labels, settings, i);
    at("matrix").replaceChildren(matrix(m));
    at("terms").replaceChildren(terms(m));
    at("step").textContent = step(gradient);
    clearTimeout(waiting);
    if (!loaded) return; // a screen reader hears of changes
    waiting = setTimeout(() => {
      const said = Object.entries(NAMES).map(([key, name]) => `${name} ${m.terms[key].toFixed(4)}`);
      at("explore-status").textContent = `${said.join(", ")}, total ${m.total.toFixed(4)}, KL ${m.terms.kl.toFixed(4)}.`;
    }, PAUSE);
  }

  function start() {
    if (!situations) throw new Error("docs/data/situations.js is missing: keep the folder whole.");
    options("situation", [...situations.map(({ name }) => name), EDITED], load);
    options("article", firstLabels.map((_, i) => `article ${i + 1}`), show);
    options("label", classes, () => {
      state.labels[article()] = Number(at("label").value);
      edited();
    });
    at("weights").append(...SETTINGS.map(([id, title, low, high]) => slider(id, title, low, high, (value) => {
      settings[id] = value;
      show();
    })));
    for (const who of ["student", "teacher"]) {
      const own = classes.map((name, k) => slider(`${who}${k}`, name, -LARGEST, LARGEST, (value) => {
        state[who][article()][k] = value;
        edited();
      }));
      at("logits").append(element("fieldset", {}, element("legend", {}, `The ${who}'s logits`), ...own));
    }
    at("tau2").addEventListener("change", () => {
      settings.scaleTau2 = at("tau2").checked;
      show();
    });
    load();
    loaded = true;
  }

  try {
    start();
  } catch (reason) {
    at("explore").prepend(element("p", { class: "problem", role: "alert" }, `The explorer cannot start: ${reason.message}`));
  }
})();
