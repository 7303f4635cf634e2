// Hands to actions: keys, clicks and buttons, each let through only when it was begun on the picture that is seen.

import { digitOf } from "./keys.js";

export function listen(rating) {
  const { page, panels } = rating;
  const guard = new Guard(rating);
  document.addEventListener("keydown", (event) => key(rating, guard, event), true);
  page.querySelector("#vote").addEventListener("submit", (event) => {
    event.preventDefault();
    if (rating.fresh(event)) {
      rating.confirm();
    }
  });
  page.querySelector("#unwilling").addEventListener("click", () => rating.open && rating.interrupt("unwilling", "unwilling"));
  page.querySelector("#pause").addEventListener("click", () => rating.interrupt("pause", "pause"));
  for (const panel of ["practice", "ready", "half", "pause"]) {
    panels.on(panel, "go", () => rating.resume());
  }
  for (const panel of ["practice", "ready", "small", "half", "pause"]) {
    panels.on(panel, "fullscreen", () => document.documentElement.requestFullscreen?.().catch(() => {}));
  }
  panels.on("unwilling", "back", () => rating.go());
  panels.on("unwilling", "reason", (button) => rating.finish({ missing: button.value }));
  panels.on("other-tab", "here", () => window.location.reload());
  panels.on("other-device", "again", () => window.location.reload());
}

/** Remembers when each key and the pointer went down: what began before the picture was seen is not meant for it. */
class Guard {
  constructor(rating) {
    this.rating = rating;
    this.keys = new Map();
    this.pointer = -Infinity;
    const controls = rating.page.querySelector("#scale");
    document.addEventListener("pointerdown", (event) => { this.pointer = event.timeStamp; }, true);
    controls.addEventListener("click", (event) => this.click(event), true);
  }

  click(event) {
    const { rating } = this;
    const began = event.detail > 0 ? this.pointer : event.timeStamp;
    if (!rating.fresh(event) || began < rating.view.shownAt) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  /** Whether a key press belongs to the picture that is seen now. */
  own(event) {
    if (!event.repeat) {
      this.keys.set(event.code, event.timeStamp);
    }
    const began = this.keys.get(event.code) ?? -Infinity;
    return this.rating.fresh(event) && began >= this.rating.view.shownAt;
  }
}

function key(rating, guard, event) {
  const own = guard.own(event);
  const { code } = event;
  if (rating.panels.open !== null && event.key !== "Escape") {
    return;
  }
  if (event.key === "Escape") {
    rating.interrupt("pause", "pause");
  } else if (event.key === "Backspace") {
    event.preventDefault();
    rating.takeBack();
  } else if (event.key === "Enter") {
    enter(rating, own && !event.repeat, event);
  } else if (digitOf(event) !== null) {
    event.preventDefault();
    if (own && !event.repeat) {
      rating.scale.type(digitOf(event), event.timeStamp);
    }
  } else if (!own && (code.startsWith("Arrow") || ["Space", "Home", "End", "PageUp", "PageDown"].includes(code))) {
    event.preventDefault();
  }
}

function enter(rating, own, event) {
  if (event.target.closest?.("#unwilling, #pause, a")) {
    return;
  }
  event.preventDefault();
  if (own) {
    rating.confirm();
  }
}
