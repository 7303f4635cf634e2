// When a picture was really on the screen, and how smoothly: two animation frames after drawing, then every frame counted.

/** Resolves with the moment (performance.now) of the second frame: what was drawn before is then on the screen. */
export function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame((at) => resolve(at)));
  });
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

const SLOW_FRAME_MS = 100;

/** One picture's time on the screen: hidden time does not count, slow frames do as faults. */
export class View {
  constructor(shownAt) {
    this.shownAt = shownAt;
    this.hiddenMs = 0;
    this.hiddenAt = document.hidden ? shownAt : null;
    this.slowFrames = 0;
    this.longestMs = 0;
    this.endedAt = null;
    this.last = shownAt;
    this.watch = (at) => this.frame(at);
    requestAnimationFrame(this.watch);
  }

  frame(at) {
    if (this.endedAt !== null) {
      return;
    }
    const took = at - this.last;
    if (took > SLOW_FRAME_MS && this.hiddenAt === null) {
      this.slowFrames += 1;
      this.longestMs = Math.max(this.longestMs, took);
    }
    this.last = at;
    requestAnimationFrame(this.watch);
  }

  visibility(hidden, at) {
    if (hidden && this.hiddenAt === null) {
      this.hiddenAt = at;
    } else if (!hidden && this.hiddenAt !== null) {
      this.hiddenMs += at - this.hiddenAt;
      this.hiddenAt = null;
      this.last = at;
    }
  }

  end(at) {
    this.endedAt ??= at;
  }

  /** Milliseconds seen until `at` (or the end). */
  seen(at) {
    const until = this.endedAt ?? at;
    const hidden = this.hiddenMs + (this.hiddenAt === null ? 0 : Math.max(0, until - this.hiddenAt));
    return Math.max(0, until - this.shownAt - hidden);
  }
}
