import { base64url } from "./base64.js";

/** A WebSocket that offers the token as a subprotocol: the one place where a browser lets a page put it. */
export function webSocket(url, token) {
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url, token ? ["phoenix", `base64url.bearer.phx.${base64url(token)}`] : []);
  socket.binaryType = "arraybuffer";
  return socket;
}
