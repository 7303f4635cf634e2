// The next pictures, fetched and decoded whole before their turn.

import { decode } from "./canvas.js";
import { pause } from "./timing.js";

/** Holds decoded pictures by presentation; a failed fetch is tried again until it works or is no longer wanted. */
export class Preloader {
  constructor(root, { ahead = 5, onFailure = () => {} } = {}) {
    this.root = root;
    this.ahead = ahead;
    this.onFailure = onFailure;
    this.held = new Map();
  }

  /** Start on the first `ahead` items, drop what is no longer among them. */
  want(items) {
    const wanted = new Map(items.slice(0, this.ahead).map((item) => [item.presentation, item]));
    for (const [name, entry] of this.held) {
      if (!wanted.has(name)) {
        entry.dropped = true;
        entry.bitmap?.close();
        this.held.delete(name);
      }
    }
    for (const [name, item] of wanted) {
      if (!this.held.has(name)) {
        const entry = { dropped: false, bitmap: null };
        entry.ready = this.load(item, entry);
        this.held.set(name, entry);
      }
    }
  }

  /** The decoded picture of an item; waits for it. */
  get(item) {
    return this.held.get(item.presentation).ready;
  }

  ready(item) {
    return Boolean(this.held.get(item.presentation)?.bitmap);
  }

  async load(item, entry) {
    for (let wait = 500; !entry.dropped; wait = Math.min(wait * 2, 5000)) {
      try {
        const answer = await fetch(this.root + item.image, { credentials: "same-origin", cache: "no-store" });
        if (answer.ok) {
          entry.bitmap = await decode(answer);
          return entry.bitmap;
        }
        this.onFailure(item, answer.status);
      } catch {
        this.onFailure(item, 0);
      }
      await pause(wait);
    }
    return null;
  }
}
