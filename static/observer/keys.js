// Keys to values: digits of any keyboard row (AZERTY gives letters there) and of the numeric pad, typed within a moment.

export const TOGETHER_MS = 700;

/** The digit that a key means, or null: the printed digit first, else the place of the key. */
export function digitOf(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) {
    return null;
  }
  if (/^[0-9]$/.test(event.key)) {
    return event.key;
  }
  const place = /^(?:Digit|Numpad)([0-9])$/.exec(event.code || "");
  return place ? place[1] : null;
}

/** Digits typed one after the other within .7 s make one number of the scale from `low` to `high`. */
export class Digits {
  constructor(low, high) {
    this.low = low;
    this.high = high;
    this.clear();
  }

  clear() {
    this.typed = "";
    this.at = -Infinity;
  }

  /** The value on the scale after this digit at this moment (ms), or null where it makes none. */
  press(digit, at) {
    const joined = at - this.at <= TOGETHER_MS ? this.typed + digit : digit;
    this.at = at;
    for (const text of [joined, digit]) {
      const value = Number(text);
      if (value >= this.low && value <= this.high && String(value) === text) {
        this.typed = text;
        return value;
      }
    }
    this.typed = "";
    return digit === "0" && this.high === 10 && this.low === 1 ? 10 : null;
  }

  /** Whether one more digit within the moment could still change `value`. */
  open(value) {
    return this.typed !== "" && value > 0 && value * 10 <= this.high;
  }
}
