/* A student that answers in the page: the same tokens and the same forward pass as agnews_utils/export/student.py.
   Classic scripts only: opened from a folder, a browser loads neither modules nor data by other means. */
"use strict";
globalThis.AGNEWS = { data: {} };

(() => {
  const FORMAT = "agnews-student-2";
  const HASH_PRIME = 2 ** 31 - 1, HASH_BEFORE = 1540483477, HASH_AFTER = 1000003; // as in agnews_utils/models.py
  const LONGEST_WORD = 100; // characters; WordPiece knows no longer one
  const KEPT = 3000; // tokens whose part in the convolutions is remembered

  /** A number from its 16 bits. */
  function halfFloat(bits) {
    const exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24;
    return bits >> 15 ? -size : size;
  }

  const READERS = {
    I8: (buffer) => new Int8Array(buffer),
    F16: (buffer) => Float32Array.from(new Uint16Array(buffer), halfFloat),
    F32: (buffer) => new Float32Array(buffer),
  };

  /** Arrays, vocabulary and card of a student's file, given its bytes: { tensors, pieces, card }. */
  function readStudent(bytes) {
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true)), start = 8 + length;
    const { __metadata__: metadata = {}, ...entries } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
    if (metadata.format !== FORMAT) throw new Error(`This is not a student's file (${FORMAT}): run make page again.`);
    const tensors = {};
    for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(entries)) {
      tensors[name] = { shape, values: READERS[dtype](bytes.slice(start + from, start + to).buffer) };
    }
    for (const name of Object.keys(tensors).filter((key) => `${key}.scale` in tensors)) {
      tensors[name].values = scaled(tensors[name], tensors[`${name}.scale`]);
    }
    return { tensors, pieces: metadata.pieces.split("\n"), card: JSON.parse(metadata.card) };
  }

  /** Whole numbers times their scales: one for each entry of the first axis, or of the second. */
  function scaled({ shape, values }, scale) {
    const inner = values.length / shape[0], byRow = scale.shape[0] === shape[0];
    return Float32Array.from(values, (x, i) => x * scale.values[byRow ? Math.floor(i / inner) : i % inner]);
  }

  const DROPPED = 1, SPACE = 2, ALONE = 3;
  let kinds = null;

  /** What BERT's tokenizer does with a character; asked of it for all of them when the page was made. */
  function kindOf(character) {
    if (!kinds) {
      kinds = new Uint8Array(0x110000);
      const { dropped, space, alone } = AGNEWS.data.characters;
      for (const [kind, ranges] of [[DROPPED, dropped], [SPACE, space], [ALONE, alone]]) {
        for (const range of ranges.split(" ")) {
          const [first, last = first] = range.split("-").map((code) => parseInt(code, 16));
          kinds.fill(kind, first, last + 1);
        }
      }
    }
    const code = character.codePointAt(0);
    return code >= 0xd800 && code < 0xe000 ? DROPPED : kinds[code]; // half a pair is no character
  }

  /** Lower case without accents, one character at a time, so that no rule of a language comes in. */
  function plain(character) {
    if (character <= "\x7f") return character.toLowerCase();
    const parts = Array.from(character.normalize("NFD")).filter((part) => kindOf(part) !== DROPPED);
    return parts.map((part) => part.toLowerCase()).join("");
  }

  class Student {
    constructor(bytes) {
      Object.assign(this, readStudent(bytes));
      this.numbers = new Map(this.pieces.map((piece, number) => [piece, number]));
      this.dimension = this.tensors["embedding.weight"].shape[1];
      const names = Object.keys(this.tensors).filter((name) => /^convs\.\d+\.weight$/.test(name)).sort();
      this.convolutions = names.map((name) => {
        const { shape: [channels, , width], values } = this.tensors[name];
        return { channels, width, values, bias: this.tensors[name.replace("weight", "bias")].values };
      });
      this.projections = new Map();
    }

    /** The text's words, split at spaces; one of nothing but characters that the tokenizer drops is none. */
    static words(text) {
      const words = [];
      let word = "", empty = true;
      for (const character of `${text} `) {
        const kind = kindOf(character);
        if (kind !== SPACE) {
          word += character;
          empty &&= kind === DROPPED;
        } else {
          if (!empty) words.push(word);
          [word, empty] = ["", true];
        }
      }
      return words;
    }

    /** The numbers of a word's pieces: punctuation apart, then the longest pieces that the vocabulary has. */
    piecesOf(word) {
      const parts = [""];
      for (const character of word) {
        const kind = kindOf(character);
        if (kind === ALONE) parts.push(plain(character), "");
        else if (kind !== DROPPED) parts[parts.length - 1] += plain(character);
      }
      return parts.filter(Boolean).flatMap((part) => this.wordPieces(Array.from(part)));
    }

    wordPieces(characters) {
      const unknown = [this.numbers.get("[UNK]")], found = [];
      if (characters.length > LONGEST_WORD) return unknown;
      for (let start = 0, end; start < characters.length; start = end) {
        const prefix = start ? "##" : "";
        for (end = characters.length; end > start; end--) {
          const number = this.numbers.get(prefix + characters.slice(start, end).join(""));
          if (number !== undefined) {
            found.push(number);
            break;
          }
        }
        if (end === start) return unknown;
      }
      return found;
    }

    /** { ids, read }: the text's tokens, cut at the length that the student was trained with, and how many of its
        words they come from. */
    tokens(words) {
      const room = this.card.max_length - 2;
      let ids = [], read = 0;
      while (read < words.length && ids.length < room) ids = ids.concat(this.piecesOf(words[read++]));
      return { ids: [this.numbers.get("[CLS]"), ...ids.slice(0, room), this.numbers.get("[SEP]")], read };
    }

    /** What one token gives to each convolution at each place of its window; texts share tokens, so it is kept. */
    projected(id) {
      if (this.projections.size > KEPT) this.projections.clear();
      if (!this.projections.has(id)) {
        const { dimension } = this;
        const row = this.tensors["embedding.weight"].values.subarray(id * dimension, (id + 1) * dimension);
        this.projections.set(id, this.convolutions.map(({ channels, width, values }) => {
          const parts = new Float64Array(width * channels);
          for (let c = 0; c < channels; c++) {
            for (let d = 0; d < dimension; d++) {
              const at = (c * dimension + d) * width;
              for (let k = 0; k < width; k++) parts[k * channels + c] += row[d] * values[at + k];
            }
          }
          return parts;
        }));
      }
      return this.projections.get(id);
    }

    /** The maximum over places of convolution number n with ReLU. */
    strongest(projections, n) {
      const { channels, width, bias } = this.convolutions[n], half = Math.floor(width / 2);
      const best = new Float64Array(channels).fill(-Infinity), sum = new Float64Array(channels);
      for (let place = 0; place < projections.length; place++) {
        sum.fill(0);
        for (let k = 0; k < width; k++) {
          const parts = projections[place + k - half]?.[n];
          for (let c = 0; parts && c < channels; c++) sum[c] += parts[k * channels + c];
        }
        for (let c = 0; c < channels; c++) if (sum[c] > best[c]) best[c] = sum[c];
      }
      return best.map((value, c) => Math.max(value + bias[c], 0));
    }

    /** The mean of the tokens' embeddings. */
    mean(ids) {
      const { values } = this.tensors["embedding.weight"], mean = new Float64Array(this.dimension);
      for (const id of ids) for (let d = 0; d < mean.length; d++) mean[d] += values[id * mean.length + d] / ids.length;
      return mean;
    }

    logits(ids) {
      const projections = ids.map((id) => this.projected(id));
      const features = this.convolutions.flatMap((_, n) => [...this.strongest(projections, n)]);
      if (this.card.mean) features.push(...this.mean(ids));
      const weight = this.tensors["linear.weight"].values;
      const logits = Array.from(this.tensors["linear.bias"].values, (bias, k) =>
        features.reduce((sum, x, i) => sum + x * weight[k * features.length + i], bias));
      const wide = this.tensors["wide.weight"];
      for (const bucket of wide ? hashedPairs(ids, wide.shape[0]) : []) {
        for (let k = 0; k < logits.length; k++) logits[k] += wide.values[bucket * logits.length + k];
      }
      return logits;
    }

    /** { probabilities, ids, read } of a text's words; the card's temperature, if any, divides the logits. */
    answer(words) {
      const { ids, read } = this.tokens(words);
      const logits = this.logits(ids).map((logit) => logit / (this.card.temperature ?? 1));
      return { probabilities: AGNEWS.softmax(logits), ids, read };
    }

    /** For each word, how far the probability of `predicted` falls when it alone is left out. */
    leaveOneOut(words, read, predicted, probability) {
      return words.slice(0, read).map((_, left) =>
        probability - this.answer(words.filter((_, i) => i !== left)).probabilities[predicted]);
    }
  }

  /** The bucket of each token and of each pair of neighbours. All numbers stay below 2 ** 53, so they are exact. */
  function hashedPairs(ids, buckets) {
    const pairs = ids.map((id) => id * HASH_AFTER);
    for (let i = 1; i < ids.length; i++) pairs.push(ids[i - 1] * HASH_BEFORE + ids[i] * HASH_AFTER);
    return pairs.map((pair) => 1 + ((pair % HASH_PRIME) % (buckets - 1)));
  }

  AGNEWS.softmax = (logits) => {
    const highest = Math.max(...logits), shares = logits.map((logit) => Math.exp(logit - highest));
    const sum = shares.reduce((a, b) => a + b, 0);
    return shares.map((share) => share / sum);
  };

  /** The student of a data file, given in base64. */
  AGNEWS.student = (base64) => new Student(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  AGNEWS.Student = Student;
})();
