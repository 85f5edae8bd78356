import { Backoff } from "./backoff.js";
import { Call, failure, SynqError } from "./call.js";
import { applyPatch } from "./json-patch.js";
import { Listeners } from "./listeners.js";
import { CLOSE, ERROR, JOIN, LEAVE, STATE_CHANGE, STATE_ERROR, STATE_PATCH, STATE_REFRESH } from "./names.js";

/** One topic that was joined: its state, its events, and what it is told. */
export class Channel {
  #port;
  #params;
  #status = "waiting";
  #joinCall = null; // of the join under way or made
  #calls = new Set(); // pushes not settled, oldest first; those without a ref wait for the join
  #backoff;
  #state;
  #version = null;
  #refreshing = false;
  #eventListeners = new Map();
  #stateListeners = new Listeners();
  #statusListeners = new Listeners();
  #errorListeners = new Listeners();

  /** Made by `Socket.channel`. */
  constructor(topic, params, port) {
    this.topic = topic;
    this.#params = params;
    this.#port = port;
    this.#backoff = new Backoff(port.options.rejoinAfterMs);
    port.onopen = () => this.#join();
    port.onclose = () => this.#suspend("disconnected", "the connection was lost");
    port.onmessage = (joinRef, event, payload) => {
      // Another join ref is that of an earlier join: its last messages are not ours.
      if (joinRef === null || joinRef === this.#joinRef) this.#receive(event, payload);
    };
    port.onopen();
  }

  /** `waiting` (for the connection, or to join again), `joining`, `joined`, or `closed`. */
  get status() {
    return this.#status;
  }

  /** The last state received, or undefined before the first. Never changed in place. */
  get state() {
    return this.#state;
  }

  /** The version of the state, or null before the first state after a join. */
  get version() {
    return this.#version;
  }

  /**
   * Calls `listener(state, { version, operations })` for the state there is, and for each one after it.
   * `operations` is the patch that led here, or null for a full state. Returns what removes the listener.
   */
  onState(listener) {
    const now = [this.#state, { version: this.#version, operations: null }];
    return this.#stateListeners.add(listener, this.#state === undefined ? null : now);
  }

  /** Calls `listener(status)` now and at each change. Returns what removes it. */
  onStatus(listener) {
    return this.#statusListeners.add(listener, [this.#status]);
  }

  /** Calls `listener(error)` when the join is refused, the channel crashes, or the server says so. */
  onError(listener) {
    return this.#errorListeners.add(listener);
  }

  /** Calls `listener(payload)` for each event of that name from the server. Returns what removes it. */
  on(event, listener) {
    if (!this.#eventListeners.has(event)) this.#eventListeners.set(event, new Listeners());
    return this.#eventListeners.get(event).add(listener);
  }

  /**
   * Sends an event, as soon as the channel has joined, and gives the payload of the reply. Rejects with a
   * `SynqError` when the reply's status is not `ok`, when none came in time (code `timeout`), or when none
   * can come any more (`disconnected`, `crashed`, `closed`, `left`: it may or may not have been handled).
   */
  push(event, payload = {}, { timeoutMs = this.#port.options.timeoutMs } = {}) {
    return new Promise((fulfil, reject) => {
      const call = new Call(event, payload, timeoutMs, (status, response) => {
        this.#calls.delete(call);
        if (status === "ok") fulfil(response);
        else reject(new SynqError(status, response));
      });
      this.#calls.add(call);
      if (this.#status === "joined") this.#port.send(call, this.#joinRef);
      else if (this.#status === "closed") call.fail("closed", "the channel is closed");
      else if (this.#calls.size > this.#port.options.maxWaiting) call.fail("busy", "too many pushes wait");
    });
  }

  /** Leaves the topic for good. Resolves when the server has confirmed it, or cannot any more. */
  leave() {
    const joinRef = this.#joinRef;
    this.#close("left", "the channel was left");
    if (joinRef === null) return Promise.resolve();
    return new Promise((fulfil) => {
      this.#port.send(new Call(LEAVE, {}, this.#port.options.timeoutMs, () => fulfil()), joinRef);
    });
  }

  get #joinRef() {
    return this.#joinCall?.ref ?? null;
  }

  /** A listener, or what makes the params, may have left the channel or closed the socket a moment ago. */
  #mayJoin() {
    return this.#status === "waiting" && this.#port.isOpen();
  }

  #join() {
    if (!this.#mayJoin()) return;
    this.#version = null;
    this.#refreshing = false;
    const { timeoutMs } = this.#port.options;
    const settled = (status, response) => {
      if (call !== this.#joinCall) return; // the connection was lost, or the channel left, meanwhile
      if (status === "ok") return this.#joined();
      // A join that timed out may yet succeed: the server must not keep a channel that nobody hears.
      if (response?.code === "timeout") this.#port.send(new Call(LEAVE, {}, timeoutMs, () => {}), call.ref);
      this.#joinAgain(new SynqError(status, response));
    };
    let call;
    try {
      const params = this.#params();
      if (!this.#mayJoin()) return;
      call = new Call(JOIN, params, timeoutMs, settled);
    } catch (error) {
      // This channel's own affair: the others of the socket go on.
      return this.#joinAgain(new SynqError("error", failure("invalid_params", String(error))));
    }
    this.#joinCall = call;
    this.#status = "joining";
    this.#port.send(call);
    if (call === this.#joinCall) this.#move("joining"); // unless what hears the frames ended it
  }

  #joined() {
    this.#backoff.succeeded();
    const join = this.#joinCall;
    for (const call of this.#calls) {
      if (call.ref === null) this.#port.send(call, join.ref);
      if (join !== this.#joinCall) return; // what hears the frames ended it
    }
    this.#move("joined");
  }

  #receive(event, payload) {
    switch (event) {
      case STATE_CHANGE:
        this.#refreshing = false;
        return this.#accept(payload.state, payload.version, null);
      case STATE_PATCH:
        return this.#patch(payload);
      case STATE_ERROR:
        return this.#errorListeners.emit(new SynqError("error", payload));
      case ERROR:
        return this.#joinAgain(
          new SynqError("error", failure("crashed", "the channel crashed on the server")),
        );
      case CLOSE:
        return this.#close("closed", "the server closed the channel");
      default:
        return this.#eventListeners.get(event)?.emit(payload);
    }
  }

  #patch({ operations, version }) {
    if (this.#refreshing) return; // the full state that was asked for holds this change too
    if (this.#version === null || (version !== this.#version + 1 && version !== 0)) return this.#refresh();
    let state;
    try {
      state = applyPatch(this.#state, operations);
    } catch {
      return this.#refresh();
    }
    this.#accept(state, version, operations);
  }

  #accept(state, version, operations) {
    this.#state = state;
    this.#version = version;
    this.#stateListeners.emit(state, { version, operations });
  }

  #refresh() {
    this.#refreshing = true;
    this.push(STATE_REFRESH).catch((error) => {
      if (this.#status !== "joined") return; // the next join brings the full state
      this.#refreshing = false;
      this.#errorListeners.emit(error);
    });
  }

  #joinAgain(error) {
    this.#suspend(error.code, error.message);
    if (this.#status === "waiting") this.#backoff.schedule(() => this.#join()); // else a listener left it
    this.#errorListeners.emit(error);
  }

  #suspend(code, message) {
    if (this.#status === "closed") return; // another channel's listener, or what makes the params, left it
    this.#backoff.cancel();
    this.#joinCall = null;
    for (const call of [...this.#calls]) if (call.ref !== null) call.fail(code, message);
    this.#move("waiting");
  }

  #close(code, message) {
    if (this.#status === "closed") return; // the topic may be another channel's by now
    this.#backoff.cancel();
    this.#joinCall = null;
    this.#port.close();
    this.#move("closed");
    for (const call of [...this.#calls]) call.fail(code, message);
  }

  #move(status) {
    this.#status = status;
    this.#statusListeners.emit(status);
  }
}
