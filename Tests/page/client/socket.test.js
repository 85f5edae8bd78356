import { Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, rejects, same, test, throws, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const quick = { reconnectAfterMs: () => 0, rejoinAfterMs: () => 0, longPoll: false, resume: false };

test("socket: it opens with its first channel, at the path of the WebSocket", () => {
  const before = FakeWebSocket.made.length;
  const socket = new Socket("/socket", { params: { token: "a b" } });
  same(FakeWebSocket.made.length, before);
  socket.channel("a");
  const { url, protocols } = FakeWebSocket.last;
  equal([url.protocol, url.host, url.pathname], ["ws:", location.host, "/socket/websocket"]);
  equal(
    [...url.searchParams],
    [
      ["token", "a b"],
      ["vsn", "2.0.0"],
    ],
  );
  equal(protocols, []);
  socket.close();
});

test("socket: a whole address, and params made for each attempt", async () => {
  let attempt = 0;
  const socket = new Socket("https://example.test/live/", {
    ...quick,
    params: () => ({ attempt: ++attempt }),
  });
  socket.connect();
  same(FakeWebSocket.last.url.href, "wss://example.test/live/websocket?attempt=1&vsn=2.0.0");
  FakeWebSocket.last.drop();
  await until(() => FakeWebSocket.last.url.searchParams.get("attempt") === "2");
  socket.close();
});

test("socket: an auth token travels as a subprotocol", () => {
  const socket = new Socket("/socket", { authToken: "abcd" });
  socket.connect();
  equal(FakeWebSocket.last.protocols, ["phoenix", "base64url.bearer.phx.YWJjZA"]);
  socket.close();
});

test("socket: its status is told at once and at each change", async () => {
  const socket = new Socket("/socket", quick);
  const told = [];
  socket.onStatus((status, { retryInMs }) =>
    told.push(retryInMs === undefined ? status : `${status} ${retryInMs}`),
  );
  socket.connect();
  FakeWebSocket.last.open();
  const first = FakeWebSocket.last;
  first.drop();
  await until(() => FakeWebSocket.last !== first);
  socket.close();
  equal(told, ["closed", "connecting", "open", "waiting 0", "connecting", "closed"]);
});

test("socket: a connection that is over has no say", async () => {
  const socket = new Socket("/socket", quick);
  socket.connect();
  const first = FakeWebSocket.last;
  first.open();
  first.drop();
  await until(() => FakeWebSocket.last !== first);
  first.open();
  first.drop();
  same(socket.status, "connecting");
  same(first.closed, true);
  socket.close();
});

test("socket: the server's normal close is for good", () => {
  const socket = new Socket("/socket", quick);
  socket.connect();
  FakeWebSocket.last.open();
  FakeWebSocket.last.drop(1000);
  same(socket.status, "closed");
});

test("socket: one that does not open in time is given up", async () => {
  const socket = new Socket("/socket", { ...quick, connectTimeoutMs: 1 });
  socket.connect();
  const first = FakeWebSocket.last;
  await until(() => FakeWebSocket.last !== first);
  same(first.closed, true);
  socket.close();
});

test("socket: heartbeats go on while they are answered", async () => {
  const socket = new Socket("/socket", { ...quick, heartbeatMs: 1 });
  socket.connect();
  const connection = FakeWebSocket.last;
  connection.open();
  for (const ref of ["1", "2", "3"]) {
    await until(() => connection.sent.length === Number(ref));
    equal(connection.sent.at(-1), [null, ref, "phoenix", "heartbeat", {}]);
    connection.reply("ok", {});
  }
  same(socket.status, "open");
  socket.close();
});

test("socket: a heartbeat without an answer ends the connection, and another is made", async () => {
  const socket = new Socket("/socket", { ...quick, heartbeatMs: 1, timeoutMs: 1 });
  socket.connect();
  const first = FakeWebSocket.last;
  first.open();
  await until(() => FakeWebSocket.last !== first);
  same(first.closed, true);
  equal(first.sent.length, 1);
  socket.close();
});

test("socket: pauses grow, with chance in them, up to a limit", () => {
  const tries = [];
  const socket = new Socket("/socket", { longPoll: false });
  socket.onStatus((status, { retryInMs }) => status === "waiting" && tries.push(retryInMs));
  for (let i = 0; i < 12; i++) {
    socket.connect(); // at once, where it would wait
    FakeWebSocket.last.drop();
  }
  const within = (value, low, high) => value >= low && value <= high;
  same(within(tries[0], 50, 100), true);
  same(within(tries[3], 400, 800), true);
  same(within(tries[11], 2500, 5000), true);
  same(new Set(tries.slice(6)).size > 1, true);
  socket.close();
});

test("socket: a page that comes back does not wait for its timer", () => {
  const socket = new Socket("/socket", { ...quick, reconnectAfterMs: () => 1_000_000 });
  socket.connect();
  FakeWebSocket.last.drop();
  same(socket.status, "waiting");
  dispatchEvent(new Event("online"));
  same(socket.status, "connecting");
  socket.close();
  dispatchEvent(new Event("online"));
  same(socket.status, "closed");
});

test("socket: a topic is joined once", async () => {
  const socket = new Socket("/socket", quick);
  const channel = socket.channel("a");
  throws(() => socket.channel("a"), /"a" is in use/);
  channel.leave();
  socket.channel("a");
  socket.close();
});

test("socket: inspectors see each frame", () => {
  const socket = new Socket("/socket", quick);
  const frames = [];
  socket.onFrame(({ direction, text }) => frames.push([direction, JSON.parse(text)[3]]));
  socket.channel("a");
  FakeWebSocket.last.open();
  FakeWebSocket.last.reply("ok", {});
  equal(frames, [
    ["out", "phx_join"],
    ["in", "phx_reply"],
  ]);
  socket.close();
});

test("socket: a listener that throws is reported and stops nothing", async () => {
  const socket = new Socket("/socket", quick);
  const reported = new Promise((seen) => {
    const heard = (event) => {
      event.preventDefault();
      seen(event.error.message);
    };
    addEventListener("error", heard, { once: true });
  });
  const told = [];
  const failing = socket.onStatus((status) => {
    if (status === "connecting") throw new Error("a listener's own fault");
  });
  socket.onStatus((status) => told.push(status));
  socket.connect();
  equal(told, ["closed", "connecting"]);
  same(await reported, "a listener's own fault");
  failing();
  socket.close();
});

test("socket: closed and connected again, it joins its channels again", () => {
  const socket = new Socket("/socket", quick);
  const channel = socket.channel("a");
  FakeWebSocket.last.open();
  FakeWebSocket.last.reply("ok", {});
  same(channel.status, "joined");
  socket.close();
  same(channel.status, "waiting");
  socket.connect();
  FakeWebSocket.last.open();
  same(FakeWebSocket.last.events("phx_join").length, 1);
  socket.close();
});

test("socket: a listener to its status may close it, or connect it, at any time", async () => {
  const socket = new Socket("/socket", quick);
  const before = FakeWebSocket.made.length;
  const told = [];
  let react = () => socket.close();
  socket.onStatus((status) => {
    told.push(status);
    if (status === "connecting") react();
  });
  socket.connect();
  same(FakeWebSocket.made.length, before);
  react = () => socket.connect();
  socket.connect();
  same(FakeWebSocket.made.length, before + 1);
  equal(told, ["closed", "connecting", "closed", "connecting"]);
  socket.close();
});

test("socket: one that a channel's listener closes while the connection goes stays closed", async () => {
  const socket = new Socket("/socket", quick);
  const channel = socket.channel("a");
  const connection = FakeWebSocket.last;
  connection.open();
  const told = [];
  socket.onStatus((status) => told.push(status));
  channel.onStatus((status) => status === "waiting" && socket.close());
  connection.drop();
  equal(told, ["open", "closed"]);
  await new Promise((resume) => setTimeout(resume));
  same(FakeWebSocket.last, connection);
});

test("socket: an option that is undefined is its default", () => {
  const socket = new Socket("/socket", { params: undefined, authToken: undefined, timeoutMs: undefined });
  const channel = socket.channel("a", {});
  FakeWebSocket.last.open();
  FakeWebSocket.last.reply("ok", {});
  same(channel.status, "joined");
  socket.close();
});

test("socket: params that cannot be made are told, and tried again", async () => {
  const warned = [];
  const { warn } = console;
  console.warn = (text) => warned.push(text);
  let tries = 0;
  const params = () => {
    if (++tries === 1) throw new Error("no token yet");
    return { token: "t" };
  };
  const before = FakeWebSocket.last;
  const socket = new Socket("/socket", { ...quick, params });
  socket.connect();
  console.warn = warn;
  equal(warned, ["synq: no websocket: Error: no token yet"]);
  await until(() => FakeWebSocket.last !== before);
  same(FakeWebSocket.last.url.searchParams.get("token"), "t");
  socket.close();
});

test("socket: an auth token of any text fits into a subprotocol", () => {
  const socket = new Socket("/socket", { authToken: "\u00ff\u00fe??>>" });
  socket.connect();
  equal(FakeWebSocket.last.protocols, ["phoenix", "base64url.bearer.phx.w7_Dvj8_Pj4"]);
  socket.close();
});

test("socket: one that a channel's listener connects while it is lost or closed connects once", () => {
  for (const end of ["lost", "closed", "left"]) {
    let pauses = 0;
    const socket = new Socket("/socket", { ...quick, reconnectAfterMs: () => ++pauses });
    const channel = socket.channel("a");
    const connection = FakeWebSocket.last;
    connection.open();
    const told = [];
    socket.onStatus((status) => told.push(status));
    const stop = channel.onStatus((status) => status === "waiting" && socket.connect());
    const before = FakeWebSocket.made.length;
    if (end === "lost") connection.drop();
    else if (end === "closed") socket.close();
    else dispatchEvent(new Event("pagehide"));
    equal([end, told, socket.status, pauses], [end, ["open", "connecting"], "connecting", 0]);
    same(FakeWebSocket.made.length, before + 1);
    stop();
    socket.close();
  }
});

test("socket: one that a channel's listener closes while the page is left stays closed", () => {
  for (const end of ["closed", "left"]) {
    const socket = new Socket("/socket", quick);
    const channel = socket.channel("a");
    FakeWebSocket.last.open();
    const told = [];
    socket.onStatus((status) => told.push(status));
    channel.onStatus((status) => status === "waiting" && socket.close());
    if (end === "closed") socket.close();
    else dispatchEvent(new Event("pagehide"));
    equal([end, told], [end, ["open", "closed"]]);
    dispatchEvent(new Event("pageshow"));
    same(socket.status, "closed");
  }
});

test("socket: a page that is left waits, and connects when it is back", () => {
  const socket = new Socket("/socket", quick);
  socket.connect();
  const connection = FakeWebSocket.last;
  connection.open();
  dispatchEvent(new Event("pagehide"));
  equal([socket.status, connection.closed], ["waiting", true]);
  dispatchEvent(new Event("pageshow"));
  same(socket.status, "connecting");
  socket.close();
});

test("socket: closed and connected by a listener as it connects, it connects once", () => {
  const socket = new Socket("/socket", quick);
  const before = FakeWebSocket.made.length;
  let once = true;
  socket.onStatus((status) => {
    if (status !== "connecting" || !once) return;
    once = false;
    socket.close();
    socket.connect();
  });
  socket.connect();
  equal([FakeWebSocket.made.length, socket.status], [before + 1, "connecting"]);
  socket.close();
});

test("socket: closed by what makes its params or its token, it does not open", () => {
  for (const name of ["params", "authToken"]) {
    for (const fails of [false, true]) {
      const { warn } = console;
      console.warn = () => {};
      const close = () => {
        socket.close();
        if (fails) throw new Error("signed out");
        return {};
      };
      const socket = new Socket("/socket", { ...quick, [name]: close });
      const before = FakeWebSocket.made.length;
      socket.connect();
      console.warn = warn;
      equal([name, socket.status, FakeWebSocket.made.length], [name, "closed", before]);
    }
  }
});

test("socket: a timeout that is undefined is the default", async () => {
  const socket = new Socket("/socket", { ...quick, timeoutMs: undefined });
  const channel = socket.channel("a");
  FakeWebSocket.last.open();
  await rejects(channel.push("later", {}, { timeoutMs: 1 }), "timeout"); // after one of no time at all
  same(channel.status, "joining");
  socket.close();
});

test("socket: a page that comes back asks whether its connection is alive, and does not wait long", async () => {
  const socket = new Socket("/socket", { ...quick, connectTimeoutMs: 1 });
  socket.connect();
  const first = FakeWebSocket.last;
  first.open();
  dispatchEvent(new Event("online"));
  equal(first.sent, [[null, "1", "phoenix", "heartbeat", {}]]);
  first.reply("ok", {});
  same(socket.status, "open");
  dispatchEvent(new Event("online"));
  await until(() => FakeWebSocket.last !== first);
  equal([first.sent.length, first.closed], [2, true]);
  socket.close();
});
