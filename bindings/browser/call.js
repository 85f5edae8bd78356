/** A message that wants a reply. It is settled by the reply, by its timeout, or by a failure on this side. */
export class Call {
  ref = null;
  #timer;
  #done;
  #forget = () => {};

  constructor(event, payload, timeoutMs, done) {
    this.event = event;
    // Encoded now: what JSON cannot hold fails here, and what changes while the call waits is not sent.
    this.payloadText = JSON.stringify(payload) ?? "null";
    this.#done = done;
    const late = () => this.fail("timeout", `no reply to "${event}" within ${timeoutMs} ms`);
    this.#timer = setTimeout(late, timeoutMs);
  }

  sent(ref, forget) {
    this.ref = ref;
    this.#forget = forget;
  }

  settle(status, response) {
    clearTimeout(this.#timer);
    this.#forget();
    this.#done(status, response);
  }

  fail(code, message) {
    this.settle("error", failure(code, message));
  }
}

/** What went wrong, as the server or this client puts it, and the reply that said so. */
export class SynqError extends Error {
  constructor(status, response) {
    const body = response ?? {};
    super(body.message ?? body.reason ?? `the reply's status is "${status}"`);
    this.name = "SynqError";
    this.code = body.code ?? body.reason ?? status;
    this.details = body.details ?? null;
    this.timestamp = body.timestamp ?? null;
    this.status = status;
    this.response = response;
  }
}

/** The shape that the server gives its errors. */
export function failure(code, message) {
  return { code, message, details: null, timestamp: new Date().toISOString() };
}
