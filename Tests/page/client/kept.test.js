/** With real connections, and a server that keeps channels (docs/resume.md) and is told when to cut them. */

import { Socket } from "/synq/synq.js";
import { equal, same, test, until } from "./harness.js";

const quick = { reconnectAfterMs: () => 1, rejoinAfterMs: () => 1 };
const realWebSocket = globalThis.WebSocket;

const trouble = async (query) => (await fetch(`/trouble?${new URLSearchParams(query)}`, { method: "POST" })).json();

/** A channel of a topic of its own, over the transport that is named. */
async function joined(transport, options = {}) {
  globalThis.WebSocket = transport === "websocket" ? realWebSocket : undefined;
  const { warn } = console;
  console.warn = () => {};
  const topic = `kept:${crypto.randomUUID()}`;
  const socket = new Socket("/socket", { ...quick, ...options });
  const channel = socket.channel(topic, { user: "Ada" });
  const resumed = [];
  channel.onStatus((status, detail) => status === "joined" && resumed.push(detail.resumed));
  await until(() => channel.state !== undefined);
  console.warn = warn;
  same(socket.transport, transport);
  const close = () => {
    socket.close();
    globalThis.WebSocket = realWebSocket;
  };
  return { topic, socket, channel, resumed, close };
}

/** Cuts at the next events, some before they are handled and some after. */
const someCuts = (count) => Array.from({ length: count }, () => (Math.random() < 0.5 ? "before" : "after")).join();

for (const transport of ["websocket", "longpoll"]) {
  test(`kept: over ${transport} each event counts once, and each promise has its own answer`, async () => {
    const { topic, channel, resumed, close } = await joined(transport);
    const counts = [];
    for (let round = 0; round < 10; round++) {
      await trouble({ topic, cut: someCuts(3) });
      const pushes = Array.from({ length: 10 }, () => channel.push("inc"));
      counts.push(...(await Promise.all(pushes)).map(({ count }) => count));
    }
    equal(counts, Array.from({ length: 100 }, (_, i) => i + 1));
    await until(() => channel.state.count === 100);
    equal(await trouble({ topic }), { inits: 1, count: 100, text: "" });
    equal([resumed[0], resumed.length > 20, resumed.slice(1).every((each) => each)], [false, true, true]);
    close();
  });

  test(`kept: over ${transport} what the server pushed meanwhile comes once and in order`, async () => {
    const [ada, bob] = [await joined(transport), await joined("websocket")];
    const told = [];
    ada.channel.on("told", ({ n }) => told.push(n));
    const there = bob.socket.channel(ada.topic, { user: "Bob" });
    await until(() => there.state !== undefined);
    for (let n = 0; n < 40; n++) {
      if (n % 4 === 3) await trouble({ topic: ada.topic, cut: "now" });
      await there.push("tell", { n });
    }
    await until(() => told.length >= 40);
    equal(told, [...Array(40).keys()]);
    same((await trouble({ topic: ada.topic })).inits, 2);
    ada.close();
    bob.close();
  });
}

test("kept: a channel that began over long poll goes on over a WebSocket", async () => {
  const { topic, socket, channel, resumed, close } = await joined("longpoll");
  await channel.push("inc");
  globalThis.WebSocket = realWebSocket;
  await trouble({ topic, cut: "after" });
  equal(await channel.push("inc"), { count: 2 });
  equal([socket.transport, resumed], ["websocket", [false, true]]);
  close();
});

test("kept: what is under way is on the page all the time, and only once", async () => {
  const { topic, channel, close } = await joined("websocket");
  const shown = [];
  channel.onState(({ text }) => text !== shown.at(-1) && shown.push(text));
  const typed = "abcdefghijklmnopqrstuvwxyz";
  for (const letter of typed) {
    if ("cfm".includes(letter)) await trouble({ topic, cut: someCuts(1) });
    const optimistic = (state) => ({ ...state, text: state.text + letter });
    const push = channel.push("type", { text: letter }, { optimistic });
    if ("hqz".includes(letter)) await push;
  }
  equal(
    shown,
    Array.from({ length: 27 }, (_, length) => typed.slice(0, length)),
  );
  close();
});

test("kept: a server that lost the channel begins a new one, and nothing is counted twice", async () => {
  const { topic, channel, close } = await joined("websocket", { resume: false });
  await trouble({ topic, cut: "after" });
  const outcome = await channel.push("inc").catch(({ code }) => code);
  same(outcome, "disconnected");
  await until(() => channel.status === "joined");
  equal(await channel.push("inc"), { count: 2 });
  same((await trouble({ topic })).inits, 2);
  close();
});

test("kept: a channel that is left while the connection is away is gone when it is back", async () => {
  const { topic, socket, channel, close } = await joined("websocket");
  equal(await trouble({ topic, members: "" }), { members: ["Ada"] });
  let left = null;
  channel.onStatus((status) => status === "waiting" && (left ??= channel.leave()));
  await trouble({ topic, cut: "now" });
  await until(() => left !== null && socket.status === "open");
  await left;
  while ((await trouble({ topic, members: "" })).members.length > 0);
  close();
});

test("kept: a page that is refused is told so, and joins when it is let in", async () => {
  await trouble({ refuse: 401 });
  const socket = new Socket("/socket", quick);
  const errors = [];
  socket.onError(({ details }) => errors.push(details));
  const channel = socket.channel(`kept:${crypto.randomUUID()}`);
  await until(() => errors.length === 2);
  await trouble({ refuse: 0 });
  await until(() => channel.status === "joined");
  equal(errors.slice(0, 2), [
    { status: 401, tries: 1 },
    { status: 401, tries: 2 },
  ]);
  socket.close();
});
