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

export interface Frame {
  direction: "in" | "out";
  text: string;
}

/** One connection to a server, shared by all its channels. It opens with the first channel. */
export class Socket {
  constructor(endpoint: string, options?: SocketOptions);
  readonly status: Status;
  readonly transport: "websocket" | "longpoll" | null;
  onStatus(listener: (status: Status, detail: StatusDetail) => void): Stop;
  onFrame(listener: (frame: Frame) => void): Stop;
  channel<State = unknown>(topic: string, params?: Params | (() => Params)): Channel<State>;
  connect(): void;
  close(): void;
}

export interface StateDetail {
  version: number | null;
  /** The patch that led to this state, or null for a full state. */
  operations: Operation[] | null;
}

/** One topic that was joined: its state, its events, and what it is told. Made by `Socket.channel`. */
export class Channel<State = unknown> {
  private constructor();
  readonly topic: string;
  readonly status: ChannelStatus;
  readonly state: State | undefined;
  readonly version: number | null;
  onState(listener: (state: State, detail: StateDetail) => void): Stop;
  onStatus(listener: (status: ChannelStatus) => void): Stop;
  onError(listener: (error: SynqError) => void): Stop;
  on<Payload = unknown>(event: string, listener: (payload: Payload) => void): Stop;
  push<Reply = unknown>(event: string, payload?: unknown, options?: { timeoutMs?: number }): Promise<Reply>;
  leave(): Promise<void>;
}

/** What went wrong, as the server or this client puts it, and the reply that said so. */
export class SynqError extends Error {
  private constructor();
  /** The server's, or this client's: timeout, disconnected, crashed, closed, left, busy, invalid_params. */
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
