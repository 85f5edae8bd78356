import { Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, rejects, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const quick = { reconnectAfterMs: () => 0, rejoinAfterMs: () => 0, longPoll: false };

/** A channel with the full state `{ n: 0 }` of epoch "e1", and the server's side of it. */
function joined(options = {}, params = { user: "Ada" }) {
  const socket = new Socket("/socket", { ...quick, ...options });
  const channel = socket.channel("room:1", params);
  const told = [];
  channel.onStatus((status, { resumed }) => told.push(resumed === undefined ? status : `${status} ${resumed}`));
  const shown = [];
  channel.onState((state) => shown.push(state.n));
  const server = {
    get socket() {
      return FakeWebSocket.last;
    },
    push: (event, payload) =>
      FakeWebSocket.last.receive(FakeWebSocket.last.events("phx_join").at(-1)[0], null, "room:1", event, payload),
    change: (n, version, epoch = "e1") => server.push("synq:change", { state: { n }, version, epoch }),
    patch: (n, version, more = {}) =>
      server.push("synq:patch", { operations: [{ op: "replace", path: "/n", value: n }], version, ...more }),
    /** Cuts the connection and lets the next one open: gives the join that is sent. */
    async cut() {
      const before = FakeWebSocket.last;
      before.drop();
      await until(() => FakeWebSocket.last !== before);
      FakeWebSocket.last.open();
      return FakeWebSocket.last.sent[0];
    },
  };
  server.socket.open();
  const client = server.socket.sent[0][4].synq?.client;
  server.socket.reply("ok", {});
  server.change(0, 0);
  return { socket, channel, server, client, told, shown };
}

test("resume: the first join names the client, unguessable and another one for each socket", () => {
  const [one, two] = [joined(), joined()];
  same(/^[0-9a-f]{32}$/.test(one.client), true);
  same(one.client === two.client, false);
  one.socket.close();
  two.socket.close();
});

test("resume: the next join says where the channel was, and one patch leads to where it is", async () => {
  const { socket, channel, server, client, told, shown } = joined();
  server.patch(1, 1);
  server.push("news", {});
  const join = await server.cut();
  const synq = { client, epoch: "e1", version: 1, base: true, pushes: 1, ref: "1" };
  equal(join, ["2", "2", "room:1", "phx_join", { user: "Ada", synq }]);
  server.socket.reply("ok", { synq: { resumed: true } });
  server.patch(7, 5, { base: 1 });
  server.patch(8, 6);
  equal([channel.version, shown], [6, [0, 1, 7, 8]]);
  equal(told.slice(-4), ["joined false", "waiting", "joining", "joined true"]);
  equal(server.socket.events("synq:refresh"), []);
  socket.close();
});

test("resume: consecutive patches do as well, and none are needed when nothing was missed", async () => {
  const { socket, channel, server, shown } = joined();
  await server.cut();
  server.socket.reply("ok", { synq: { resumed: true } });
  server.patch(1, 1);
  await server.cut();
  server.socket.reply("ok", { synq: { resumed: true } });
  server.patch(2, 2);
  server.patch(3, 3);
  equal([channel.state, channel.version, shown], [{ n: 3 }, 3, [0, 1, 2, 3]]);
  socket.close();
});

test("resume: a patch from another base than what is there asks for the state", async () => {
  const { socket, channel, server } = joined();
  await server.cut();
  server.socket.reply("ok", { synq: { resumed: true } });
  server.patch(9, 9, { base: 3 });
  equal([channel.state, server.socket.events("synq:refresh").length], [{ n: 0 }, 1]);
  socket.close();
});

test("resume: what was under way is sent again with its ref, before what was pushed meanwhile", async () => {
  const { socket, channel, server } = joined();
  const one = channel.push("one", { n: 1 });
  const two = channel.push("two");
  server.socket.reply("ok", { answer: 1 }, server.socket.events("one")[0]);
  equal(await one, { answer: 1 });
  server.socket.drop();
  const three = channel.push("three");
  await until(() => server.socket.sent.length === 0);
  server.socket.open();
  same(server.socket.sent[0][4].synq.ref, "2"); // of "one": the server need not keep its reply
  server.socket.reply("ok", { synq: { resumed: true } });
  equal(server.socket.sent.slice(1), [
    ["4", "3", "room:1", "two", {}],
    ["4", "5", "room:1", "three", {}],
  ]);
  server.socket.reply("ok", { answer: 3 }, server.socket.sent[2]);
  server.socket.reply("error", { code: "no", message: "No." }, server.socket.sent[1]);
  equal(await three, { answer: 3 });
  await rejects(two, "no");
  socket.close();
});

test("resume: a connection lost again before the join's answer changes nothing", async () => {
  const { socket, channel, server } = joined();
  const push = channel.push("inc");
  await server.cut();
  const join = await server.cut();
  equal([join[0], join[4].synq.version, join[4].synq.ref], ["4", 0, "1"]);
  server.socket.reply("ok", { synq: { resumed: true } });
  equal(server.socket.sent[1], ["4", "2", "room:1", "inc", {}]);
  server.socket.reply("ok", { n: 1 });
  equal(await push, { n: 1 });
  socket.close();
});

test("resume: a channel that was not kept starts over, and what was under way fails", async () => {
  const { socket, channel, server, client, told, shown } = joined();
  server.push("news", {});
  const sent = channel.push("sent");
  server.socket.drop();
  const waiting = channel.push("waiting");
  await until(() => server.socket.sent.length === 0);
  server.socket.open();
  server.socket.reply("ok", { synq: { resumed: false } });
  await rejects(sent, "disconnected");
  equal(
    server.socket.sent.slice(1).map((message) => message[3]),
    ["waiting"],
  );
  server.socket.reply("ok", {});
  await waiting;
  server.change(4, 0, "e2");
  equal([channel.version, shown, told.at(-1)], [0, [0, 4], "joined false"]);
  const { synq } = (await server.cut())[4];
  equal(synq, { client, epoch: "e2", version: 0, base: true, pushes: 0, ref: "4" });
  socket.close();
});

test("resume: a server that keeps no channels gets no position, and nothing is sent to it twice", async () => {
  const { socket, channel, server, client } = joined();
  server.push("synq:change", { state: { n: 5 }, version: 1 });
  const push = channel.push("inc");
  const join = await server.cut();
  await rejects(push, "disconnected");
  equal(join[4], { user: "Ada", synq: { client } });
  equal([channel.state, channel.version], [{ n: 5 }, null]);
  server.socket.reply("ok", {});
  same(server.socket.sent.length, 1);
  socket.close();
});

test("resume: after a crash there is no position, and what was under way fails", async () => {
  const { socket, channel, server, client } = joined();
  const push = channel.push("boom");
  server.socket.receive("1", "1", "room:1", "phx_error", {});
  await rejects(push, "crashed");
  await until(() => server.socket.events("phx_join").length === 2);
  equal(server.socket.events("phx_join")[1][4].synq, { client });
  equal([channel.state, channel.version], [{ n: 0 }, null]);
  socket.close();
});

test("resume: a refused join keeps the position and what is under way", async () => {
  const { socket, channel, server } = joined();
  const errors = [];
  channel.onError(({ code }) => errors.push(code));
  const push = channel.push("inc");
  await server.cut();
  server.socket.reply("error", { reason: "unavailable" });
  await until(() => server.socket.events("phx_join").length === 2);
  equal([errors, server.socket.sent[1][4].synq.version], [["unavailable"], 0]);
  server.socket.reply("ok", { synq: { resumed: true } });
  equal(server.socket.sent[2].slice(1, 4), ["2", "room:1", "inc"]);
  server.socket.reply("ok", {});
  await push;
  socket.close();
});

test("resume: a join without an answer is not left, which would end what the server keeps", async () => {
  const { socket, server } = joined({ timeoutMs: 50 });
  await server.cut();
  await until(() => server.socket.events("phx_join").length === 2);
  equal([server.socket.events("phx_leave"), server.socket.sent[1][4].synq.version], [[], 0]);
  socket.close();
});

test("resume: a push that times out while the connection is away is not sent again", async () => {
  const { socket, channel, server } = joined();
  const push = channel.push("inc", {}, { timeoutMs: 1 });
  server.socket.drop();
  await rejects(push, "timeout");
  await until(() => server.socket.sent.length === 0);
  server.socket.open();
  server.socket.reply("ok", { synq: { resumed: true } });
  same(server.socket.sent.length, 1);
  socket.close();
});

test("resume: a refresh under way is not sent again, and the missed patch is taken", async () => {
  const { socket, channel, server } = joined();
  server.patch(9, 9);
  same(server.socket.events("synq:refresh").length, 1);
  const errors = [];
  channel.onError(({ code }) => errors.push(code));
  await server.cut();
  server.socket.reply("ok", { synq: { resumed: true } });
  server.patch(9, 9, { base: 0 });
  equal([channel.state, channel.version, server.socket.sent.length, errors], [{ n: 9 }, 9, 1, []]);
  socket.close();
});

test("resume: a socket that the page closes fails what is under way, and its channels go on later", async () => {
  const { socket, channel, server } = joined();
  const push = channel.push("inc");
  socket.close();
  await rejects(push, "disconnected");
  socket.connect();
  server.socket.open();
  same(server.socket.sent[0][4].synq.version, 0);
  server.socket.reply("ok", { synq: { resumed: true } });
  equal([channel.state, channel.version, server.socket.sent.length], [{ n: 0 }, 0, 1]);
  socket.close();
});

test("resume: a channel that is left and joined anew has no position", () => {
  const { socket, channel, server, client } = joined();
  channel.leave();
  socket.channel("room:1");
  equal(server.socket.events("phx_join")[1][4], { synq: { client } });
  socket.close();
});

test("resume: a channel that is left while it is kept is left with the next connection, by its client", async () => {
  const { socket, channel, server, client } = joined();
  const before = server.socket;
  before.drop();
  await channel.leave();
  await until(() => server.socket !== before);
  server.socket.open();
  equal(server.socket.sent, [[null, "2", "room:1", "phx_leave", { synq: { client } }]]);
  server.socket.reply("ok", {});
  await server.cut();
  equal(server.socket.sent, []);
  socket.close();
});

test("resume: a leave that was lost with its connection is said again", async () => {
  const { socket, channel, server, client } = joined();
  const before = server.socket;
  const left = channel.leave();
  before.drop();
  await left;
  await until(() => server.socket !== before);
  server.socket.open();
  equal(server.socket.sent, [[null, "3", "room:1", "phx_leave", { synq: { client } }]]);
  socket.close();
});

test("resume: a topic that is joined anew needs no leave", async () => {
  const { socket, channel, server, client } = joined();
  const before = server.socket;
  before.drop();
  channel.leave();
  socket.channel("room:1");
  await until(() => server.socket !== before);
  server.socket.open();
  equal(server.socket.sent, [["2", "2", "room:1", "phx_join", { synq: { client } }]]);
  socket.close();
});

test("resume: params that are no object are sent as they are, and nothing is kept", async () => {
  const { socket, server } = joined({}, () => ["a"]);
  const join = await server.cut();
  equal(join[4], ["a"]);
  socket.close();
});

test("resume: without it nothing is added to the params", async () => {
  const { socket, channel, server } = joined({ resume: false });
  const push = channel.push("inc");
  const join = await server.cut();
  await rejects(push, "disconnected");
  equal(join[4], { user: "Ada" });
  socket.close();
});

test("resume: a channel that waits is not told so again when the socket closes as it connects", async () => {
  const { socket, server, told } = joined();
  const before = FakeWebSocket.last;
  server.socket.drop();
  await until(() => FakeWebSocket.last !== before);
  equal([socket.status, told.at(-1)], ["connecting", "waiting"]);
  const heard = told.length;
  socket.close();
  same(told.length, heard);
});

test("resume: a pause that cannot be made is reported, and the socket comes back", async () => {
  const fails = () => {
    throw new Error("no pause today");
  };
  for (const [pause, message] of [
    [fails, "no pause today"],
    [() => undefined, "a pause of undefined ms"],
    [() => Infinity, "a pause of Infinity ms"],
    [() => -1, "a pause of -1 ms"],
  ]) {
    const reported = [];
    const heard = (event) => {
      event.preventDefault();
      reported.push(event.error.message);
    };
    addEventListener("error", heard);
    const { socket, server } = joined({ reconnectAfterMs: pause });
    let paused;
    socket.onStatus((status, { retryInMs }) => (paused ??= retryInMs));
    server.socket.drop();
    await until(() => reported.length === 1);
    removeEventListener("error", heard);
    equal([socket.status, reported, paused >= 250 && paused <= 500], ["waiting", [message], true]);
    socket.close();
  }
});

test("resume: an answer to the join of any shape begins anew", async () => {
  for (const synq of [null, "yes", [], { resumed: "yes" }, 7]) {
    const { socket, channel, server } = joined();
    await server.cut();
    server.socket.reply("ok", { synq });
    equal([channel.status, channel.version], ["joined", null]);
    socket.close();
  }
});
