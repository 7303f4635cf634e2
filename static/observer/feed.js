// What comes next and what has been given: the server's session, pictures loaded ahead, votes on their way.

import { Preloader } from "./preload.js";
import { Sender } from "./sender.js";
import { pause } from "./timing.js";

export const nameOf = (item) => `${item.presentation} ${item.question ?? ""}`;

export class Feed {
  /** `on` has onRefused, onLost, onConnection and onAbsent (a picture that was refused). */
  constructor(api, queue, on) {
    this.api = api;
    this.queue = queue;
    this.items = [];
    this.given = new Set();
    this.held = null;
    this.sender = new Sender(api, queue, { ...on, onStored: (vote, body) => this.stored(body) });
    this.unreached = false;
    this.preload = new Preloader(api.root, {
      onFailure: (item, status) => {
        this.unreached = status === 0;
        if (status === 401) {
          on.onAbsent();
        }
      },
    });
  }

  /** Hand in what an earlier page left, for at most four seconds. */
  async open() {
    for (const entry of await this.queue.all("votes")) {
      this.given.add(nameOf({ presentation: entry.presentation, question: entry.body.question }));
    }
    await Promise.race([this.sender.kick(), pause(4000)]);
  }

  /** Take over what the server says of the session. */
  adopt(session) {
    this.session = session;
    this.phase = session.phase;
    this.settings = session.settings;
    this.position = session.position;
    this.length = session.length;
    this.items = [];
    this.merge(session.next);
  }

  /** Add items that are neither here nor voted on yet. */
  merge(items) {
    const known = new Set(this.items.map(nameOf));
    for (const item of items ?? []) {
      if (!known.has(nameOf(item)) && !this.given.has(nameOf(item))) {
        this.items.push(item);
      }
    }
    this.preload.want(this.items);
  }

  stored(body) {
    this.merge(body.next);
  }

  questionOf(item) {
    const { questions } = this.session;
    return questions.find((question) => question.name === item?.question) ?? questions[0];
  }

  get counts() {
    return { position: this.position, length: this.length, left: Math.max(0, this.length - this.position) };
  }

  /** The first item has its answer: keep it back until `flush`. */
  hold(vote) {
    const item = this.items.shift();
    this.held = { vote, item, position: this.position };
    this.position += this.items.some((other) => other.presentation === item.presentation) ? 0 : 1;
  }

  /** Undo `hold`. Gives the item. */
  takeBack() {
    const { item, position } = this.held;
    this.held = null;
    this.items.unshift(item);
    this.position = position;
    return item;
  }

  /** The vote that was held back goes into the queue and on its way. */
  async flush() {
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

  async kept() {
    return (await this.queue.all("votes")).length;
  }

  event(kind, data = {}, item = undefined) {
    const event = { kind, at: new Date().toISOString(), data, ...(item ? { presentation: item.presentation } : {}) };
    this.queue.add("events", { event }).then(() => this.sender.kick());
  }
}
