// Hands the queue in, one vote per request, oldest first; nothing leaves the queue before the server has answered for it.

import { pause } from "./timing.js";

const KEEP_TRYING = new Set([0, 408, 425, 429, 500, 502, 503, 504]);
const BATCH = 50;
/** Refusals that the server keeps as events by itself. */
const NOTED = new Set(["exists", "lost_session", "key_reused"]);

export class Sender {
  constructor(api, queue, handlers) {
    this.api = api;
    this.queue = queue;
    this.handlers = handlers;
    this.running = null;
    this.offline = false;
    this.lost = false;
    this.asked = false;
    this.wake = () => {};
  }

  /** Start handing in, or go on at once where it waits for the next try. */
  kick() {
    this.asked = true;
    this.wake();
    this.running ??= this.run().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  async run() {
    let wait = 500;
    while (!this.lost) {
      this.asked = false;
      const [vote] = await this.queue.all("votes");
      const done = vote ? await this.sendVote(vote) : await this.sendEvents();
      if (done === "empty" && !this.asked) {
        return;
      }
      if (done === "again") {
        await Promise.race([pause(wait), new Promise((resolve) => { this.wake = resolve; })]);
        wait = Math.min(wait * 2, 8000);
      } else {
        wait = 500;
      }
    }
  }

  async sendVote(vote) {
    const { status, body } = await this.api.vote(vote.presentation, vote.body);
    if (this.unanswered(status)) {
      return "again";
    }
    if (status === 401) {
      this.lost = true;
      this.handlers.onLost(body);
      return "lost";
    }
    if (status !== 200 && !NOTED.has(body.error)) {
      await this.queue.add("events", refusal(vote, status, body));
    }
    await this.queue.remove("votes", vote.id);
    if (status === 200) {
      this.handlers.onStored(vote, body);
    } else {
      this.handlers.onRefused(vote, status, body);
    }
    return "sent";
  }

  async sendEvents() {
    const batch = (await this.queue.all("events")).slice(0, BATCH);
    if (batch.length === 0) {
      return "empty";
    }
    const { status } = await this.api.events(batch.map((entry) => entry.event));
    if (this.unanswered(status)) {
      return "again";
    }
    if (status === 401) {
      return "empty";
    }
    for (const entry of batch) {
      await this.queue.remove("events", entry.id);
    }
    return "sent";
  }

  unanswered(status) {
    const offline = KEEP_TRYING.has(status);
    if (offline !== this.offline) {
      this.offline = offline;
      this.handlers.onConnection(offline);
    }
    return offline;
  }
}

function refusal(vote, status, body) {
  const data = { status, code: body.error ?? "", value: vote.body.value ?? null, missing: vote.body.missing ?? null };
  return { event: { kind: "vote_refused", at: new Date().toISOString(), presentation: vote.presentation, data } };
}
