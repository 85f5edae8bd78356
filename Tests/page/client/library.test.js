/** With a server of the library itself: what a stand-in could get wrong. */

import { Socket, store } from "/synq/synq.js";
import { equal, rejects, same, test, until } from "./harness.js";

const realWebSocket = globalThis.WebSocket;
const quick = { reconnectAfterMs: () => 20, rejoinAfterMs: () => 20 };
const bytesOf = (buffer) => [...new Uint8Array(buffer)];
const session = (value) => (document.cookie = `session=${value}; path=/`);

/** Runs where no WebSocket gets through. */
async function withoutWebSocket(run) {
  const { warn } = console;
  console.warn = () => {};
  globalThis.WebSocket = undefined;
  try {
    await run();
  } finally {
    globalThis.WebSocket = realWebSocket;
    console.warn = warn;
  }
}

async function joined(topic = `files:${crypto.randomUUID()}`) {
  const socket = new Socket("/socket", quick);
  const channel = socket.channel(topic, { user: "Ada" });
  const copies = [];
  channel.on("copy", (payload) => copies.push(bytesOf(payload)));
  await until(() => channel.state !== undefined);
  return { socket, channel, copies };
}

test("library: bytes go both ways, as reply, push and broadcast", async () => {
  const ada = await joined();
  const bob = await joined(ada.channel.topic);
  equal(bytesOf(await ada.channel.push("upload", new Uint8Array([1, 2, 255]))), [255, 2, 1]);
  await ada.channel.push("everybody", new Uint8Array([7]).buffer);
  await until(() => bob.copies.length === 1 && ada.copies.length === 2);
  equal([ada.copies, bob.copies, ada.channel.state.sizes], [[[1, 2, 255], [7]], [[7]], [3]]);
  ada.socket.close();
  bob.socket.close();
});

test("library: over long poll bytes go to the server, and a reply of bytes is an error", async () => {
  await withoutWebSocket(async () => {
    const { socket, channel } = await joined();
    same(socket.transport, "longpoll");
    const sizes = store(channel, (state) => state.sizes.length);
    await rejects(channel.push("upload", new Uint8Array(70_000)), "binary_over_longpoll");
    await until(() => sizes.getSnapshot() === 1);
    equal(channel.state.sizes, [70_000]);
    socket.close();
  });
});

test("library: a socket that wants a session is refused without, told why, and let in with it", async () => {
  session("nobody");
  const socket = new Socket("/private", quick);
  const errors = [];
  socket.onError(({ details }) => errors.push(details.status));
  const channel = socket.channel(`files:${crypto.randomUUID()}`);
  await until(() => errors.length === 2);
  same([401, 403].includes(errors[0]), true);
  session("ada");
  await until(() => channel.status === "joined");
  socket.close();
});

test("library: long poll carries the session's cookie", async () => {
  session("ada");
  await withoutWebSocket(async () => {
    const socket = new Socket("/private", quick);
    const channel = socket.channel(`files:${crypto.randomUUID()}`);
    await until(() => channel.status === "joined");
    same(socket.transport, "longpoll");
    socket.close();
  });
});
