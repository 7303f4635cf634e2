// The scale under the picture: native radio buttons (or a slider, or boxes), so that keyboards and screen readers have it too.

import { Digits } from "./keys.js";

function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.textContent = text;
  return made;
}

/** Where labels stand over `levels` columns: [text, first column, columns], columns counted from 1. */
export function labelPlaces(labels, levels) {
  if (labels.length === levels) {
    return labels.map((text, i) => [text, i + 1, 1]);
  }
  if (labels.length * 2 === levels) {
    return labels.map((text, i) => [text, 2 * i + 1, 2]);
  }
  if (labels.length === 2) {
    const half = Math.floor(levels / 2);
    return [[labels[0], 1, half], [labels[1], levels - half + 1, half]];
  }
  if (labels.length * 2 - 1 === levels) {
    return labels.map((text, i) => [text, 2 * i + 1, 1]);
  }
  return labels.map((text, i) => [text, 2 * i + 1, Math.min(2, levels - 2 * i)]);
}

/** What a screen reader says for each value: the number, and its label where one stands over it. */
function spoken(question) {
  const names = new Map();
  const places = labelPlaces(question.labels, question.high - question.low + 1);
  for (const [text, first, columns] of places) {
    const ends = question.labels.length === 2;
    for (let i = 0; i < columns; i += 1) {
      const outer = first === 1 ? 0 : columns - 1;
      if (!ends || i === outer) {
        names.set(question.low + first - 1 + i, text);
      }
    }
  }
  return (value) => (names.has(value) ? `${value}, ${names.get(value)}` : `${value}`);
}

/** One question's controls inside `root`; `value` is null until something is chosen. */
export class Scale {
  constructor(root, question, onSelect) {
    this.root = root;
    this.question = question;
    this.onSelect = onSelect;
    this.digits = new Digits(question.low, question.high);
    this.value = null;
    root.replaceChildren(element("legend", {}, question.text));
    if (question.kind === "scale") {
      this.makeLabels();
    }
    this.makeControls();
  }

  get levels() {
    return this.question.high - this.question.low + 1;
  }

  get slider() {
    return this.question.kind === "scale" && this.levels > 11;
  }

  makeLabels() {
    const { labels } = this.question;
    const columns = this.slider ? Math.max(1, labels.length) : this.levels;
    const row = element("div", { class: `labels columns-${columns}`, "aria-hidden": "true" });
    row.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    for (const [text, first, span] of labelPlaces(labels, columns)) {
      const label = element("span", {}, text);
      label.style.gridColumn = `${first} / span ${span}`;
      if (labels.length === 2) {
        label.className = first === 1 ? "left" : "right";
      }
      row.append(label);
    }
    this.root.append(row);
  }

  makeControls() {
    const { kind } = this.question;
    const row = element("div", { class: this.slider ? "slide" : `levels ${kind}` });
    this.row = row;
    if (this.slider) {
      this.makeSlider(row);
    } else {
      const type = kind === "several_of" ? "checkbox" : "radio";
      for (const [value, text, name] of this.choices()) {
        const label = element("label");
        const input = element("input", { type, name: "value", value, autocomplete: "off", "aria-label": name });
        input.addEventListener("change", () => this.changed());
        label.append(input, element("span", {}, text));
        row.append(label);
      }
      row.style.gridTemplateColumns = `repeat(${row.children.length}, minmax(0, 1fr))`;
    }
    this.root.append(row);
  }

  /** [value, what is printed, what is spoken] of each button. */
  choices() {
    const { kind, low, labels } = this.question;
    if (kind === "scale") {
      const say = spoken(this.question);
      return Array.from({ length: this.levels }, (_, i) => [low + i, `${low + i}`, say(low + i)]);
    }
    if (kind === "several_of") {
      return labels.map((text, i) => [2 ** i, text, text]);
    }
    return labels.map((text, i) => [low + i, text, text]);
  }

  makeSlider(row) {
    const { low, high, text } = this.question;
    const input = element("input", { type: "range", min: low, max: high, step: 1, class: "untouched", autocomplete: "off", "aria-label": text });
    const shown = element("output", {}, "–");
    input.addEventListener("input", () => this.choose(Number(input.value)));
    input.addEventListener("pointerup", () => this.choose(Number(input.value)));
    this.output = shown;
    row.append(input, shown);
  }

  get inputs() {
    return [...this.row.querySelectorAll("input")];
  }

  changed() {
    const chosen = this.inputs.filter((input) => input.checked).map((input) => Number(input.value));
    this.value = chosen.length ? chosen.reduce((sum, value) => sum + value, 0) : null;
    this.onSelect(this.value);
  }

  choose(value) {
    this.value = value;
    if (this.slider) {
      const [input] = this.inputs;
      input.value = value;
      input.classList.remove("untouched");
      this.output.textContent = `${value}`;
    } else {
      for (const input of this.inputs) {
        input.checked = Number(input.value) === value;
      }
      this.inputs.find((input) => input.checked)?.focus({ preventScroll: true });
    }
    this.onSelect(value);
  }

  /** A digit typed at a moment (ms): choose what it makes. Choices without numbers are counted from 1. */
  type(digit, at) {
    const { kind } = this.question;
    if (kind === "scale") {
      const value = this.digits.press(digit, at);
      if (value !== null) {
        this.choose(value);
      }
      return value;
    }
    const input = this.inputs[Number(digit) - 1];
    if (!input) {
      return null;
    }
    input.checked = kind === "several_of" ? !input.checked : true;
    input.focus({ preventScroll: true });
    this.changed();
    return this.value;
  }

  reset() {
    this.value = null;
    this.digits.clear();
    for (const input of this.inputs) {
      input.checked = false;
    }
    if (this.slider) {
      const [input] = this.inputs;
      input.value = Math.round((this.question.low + this.question.high) / 2);
      input.classList.add("untouched");
      this.output.textContent = "–";
    }
  }

  set disabled(value) {
    this.root.disabled = value;
  }
}
