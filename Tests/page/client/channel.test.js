import { Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, rejects, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const quick = { reconnectAfterMs: () => 0, rejoinAfterMs: () => 0, longPoll: false, resume: false };

/** A socket with one channel whose join was sent, not yet answered. */
function joining(options = {}, params = { user: "Ada" }) {
  const socket = new Socket("/socket", { ...quick, ...options });
  const channel = socket.channel("room:1", params);
  const connection = FakeWebSocket.last;
  connection.open();
  return { socket, channel, connection };
}

function joined(options, params) {
  const all = joining(options, params);
  all.connection.reply("ok", {});
  return all;
}

test("channel: the join carries its own ref as join ref, and the params", () => {
  const { socket, channel, connection } = joining();
  equal(connection.sent, [["1", "1", "room:1", "phx_join", { user: "Ada" }]]);
  same(channel.status, "joining");
  connection.reply("ok", {});
  same(channel.status, "joined");
  socket.close();
});

test("channel: params may be made for each join", async () => {
  let joins = 0;
  const { socket, connection } = joined({}, () => ({ joins: ++joins }));
  connection.receive("1", "1", "room:1", "phx_error", {});
  await until(() => connection.events("phx_join").length === 2);
  equal(
    connection.events("phx_join").map((message) => message[4]),
    [{ joins: 1 }, { joins: 2 }],
  );
  socket.close();
});

test("channel: a push gets its own reply", async () => {
  const { socket, channel, connection } = joined();
  const [one, two] = [channel.push("one"), channel.push("two", { n: 2 })];
  equal(connection.sent.slice(1), [
    ["1", "2", "room:1", "one", {}],
    ["1", "3", "room:1", "two", { n: 2 }],
  ]);
  connection.reply("ok", { answer: 2 }, connection.sent[2]);
  connection.reply("ok", { answer: 1 }, connection.sent[1]);
  equal([await one, await two], [{ answer: 1 }, { answer: 2 }]);
  socket.close();
});

test("channel: an error reply rejects with all that it says", async () => {
  const { socket, channel, connection } = joined();
  const said = {
    code: "empty_message",
    message: "Say something.",
    details: { at: 1 },
    timestamp: "2026-01-01T00:00:00Z",
  };
  const push = channel.push("say");
  connection.reply("error", said);
  const error = await rejects(push, "empty_message");
  equal([error.message, error.details, error.timestamp], [said.message, said.details, said.timestamp]);
  equal([error.name, error.status, error.response], ["SynqError", "error", said]);
  socket.close();
});

test("channel: Phoenix's own reasons and other statuses reject too", async () => {
  const { socket, channel, connection } = joined();
  const [one, two] = [channel.push("one"), channel.push("two")];
  connection.reply("error", { reason: "unmatched topic" }, connection.sent[1]);
  connection.reply("maybe", { a: 1 }, connection.sent[2]);
  same((await rejects(one, "unmatched topic")).message, "unmatched topic");
  equal((await rejects(two, "maybe")).response, { a: 1 });
  socket.close();
});

test("channel: a push without a reply times out, and a late reply is nobody's", async () => {
  const { socket, channel, connection } = joined();
  const push = channel.push("slow", {}, { timeoutMs: 1 });
  await rejects(push, "timeout");
  connection.reply("ok", {});
  same(channel.status, "joined");
  socket.close();
});

test("channel: pushes wait for the join, in order, and those that timed out are not sent", async () => {
  const { socket, channel, connection } = joining();
  const late = channel.push("late", {}, { timeoutMs: 1 });
  channel.push("one").catch(() => {});
  channel.push("two").catch(() => {});
  await rejects(late, "timeout");
  same(connection.sent.length, 1);
  connection.reply("ok", {});
  equal(
    connection.sent.slice(1).map((message) => message[3]),
    ["one", "two"],
  );
  socket.close();
});

test("channel: a payload that JSON cannot hold fails alone, one that changes is sent as it was", async () => {
  const { socket, channel, connection } = joining();
  const circle = {};
  circle.self = circle;
  const payload = { n: 1 };
  const failed = channel.push("circle", circle).catch((error) => error.name);
  channel.push("say", payload).catch(() => {});
  payload.n = 2;
  same(await failed, "TypeError");
  connection.reply("ok", {});
  equal(connection.sent.slice(1), [["1", "2", "room:1", "say", { n: 1 }]]);
  socket.close();
});

test("channel: only so many pushes wait", async () => {
  const { socket, channel } = joining({ maxWaiting: 1 });
  channel.push("one").catch(() => {});
  await rejects(channel.push("two"), "busy");
  socket.close();
});

test("channel: events reach their listeners until those are removed", () => {
  const { socket, channel, connection } = joined();
  const heard = [];
  const stop = channel.on("news", (payload) => heard.push(payload));
  channel.on("other", () => heard.push("other"));
  connection.receive("1", null, "room:1", "news", { n: 1 });
  connection.receive(null, null, "room:1", "news", { n: 2 }); // a broadcast
  connection.receive("1", null, "room:2", "news", { n: 3 });
  stop();
  connection.receive("1", null, "room:1", "news", { n: 4 });
  equal(heard, [{ n: 1 }, { n: 2 }]);
  socket.close();
});

test("channel: messages of an earlier join are dropped", async () => {
  const { socket, channel, connection } = joined();
  const heard = [];
  channel.on("news", (payload) => heard.push(payload));
  connection.receive("1", "1", "room:1", "phx_error", {});
  await until(() => connection.events("phx_join").length === 2);
  connection.reply("ok", {});
  connection.receive("1", null, "room:1", "news", { old: true });
  connection.receive("1", "1", "room:1", "phx_close", {});
  connection.receive("2", null, "room:1", "news", { old: false });
  equal(heard, [{ old: false }]);
  same(channel.status, "joined");
  socket.close();
});

test("channel: a crash rejects what was under way, is told, and is followed by a join", async () => {
  const { socket, channel, connection } = joined();
  const errors = [];
  channel.onError((error) => errors.push(error.code));
  const push = channel.push("crash");
  connection.receive("1", "1", "room:1", "phx_error", {});
  await rejects(push, "crashed");
  equal([channel.status, errors], ["waiting", ["crashed"]]);
  const waiting = channel.push("later");
  await until(() => channel.status === "joining");
  equal(connection.sent.at(-1), ["3", "3", "room:1", "phx_join", { user: "Ada" }]);
  connection.reply("ok", {});
  equal(connection.sent.at(-1), ["3", "4", "room:1", "later", {}]);
  connection.reply("ok", { n: 1 });
  equal(await waiting, { n: 1 });
  socket.close();
});

test("channel: a refused join is told and tried again", async () => {
  const { socket, channel, connection } = joining();
  const errors = [];
  channel.onError((error) => errors.push(error.code));
  connection.reply("error", { code: "forbidden", message: "Not you.", details: null, timestamp: "" });
  equal(errors, ["forbidden"]);
  await until(() => connection.events("phx_join").length === 2);
  socket.close();
});

test("channel: a join without an answer is left before it is tried again", async () => {
  const { socket, connection } = joining({ timeoutMs: 1 });
  await until(() => connection.events("phx_join").length === 2);
  equal(
    connection.sent.slice(0, 2).map((message) => message.slice(0, 4)),
    [
      ["1", "1", "room:1", "phx_join"],
      ["1", "2", "room:1", "phx_leave"],
    ],
  );
  socket.close();
});

test("channel: a close by the server is for good", async () => {
  const { socket, channel, connection } = joined();
  const push = channel.push("stop");
  connection.receive("1", "1", "room:1", "phx_close", {});
  await rejects(push, "closed");
  await rejects(channel.push("more"), "closed");
  same(channel.status, "closed");
  socket.channel("room:1");
  same(connection.events("phx_join").length, 2);
  socket.close();
});

test("channel: leaving tells the server, and is for good", async () => {
  const { socket, channel, connection } = joined();
  const push = channel.push("say");
  const left = channel.leave();
  await rejects(push, "left");
  equal(connection.sent.at(-1), ["1", "3", "room:1", "phx_leave", {}]);
  connection.reply("ok", {});
  connection.receive("1", "1", "room:1", "phx_close", {});
  await left;
  same(channel.status, "closed");
  await channel.leave();
  socket.close();
});

test("channel: left and joined anew, the new one does not hear the old one's close", async () => {
  const { socket, channel, connection } = joined();
  channel.leave();
  const again = socket.channel("room:1");
  connection.reply("ok", {}, connection.sent[1]);
  connection.receive("1", "1", "room:1", "phx_close", {});
  connection.reply("ok", {}, connection.sent[2]);
  same(again.status, "joined");
  socket.close();
});

test("channel: a lost connection rejects what was sent, keeps what waits, and joins again", async () => {
  const { socket, channel, connection } = joined();
  const sent = channel.push("sent");
  connection.drop();
  await rejects(sent, "disconnected");
  const waiting = channel.push("waiting");
  await until(() => FakeWebSocket.last !== connection);
  FakeWebSocket.last.open();
  equal(FakeWebSocket.last.sent, [["3", "3", "room:1", "phx_join", { user: "Ada" }]]);
  FakeWebSocket.last.reply("ok", {});
  FakeWebSocket.last.reply("ok", { done: true });
  equal(await waiting, { done: true });
  socket.close();
});

test("channel: one left while the connection is away does not join again", async () => {
  const { socket, channel, connection } = joined();
  connection.drop();
  await channel.leave();
  await until(() => FakeWebSocket.last !== connection);
  FakeWebSocket.last.open();
  equal(FakeWebSocket.last.sent, []);
  socket.close();
});

test("channel: one made by a listener to the socket's status joins once", () => {
  const socket = new Socket("/socket", quick);
  socket.onStatus((status) => status === "open" && socket.channel("room:1"));
  socket.connect();
  FakeWebSocket.last.open();
  same(FakeWebSocket.last.events("phx_join").length, 1);
  socket.close();
});

test("channel: a socket closed by a listener as it opens sends nothing", () => {
  const socket = new Socket("/socket", quick);
  socket.channel("room:1");
  socket.onStatus((status) => status === "open" && socket.close());
  const connection = FakeWebSocket.last;
  connection.open();
  equal(connection.sent, []);
  same(socket.status, "closed");
});

test("channel: one that a listener leaves when it has crashed does not join again", async () => {
  const { socket, channel, connection } = joined();
  const told = [];
  channel.onStatus((status) => {
    told.push(status);
    if (status === "waiting") channel.leave();
  });
  connection.receive("1", "1", "room:1", "phx_error", {});
  await new Promise((resume) => setTimeout(resume));
  equal(told, ["joined", "waiting", "closed"]);
  equal(connection.events("phx_join").length, 1);
  socket.close();
});

test("channel: params that cannot be made are its own affair", async () => {
  const socket = new Socket("/socket", quick);
  let token = null;
  const one = socket.channel("one", () => ({ token: token.text }));
  const errors = [];
  one.onError((error) => errors.push(error.code));
  const two = socket.channel("two");
  const connection = FakeWebSocket.last;
  connection.open();
  equal(
    connection.events("phx_join").map((message) => message[2]),
    ["two"],
  );
  connection.reply("ok", {});
  equal([one.status, two.status, errors], ["waiting", "joined", ["invalid_params"]]);
  token = { text: "t" };
  await until(() => connection.events("phx_join").length === 2);
  equal(connection.sent.at(-1)[4], { token: "t" });
  socket.close();
});

test("channel: another's listener may use it while the connection goes", async () => {
  const socket = new Socket("/socket", quick);
  const [one, two, three] = ["one", "two", "three"].map((topic) => socket.channel(topic));
  const connection = FakeWebSocket.last;
  connection.open();
  for (const message of connection.events("phx_join")) connection.reply("ok", {}, message);
  const told = [];
  two.onStatus((status) => told.push(status));
  let left, pushed;
  one.onStatus((status) => {
    if (status !== "waiting") return;
    left ??= two.leave();
    pushed ??= three.push("late");
  });
  connection.drop();
  await left;
  await rejects(pushed, "disconnected");
  equal(told, ["joined", "closed"]);
  socket.close();
});

test("channel: nothing is sent on a connection that a listener begins while the last one goes", async () => {
  const socket = new Socket("/socket", quick);
  const [one, two, three] = ["one", "two", "three"].map((topic) => socket.channel(topic));
  const connection = FakeWebSocket.last;
  connection.open();
  for (const message of connection.events("phx_join")) connection.reply("ok", {}, message);
  const frames = [];
  socket.onFrame(({ text }) => frames.push(text));
  let left, pushed;
  one.onStatus((status) => {
    if (status !== "waiting") return;
    socket.connect();
    left = two.leave();
    pushed = three.push("late");
  });
  connection.drop();
  await left;
  await rejects(pushed, "disconnected");
  equal([FakeWebSocket.last === connection, FakeWebSocket.last.sent, frames], [false, [], []]);
  socket.close();
});

test("channel: left by what makes its params, it does not join", () => {
  for (const fails of [false, true]) {
    const socket = new Socket("/socket", quick);
    const channel = socket.channel("one", () => {
      channel.leave();
      if (fails) throw new Error("signed out");
      return {};
    });
    socket.channel("two");
    FakeWebSocket.last.open();
    same(channel.status, "closed");
    equal(FakeWebSocket.last.sent, [["1", "1", "two", "phx_join", {}]]);
    socket.close();
  }
});

test("channel: a socket that what makes its params closes is joined when it is back", () => {
  let signedIn = false;
  const socket = new Socket("/socket", quick);
  const channel = socket.channel("room:1", () => {
    if (!signedIn) socket.close();
    return { signedIn };
  });
  FakeWebSocket.last.open();
  equal([socket.status, channel.status, FakeWebSocket.last.sent], ["closed", "waiting", []]);
  signedIn = true;
  socket.connect();
  FakeWebSocket.last.open();
  equal(FakeWebSocket.last.sent, [["1", "1", "room:1", "phx_join", { signedIn: true }]]);
  socket.close();
});

test("channel: params that cannot be made stop no heartbeat, and keep no topic", async () => {
  const socket = new Socket("/socket", { ...quick, heartbeatMs: 1 });
  const circle = {};
  circle.self = circle;
  socket.connect();
  const connection = FakeWebSocket.last;
  connection.open();
  const channel = socket.channel("room:1", circle);
  same(channel.status, "waiting");
  await until(() => connection.events("heartbeat").length === 1);
  await channel.leave();
  same(socket.channel("room:1").status, "joining");
  socket.close();
});

test("channel: what hears the frames may close the socket, or leave the channel", async () => {
  for (const event of ["phx_join", "say"]) {
    for (const end of ["close", "leave"]) {
      const { socket, channel, connection, push } = hearing(event, () =>
        end === "close" ? socket.close() : channel.leave(),
      );
      connection.open();
      if (event === "say") connection.reply("ok", {});
      await push.catch(() => {});
      equal([event, end, channel.status], [event, end, end === "close" ? "waiting" : "closed"]);
      socket.close();
    }
  }
});

/** A channel with a push that waits; `heard` is called once, when a frame with this event goes out. */
function hearing(event, heard) {
  const socket = new Socket("/socket", quick);
  const channel = socket.channel("room:1");
  const push = channel.push("say", {}, { timeoutMs: 1 });
  const stop = socket.onFrame(({ text }) => {
    if (JSON.parse(text)[3] !== event) return;
    stop();
    heard();
  });
  return { socket, channel, connection: FakeWebSocket.last, push };
}

test("channel: left twice, it closes once, and its topic's next channel stays", async () => {
  const { socket, channel, connection } = joined();
  const told = [];
  channel.onStatus((status) => {
    told.push(status);
    if (status === "closed") channel.leave();
  });
  channel.leave();
  const next = socket.channel("room:1");
  await channel.leave();
  connection.reply("ok", {});
  const heard = [];
  next.on("news", (payload) => heard.push(payload));
  connection.receive(null, null, "room:1", "news", { n: 1 });
  equal([told, heard], [["joined", "closed"], [{ n: 1 }]]);
  socket.close();
});
