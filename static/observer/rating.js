// The rating page: grey gap, picture, vote. Every vote belongs to the picture that was seen when it was made.

import { Api, randomKey } from "./api.js";
import { listen } from "./controls.js";
import { Feed } from "./feed.js";
import { TOGETHER_MS } from "./keys.js";
import { lost, pauseIsDue, showProgress, stepAside, tooSmall, waiting } from "./messages.js";
import { Panels } from "./panels.js";
import { Queue } from "./queue.js";
import { Scale } from "./scale.js";
import { Stage } from "./stage.js";
import { Tabs } from "./tabs.js";
import { painted, pause, View } from "./timing.js";
import { watchWindow } from "./watch.js";

const WAIT_MS = 1500;

class Rating {
  constructor(page, queue) {
    this.page = page;
    this.queue = queue;
    this.api = new Api(page.dataset.root);
    this.panels = new Panels(page);
    this.scaleRoot = page.querySelector("#scale");
    this.next = page.querySelector("#next");
    this.bar = page.querySelector("#progress");
    this.state = "panel";
    this.turn = 0;
    this.scale = null;
    this.feed = new Feed(this.api, queue, {
      onRefused: (vote, status, body) => this.refused(body),
      onLost: (body) => lost(this, body),
      onConnection: (offline) => this.feed.event(offline ? "offline" : "online"),
      onAbsent: () => this.sync(false),
    });
    this.tabs = new Tabs(page.dataset.owner, () => stepAside(this));
  }

  async begin() {
    listen(this);
    watchWindow(this);
    this.tabs.claim();
    if (!this.queue.durable) {
      this.feed.event("queue_in_memory");
    }
    await this.feed.open();
    await this.sync();
  }

  /** Take over what the server says; open with the panel that fits the phase. */
  async sync(open = true) {
    const { status, body } = await this.api.session();
    if (status === 401) {
      await lost(this, body);
    } else if (status !== 200) {
      this.panels.show("offline", { kept: await this.feed.kept() });
      setTimeout(() => this.sync(open), 2000);
    } else if (body.phase === "done") {
      await this.leave();
    } else {
      const other = this.feed.phase !== undefined && this.feed.phase !== body.phase;
      this.adopt(body);
      if (open || other) {
        this.state = "panel";
        this.panels.show(body.phase === "training" ? "practice" : "ready", this.feed.counts);
      } else {
        await this.go();
      }
    }
  }

  adopt(session) {
    this.feed.adopt(session);
    const { dataset } = this.page;
    this.stage ??= new Stage(this.page, {
      measured: Number(dataset.devicePixelsPerDegree),
      high: Number(dataset.pixelsPerDegreeHigh),
      room: Number(dataset.room),
    });
    this.useQuestion(this.feed.items[0]);
    this.stage.arrange();
  }

  useQuestion(item) {
    const question = this.feed.questionOf(item);
    if (this.scale?.question.name !== question.name) {
      this.scale = new Scale(this.scaleRoot, question, () => this.selected());
    }
    this.scale.reset();
    this.scale.disabled = true;
  }

  /** The next picture: the gap, then the picture when it is decoded, or the message that tells why not. */
  async go() {
    const turn = ++this.turn;
    const { feed } = this;
    this.panels.hide();
    this.state = "gap";
    this.stage.clear();
    this.next.disabled = true;
    const [item] = feed.items;
    if (!item) {
      await this.refill(turn);
      return;
    }
    if (pauseIsDue(this)) {
      return;
    }
    this.useQuestion(item);
    showProgress(this, true);
    feed.preload.want(feed.items);
    const late = setTimeout(() => turn === this.turn && waiting(this), feed.settings.gap_ms + WAIT_MS);
    const [bitmap] = await Promise.all([feed.preload.get(item), pause(feed.settings.gap_ms)]);
    clearTimeout(late);
    if (turn === this.turn && bitmap !== null) {
      await feed.flush();
      if (turn === this.turn) {
        await this.show(item, bitmap, turn);
      }
    }
  }

  async show(item, bitmap, turn) {
    const room = this.stage.measure(item);
    if (!room.fits) {
      tooSmall(this, room);
      return;
    }
    this.panels.hide();
    showProgress(this, false);
    this.item = item;
    this.closing = false;
    this.stage.show(bitmap);
    this.state = "painting";
    const shownAt = await painted();
    if (turn !== this.turn) {
      return;
    }
    this.view = new View(shownAt);
    this.state = "view";
    if (this.timed) {
      setTimeout(() => turn === this.turn && this.viewOver(), this.feed.settings.view_ms);
    } else {
      this.openScale();
    }
  }

  /** Whether the picture goes away by itself before the scale opens. */
  get timed() {
    return this.feed.settings.view_ms > 0;
  }

  openScale() {
    this.scale.disabled = false;
    this.page.dataset.open = this.item.presentation;
    this.scaleRoot.focus({ preventScroll: true });
  }

  viewOver() {
    this.view.end(performance.now());
    this.stage.clear();
    this.state = "answer";
    this.openScale();
  }

  get open() {
    return (this.state === "view" && !this.timed) || this.state === "answer";
  }

  /** Whether an input was made for the picture that is seen now. */
  fresh(event) {
    return this.open && !this.closing && event.timeStamp >= this.view.shownAt;
  }

  selected() {
    const { scale } = this;
    this.next.disabled = scale.value === null;
    const single = scale.question.kind !== "several_of" && !scale.slider;
    if (this.feed.settings.auto_advance && scale.value !== null && single) {
      this.advanceSoon();
    }
  }

  /** Without confirming: at once, but a 1 waits for the 0 that would make it ten. */
  advanceSoon() {
    const { turn } = this;
    const { value } = this.scale;
    const wait = this.scale.digits.open(value) ? TOGETHER_MS + 20 : 0;
    setTimeout(() => turn === this.turn && this.scale.value === value && this.confirm(), wait);
  }

  /** Vote; a vote made before the least time waits for it. */
  async confirm() {
    if (!this.open || this.closing || this.scale.value === null) {
      return;
    }
    this.closing = true;
    const { turn } = this;
    const missing = () => this.feed.settings.min_view_ms - this.view.seen(performance.now());
    for (let left = missing(); left > 0; left = missing()) {
      await pause(left + 1);
      if (turn !== this.turn || !this.open) {
        return;
      }
    }
    await this.finish({ value: this.scale.value });
  }

  /** Close the picture with an answer ({value} or {missing}) and go on; its vote is kept before anything else is shown. */
  async finish(answer) {
    const { feed, item, turn, view } = this;
    const now = performance.now();
    this.state = "closing";
    this.stage.clear();
    const seen = view.seen(now);
    const response = now - view.shownAt - view.hiddenMs;
    view.end(now);
    this.report(item, view, response);
    feed.hold({ presentation: item.presentation, body: { ...answer, ...this.circumstances(seen, response) } });
    if (!feed.settings.auto_advance) {
      await feed.flush();
    }
    delete this.page.dataset.open;
    if (turn === this.turn) {
      await this.go();
    }
  }

  circumstances(seen, response) {
    return {
      question: this.scale.question.name,
      key: randomKey(),
      view_ms: Math.round(seen * 10) / 10,
      response_ms: Math.round(response * 10) / 10,
      pixels_per_degree: this.stage.pixelsPerDegree,
      replication: this.stage.copies,
      ...(this.feed.phase === "training" ? { training: true } : {}),
    };
  }

  report(item, view, response) {
    const limit = this.feed.settings.vote_limit_ms;
    if (view.slowFrames > 0) {
      this.feed.event("slow_frames", { count: view.slowFrames, longest_ms: Math.round(view.longestMs) }, item);
    }
    if (limit > 0 && response > limit) {
      this.feed.event("overtime", { response_ms: Math.round(response) }, item);
    }
  }

  /** Before the gap has ended an unconfirmed vote can be taken back. */
  takeBack() {
    if (this.feed.held && this.feed.settings.auto_advance && this.state === "gap") {
      const { value } = this.feed.held.vote.body;
      this.feed.event("taken_back", { value: value ?? null }, this.feed.takeBack());
      this.go();
    }
  }

  /** Nothing is left here: hand in what is kept, then ask the server what comes. */
  async refill(turn) {
    await this.feed.flush();
    const late = setTimeout(() => turn === this.turn && waiting(this), WAIT_MS);
    await this.feed.sender.kick();
    clearTimeout(late);
    if (turn !== this.turn) {
      return;
    }
    if (this.feed.items.length > 0) {
      await this.go();
    } else {
      await this.sync(false);
    }
  }

  async refused(body) {
    if (["closed", "withdrawn"].includes(body.error)) {
      await this.leave();
      return;
    }
    this.turn += 1;
    await this.sync(false);
  }

  stop() {
    this.state = "panel";
    this.stage?.clear();
    if (this.scale) {
      this.scale.disabled = true;
    }
    this.next.disabled = true;
    delete this.page.dataset.open;
  }

  /** Take the picture away and show a panel; the same picture comes again afterwards. */
  interrupt(panel, kind) {
    if (!["view", "answer", "gap", "painting"].includes(this.state)) {
      return;
    }
    const shown = this.state !== "gap";
    const seen = this.open || this.state === "view" ? this.view.seen(performance.now()) : 0;
    this.feed.event(kind, { seen_ms: Math.round(seen) }, shown ? this.item : undefined);
    this.view?.end(performance.now());
    this.turn += 1;
    this.stop();
    this.feed.flush();
    this.panels.show(panel, this.feed.counts);
  }

  async leave() {
    this.stop();
    await Promise.race([this.feed.sender.kick(), pause(3000)]);
    window.location.assign(`${this.page.dataset.root}/o/`);
  }

  resume() {
    this.feed.event("resume");
    this.tabs.claim();
    this.go();
  }
}

const page = document.querySelector("#rating");
const rating = new Rating(page, await Queue.open(page.dataset.owner));
await rating.begin();
