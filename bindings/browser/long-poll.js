/** The second transport of Phoenix Channels. */

/** Enough of a WebSocket's interface, over HTTP requests, for networks that let no WebSocket through. */
export class LongPoll {
  static maxBatch = 100; // messages a request: Phoenix drops what is beyond
  onopen = null;
  onmessage = null;
  onclose = null;
  #url;
  #headers = { Accept: "application/json" };
  #timeoutMs;
  #abort = new AbortController();
  #outbox = [];
  #sending = false;

  constructor(url, authToken, timeoutMs) {
    this.#url = url;
    if (authToken) this.#headers["X-Phoenix-AuthToken"] = authToken;
    this.#timeoutMs = timeoutMs;
    this.#run(() => this.#poll());
  }

  send(text) {
    this.#outbox.push(text);
    if (!this.#sending) this.#run(() => this.#flush());
  }

  close() {
    this.#abort.abort();
  }

  /** 410 is how a session begins, with its token; later it says that the session is gone. */
  async #poll() {
    const session = await this.#request("GET");
    if (session.status !== 410 || !session.token) throw new Error(`long poll refused: ${session.status}`);
    this.#headers["X-Phoenix-Longpoll-Token"] = session.token;
    this.onopen?.();
    while (!this.#abort.signal.aborted) {
      const { status, token, messages } = await this.#request("GET");
      if (status !== 200 && status !== 204) throw new Error(`long poll ended: ${status}`);
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
      if (status !== 200) throw new Error(`long poll did not take the messages: ${status}`);
    }
    this.#sending = false;
  }

  async #run(work) {
    try {
      await work();
    } catch {
      this.close();
      this.onclose?.({ code: 1006 });
    }
  }

  async #request(method, body) {
    const timer = setTimeout(() => this.close(), this.#timeoutMs);
    const type = body === undefined ? {} : { "Content-Type": "application/x-ndjson" };
    const headers = { ...this.#headers, ...type };
    try {
      const { signal } = this.#abort;
      const response = await fetch(this.#url, { method, headers, body, signal, cache: "no-store" });
      return await response.json();
    } finally {
      clearTimeout(timer);
    }
  }
}
