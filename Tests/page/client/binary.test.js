import { Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, rejects, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const text = (string) => [...new TextEncoder().encode(string)];
const frame = (...parts) => new Uint8Array(parts.flat()).buffer;
const bytesOf = (buffer) => [...new Uint8Array(buffer)];

function joined() {
  const socket = new Socket("/socket", { reconnectAfterMs: () => 0, longPoll: false, resume: false });
  const channel = socket.channel("room:1");
  const connection = FakeWebSocket.last;
  connection.open();
  connection.reply("ok", {});
  return { socket, channel, connection };
}

test("binary: bytes are pushed with the head of the protocol, and answered by bytes", async () => {
  const { socket, channel, connection } = joined();
  const frames = [];
  socket.onFrame(({ direction, text, bytes }) => frames.push([direction, text ?? bytes.length]));
  const payload = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
  const push = channel.push("up", payload);
  payload.fill(0);
  const head = [0, 1, 1, 6, 2, text("1"), text("2"), text("room:1"), text("up")];
  equal(bytesOf(connection.sent.at(-1).buffer), [...head.flat(), 1, 2, 3]);
  connection.onmessage({
    data: frame(1, 1, 1, 6, 2, text("1"), text("2"), text("room:1"), text("ok"), 0, 255),
  });
  equal(bytesOf(await push), [0, 255]);
  equal(frames, [
    ["out", 18],
    ["in", 18 - 1],
  ]);
  socket.close();
});

test("binary: an ArrayBuffer and other views are bytes too", () => {
  const { socket, channel, connection } = joined();
  channel.push("a", new Uint8Array([7, 8]).buffer).catch(() => {});
  equal([...connection.sent.at(-1)].slice(-2), [7, 8]);
  channel.push("a", new Uint16Array([0x0102])).catch(() => {});
  equal([...connection.sent.at(-1)].slice(-2), [2, 1]);
  socket.close();
});

test("binary: pushes and broadcasts reach the listeners of their event", () => {
  const { socket, channel, connection } = joined();
  const heard = [];
  channel.on("pic", (payload) => heard.push([payload.constructor.name, ...bytesOf(payload)]));
  connection.onmessage({ data: frame(0, 1, 6, 3, text("1"), text("room:1"), text("pic"), 1, 2) });
  connection.onmessage({ data: frame(2, 6, 3, text("room:1"), text("pic"), 3) });
  connection.onmessage({ data: frame(0, 1, 6, 3, text("9"), text("room:1"), text("pic"), 4) }); // an earlier join's
  connection.onmessage({ data: frame(0, 0, 6, 3, text("room:1"), text("pic")) });
  equal(heard, [["ArrayBuffer", 1, 2], ["ArrayBuffer", 3], ["ArrayBuffer"]]);
  socket.close();
});

test("binary: a refused event of bytes rejects", async () => {
  const { socket, channel, connection } = joined();
  const push = channel.push("up", new Uint8Array(1));
  connection.onmessage({ data: frame(1, 1, 1, 6, 5, text("1"), text("2"), text("room:1"), text("error"), 4) });
  equal(bytesOf((await rejects(push, "error")).response), [4]);
  socket.close();
});

test("binary: an event whose name has no place in the head fails alone", async () => {
  const { socket, channel, connection } = joined();
  const error = await rejects(channel.push("é".repeat(128), new Uint8Array(1)), "invalid_payload");
  same(/more than the 255 bytes/.test(error.message), true);
  equal([connection.sent.length, channel.status], [1, "joined"]);
  socket.close();
});

test("binary: over long poll bytes travel as base64", async () => {
  const bodies = [];
  const answers = [
    { status: 410, token: "T" },
    { status: 200, messages: [JSON.stringify(["1", "1", "room:1", "phx_reply", { status: "ok", response: {} }])] },
  ];
  const realFetch = globalThis.fetch;
  globalThis.fetch = (_, { method, body, signal }) => {
    if (method === "POST") bodies.push(body);
    if (method === "POST") return Promise.resolve(Response.json({ status: 200 }));
    if (answers.length > 0) return Promise.resolve(Response.json(answers.shift()));
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const socket = new Socket("/socket", { resume: false });
  const channel = socket.channel("room:1");
  FakeWebSocket.last.drop();
  await until(() => channel.status === "joined");
  channel.push("up", new Uint8Array([1, 254, 255])).catch(() => {});
  await until(() => bodies.length === 2);
  const head = [0, 1, 1, 6, 2, text("1"), text("2"), text("room:1"), text("up")].flat();
  same(bodies[1], btoa(String.fromCharCode(...head, 1, 254, 255)));
  socket.close();
  globalThis.fetch = realFetch;
});
