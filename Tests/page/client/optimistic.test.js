import { Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, rejects, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const more = (state) => ({ ...state, n: state.n + 1 });

/** A channel with the state `{ n: 0, other: {} }`; `shown` is each number that a page would have drawn. */
function joined(options = {}) {
  const quick = { reconnectAfterMs: () => 0, rejoinAfterMs: () => 0, longPoll: false };
  const socket = new Socket("/socket", { ...quick, ...options });
  const channel = socket.channel("room:1");
  const shown = [];
  channel.onState((state) => shown.push(state.n));
  FakeWebSocket.last.open();
  FakeWebSocket.last.reply("ok", {});
  const push = (event, payload) =>
    FakeWebSocket.last.receive(FakeWebSocket.last.events("phx_join").at(-1)[0], null, "room:1", event, payload);
  push("synq:change", { state: { n: 0, other: {} }, version: 0, epoch: "e1" });
  const patch = (n, version, base) =>
    push("synq:patch", { operations: [{ op: "replace", path: "/n", value: n }], version, base });
  return { socket, channel, shown, patch, push };
}

test("optimistic: it is shown at once, and the state that holds it is shown in its place", async () => {
  const { socket, channel, shown, patch } = joined();
  const inc = channel.push("inc", {}, { optimistic: more });
  equal([channel.state.n, channel.version], [1, 0]);
  FakeWebSocket.last.reply("ok", {});
  await inc;
  patch(1, 1);
  equal([channel.state.n, shown], [1, [0, 1, 1]]);
  patch(2, 2);
  equal(shown, [0, 1, 1, 2]);
  socket.close();
});

test("optimistic: a refused event takes its own back, and leaves the others", async () => {
  const { socket, channel, shown } = joined();
  const one = channel.push("one", {}, { optimistic: more });
  channel.push("two", {}, { optimistic: (state) => ({ ...state, n: state.n * 10 }) }).catch(() => {});
  FakeWebSocket.last.reply("error", { code: "no", message: "No." }, FakeWebSocket.last.events("one")[0]);
  await rejects(one, "no");
  equal(shown, [0, 1, 10, 0]);
  socket.close();
});

test("optimistic: what others change meanwhile is shown below it", async () => {
  const { socket, channel, shown, patch } = joined();
  channel.push("inc", {}, { optimistic: more }).catch(() => {});
  patch(5, 1);
  equal(shown, [0, 1, 6]);
  FakeWebSocket.last.reply("ok", {});
  patch(6, 2);
  equal(shown, [0, 1, 6, 6]);
  socket.close();
});

test("optimistic: an event that changed nothing is taken back a little after its reply", async () => {
  const { socket, channel, shown } = joined({ settleMs: 1 });
  const inc = channel.push("inc", {}, { optimistic: more });
  FakeWebSocket.last.reply("ok", {});
  await inc;
  await until(() => channel.state.n === 0);
  equal(shown, [0, 1, 0]);
  socket.close();
});

test("optimistic: over a lost connection it stays, and goes with the state that holds it", async () => {
  const { socket, channel, shown, patch } = joined();
  const inc = channel.push("inc", {}, { optimistic: more });
  const before = FakeWebSocket.last;
  before.drop();
  await until(() => FakeWebSocket.last !== before);
  FakeWebSocket.last.open();
  // The server handled ref 2: what it sends next holds it, before its reply is here again.
  FakeWebSocket.last.reply("ok", { synq: { resumed: true, ref: "2" } });
  patch(1, 1, 0);
  FakeWebSocket.last.reply("ok", {});
  await inc;
  equal([channel.state.n, shown], [1, [0, 1, 1]]);
  socket.close();
});

test("optimistic: one that the server has not yet handled stays over the missed patch", async () => {
  const { socket, channel, shown, patch } = joined();
  const inc = channel.push("inc", {}, { optimistic: more });
  const before = FakeWebSocket.last;
  before.drop();
  await until(() => FakeWebSocket.last !== before);
  FakeWebSocket.last.open();
  FakeWebSocket.last.reply("ok", { synq: { resumed: true, ref: "1" } });
  patch(4, 1, 0);
  FakeWebSocket.last.reply("ok", {});
  await inc;
  patch(5, 2);
  equal(shown, [0, 1, 5, 5]);
  socket.close();
});

test("optimistic: parts that it leaves alone are the same objects", () => {
  const { socket, channel } = joined();
  const { other } = channel.state;
  channel.push("inc", {}, { optimistic: more }).catch(() => {});
  same(channel.state.other, other);
  socket.close();
});

test("optimistic: one that throws is reported and shows nothing", async () => {
  const { socket, channel, shown } = joined();
  const reported = new Promise((seen) => {
    const heard = (event) => {
      event.preventDefault();
      seen(event.error.message);
    };
    addEventListener("error", heard, { once: true });
  });
  const broken = () => {
    throw new Error("cannot foresee that");
  };
  channel.push("inc", {}, { optimistic: broken }).catch(() => {});
  same(await reported, "cannot foresee that");
  equal(shown, [0, 0]);
  socket.close();
});

test("optimistic: a push that never goes out shows nothing", async () => {
  const { socket, channel, shown } = joined();
  channel.leave();
  await rejects(channel.push("inc", {}, { optimistic: more }), "closed");
  equal(shown, [0]);
  socket.close();
});
