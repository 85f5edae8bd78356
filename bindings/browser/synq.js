/**
 * synq.js: the state of a Synq server in a browser.
 *
 *     import { Socket } from "./synq.js";
 *
 *     const socket = new Socket("/socket", { params: { token } });
 *     const channel = socket.channel("room:lobby", { user: "Ada" });
 *
 *     channel.onState((state, { version, operations }) => render(state));
 *     channel.on("welcome", ({ text }) => greet(text));
 *     const { count } = await channel.push("inc");
 *
 * It speaks the Phoenix Channels protocol, version 2.0.0, over a WebSocket, or over long poll where no
 * WebSocket gets through. It reconnects by itself, and its channels go on where they were, where the
 * server keeps them (`resume_ms`), or join anew. The state is immutable, and what a patch leaves alone stays the
 * same object, so that `===` tells whether a part has changed.
 */

import { backoff, Backoff } from "./backoff.js";
import { Call, SynqError } from "./call.js";
import { Channel } from "./channel.js";
import { Identity } from "./identity.js";
import { applyPatch } from "./json-patch.js";
import { Listeners } from "./listeners.js";
import { LongPoll } from "./long-poll.js";
import { HEARTBEAT, JOIN, LEAVE, REPLY } from "./names.js";
import { followPage } from "./page-life.js";
import { refusal } from "./refusal.js";
import { webSocket } from "./web-socket.js";
import { decode, encode } from "./wire.js";

export { presence } from "./presence.js";
export { store } from "./store.js";
export { applyPatch, Channel, SynqError };

const DEFAULTS = {
  params: {},
  authToken: null,
  timeoutMs: 10_000,
  connectTimeoutMs: 5_000,
  heartbeatMs: 30_000,
  pollTimeoutMs: 30_000,
  longPoll: true,
  credentials: "same-origin",
  resume: true,
  settleMs: 1_000,
  maxWaiting: 1_000,
  reconnectAfterMs: backoff(100, 5_000),
  rejoinAfterMs: backoff(500, 10_000),
};

const DISCONNECTED = ["disconnected", "the connection was lost"];

/** One connection to a server, shared by all its channels. It opens with the first channel. */
export class Socket {
  #endpoint;
  #options;
  #params;
  #authToken;
  #status = "closed";
  #transport = null; // a WebSocket, or a LongPoll that looks like one
  #transportName = null;
  #webSocketOpened = false;
  #identity;
  #attempt; // the address and the token of the last one
  #refusals = 0; // attempts that failed since the last connection
  #turn = 0; // goes up as the socket dials or hangs up: what a listener does ends what called it
  #ports = new Map(); // by topic: this socket's end of each channel
  #leftMeanwhile = new Set(); // topics of channels that were left while the connection was away
  #calls = new Map(); // by ref: what waits for a reply
  #timer; // to open, then to the next heartbeat
  #backoff;
  #statusListeners = new Listeners();
  #errorListeners = new Listeners();
  #frameListeners = new Listeners();
  #unfollowPage = null;

  constructor(endpoint, options = {}) {
    this.#endpoint = endpoint.replace(/\/$/, "");
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#options = { ...DEFAULTS, ...Object.fromEntries(given) };
    this.#params = closure(this.#options.params);
    this.#authToken = closure(this.#options.authToken);
    this.#backoff = new Backoff(this.#options.reconnectAfterMs);
    this.#identity = new Identity(this.#options.resume, this.#endpoint);
  }

  /** `connecting`, `open`, `waiting` (to try again), or `closed` (by `close`, or by the server for good). */
  get status() {
    return this.#status;
  }

  /** `websocket` or `longpoll`: how the connection is made, or null before the first attempt. */
  get transport() {
    return this.#transportName;
  }

  /** Calls `listener(status, { retryInMs, transport })` now and at each change. Returns what removes it. */
  onStatus(listener) {
    return this.#statusListeners.add(listener, [this.#status, { transport: this.#transportName }]);
  }

  /**
   * Calls `listener(error)` for each attempt to connect that the server refuses, where it can be known why:
   * `error.details.status` is the HTTP status. The socket goes on trying: `close` ends that. Returns what removes it.
   */
  onError(listener) {
    return this.#errorListeners.add(listener);
  }

  /** Calls `listener({ direction, text })` for each frame, sent ("out") or received ("in"); `bytes` if binary. */
  onFrame(listener) {
    return this.#frameListeners.add(listener);
  }

  /** Joins `topic`, now and after each reconnect, until `leave`. `params` may be a function. */
  channel(topic, params = {}) {
    if (this.#ports.has(topic)) throw new Error(`"${topic}" is in use on this socket: leave it first`);
    const port = {
      options: this.#options,
      identity: this.#identity,
      isOpen: () => this.#status === "open",
      send: (call, joinRef) => this.#send(topic, call, joinRef),
      close: () => this.#ports.delete(topic),
      leaveLater: () => this.#leftMeanwhile.add(topic),
      onopen: null,
      onmessage: null,
      onclose: null,
      onleave: null,
    };
    this.#ports.set(topic, port);
    const channel = new Channel(topic, closure(params), port);
    this.connect();
    return channel;
  }

  /** Opens the connection after `close`, or at once where the socket waits to try again. */
  connect() {
    if (this.#transport || this.#status === "connecting") return;
    this.#unfollowPage ??= this.#followPage();
    this.#backoff.cancel();
    this.#dial("websocket");
  }

  /** Ends the connection. The channels are kept, and join again after `connect`. */
  close() {
    this.#unfollowPage?.();
    this.#unfollowPage = null;
    this.#backoff.cancel();
    if (this.#hangUp("closed")) this.#move("closed");
  }

  #dial(transportName) {
    const turn = ++this.#turn;
    this.#transportName = transportName;
    this.#move("connecting");
    if (turn !== this.#turn) return; // a listener decided otherwise
    let transport = null;
    try {
      const [url, token] = [this.#url(transportName), this.#authToken()];
      if (turn !== this.#turn) return; // what makes the params or the token did
      this.#attempt = { url, token };
      transport = transportName === "websocket" ? webSocket(url, token) : this.#longPoll(url, token);
    } catch (error) {
      // There is no WebSocket here, this page may not open one, or an option is at fault.
      console.warn(`synq: no ${transportName}: ${error}`);
      if (turn === this.#turn) this.#lost(null);
      return;
    }
    this.#transport = transport;
    this.#timer = setTimeout(() => this.#lost(transport), this.#options.connectTimeoutMs);
    transport.onopen = () => this.#opened();
    transport.onmessage = ({ data }) => this.#receive(data);
    transport.onclose = ({ code, httpStatus }) => this.#lost(transport, code, httpStatus);
  }

  #longPoll(url, token) {
    url.protocol = url.protocol.replace("ws", "http");
    return new LongPoll(url, token, this.#options);
  }

  #url(path) {
    const url = new URL(`${this.#endpoint}/${path}`, globalThis.location?.href);
    for (const [name, value] of Object.entries(this.#params())) url.searchParams.set(name, value);
    url.searchParams.set("vsn", "2.0.0");
    return url;
  }

  #opened() {
    clearTimeout(this.#timer);
    this.#webSocketOpened ||= this.#transportName === "websocket";
    this.#refusals = 0;
    this.#backoff.succeeded();
    this.#move("open");
    for (const port of [...this.#ports.values()]) port.onopen();
    this.#leaveWhatWasLeft();
    this.#beatLater();
  }

  /** The server keeps these channels for this client. A topic that was joined anew needs no word: the new one ended it. */
  #leaveWhatWasLeft() {
    const payload = { synq: { client: this.#identity.client } };
    for (const topic of this.#leftMeanwhile) {
      if (this.#status !== "open") return; // what hears the frames closed it
      this.#leftMeanwhile.delete(topic);
      if (this.#ports.has(topic)) continue;
      this.#send(topic, new Call(LEAVE, payload, this.#options.timeoutMs, () => {}), null);
    }
  }

  /** The transport ended, or never opened: long poll is next where no WebSocket ever opened, else a pause. */
  #lost(transport, code, httpStatus) {
    if (transport !== this.#transport) return;
    const opened = this.#status === "open";
    if (opened && code === 1000) return this.close(); // the server means it: phoenix.js stays away too
    if (!this.#hangUp("waiting")) return;
    const blocked = !opened && !this.#webSocketOpened && this.#transportName === "websocket";
    if (blocked && this.#options.longPoll) return this.#dial("longpoll");
    const retryInMs = this.#backoff.schedule(() => this.#dial("websocket"));
    this.#move("waiting", { retryInMs });
    if (!opened && transport) this.#refused(httpStatus);
  }

  /**
   * Browsers do not tell a page why a WebSocket was refused. Where long poll is not the next to be tried, it is asked
   * after two attempts that failed: the server decides the same about both.
   */
  #refused(httpStatus) {
    const tries = ++this.#refusals;
    const { url, token } = this.#attempt;
    const tell = (status) => {
      if (!status || this.#status === "open" || this.#status === "closed") return;
      const error = refusal(status, tries, url);
      if (this.#errorListeners.isEmpty) console.warn(`synq: ${error.message}`);
      this.#errorListeners.emit(error);
    };
    if (httpStatus || tries < 2 || this.#transportName === "longpoll") return tell(httpStatus);
    const asked = new URL(url);
    asked.pathname = asked.pathname.replace(/websocket$/, "longpoll");
    const probe = this.#longPoll(asked, token);
    probe.onopen = () => {
      probe.close();
      this.#webSocketOpened = false; // not on the network where the page is now: long poll is next if it fails again
    };
    probe.onclose = ({ httpStatus }) => tell(httpStatus);
  }

  /** Ends the transport. Tells whether `status` still comes next: a listener may decide otherwise. */
  #hangUp(status) {
    const turn = ++this.#turn;
    clearTimeout(this.#timer);
    const transport = this.#transport;
    this.#transport = null;
    this.#status = status;
    if (!transport) return true;
    // A dead connection may take a minute to say so: it is not waited for.
    transport.onopen = transport.onmessage = transport.onclose = null;
    transport.close();
    for (const port of [...this.#ports.values()]) port.onclose(status === "waiting");
    for (const call of [...this.#calls.values()]) call.fail(...DISCONNECTED);
    return turn === this.#turn;
  }

  #beatLater() {
    clearTimeout(this.#timer);
    if (this.#status === "open") this.#timer = setTimeout(() => this.#beat(), this.#options.heartbeatMs);
  }

  #beat(timeoutMs = this.#options.timeoutMs) {
    if (this.#transportName === "longpoll") return; // each poll is a sign of life
    clearTimeout(this.#timer);
    const transport = this.#transport;
    const call = new Call(HEARTBEAT, {}, timeoutMs, (status) => {
      if (status !== "ok") this.#lost(transport);
      else this.#beatLater();
    });
    this.#send("phoenix", call, null);
  }

  /** Sends a call, which then has its ref; a join's own ref is its join ref. */
  #send(topic, call, joinRef) {
    if (this.#status !== "open") return call.fail(...DISCONNECTED); // a listener's, while the connection goes
    const ref = call.ref ?? this.#identity.nextRef();
    let data;
    try {
      data = encode(call.event === JOIN ? ref : joinRef, ref, topic, call.event, call.payload);
    } catch (error) {
      return call.fail("invalid_payload", error.message);
    }
    call.sent(ref, () => this.#calls.delete(ref));
    this.#calls.set(ref, call);
    this.#transport.send(data);
    this.#frameListeners.emit(frame("out", data));
  }

  #receive(data) {
    this.#frameListeners.emit(frame("in", data));
    const { joinRef, ref, topic, event, payload } = decode(data);
    if (event === REPLY) this.#calls.get(ref)?.settle(payload.status, payload.response);
    else this.#ports.get(topic)?.onmessage(joinRef, event, payload);
  }

  /** Browsers keep a page that is left for the way back, with its connection: the socket says goodbye, so that the
   * server does not take it for present. */
  #sleep() {
    const known = [...this.#ports].map(([topic, port]) => [topic, port.onleave()]);
    this.#identity.leave(known.filter(([, left]) => left));
    this.#backoff.cancel();
    if (this.#hangUp("waiting")) this.#move("waiting");
  }

  /** No timer is waited for, and a connection that looks alive is asked whether it is. */
  #wake() {
    if (this.#status === "waiting") this.connect();
    else if (this.#status === "open") this.#beat(this.#options.connectTimeoutMs);
  }

  #followPage() {
    const cameBack = () => {
      this.#identity.comeBack();
      if (this.#status === "waiting") this.connect();
    };
    return followPage({ left: () => this.#sleep(), cameBack, woke: () => this.#wake() });
  }

  #move(status, detail = {}) {
    this.#status = status;
    this.#statusListeners.emit(status, { transport: this.#transportName, ...detail });
  }
}

const closure = (value) => (typeof value === "function" ? value : () => value);

const frame = (direction, data) =>
  typeof data === "string" ? { direction, text: data } : { direction, bytes: new Uint8Array(data) };
