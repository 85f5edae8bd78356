import { encodePayload } from "./wire.js";

const LONGEST_TIMER_MS = 2 ** 31 - 1; // `setTimeout` takes anything longer for no time at all

/**
 * A message that wants a reply. It is settled by the reply, by its timeout, or by a failure on this side.
 *
 * A call keeps its ref for life. One whose connection went may be sent again with it, and the server tells by it
 * whether the first one arrived.
 */
export class Call {
  ref = null;
  #timer;
  #done;
  #forget = null; // while a connection carries it

  constructor(event, payload, timeoutMs, done) {
    this.event = event;
    // Encoded now: what JSON cannot hold fails here, and what changes while the call waits is not sent.
    this.payload = encodePayload(payload);
    this.#done = done;
    const late = () => this.fail("timeout", `no reply to "${event}" within ${timeoutMs} ms`);
    if (timeoutMs <= LONGEST_TIMER_MS) this.#timer = setTimeout(late, timeoutMs);
  }

  get inFlight() {
    return this.#forget !== null;
  }

  sent(ref, forget) {
    this.ref = ref;
    this.#forget = forget;
  }

  /** The connection went before the reply came: the call waits to be sent again. */
  unsend() {
    this.#forget?.();
    this.#forget = null;
  }

  settle(status, response) {
    clearTimeout(this.#timer);
    this.unsend();
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
export function failure(code, message, details = null) {
  return { code, message, details, timestamp: new Date().toISOString() };
}
