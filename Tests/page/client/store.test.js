import { Socket, store } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, same, test } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const board = { title: "Monday", cards: [{ done: true }, { done: false }], seconds: 0 };

function joined() {
  const socket = new Socket("/socket", { longPoll: false });
  const channel = socket.channel("board:1");
  FakeWebSocket.last.open();
  FakeWebSocket.last.reply("ok", {});
  let version = 0;
  const push = (event, payload) => FakeWebSocket.last.receive("1", null, "board:1", event, payload);
  const start = () => push("synq:change", { state: board, version });
  const set = (path, value) =>
    push("synq:patch", { operations: [{ op: "replace", path, value }], version: ++version });
  return { socket, channel, start, set };
}

test("store: who follows a part is told when it changes, and only then", () => {
  const { socket, channel, start, set } = joined();
  let selections = 0;
  const title = store(channel, (state) => ++selections && state.title);
  const told = [];
  const stop = title.subscribe((value) => told.push(value));
  equal([told, title.getSnapshot()], [[undefined], undefined]);
  start();
  set("/seconds", 1);
  set("/title", "Tuesday");
  set("/seconds", 2);
  equal([told, title.getSnapshot()], [[undefined, "Monday", "Tuesday"], "Tuesday"]);
  same(selections, 4); // once a state, however many ask
  stop();
  set("/title", "Wednesday");
  same(told.length, 3);
  socket.close();
});

test("store: a part that a patch left alone is the same object", () => {
  const { socket, channel, start, set } = joined();
  start();
  const cards = store(channel, (state) => state.cards);
  const before = cards.getSnapshot();
  set("/seconds", 1);
  same(cards.getSnapshot(), before);
  set("/cards/1/done", true);
  same(cards.getSnapshot() === before, false);
  socket.close();
});

test("store: a selector that makes something new each time has an equal of its own", () => {
  const { socket, channel, start, set } = joined();
  start();
  const sameItems = (a, b) => a.length === b.length && a.every((item, i) => item === b[i]);
  const done = store(channel, (state) => state.cards.filter((card) => card.done), sameItems);
  const told = [];
  done.subscribe((cards) => told.push(cards.length));
  const before = done.getSnapshot();
  set("/seconds", 1);
  same(done.getSnapshot(), before);
  set("/cards/1/done", true);
  equal(told, [1, 2]);
  socket.close();
});

test("store: without a selector it is the whole state; NaN is itself", () => {
  const { socket, channel, start, set } = joined();
  start();
  same(store(channel).getSnapshot(), channel.state);
  let told = 0;
  store(channel, () => NaN).subscribe(() => told++);
  set("/seconds", 1);
  same(told, 1);
  socket.close();
});

test("store: it follows overlays as it follows the server", () => {
  const { socket, channel, start } = joined();
  start();
  const told = [];
  store(channel, (state) => state.title).subscribe((title) => told.push(title));
  channel.push("rename", {}, { optimistic: (state) => ({ ...state, title: "Sunday" }) }).catch(() => {});
  FakeWebSocket.last.reply("error", { code: "no", message: "No." });
  equal(told, ["Monday", "Sunday", "Monday"]);
  socket.close();
});
