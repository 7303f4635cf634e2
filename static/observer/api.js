// Calls to the server: one header marks them as this page's own; an answer is {status, body}, status 0 means no answer.

export class Api {
  constructor(root) {
    this.root = root;
  }

  async call(method, path, body, extra = {}) {
    const options = {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: { "X-Dermiqa": "1", Accept: "application/json" },
      ...extra,
    };
    if (body !== undefined) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body);
    }
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), 15000);
    try {
      const answer = await fetch(this.root + path, { ...options, signal: limit.signal });
      const text = await answer.text();
      return { status: answer.status, body: text ? parsed(text) : {} };
    } catch {
      return { status: 0, body: {} };
    } finally {
      clearTimeout(timer);
    }
  }

  session() {
    return this.call("GET", "/api/session");
  }

  vote(presentation, body) {
    return this.call("PUT", `/api/ratings/${encodeURIComponent(presentation)}`, body);
  }

  events(events, keepalive = false) {
    return this.call("POST", "/api/events", { events }, { keepalive });
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** A random key of 128 bits, by the generator that needs no secure context. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
