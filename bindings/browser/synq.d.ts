/** The types of synq.js. The shape of a state is what you say it is: nothing checks what a server sends. */

export type Status = "connecting" | "open" | "waiting" | "closed";
export type ChannelStatus = "waiting" | "joining" | "joined" | "closed";
export type Params = Record<string, unknown>;

/** Removes the listener that it was returned for. */
export type Stop = () => void;

/** An option that is undefined has its default. */
export interface SocketOptions {
  /** Sent with the connection, in the query; a function is called for each attempt. */
  params?: Record<string, string | number | boolean> | (() => Record<string, string | number | boolean>);
  /** Sent with the connection, not in the query; a function is called for each attempt. */
  authToken?: string | null | (() => string | null);
  /** How long a reply may take, joins and heartbeats included. Default 10 000. */
  timeoutMs?: number;
  /** How long a connection may take to open. Default 5 000. */
  connectTimeoutMs?: number;
  /** The pause between two heartbeats: less than what the server takes for silence. Default 30 000. */
  heartbeatMs?: number;
  /** How long a poll may take: more than the server's window. Default 30 000. */
  pollTimeoutMs?: number;
  /** Whether to use long poll where no WebSocket opens. Default true. */
  longPoll?: boolean;
  /** Whether long poll carries the cookies of a server of another origin, as WebSockets do: the server must allow it.
   * Default "same-origin". */
  credentials?: "omit" | "same-origin" | "include";
  /** Whether channels go on where they were, where the server keeps them. With a storage, `sessionStorage`, they do so
   * after a reload too. Default true. */
  resume?: boolean | Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** How long an overlay stays after the reply to its event if no state comes. Default 1 000. */
  settleMs?: number;
  /** How many pushes of a channel may wait for its join; those beyond fail as `busy`. Default 1 000. */
  maxWaiting?: number;
  /** The pause before the nth attempt to connect. Default: 100 doubled up to 5 000, less a random part. */
  reconnectAfterMs?: (tries: number) => number;
  /** The pause before the nth attempt to join. Default: 500 doubled up to 10 000, less a random part. */
  rejoinAfterMs?: (tries: number) => number;
}

export interface StatusDetail {
  transport: "websocket" | "longpoll" | null;
  /** How long the socket waits before it tries again, when it does. */
  retryInMs?: number;
}

/** A frame's text, or its bytes if it is binary. */
export type Frame = { direction: "in" | "out" } & (
  | { text: string; bytes?: undefined }
  | { text?: undefined; bytes: Uint8Array }
);

/** One connection to a server, shared by all its channels. It opens with the first channel. */
export class Socket {
  constructor(endpoint: string, options?: SocketOptions);
  readonly status: Status;
  readonly transport: "websocket" | "longpoll" | null;
  onStatus(listener: (status: Status, detail: StatusDetail) => void): Stop;
  /** An attempt to connect was refused, and it is known why: `details` is `{ status, tries }`, the HTTP status and
   * how many attempts have failed. The socket goes on trying until it is closed. */
  onError(listener: (error: SynqError) => void): Stop;
  onFrame(listener: (frame: Frame) => void): Stop;
  channel<State = unknown>(topic: string, params?: Params | (() => Params)): Channel<State>;
  connect(): void;
  close(): void;
}

export interface StateDetail {
  version: number | null;
  /** The patch that led to this state, or null for a full state and for an overlay that comes or goes. */
  operations: Operation[] | null;
}

export interface ChannelStatusDetail {
  /** With `joined`: whether the channel went on where it was. If not, the server began it anew. */
  resumed?: boolean;
}

export interface PushOptions<State> {
  timeoutMs?: number;
  /** Gives the state as the event will make it. It may be called often, and must not change what it is given. */
  optimistic?: ((state: State) => State) | null;
}

/** One topic that was joined: its state, its events, and what it is told. Made by `Socket.channel`. */
export class Channel<State = unknown> {
  private constructor();
  readonly topic: string;
  readonly status: ChannelStatus;
  readonly state: State | undefined;
  readonly version: number | null;
  onState(listener: (state: State, detail: StateDetail) => void): Stop;
  onStatus(listener: (status: ChannelStatus, detail: ChannelStatusDetail) => void): Stop;
  onError(listener: (error: SynqError) => void): Stop;
  /** Bytes that the server pushes come as an `ArrayBuffer`. */
  on<Payload = unknown>(event: string, listener: (payload: Payload) => void): Stop;
  /** A payload that is an `ArrayBuffer` or a view of one is sent as bytes. */
  push<Reply = unknown>(event: string, payload?: unknown, options?: PushOptions<State>): Promise<Reply>;
  leave(): Promise<void>;
}

/** A part of a state: React's `useSyncExternalStore(subscribe, getSnapshot)`, and Svelte's `$store`. */
export interface Store<Part> {
  getSnapshot(): Part;
  subscribe(follower: (part: Part) => void): Stop;
}

/** The part that `selector` gives; undefined before the first state. Followers hear of it when `equal` says that it has
 * changed; the default is `Object.is`. */
export function store<State>(channel: Channel<State>): Store<State | undefined>;
export function store<State, Part>(
  channel: Channel<State>,
  selector: (state: State) => Part,
  equal?: (before: Part, after: Part) => boolean,
): Store<Part | undefined>;

/** A key of the presence list; `Extra` is what the server adds beside `metas`. */
export type Member<Meta = unknown, Extra = unknown> = { metas: (Meta & { phx_ref: string; phx_ref_prev?: string })[] } & Extra;

export interface Presence<Meta = unknown, Extra = unknown> {
  readonly state: ReadonlyMap<string, Member<Meta, Extra>>;
  list(): ({ key: string } & Member<Meta, Extra>)[];
  list<Item>(choose: (key: string, member: Member<Meta, Extra>) => Item): Item[];
  onJoin(
    listener: (key: string, before: Member<Meta, Extra> | undefined, joined: Member<Meta, Extra>) => void,
  ): Stop;
  onLeave(listener: (key: string, after: Member<Meta, Extra>, left: Member<Meta, Extra>) => void): Stop;
  onSync(listener: () => void): Stop;
}

/** Who is in the topic, by Phoenix.Presence, or by the part of the state that `selector` gives. */
export function presence<Meta = unknown, Extra = unknown, State = any>(
  channel: Channel<State>,
  selector?: (state: State) => Record<string, Member<Meta, Extra>> | undefined,
): Presence<Meta, Extra>;

/** What went wrong, as the server or this client puts it, and the reply that said so. */
export class SynqError extends Error {
  private constructor();
  /** The server's, or this client's: timeout, disconnected, crashed, closed, left, busy, invalid_params,
   * invalid_payload, refused. */
  readonly code: string;
  readonly details: unknown;
  readonly timestamp: string | null;
  readonly status: string;
  readonly response: unknown;
}

export type Operation =
  | { op: "add" | "replace" | "test"; path: string; value: unknown }
  | { op: "remove"; path: string }
  | { op: "move" | "copy"; path: string; from: string };

/** Applies a JSON Patch and gives the new document; what no operation reached is the same object in both. */
export function applyPatch<Document = unknown>(document: unknown, operations: Operation[]): Document;
