import { Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const realFetch = globalThis.fetch;

/** Answers `fetch` as a server of long polls does; a poll is answered when the test has something to say. */
function fakeServer() {
  const server = { requests: [], polls: [], publishStatus: 200 };
  globalThis.fetch = (url, { method, headers, body, signal }) => {
    server.requests.push({ method, url: new URL(url), headers, body, signal });
    if (method === "POST") return Promise.resolve(Response.json({ status: server.publishStatus }));
    return new Promise((resolve, reject) => {
      server.polls.push((answer) => resolve(Response.json(answer)));
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  };
  server.answer = async (answer) => {
    await until(() => server.polls.length > 0, "a poll to answer");
    server.polls.shift()(answer);
  };
  server.published = () => server.requests.filter(({ method }) => method === "POST");
  server.stop = (socket) => {
    socket.close();
    globalThis.fetch = realFetch;
  };
  return server;
}

const session = { status: 410, token: "T1", messages: [] };
const quick = { reconnectAfterMs: () => 0, rejoinAfterMs: () => 0, resume: false };

/** A socket whose WebSocket was refused, and which has begun a long poll session. */
async function polling(options = {}) {
  const server = fakeServer();
  const socket = new Socket("/socket", { ...quick, params: { user: "Ada" }, ...options });
  const channel = socket.channel("room:1");
  FakeWebSocket.last.drop();
  await server.answer(session);
  await until(() => socket.status === "open");
  return { server, socket, channel };
}

test("long poll: it takes over at once where no WebSocket opens", async () => {
  const { server, socket, channel } = await polling({ authToken: "secret" });
  same(socket.transport, "longpoll");
  const [first] = server.requests;
  equal(
    [first.method, first.url.protocol, first.url.pathname],
    ["GET", location.protocol, "/socket/longpoll"],
  );
  equal(
    [...first.url.searchParams],
    [
      ["user", "Ada"],
      ["vsn", "2.0.0"],
    ],
  );
  equal(first.headers, { Accept: "application/json", "X-Phoenix-AuthToken": "secret" });
  await until(() => server.published().length === 1);
  const [join] = server.published();
  equal(
    [join.headers["X-Phoenix-Longpoll-Token"], join.headers["Content-Type"]],
    ["T1", "application/x-ndjson"],
  );
  same(join.body, '["1","1","room:1","phx_join",{}]');
  const reply = ["1", "1", "room:1", "phx_reply", { status: "ok", response: {} }];
  const change = ["1", null, "room:1", "synq:change", { state: { n: 0 }, version: 0 }];
  await server.answer({
    status: 200,
    token: "T2",
    messages: [reply, change].map((each) => JSON.stringify(each)),
  });
  await until(() => channel.version === 0);
  await until(() => server.polls.length === 1);
  same(server.requests.at(-1).headers["X-Phoenix-Longpoll-Token"], "T2");
  server.stop(socket);
});

test("long poll: what is pushed in one go travels in one request, and none overtakes another", async () => {
  const { server, socket, channel } = await polling();
  await until(() => server.published().length === 1);
  const reply = ["1", "1", "room:1", "phx_reply", { status: "ok", response: {} }];
  await server.answer({ status: 200, messages: [JSON.stringify(reply)] });
  await until(() => channel.status === "joined");
  for (let n = 0; n < 150; n++) channel.push("say", { n }).catch(() => {});
  await until(() => server.published().length === 3);
  const lines = server
    .published()
    .slice(1)
    .map(({ body }) => body.split("\n").map((line) => JSON.parse(line)[4].n));
  equal(
    lines.map((batch) => batch.length),
    [100, 50],
  );
  equal(lines.flat(), [...Array(150).keys()]);
  server.stop(socket);
});

test("long poll: an empty poll is followed by the next", async () => {
  const { server, socket } = await polling();
  await server.answer({ status: 204, token: "T1", messages: [] });
  await until(() => server.polls.length === 1);
  same(socket.status, "open");
  server.stop(socket);
});

test("long poll: a session that is gone is replaced, and a WebSocket tried first", async () => {
  const { server, socket, channel } = await polling();
  const sockets = FakeWebSocket.made.length;
  await server.answer({ status: 410, token: "T9", messages: [] });
  await until(() => FakeWebSocket.made.length === sockets + 1);
  equal([socket.status, socket.transport, channel.status], ["connecting", "websocket", "waiting"]);
  FakeWebSocket.last.open();
  same(FakeWebSocket.last.events("phx_join").length, 1);
  server.stop(socket);
});

test("long poll: a request that the server does not take ends the session", async () => {
  const { server, socket, channel } = await polling();
  const sockets = FakeWebSocket.made.length;
  server.publishStatus = 410;
  await channel.leave();
  await until(() => FakeWebSocket.made.length === sockets + 1);
  same(server.published().at(-1).body, '["1","2","room:1","phx_leave",{}]');
  server.stop(socket);
});

test("long poll: refused too, both are tried again after a pause", async () => {
  const server = fakeServer();
  const socket = new Socket("/socket", quick);
  socket.connect();
  const first = FakeWebSocket.last;
  first.drop();
  await server.answer({ status: 403 });
  await until(() => FakeWebSocket.last !== first);
  same(socket.transport, "websocket");
  server.stop(socket);
});

test("long poll: a poll that hangs is given up", async () => {
  const server = fakeServer();
  const socket = new Socket("/socket", { ...quick, pollTimeoutMs: 1 });
  socket.connect();
  const first = FakeWebSocket.last;
  first.drop();
  await until(() => FakeWebSocket.last !== first);
  equal([server.polls.length, socket.transport], [1, "websocket"]);
  server.stop(socket);
});

test("long poll: it is not for those whose WebSocket once opened, nor for those who want none", async () => {
  const server = fakeServer();
  for (const [options, opens] of [
    [quick, true],
    [{ ...quick, longPoll: false }, false],
  ]) {
    const socket = new Socket("/socket", options);
    socket.connect();
    if (opens) FakeWebSocket.last.open();
    for (let i = 0; i < 3; i++) {
      const connection = FakeWebSocket.last;
      connection.drop();
      await until(() => FakeWebSocket.last !== connection);
      same(socket.transport, "websocket");
    }
    socket.close();
  }
  equal(server.published(), []);
  globalThis.fetch = realFetch;
});

test("long poll: a page that moved to a network without WebSockets gets through", async () => {
  const server = fakeServer();
  const socket = new Socket("/socket", quick);
  const channel = socket.channel("room:1");
  FakeWebSocket.last.open();
  for (let i = 0; i < 3; i++) {
    const connection = FakeWebSocket.last;
    connection.drop();
    await until(() => FakeWebSocket.last !== connection);
  }
  await server.answer(session); // to the question why the WebSocket fails
  await until(() => server.requests[0].signal.aborted);
  FakeWebSocket.last.drop();
  await server.answer(session);
  await until(() => socket.status === "open");
  equal([socket.transport, channel.status], ["longpoll", "joining"]);
  server.stop(socket);
});

test("long poll: an auth token of any text travels as its UTF-8", async () => {
  const { server, socket } = await polling({ authToken: "\u0416\u00ff/" });
  const [{ headers }] = server.requests;
  same(headers["X-Phoenix-AuthToken"], "\u00d0\u0096\u00c3\u00bf/"); // a character for each byte
  same(new Headers(headers).get("X-Phoenix-AuthToken"), "\u00d0\u0096\u00c3\u00bf/");
  server.stop(socket);
});
