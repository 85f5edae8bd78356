import { presence, Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const metas = (...refs) => ({ metas: refs.map((phx_ref) => ({ phx_ref })) });
const refs = (member) => member?.metas.map(({ phx_ref }) => phx_ref);

function joined(selector) {
  const socket = new Socket("/socket", { reconnectAfterMs: () => 0, rejoinAfterMs: () => 0, longPoll: false });
  const channel = socket.channel("room:1");
  const here = presence(channel, selector);
  const told = [];
  here.onJoin((key, before, { metas }) => told.push(["join", key, refs(before), refs({ metas })]));
  here.onLeave((key, after, { metas }) => told.push(["leave", key, refs(after), refs({ metas })]));
  here.onSync(() => told.push(["sync", ...here.list((key, member) => `${key} ${refs(member)}`)]));
  FakeWebSocket.last.open();
  FakeWebSocket.last.reply("ok", {});
  const push = (event, payload) =>
    FakeWebSocket.last.receive(FakeWebSocket.last.events("phx_join").at(-1)[0], null, "room:1", event, payload);
  const list = (members) => push("presence_state", members);
  const diff = (joins, leaves = {}) => push("presence_diff", { joins, leaves });
  return { socket, channel, here, told, push, list, diff };
}

test("presence: the list, then who comes and goes, tab by tab", () => {
  const { socket, here, told, list, diff } = joined();
  list({ ada: metas("1") });
  diff({ ada: metas("2"), bob: metas("3") });
  diff({}, { ada: metas("1"), bob: metas("3") });
  equal(told, [
    ["join", "ada", undefined, ["1"]],
    ["sync", "ada 1"],
    ["join", "ada", ["1"], ["2"]],
    ["join", "bob", undefined, ["3"]],
    ["sync", "ada 1,2", "bob 3"],
    ["leave", "ada", ["2"], ["1"]],
    ["leave", "bob", [], ["3"]],
    ["sync", "ada 2"],
  ]);
  equal(here.list(), [{ key: "ada", metas: [{ phx_ref: "2" }] }]);
  equal([...here.state.keys()], ["ada"]);
  socket.close();
});

test("presence: an update is a meta that goes and one that comes", () => {
  const { socket, told, list, diff } = joined();
  list({ ada: metas("1") });
  told.length = 0;
  diff({ ada: metas("2") }, { ada: metas("1") });
  equal(told, [
    ["join", "ada", ["1"], ["2"]],
    ["leave", "ada", ["2"], ["1"]],
    ["sync", "ada 2"],
  ]);
  socket.close();
});

test("presence: diffs that come before the list wait for it", () => {
  const { socket, told, list, diff } = joined();
  diff({ bob: metas("2") });
  diff({}, { ada: metas("1") });
  equal(told, []);
  list({ ada: metas("1"), bob: metas("2") });
  equal(told, [
    ["join", "bob", undefined, ["2"]],
    ["sync", "bob 2"],
  ]);
  socket.close();
});

test("presence: after a new join the next list says who came and went meanwhile", async () => {
  const { socket, told, list, diff } = joined();
  list({ ada: metas("1"), bob: metas("2") });
  FakeWebSocket.last.receive("1", "1", "room:1", "phx_error", {});
  await until(() => FakeWebSocket.last.events("phx_join").length === 2);
  FakeWebSocket.last.reply("ok", {});
  told.length = 0;
  diff({ lin: metas("4") });
  equal(told, []);
  list({ ada: metas("3") });
  equal(told, [
    ["join", "ada", ["1"], ["3"]],
    ["join", "lin", undefined, ["4"]],
    ["leave", "ada", ["3"], ["1"]],
    ["leave", "bob", [], ["2"]],
    ["sync", "ada 3", "lin 4"],
  ]);
  socket.close();
});

test("presence: a channel that was resumed takes the missed diffs at once, and a list anew changes nothing", async () => {
  const { socket, told, push, list, diff } = joined();
  push("synq:change", { state: {}, version: 0, epoch: "e1" });
  list({ ada: metas("1") });
  const before = FakeWebSocket.last;
  before.drop();
  await until(() => FakeWebSocket.last !== before);
  FakeWebSocket.last.open();
  FakeWebSocket.last.reply("ok", { synq: { resumed: true } });
  told.length = 0;
  diff({ bob: metas("2") });
  list({ ada: metas("1"), bob: metas("2") });
  equal(told, [
    ["join", "bob", undefined, ["2"]],
    ["sync", "ada 1", "bob 2"],
    ["sync", "ada 1", "bob 2"],
  ]);
  socket.close();
});

test("presence: names that objects have are keys like any other", () => {
  const { socket, here, list, diff } = joined();
  list(JSON.parse('{"__proto__": {"metas": [{"phx_ref": "1"}]}, "constructor": {"metas": [{"phx_ref": "2"}]}}'));
  diff(JSON.parse('{"toString": {"metas": [{"phx_ref": "3"}]}}'), { constructor: metas("2") });
  equal(
    here.list((key) => key),
    ["__proto__", "toString"],
  );
  socket.close();
});

test("presence: what the server adds to a key is there", () => {
  const { socket, here, list, diff } = joined();
  list({ ada: { user: { name: "Ada" }, ...metas("1") } });
  diff({ ada: { user: { name: "Ada L." }, ...metas("2") } });
  diff({}, { ada: { user: {}, ...metas("1") } });
  equal(here.list(), [{ key: "ada", user: { name: "Ada L." }, metas: [{ phx_ref: "2" }] }]);
  socket.close();
});

test("presence: as a part of the state it is the same", () => {
  const { socket, told, push } = joined((state) => state.members);
  push("synq:change", { state: { n: 0, members: { ada: metas("1") } }, version: 0 });
  push("synq:patch", { operations: [{ op: "replace", path: "/n", value: 1 }], version: 1 });
  push("synq:patch", { operations: [{ op: "add", path: "/members/bob", value: metas("2") }], version: 2 });
  push("synq:patch", { operations: [{ op: "remove", path: "/members/ada" }], version: 3 });
  equal(told, [
    ["join", "ada", undefined, ["1"]],
    ["sync", "ada 1"],
    ["join", "bob", undefined, ["2"]],
    ["sync", "ada 1", "bob 2"],
    ["leave", "ada", [], ["1"]],
    ["sync", "bob 2"],
  ]);
  same(told.length, 6);
  socket.close();
});
