/** The events on the wire that mean something to the protocol, each written once. */

export const JOIN = "phx_join";
export const LEAVE = "phx_leave";
export const REPLY = "phx_reply";
export const ERROR = "phx_error";
export const CLOSE = "phx_close";
export const HEARTBEAT = "heartbeat";
export const STATE_CHANGE = "synq:change";
export const STATE_PATCH = "synq:patch";
export const STATE_REFRESH = "synq:refresh";
export const STATE_ERROR = "synq:error";
export const PRESENCE_STATE = "presence_state";
export const PRESENCE_DIFF = "presence_diff";
