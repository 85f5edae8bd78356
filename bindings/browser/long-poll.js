/** The second transport of Phoenix Channels. */

import { base64, utf8 } from "./base64.js";

/** Enough of a WebSocket's interface, over HTTP requests, for networks that let no WebSocket through. */
export class LongPoll {
  static maxBatch = 100; // messages a request: Phoenix drops what is beyond
  onopen = null;
  onmessage = null;
  onclose = null;
  #url;
  #headers = { Accept: "application/json" };
  #timeoutMs;
  #credentials;
  #abort = new AbortController();
  #outbox = [];
  #sending = false;

  constructor(url, authToken, { pollTimeoutMs, credentials }) {
    this.#url = url;
    if (authToken) this.#headers["X-Phoenix-AuthToken"] = utf8(authToken);
    this.#timeoutMs = pollTimeoutMs;
    this.#credentials = credentials;
    this.#run(() => this.#poll());
  }

  /** Bytes travel in a text line, as base64. */
  send(data) {
    this.#outbox.push(typeof data === "string" ? data : base64(data));
    if (!this.#sending) this.#run(() => this.#flush());
  }

  close() {
    this.#abort.abort();
  }

  /** 410 is how a session begins, with its token; later it says that the session is gone. */
  async #poll() {
    const session = await this.#request("GET");
    if (session.status !== 410 || !session.token) throw refused(session.status);
    this.#headers["X-Phoenix-Longpoll-Token"] = session.token;
    this.onopen?.();
    while (!this.#abort.signal.aborted) {
      const { status, token, messages } = await this.#request("GET");
      if (status !== 200 && status !== 204) throw refused(status);
      if (token) this.#headers["X-Phoenix-Longpoll-Token"] = token;
      // A task for each, as a WebSocket does it: what awaits one message runs before the next.
      for (const data of messages) setTimeout(() => this.onmessage?.({ data }));
    }
  }

  async #flush() {
    this.#sending = true;
    await null; // what is sent in one go travels in one request
    while (this.#outbox.length > 0) {
      const body = this.#outbox.splice(0, LongPoll.maxBatch).join("\n");
      const { status } = await this.#request("POST", body);
      if (status !== 200) throw refused(status);
    }
    this.#sending = false;
  }

  async #run(work) {
    try {
      await work();
    } catch ({ httpStatus }) {
      this.close();
      this.onclose?.({ code: 1006, httpStatus });
    }
  }

  /** The server's word: the status is in the body, unless somebody else answers in its place. */
  async #request(method, body) {
    const timer = setTimeout(() => this.close(), this.#timeoutMs);
    const type = body === undefined ? {} : { "Content-Type": "application/x-ndjson" };
    const headers = { ...this.#headers, ...type };
    const credentials = this.#credentials;
    try {
      const { signal } = this.#abort;
      const response = await fetch(this.#url, { method, headers, body, signal, credentials, cache: "no-store" });
      if (!response.ok) return { status: response.status };
      return await response.json();
    } finally {
      clearTimeout(timer);
    }
  }
}

const refused = (httpStatus) => Object.assign(new Error(`long poll: ${httpStatus}`), { httpStatus });
