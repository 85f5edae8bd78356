import { Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const quick = { reconnectAfterMs: () => 0, rejoinAfterMs: () => 0, longPoll: false };

/** As `sessionStorage`, with room for so many characters. */
function storage(room = 10_000) {
  const items = new Map();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    removeItem: (key) => void items.delete(key),
    setItem: (key, value) => {
      if (value.length > room) throw new DOMException("full", "QuotaExceededError");
      items.set(key, value);
    },
  };
}

/** A page on that storage whose channel has joined; `join` is what it sent. */
function page(resume, reply = {}) {
  const socket = new Socket("/socket", { ...quick, resume });
  const channel = socket.channel("room:1");
  const connection = FakeWebSocket.last;
  const shown = [];
  channel.onState((state) => shown.push(state.n));
  connection.open();
  const [joinRef, , , , join] = connection.sent[0];
  connection.reply("ok", reply);
  const push = (event, payload) => connection.receive(joinRef, null, "room:1", event, payload);
  const leave = () => dispatchEvent(new Event("pagehide"));
  return { socket, channel, connection, joinRef, join, shown, push, leave };
}

test("reload: the page that comes after goes on where the one before was", async () => {
  const tab = storage();
  const one = page(tab);
  one.push("synq:change", { state: { n: 3 }, version: 7, epoch: "e1" });
  one.push("news", {});
  equal([...tab.items], []); // a copy of the tab finds nothing
  one.leave();
  one.socket.close(); // its page is gone
  const two = page(tab, { synq: { resumed: true } });
  dispatchEvent(new Event("pageshow")); // as each page that has loaded
  same(two.connection.events("phx_join").length, 1);
  equal(two.join.synq, { ...one.join.synq, epoch: "e1", version: 7, base: true, pushes: 1, ref: "1" });
  equal([two.joinRef, two.shown, [...tab.items]], ["2", [3], []]);
  two.push("synq:patch", { operations: [{ op: "replace", path: "/n", value: 4 }], version: 9, base: 7 });
  equal([two.shown, two.channel.version], [[3, 4], 9]);
  two.connection.drop();
  await until(() => FakeWebSocket.last !== two.connection);
  FakeWebSocket.last.open();
  same(FakeWebSocket.last.sent[0][4].synq.client, one.join.synq.client);
  two.socket.close();
});

test("reload: nothing of the page before is shown unless the server says that it goes on", () => {
  const tab = storage();
  const one = page(tab);
  one.push("synq:change", { state: { n: 3 }, version: 7, epoch: "e1" });
  one.leave();
  const two = page(tab, { synq: { resumed: false } });
  same(two.channel.state, undefined);
  two.channel.push("inc", {}, { optimistic: (state) => ({ n: state.n + 1 }) }).catch(() => {});
  equal([two.shown, two.channel.version], [[], null]);
  two.push("synq:change", { state: { n: 0 }, version: 0, epoch: "e2" });
  equal(two.shown, [1]);
  two.socket.close();
  one.socket.close();
});

test("reload: two tabs have two names", () => {
  const tab = storage();
  const [one, two] = [page(tab), page(tab)];
  same(one.join.synq.client === two.join.synq.client, false);
  one.socket.close();
  two.socket.close();
});

test("reload: a copy of a tab that was made between two pages has a name of its own", () => {
  const tab = storage();
  const one = page(tab);
  one.push("synq:change", { state: { n: 3 }, version: 7, epoch: "e1" });
  one.leave();
  one.socket.close(); // its page is gone
  const copy = storage();
  for (const [key, value] of tab.items) copy.setItem(key, value);
  const [two, three] = [page(tab, { synq: { resumed: true } }), page(copy)];
  equal([two.join.synq.client, two.shown], [one.join.synq.client, [3]]);
  equal([Object.keys(three.join.synq), three.join.synq.client === one.join.synq.client], [["client"], false]);
  two.socket.close();
  three.socket.close();
});

test("reload: a state that is too large is left behind, the name goes on", () => {
  const tab = storage(200);
  const one = page(tab);
  one.push("synq:change", { state: { n: "x".repeat(500) }, version: 7, epoch: "e1" });
  one.leave();
  const two = page(tab);
  equal([two.join.synq, two.joinRef], [one.join.synq, "2"]);
  two.socket.close();
  one.socket.close();
});

test("reload: a page that comes back from the browser's cache goes on, and so do its refs", () => {
  const tab = storage();
  const one = page(tab);
  one.push("synq:change", { state: { n: 3 }, version: 7, epoch: "e1" });
  one.leave();
  dispatchEvent(new Event("pageshow"));
  FakeWebSocket.last.open();
  const [, ref, , , { synq }] = FakeWebSocket.last.sent[0];
  equal([ref, synq.client, synq.version, [...tab.items]], ["2", one.join.synq.client, 7, []]);
  one.socket.close();
});

test("reload: a page that comes back after another took its name has a new one, and starts over", () => {
  const tab = storage();
  const one = page(tab);
  one.push("synq:change", { state: { n: 3 }, version: 7, epoch: "e1" });
  one.leave();
  tab.items.clear(); // as another page does it
  dispatchEvent(new Event("pageshow"));
  FakeWebSocket.last.open();
  const { synq } = FakeWebSocket.last.sent[0][4];
  equal([Object.keys(synq), synq.client === one.join.synq.client], [["client"], false]);
  one.socket.close();
});

test("reload: what is in the storage and is not ours, or a storage that may not be used, does no harm", () => {
  const broken = { getItem: () => "{", removeItem() {}, setItem() {} };
  const barred = {
    getItem() {
      throw new DOMException("no", "SecurityError");
    },
  };
  for (const resume of [broken, barred]) {
    const { socket, join, leave } = page(resume);
    same(/^[0-9a-f]{32}$/.test(join.synq.client), true);
    leave();
    socket.close();
  }
});
