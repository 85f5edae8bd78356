import { Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

/** A joined channel, with what its listener heard and the server's side of the state messages. */
function joined() {
  const socket = new Socket("/socket", {
    reconnectAfterMs: () => 0,
    rejoinAfterMs: () => 0,
    longPoll: false,
  });
  const channel = socket.channel("room:1");
  const heard = [];
  channel.onState((state, { version, operations }) => heard.push([state, version, operations]));
  const connection = FakeWebSocket.last;
  connection.open();
  connection.reply("ok", {});
  const joinRef = connection.sent.at(-1)[0];
  const change = (state, version) =>
    connection.receive(joinRef, null, "room:1", "synq:change", { state, version });
  const patch = (operations, version) =>
    connection.receive(joinRef, null, "room:1", "synq:patch", { operations, version });
  const refreshes = () => connection.events("synq:refresh").length;
  return { socket, channel, connection, heard, change, patch, refreshes };
}

const set = (path, value) => ({ op: "replace", path, value });

test("state: a full state, then patches on it", () => {
  const { socket, channel, heard, change, patch } = joined();
  same(channel.state, undefined);
  same(channel.version, null);
  change({ n: 0, list: [] }, 0);
  patch([set("/n", 1)], 1);
  equal(heard, [
    [{ n: 0, list: [] }, 0, null],
    [{ n: 1, list: [] }, 1, [set("/n", 1)]],
  ]);
  same(heard[0][0].list, heard[1][0].list);
  equal([channel.state, channel.version], [{ n: 1, list: [] }, 1]);
  socket.close();
});

test("state: a later listener hears the state there is", () => {
  const { socket, channel, change } = joined();
  change({ n: 5 }, 7);
  const heard = [];
  channel.onState((state, detail) => heard.push([state, detail]));
  equal(heard, [[{ n: 5 }, { version: 7, operations: null }]]);
  socket.close();
});

test("state: a gap asks for a refresh once, and patches until then are left out", () => {
  const { socket, heard, change, patch, refreshes } = joined();
  change({ n: 0 }, 0);
  patch([set("/n", 2)], 2);
  patch([set("/n", 3)], 3);
  same(refreshes(), 1);
  change({ n: 3 }, 3);
  patch([set("/n", 4)], 4);
  equal(
    heard.map(([state]) => state.n),
    [0, 3, 4],
  );
  same(refreshes(), 1);
  socket.close();
});

test("state: a patch that does not fit asks for a refresh", () => {
  const { socket, channel, change, patch, refreshes } = joined();
  change({ n: 0 }, 0);
  patch([set("/n", 1), set("/gone", 1)], 1);
  same(refreshes(), 1);
  equal([channel.state, channel.version], [{ n: 0 }, 0]);
  socket.close();
});

test("state: a version twice is a gap", () => {
  const { socket, change, patch, refreshes } = joined();
  change({ n: 0 }, 3);
  patch([set("/n", 1)], 3);
  same(refreshes(), 1);
  socket.close();
});

test("state: after the highest version comes 0, as a full state or as a patch", () => {
  const { socket, channel, change, patch, refreshes } = joined();
  change({ n: 0 }, 1000);
  patch([set("/n", 1)], 0);
  equal([channel.state, channel.version], [{ n: 1 }, 0]);
  change({ n: 2 }, 0);
  patch([set("/n", 3)], 1);
  equal([channel.state, channel.version, refreshes()], [{ n: 3 }, 1, 0]);
  socket.close();
});

test("state: a patch before any state asks for it", () => {
  const { socket, patch, refreshes, heard } = joined();
  patch([set("/n", 1)], 0);
  same(refreshes(), 1);
  equal(heard, []);
  socket.close();
});

test("state: a refused refresh is told, and a later gap asks again", async () => {
  const { socket, channel, connection, change, patch, refreshes } = joined();
  const errors = [];
  channel.onError((error) => errors.push(error.code));
  change({ n: 0 }, 0);
  patch([], 5);
  connection.reply("error", { code: "not_initialized", message: "There is no state." });
  await until(() => errors.length === 1);
  equal(errors, ["not_initialized"]);
  patch([], 6);
  same(refreshes(), 2);
  socket.close();
});

test("state: a crash while a refresh is under way is told as a crash only", async () => {
  const { socket, channel, connection, change, patch } = joined();
  const errors = [];
  channel.onError((error) => errors.push(error.code));
  change({ n: 0 }, 0);
  patch([], 5);
  connection.receive("1", "1", "room:1", "phx_error", {});
  await until(() => channel.status === "joining");
  equal(errors, ["crashed"]);
  socket.close();
});

test("state: after a new join the old state stays until the new one, and takes no patch", async () => {
  const { socket, channel, connection, change } = joined();
  change({ n: 7 }, 4);
  connection.receive("1", "1", "room:1", "phx_error", {});
  await until(() => channel.status === "joining");
  equal([channel.state, channel.version], [{ n: 7 }, null]);
  connection.reply("ok", {});
  connection.receive("2", null, "room:1", "synq:change", { state: { n: 0 }, version: 0 });
  equal([channel.state, channel.version], [{ n: 0 }, 0]);
  socket.close();
});

test("state: an error of the server's is told with its parts", () => {
  const { socket, channel, connection } = joined();
  const errors = [];
  channel.onError(({ code, message, details }) => errors.push({ code, message, details }));
  const error = { code: "no_room", message: "There is no such room.", details: { name: "x" } };
  connection.receive("1", null, "room:1", "synq:error", { ...error, timestamp: "2026-01-01T00:00:00Z" });
  equal(errors, [error]);
  same(channel.status, "joined");
  socket.close();
});
