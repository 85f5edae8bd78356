/**
 * Messages on the wire, as the serializer 2.0.0 of Phoenix writes them: a JSON array in a text frame, or, for a
 * payload of bytes, a binary frame whose first bytes say what it is and how long each part of its head is.
 */

import { REPLY } from "./names.js";

const PUSH = 0;
const BINARY_REPLY = 1;
const BROADCAST = 2;

/** A payload as it is sent: a JSON text, or a copy of the bytes. */
export function encodePayload(payload) {
  if (payload instanceof ArrayBuffer) return new Uint8Array(payload.slice(0));
  if (!ArrayBuffer.isView(payload)) return JSON.stringify(payload) ?? "null";
  return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength).slice();
}

/** A frame: a text, or bytes where the payload is bytes. Throws when a part of a binary head is too long. */
export function encode(joinRef, ref, topic, event, payload) {
  const head = [joinRef, ref, topic, event];
  if (typeof payload === "string") return `${JSON.stringify(head).slice(0, -1)},${payload}]`;
  const parts = head.map((part) => new TextEncoder().encode(part ?? ""));
  const long = parts.findIndex((part) => part.length > 255);
  if (long >= 0) throw new Error(`"${head[long]}" has more than the 255 bytes that a binary message can name`);
  const frame = [PUSH, ...parts.map((part) => part.length)];
  for (const part of [...parts, payload]) frame.push(part);
  return concatenated(frame);
}

/** `{ joinRef, ref, topic, event, payload }` of a frame; a payload of bytes is an `ArrayBuffer`. */
export function decode(data) {
  if (typeof data === "string") {
    const [joinRef, ref, topic, event, payload] = JSON.parse(data);
    return { joinRef, ref, topic, event, payload };
  }
  const bytes = new Uint8Array(data);
  switch (bytes[0]) {
    case PUSH: {
      const [[joinRef, topic, event], payload] = parts(bytes, 3);
      return { joinRef: joinRef || null, ref: null, topic, event, payload };
    }
    case BINARY_REPLY: {
      const [[joinRef, ref, topic, status], response] = parts(bytes, 4);
      return { joinRef, ref, topic, event: REPLY, payload: { status, response } };
    }
    case BROADCAST: {
      const [[topic, event], payload] = parts(bytes, 2);
      return { joinRef: null, ref: null, topic, event, payload };
    }
    default:
      throw new Error(`a binary message of kind ${bytes[0]}`);
  }
}

/** The texts of a binary head of `count` parts, and the bytes after it. */
function parts(bytes, count) {
  let at = 1 + count;
  const texts = Array.from(bytes.subarray(1, at), (length) =>
    new TextDecoder().decode(bytes.subarray(at, (at += length))),
  );
  return [texts, bytes.slice(at).buffer];
}

/** Single bytes and runs of bytes, one after the other. */
function concatenated(pieces) {
  const frame = new Uint8Array(pieces.reduce((length, piece) => length + (piece.length ?? 1), 0));
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === "number") frame[at++] = piece;
    else frame.set(piece, at), (at += piece.length);
  }
  return frame;
}
