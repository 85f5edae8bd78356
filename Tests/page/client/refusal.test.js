import { Socket } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const realFetch = globalThis.fetch;
const quick = { reconnectAfterMs: () => 0, resume: false };

/** Answers each `fetch` with this, and counts the requests. */
function answering(answer) {
  const asked = { requests: [] };
  globalThis.fetch = async (url, init) => {
    asked.requests.push({ url: new URL(url), ...init });
    return answer();
  };
  return asked;
}

async function refuse(count) {
  for (let i = 0; i < count; i++) {
    const attempt = FakeWebSocket.last;
    attempt.drop();
    await until(() => FakeWebSocket.last !== attempt);
  }
}

function told(socket) {
  const errors = [];
  socket.onError(({ code, message, details }) => errors.push({ code, message, details }));
  return errors;
}

const advice = `check the token and the params that the socket is given, and whether the server allows pages of ${location.origin}`;
const refused = (status, tries, what = advice) => ({
  code: "refused",
  message: `the server refuses the connection (HTTP ${status}): ${what}`,
  details: { status, tries },
});

test("refusal: where long poll is refused too, it is told why and what to do", async () => {
  for (const answer of [
    () => Response.json({ status: 403 }),
    () => new Response("<h1>Forbidden</h1>", { status: 403 }),
  ]) {
    answering(answer);
    const socket = new Socket("/socket", quick);
    const errors = told(socket);
    socket.connect();
    await refuse(2);
    equal(errors, [refused(403, 1), refused(403, 2)]);
    socket.close();
  }
  globalThis.fetch = realFetch;
});

test("refusal: a WebSocket that once opened, and is refused again and again, is asked about by long poll", async () => {
  const asked = answering(() => new Response("", { status: 401 }));
  const socket = new Socket("/socket", { ...quick, params: { user: "Ada" }, authToken: "old" });
  const errors = told(socket);
  socket.connect();
  FakeWebSocket.last.open();
  await refuse(2);
  equal([asked.requests.length, errors], [0, []]); // it may be no more than a restart
  await refuse(1);
  await until(() => errors.length === 1);
  equal(errors, [refused(401, 2)]);
  const [{ url, headers, credentials }] = asked.requests;
  equal([url.pathname, url.searchParams.get("user")], ["/socket/longpoll", "Ada"]);
  equal([headers["X-Phoenix-AuthToken"], credentials], ["old", "same-origin"]);
  same(socket.transport, "websocket");
  socket.close();
  globalThis.fetch = realFetch;
});

test("refusal: a server that is away or that would take the page is no refusal", async () => {
  for (const answer of [() => Promise.reject(new TypeError("no network")), () => Response.json({ status: 410, token: "T" })]) {
    const asked = answering(answer);
    const socket = new Socket("/socket", { ...quick, longPoll: false });
    const errors = told(socket);
    socket.connect();
    await refuse(3);
    await until(() => asked.requests.length === 2);
    await new Promise((resume) => setTimeout(resume));
    equal(errors, []);
    socket.close();
  }
  globalThis.fetch = realFetch;
});

test("refusal: a wrong address and a server in trouble have advice of their own", async () => {
  for (const [status, what] of [
    [404, `check the address, ${location.origin.replace("http", "ws")}/nowhere/websocket`],
    [503, "the socket tries again; the server's log has the reason"],
  ]) {
    answering(() => new Response("", { status }));
    const socket = new Socket("/nowhere", { ...quick, longPoll: false });
    const errors = told(socket);
    socket.connect();
    await refuse(2);
    await until(() => errors.length === 1);
    equal([errors[0].details.status, errors[0].message.replace(/^.*?: /, "").replace("http:", "ws:")], [status, what]);
    socket.close();
  }
  globalThis.fetch = realFetch;
});

test("refusal: a listener may give a new token, or end it", async () => {
  answering(() => new Response("", { status: 401 }));
  let token = "old";
  const socket = new Socket("/socket", { ...quick, params: () => ({ token }) });
  socket.onError(() => {
    if (token === "new") socket.close();
    token = "new";
  });
  socket.connect();
  await refuse(1);
  same(FakeWebSocket.last.url.searchParams.get("token"), "new");
  FakeWebSocket.last.drop();
  await until(() => socket.status === "closed");
  globalThis.fetch = realFetch;
});

test("refusal: where nobody listens, the console has it", async () => {
  answering(() => Response.json({ status: 403 }));
  const warned = [];
  const { warn } = console;
  console.warn = (text) => warned.push(text);
  const socket = new Socket("/socket", quick);
  socket.connect();
  await refuse(1);
  console.warn = warn;
  equal(warned, [`synq: ${refused(403, 1).message}`]);
  socket.close();
  globalThis.fetch = realFetch;
});

test("refusal: long poll carries the page's cookies as it is told", async () => {
  const asked = answering(() => Response.json({ status: 403 }));
  const socket = new Socket("https://example.test/socket", { ...quick, credentials: "include" });
  socket.onError(() => {});
  socket.connect();
  await refuse(1);
  same(asked.requests[0].credentials, "include");
  socket.close();
  globalThis.fetch = realFetch;
});
