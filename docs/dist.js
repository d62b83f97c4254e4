/* The losses of agnews_utils/losses.py: cross-entropy, inter, intra, DIST and KL. Logits are arrays of rows, an article
   each. data/golden_losses.json has values that both are tested with. */
"use strict";

(() => {
  const EPS = 1e-8;
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const transpose = (rows) => rows[0].map((_, column) => rows.map((row) => row[column]));

  /** Pearson correlation of two rows; 0 where one is constant. */
  function pearson(a, b) {
    const [x, y] = [a, b].map((row) => row.map((value) => value - mean(row)));
    const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0);
    return dot(x, y) / (Math.max(Math.sqrt(dot(x, x)), EPS) * Math.max(Math.sqrt(dot(y, y)), EPS));
  }

  /** softmax(z / tau) of every row. */
  const probabilities = (logits, tau) => logits.map((row) => AGNEWS.softmax(row.map((z) => z / tau)));

  function logSoftmax(row) {
    const highest = Math.max(...row);
    const logSum = highest + Math.log(row.reduce((sum, z) => sum + Math.exp(z - highest), 0));
    return row.map((z) => z - logSum);
  }

  /** tau squared times the divergence of the student from the teacher, a mean over articles. */
  function kl(student, teacher, tau) {
    const logs = (rows) => rows.map((row) => logSoftmax(row.map((z) => z / tau)));
    const [s, t] = [logs(student), logs(teacher)];
    return tau ** 2 * mean(t.map((row, i) => row.reduce((sum, log, k) => sum + Math.exp(log) * (log - s[i][k]), 0)));
  }

  /** The loss taken apart. `rows` and `columns` are the correlations that inter and intra are 1 minus the mean of;
      `terms` are as the total takes them, before their weights. */
  AGNEWS.dist = (student, teacher, labels, { tau, beta, gamma, ceWeight, scaleTau2 }) => {
    const ys = probabilities(student, tau), yt = probabilities(teacher, tau);
    const columnsOf = transpose(yt);
    const rows = ys.map((row, i) => pearson(row, yt[i]));
    const columns = transpose(ys).map((column, k) => pearson(column, columnsOf[k]));
    const scale = scaleTau2 ? tau ** 2 : 1;
    const terms = {
      ce: mean(student.map((row, i) => -logSoftmax(row)[labels[i]])),
      inter: scale * (1 - mean(rows)),
      intra: scale * (1 - mean(columns)),
      kl: kl(student, teacher, tau),
    };
    return { ys, yt, rows, columns, scale, terms, total: ceWeight * terms.ce + beta * terms.inter + gamma * terms.intra };
  };

  /** The gradient of the total by the student's logits of one article, by central differences. */
  AGNEWS.distGradient = (student, teacher, labels, settings, article, step = 1e-5) =>
    student[article].map((_, k) => {
      const total = (change) => {
        const moved = student.map((row) => [...row]);
        moved[article][k] += change;
        return AGNEWS.dist(moved, teacher, labels, settings).total;
      };
      return (total(step) - total(-step)) / (2 * step);
    });
})();
