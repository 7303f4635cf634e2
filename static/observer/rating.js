// The rating page: grey gap, picture, vote. Every vote belongs to the picture that was seen when it was made.

import { Api, randomKey } from "./api.js";
import { listen } from "./controls.js";
import { TOGETHER_MS } from "./keys.js";
import { Panels } from "./panels.js";
import { Preloader } from "./preload.js";
import { Queue } from "./queue.js";
import { Scale } from "./scale.js";
import { Sender } from "./sender.js";
import { Stage } from "./stage.js";
import { Tabs } from "./tabs.js";
import { painted, pause, View } from "./timing.js";
import { watchWindow } from "./watch.js";

const nameOf = (item) => `${item.presentation} ${item.question ?? ""}`;
const WAIT_MS = 1500;

class Rating {
  constructor(page, queue) {
    this.page = page;
    this.api = new Api(page.dataset.root);
    this.queue = queue;
    this.panels = new Panels(page);
    this.scaleRoot = page.querySelector("#scale");
    this.next = page.querySelector("#next");
    this.bar = page.querySelector("#progress");
    this.state = "panel";
    this.turn = 0;
    this.items = [];
    this.given = new Set();
    this.scale = null;
    this.sender = new Sender(this.api, queue, {
      onStored: (vote, body) => this.stored(body),
      onRefused: (vote, status, body) => this.refused(status, body),
      onLost: (body) => this.lost(body),
      onConnection: (offline) => this.connection(offline),
    });
    this.preload = new Preloader(page.dataset.root, { onFailure: (item, status) => this.preloadFailed(item, status) });
    this.tabs = new Tabs(page.dataset.owner, () => this.stepAside());
  }

  async begin() {
    listen(this);
    watchWindow(this);
    this.tabs.claim();
    for (const entry of await this.queue.all("votes")) {
      this.given.add(nameOf({ presentation: entry.presentation, question: entry.body.question }));
    }
    if (!this.queue.durable) {
      this.event("queue_in_memory");
    }
    await Promise.race([this.sender.kick(), pause(4000)]);
    await this.sync();
  }

  /** Take over what the server says; open with the panel that fits the phase. */
  async sync(open = true) {
    const { status, body } = await this.api.session();
    if (status === 401) {
      this.lost(body);
    } else if (status !== 200) {
      await this.unreachable();
      setTimeout(() => this.sync(open), 2000);
    } else if (body.phase === "done" || body.phase === undefined) {
      await this.leave();
    } else {
      this.adopt(body);
      if (open) {
        this.panels.show(body.phase === "training" ? "practice" : "ready", this.counts());
      } else {
        await this.go();
      }
    }
  }

  adopt(session) {
    this.session = session;
    this.phase = session.phase;
    this.settings = session.settings;
    this.position = session.position;
    this.length = session.length;
    const { dataset } = this.page;
    this.stage ??= new Stage(this.page, {
      measured: Number(dataset.devicePixelsPerDegree),
      high: Number(dataset.pixelsPerDegreeHigh),
      room: Number(dataset.room),
    });
    this.items = [];
    this.merge(session.next);
    this.useQuestion(this.items[0]);
    this.stage.arrange();
  }

  /** Add items that are neither here nor voted on yet. */
  merge(items) {
    const known = new Set(this.items.map(nameOf));
    for (const item of items ?? []) {
      if (!known.has(nameOf(item)) && (this.phase === "training" || !this.given.has(nameOf(item)))) {
        this.items.push(item);
      }
    }
    this.preload.want(this.items);
  }

  questionOf(item) {
    const { questions } = this.session;
    return questions.find((question) => question.name === item?.question) ?? questions[0];
  }

  useQuestion(item) {
    const question = this.questionOf(item);
    if (this.scale?.question.name !== question.name) {
      this.scale = new Scale(this.scaleRoot, question, () => this.selected());
    }
    this.scale.reset();
    this.scale.disabled = true;
  }

  counts() {
    return { position: this.position, length: this.length, left: Math.max(0, this.length - this.position) };
  }

  /** The next picture: the gap, then the picture when it is decoded, or the message that tells why not. */
  async go() {
    const turn = ++this.turn;
    this.panels.hide();
    this.state = "gap";
    this.stage.clear();
    this.next.disabled = true;
    const [item] = this.items;
    if (!item) {
      await this.refill(turn);
      return;
    }
    if (this.pauseIsDue(item)) {
      return;
    }
    this.useQuestion(item);
    this.showProgress(true);
    this.preload.want(this.items);
    const late = setTimeout(() => turn === this.turn && this.waiting(), this.settings.gap_ms + WAIT_MS);
    const [bitmap] = await Promise.all([this.preload.get(item), pause(this.settings.gap_ms)]);
    clearTimeout(late);
    if (turn !== this.turn || bitmap === null) {
      return;
    }
    await this.flushHeld();
    if (turn === this.turn) {
      await this.show(item, bitmap, turn);
    }
  }

  async show(item, bitmap, turn) {
    const room = this.stage.measure(item);
    if (!room.fits) {
      this.tooSmall(room);
      return;
    }
    this.panels.hide();
    this.showProgress(false);
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
    if (this.settings.view_ms > 0) {
      setTimeout(() => turn === this.turn && this.viewOver(), this.settings.view_ms);
    } else {
      this.openScale();
    }
  }

  openScale() {
    this.openedAt = performance.now();
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
    return (this.state === "view" && !(this.settings.view_ms > 0)) || this.state === "answer";
  }

  /** Whether an input was made for the picture that is seen now. */
  fresh(event) {
    return this.open && !this.closing && event.timeStamp >= this.view.shownAt;
  }

  selected() {
    this.next.disabled = this.scale.value === null;
    if (this.settings.auto_advance && this.scale.value !== null && this.scale.question.kind !== "several_of" && !this.scale.slider) {
      this.advanceSoon();
    }
  }

  /** Without confirming: at once, but a 1 waits for the 0 that would make it ten. */
  advanceSoon() {
    const { turn } = this;
    const value = this.scale.value;
    const wait = this.scale.digits.open(value) ? TOGETHER_MS + 20 : 0;
    setTimeout(() => turn === this.turn && this.scale.value === value && this.confirm(), wait);
  }

  async confirm() {
    if (!this.open || this.closing || this.scale.value === null) {
      return;
    }
    this.closing = true;
    const { turn } = this;
    for (let left = this.missingTime(); left > 0; left = this.missingTime()) {
      await pause(left + 1);
      if (turn !== this.turn || !this.open) {
        return;
      }
    }
    await this.finish({ value: this.scale.value });
  }

  missingTime() {
    return this.settings.min_view_ms - this.view.seen(performance.now());
  }

  /** Close the picture with an answer ({value} or {missing}) and go on; its vote is kept before anything else is shown. */
  async finish(answer) {
    const now = performance.now();
    const { item, turn, view } = this;
    this.state = "closing";
    this.stage.clear();
    const response = now - view.shownAt - (view.seen(now) === 0 ? 0 : view.hiddenMs);
    const seen = view.seen(now);
    view.end(now);
    this.report(item, view, response);
    const vote = {
      presentation: item.presentation,
      body: {
        ...answer,
        question: this.scale.question.name,
        key: randomKey(),
        view_ms: Math.round(seen * 10) / 10,
        response_ms: Math.round(response * 10) / 10,
        pixels_per_degree: this.stage.pixelsPerDegree,
        replication: this.stage.copies,
        ...(this.phase === "training" ? { training: true } : {}),
      },
    };
    this.items.shift();
    this.position += this.advances(item) ? 1 : 0;
    this.held = { vote, item };
    if (!this.settings.auto_advance) {
      await this.flushHeld();
    }
    delete this.page.dataset.open;
    if (turn === this.turn) {
      await this.go();
    }
  }

  advances(item) {
    return !this.items.some((other) => other.presentation === item.presentation);
  }

  report(item, view, response) {
    if (view.slowFrames > 0) {
      this.event("slow_frames", { count: view.slowFrames, longest_ms: Math.round(view.longestMs) }, item);
    }
    if (this.settings.vote_limit_ms > 0 && response > this.settings.vote_limit_ms) {
      this.event("overtime", { response_ms: Math.round(response) }, item);
    }
  }

  /** The vote leaves: until here Backspace could take it back. */
  async flushHeld() {
    if (!this.held) {
      return;
    }
    const { vote, item } = this.held;
    this.held = null;
    this.given.add(nameOf({ presentation: item.presentation, question: vote.body.question }));
    this.given.add(nameOf(item));
    await this.queue.add("votes", vote);
    this.sender.kick();
  }

  /** Before the gap has ended an unconfirmed vote can be taken back. */
  takeBack() {
    if (!this.held || !this.settings.auto_advance || this.state !== "gap") {
      return;
    }
    const { vote, item } = this.held;
    this.held = null;
    this.items.unshift(item);
    this.position -= 1;
    this.event("taken_back", { value: vote.body.value ?? null }, item);
    this.go();
  }

  /** Nothing is left here: hand in what is kept, then ask the server what comes. */
  async refill(turn) {
    await this.flushHeld();
    const late = setTimeout(() => turn === this.turn && this.waiting(), WAIT_MS);
    await this.sender.kick();
    clearTimeout(late);
    if (turn !== this.turn) {
      return;
    }
    if (this.items.length > 0) {
      await this.go();
    } else {
      const before = this.phase;
      const { status, body } = await this.api.session();
      if (status === 200 && body.phase !== "done" && body.phase !== undefined) {
        this.adopt(body);
        await (before === body.phase && this.items.length > 0 ? this.go() : this.sync(true));
      } else {
        await this.sync(false);
      }
    }
  }

  pauseIsDue(item) {
    const half = this.session.pause_at;
    if (this.phase !== "rating" || !half || this.position !== half || this.paused === half || item === undefined) {
      return false;
    }
    this.paused = half;
    this.event("half_pause");
    this.state = "panel";
    this.panels.show("half", this.counts());
    return true;
  }

  stored(body) {
    if (body.next && (body.phase === undefined || body.phase === this.phase)) {
      this.merge(body.next);
    }
  }

  async refused(status, body) {
    if (["closed", "withdrawn"].includes(body.error)) {
      await this.leave();
      return;
    }
    this.turn += 1;
    await this.sync(false);
  }

  lost(body) {
    this.turn += 1;
    this.stop();
    const other = body.error === "lost_session";
    this.queue.all("votes").then((votes) => this.panels.show(other ? "other-device" : "signed-out", { kept: votes.length }));
  }

  stepAside() {
    this.turn += 1;
    this.stop();
    this.event("other_tab");
    this.panels.show("other-tab");
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

  connection(offline) {
    this.event(offline ? "offline" : "online");
    this.page.querySelector("#connection").hidden = true;
    this.offline = offline;
  }

  preloadFailed(item, status) {
    if (status === 0) {
      this.connectionSeen = true;
    } else if (status === 401) {
      this.sync(false);
    }
  }

  async waiting() {
    this.state = "gap";
    const votes = await this.queue.all("votes");
    this.panels.show(this.sender.offline || this.connectionSeen ? "offline" : "loading", { kept: votes.length });
    this.connectionSeen = false;
  }

  async unreachable() {
    const votes = await this.queue.all("votes");
    this.panels.show("offline", { kept: votes.length });
  }

  tooSmall(room) {
    this.turn += 1;
    this.stop();
    this.small = true;
    this.event("too_small", { needs: room.needs, has: room.has });
    const fills = { needs: room.needs.join(" × "), has: room.has.join(" × ") };
    this.panels.show("small", fills);
  }

  showProgress(visible) {
    this.bar.hidden = !visible;
    this.bar.value = this.position;
    this.bar.max = Math.max(1, this.length);
    const note = this.page.querySelector("#connection");
    note.hidden = !(visible && this.sender.offline);
    if (!note.hidden) {
      this.queue.all("votes").then((votes) => this.panels.fill(note, { kept: votes.length }));
    }
  }

  /** Take the picture away and show a panel; the same picture comes again afterwards. */
  interrupt(panel, kind) {
    if (!["view", "answer", "gap", "painting"].includes(this.state)) {
      return;
    }
    const seen = this.state === "gap" ? 0 : this.view?.seen(performance.now()) ?? 0;
    this.event(kind, { seen_ms: Math.round(seen) }, this.state === "gap" ? undefined : this.item);
    this.view?.end(performance.now());
    this.turn += 1;
    this.stop();
    this.flushHeld();
    this.panels.show(panel, this.counts());
  }

  event(kind, data = {}, item = undefined) {
    const event = { kind, at: new Date().toISOString(), data, ...(item ? { presentation: item.presentation } : {}) };
    this.queue.add("events", { event }).then(() => this.sender.kick());
  }

  async leave() {
    this.stop();
    await Promise.race([this.sender.kick(), pause(3000)]);
    window.location.assign(`${this.page.dataset.root}/o/`);
  }

  resume() {
    this.event("resume");
    this.tabs.claim();
    this.go();
  }
}

const page = document.querySelector("#rating");
const rating = new Rating(page, await Queue.open(page.dataset.owner));
await rating.begin();
