import { Backoff } from "./backoff.js";
import { Call, failure, SynqError } from "./call.js";
import { Listeners } from "./listeners.js";
import { CLOSE, ERROR, JOIN, LEAVE, STATE_CHANGE, STATE_ERROR, STATE_PATCH, STATE_REFRESH } from "./names.js";
import { Overlays } from "./overlays.js";
import { Replica } from "./replica.js";

/** One topic that was joined: its state, its events, and what it is told. */
export class Channel {
  #port;
  #params;
  #status = "waiting";
  #joinCall = null; // of the join under way or made
  #calls = new Set(); // pushes not settled, oldest first; those without a ref were never sent
  #backoff;
  #replica = new Replica();
  #left; // what the page before this one knew: not shown until the server says that it is this channel's
  #client; // who joined: the position is of use to nobody else
  #overlays;
  #view; // the replica's state under the overlays
  #pushes = 0; // how many of the server's own events came since it began this channel
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
    this.#overlays = new Overlays(port.options.settleMs, () => this.#show(null));
    const { client, left } = port.identity;
    this.#client = client;
    this.#left = left.get(topic) ?? null;
    this.#pushes = this.#left?.pushes ?? 0;
    left.delete(topic);
    port.onopen = () => this.#join();
    port.onleave = () => this.#leaveBehind();
    port.onclose = (forNow) => this.#suspend("disconnected", "the connection was lost", forNow);
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

  /** The last state received, under the page's own overlays, or undefined before the first. Never changed in place. */
  get state() {
    return this.#view;
  }

  /** The version of the server's state, or null while there is none of this join's. */
  get version() {
    return this.#replica.version;
  }

  /**
   * Calls `listener(state, { version, operations })` for the state there is, and for each one after it.
   * `operations` is the patch that led here, or null for a full state and for an overlay that comes or goes.
   * Returns what removes the listener.
   */
  onState(listener) {
    const now = [this.#view, { version: this.version, operations: null }];
    return this.#stateListeners.add(listener, this.#view === undefined ? null : now);
  }

  /**
   * Calls `listener(status, { resumed })` now and at each change; `resumed` comes with `joined`, and tells whether
   * the channel went on where it was. Returns what removes the listener.
   */
  onStatus(listener) {
    return this.#statusListeners.add(listener, [this.#status, {}]);
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
   *
   * `optimistic(state)` gives the state as it will be: it is shown until the server's state holds the change, and
   * taken back when the event is refused.
   */
  push(event, payload = {}, { timeoutMs = this.#port.options.timeoutMs, optimistic = null } = {}) {
    return new Promise((fulfil, reject) => {
      const call = new Call(event, payload, timeoutMs, (status, response) => {
        this.#calls.delete(call);
        if (status === "ok") fulfil(response);
        else reject(new SynqError(status, response));
        if (status === "ok") this.#overlays.handled(call.overlay);
        else this.#overlays.remove(call.overlay);
      });
      if (this.#status === "closed") return call.fail("closed", "the channel is closed");
      if (this.#status !== "joined" && this.#calls.size >= this.#port.options.maxWaiting) {
        return call.fail("busy", "too many pushes wait");
      }
      this.#calls.add(call);
      if (this.#status === "joined") this.#port.send(call, this.#joinRef);
      if (optimistic && this.#calls.has(call)) call.overlay = this.#overlays.add(optimistic);
    });
  }

  /**
   * Leaves the topic for good. Resolves when the server has confirmed it, or cannot any more. A channel that the server
   * keeps while the connection is away is left with the next connection.
   */
  leave() {
    const joinRef = this.#joinRef;
    const mayBeKept = this.#status !== "closed" && this.#mayResume;
    this.#close("left", "the channel was left");
    if (joinRef === null) {
      if (mayBeKept) this.#port.leaveLater();
      return Promise.resolve();
    }
    return new Promise((fulfil) => {
      const settled = (status, response) => {
        if (mayBeKept && response?.code === "disconnected") this.#port.leaveLater();
        fulfil();
      };
      this.#port.send(new Call(LEAVE, {}, this.#port.options.timeoutMs, settled), joinRef);
    });
  }

  get #joinRef() {
    return this.#joinCall?.ref ?? null;
  }

  /** Whether the server may have kept this channel while it was away. */
  get #mayResume() {
    const { epoch } = this.#left ?? this.#replica;
    return epoch !== null && this.#client !== null && this.#client === this.#port.identity.client;
  }

  /** A listener, or what makes the params, may have left the channel or closed the socket a moment ago. */
  #mayJoin() {
    return this.#status === "waiting" && this.#port.isOpen();
  }

  #join() {
    if (!this.#mayJoin()) return;
    const { timeoutMs } = this.#port.options;
    const settled = (status, response) => {
      if (call !== this.#joinCall) return; // the connection was lost, or the channel left, meanwhile
      if (status === "ok") return this.#joined(response?.synq ?? {});
      // A join that timed out may yet succeed: the server must not keep a channel that nobody hears. One that
      // goes on from a position is taken over by the next join.
      const late = response?.code === "timeout" && !this.#mayResume;
      if (late) this.#port.send(new Call(LEAVE, {}, timeoutMs, () => {}), call.ref);
      this.#joinAgain(new SynqError(status, response));
    };
    let call;
    try {
      const params = this.#params();
      if (!this.#mayJoin()) return;
      call = new Call(JOIN, this.#withPosition(params), timeoutMs, settled);
    } catch (error) {
      // This channel's own affair: the others of the socket go on.
      return this.#joinAgain(new SynqError("error", failure("invalid_params", String(error))));
    }
    this.#joinCall = call;
    this.#status = "joining";
    this.#port.send(call);
    if (call === this.#joinCall) this.#move("joining"); // unless what hears the frames ended it
  }

  /** Params that are an object tell the server who joins, and from where it can go on: `docs/resume.md`. */
  #withPosition(params) {
    const { client, lastRef } = this.#port.identity;
    const mayResume = this.#mayResume;
    this.#client = client;
    if (!mayResume) this.#forgetPosition();
    const plain = JSON.parse(JSON.stringify(params) ?? "null");
    if (client === null || typeof plain !== "object" || plain === null || Array.isArray(plain)) return plain;
    if (!mayResume) return { ...plain, synq: { client } };
    const oldest = [...this.#calls].find((call) => call.ref !== null);
    const ref = String(oldest ? Number(oldest.ref) - 1 : lastRef);
    return { ...plain, synq: { client, ...this.#position, base: true, ref } };
  }

  get #position() {
    const { epoch, version } = this.#left ?? this.#replica;
    return { epoch, version, pushes: this.#pushes };
  }

  /** What a page that takes this one's place needs, or null where the server keeps no channel for it. */
  #leaveBehind() {
    return this.#mayResume ? { ...this.#position, state: (this.#left ?? this.#replica).state } : null;
  }

  #joined({ resumed = false, ref = null }) {
    this.#backoff.succeeded();
    const join = this.#joinCall;
    resumed = resumed === true && this.#mayResume;
    if (resumed) this.#resume(ref);
    else this.#startOver();
    for (const call of this.#calls) {
      if (join !== this.#joinCall) return; // a listener ended it
      if (!call.inFlight) this.#port.send(call, join.ref);
    }
    if (join === this.#joinCall) this.#move("joined", { resumed });
  }

  /** The state that is on its way, if any is, holds every event up to `lastHandled`. */
  #resume(lastHandled) {
    for (const call of this.#calls) {
      if (call.ref !== null && Number(call.ref) <= Number(lastHandled)) this.#overlays.handled(call.overlay);
    }
    if (!this.#left) return;
    this.#replica.replace(this.#left);
    this.#left = null;
    this.#show(null);
  }

  /** The server has a new channel: what the last one did with events that it did not answer is not known. */
  #startOver() {
    this.#forgetPosition();
    this.#pushes = 0;
    for (const call of [...this.#calls]) {
      if (call.ref !== null) call.fail("disconnected", "the connection was lost");
    }
  }

  #forgetPosition() {
    this.#left = null;
    this.#replica.forgetPosition();
  }

  #receive(event, payload) {
    switch (event) {
      case STATE_CHANGE:
        this.#refreshing = false;
        this.#replica.replace(payload);
        this.#overlays.settle();
        return this.#show(null);
      case STATE_PATCH:
        return this.#patch(payload);
      case ERROR:
        this.#forgetPosition();
        return this.#joinAgain(
          new SynqError("error", failure("crashed", "the channel crashed on the server")),
        );
      case CLOSE:
        return this.#close("closed", "the server closed the channel");
      default:
        this.#pushes += 1;
        if (event === STATE_ERROR) return this.#errorListeners.emit(new SynqError("error", payload));
        return this.#eventListeners.get(event)?.emit(payload);
    }
  }

  #patch(payload) {
    if (this.#refreshing) return; // the full state that was asked for holds this change too
    if (!this.#replica.patch(payload)) return this.#refresh();
    this.#overlays.settle();
    this.#show(payload.operations);
  }

  #show(operations) {
    if (this.#replica.state === undefined) return;
    this.#view = this.#overlays.over(this.#replica.state);
    this.#stateListeners.emit(this.#view, { version: this.version, operations });
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
    this.#suspend(error.code, error.message, true);
    if (this.#status === "waiting") this.#backoff.schedule(() => this.#join()); // else a listener left it
    this.#errorListeners.emit(error);
  }

  /** `forNow`: the channel comes back, perhaps to where it was, and then what was under way is sent again. */
  #suspend(code, message, forNow) {
    if (this.#status === "closed") return; // another channel's listener, or what makes the params, left it
    this.#backoff.cancel();
    this.#joinCall = null;
    this.#refreshing = false;
    const keeps = forNow && this.#mayResume;
    for (const call of [...this.#calls]) {
      const isRefresh = call.event === STATE_REFRESH; // the next join brings the state in its own way
      if (keeps && !isRefresh) call.unsend();
      else if (call.ref !== null || isRefresh) call.fail(code, message);
    }
    if (this.#status !== "waiting") this.#move("waiting");
  }

  #close(code, message) {
    if (this.#status === "closed") return; // the topic may be another channel's by now
    this.#backoff.cancel();
    this.#joinCall = null;
    this.#port.close();
    this.#move("closed");
    for (const call of [...this.#calls]) call.fail(code, message);
  }

  #move(status, detail = {}) {
    this.#status = status;
    this.#statusListeners.emit(status, detail);
  }
}
