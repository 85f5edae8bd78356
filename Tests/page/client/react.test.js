/** With React as Debian has it: what is drawn, and how often. */

import { presence, Socket, store } from "/synq/synq.js";
import { FakeWebSocket } from "./fake-websocket.js";
import { equal, same, test, until } from "./harness.js";

globalThis.WebSocket = FakeWebSocket;

const { createElement, StrictMode, useSyncExternalStore } = globalThis.React;
const { createRoot, flushSync } = { ...globalThis.ReactDOM };
const board = { title: "Monday", cards: [{ text: "Milk", done: true }, { text: "Bread", done: false }], seconds: 0 };

/** A channel, the server's side of it, and a place to draw in. */
function joined() {
  const socket = new Socket("/socket", { longPoll: false });
  const channel = socket.channel("board:1");
  FakeWebSocket.last.open();
  FakeWebSocket.last.reply("ok", {});
  let version = 0;
  const push = (event, payload) => flushSync(() => FakeWebSocket.last.receive("1", null, "board:1", event, payload));
  const start = () => push("synq:change", { state: board, version });
  const set = (path, value) =>
    push("synq:patch", { operations: [{ op: "replace", path, value }], version: ++version });
  const root = createRoot(document.getElementById("root"));
  const draw = async (element) => {
    flushSync(() => root.render(element));
    await until(() => document.getElementById("root").textContent !== "");
  };
  const end = () => {
    flushSync(() => root.unmount());
    socket.close();
  };
  return { socket, channel, push, start, set, draw, end };
}

const text = () => document.getElementById("root").textContent;

/** A component that shows a store, and counts how often it is rendered. */
function shower(part, show = String) {
  const Shower = () => {
    Shower.renders += 1;
    return createElement("p", null, show(useSyncExternalStore(part.subscribe, part.getSnapshot)));
  };
  Shower.renders = 0;
  return Shower;
}

test("react: a component is rendered when its part changes, and not otherwise", async () => {
  const { channel, start, set, draw, end } = joined();
  start();
  const Title = shower(store(channel, (state) => state.title));
  const Done = shower(store(channel, (state) => state.cards.filter((card) => card.done).length));
  const Cards = shower(
    store(channel, (state) => state.cards),
    (cards) => cards.map((card) => card.text).join(),
  );
  await draw([Title, Done, Cards].map((each, key) => createElement(each, { key })));
  const before = [Title.renders, Done.renders, Cards.renders];
  const rendered = () => [Title, Done, Cards].map((each, i) => each.renders - before[i]);
  equal([text(), rendered()], ["Monday1Milk,Bread", [0, 0, 0]]);
  for (let seconds = 1; seconds <= 20; seconds++) set("/seconds", seconds);
  equal([text(), rendered()], ["Monday1Milk,Bread", [0, 0, 0]]);
  set("/title", "Tuesday");
  equal([text(), rendered()], ["Tuesday1Milk,Bread", [1, 0, 0]]);
  set("/cards/1/text", "Rye");
  equal([text(), rendered()], ["Tuesday1Milk,Rye", [1, 0, 1]]);
  set("/cards/1/done", true);
  equal([text(), rendered()], ["Tuesday2Milk,Rye", [1, 1, 2]]);
  end();
});

test("react: before the first state there is none, and a selector need not know", async () => {
  const { channel, start, draw, end } = joined();
  const Title = shower(
    store(channel, (state) => state.title),
    (title) => title ?? "…",
  );
  await draw(createElement(Title));
  same(text(), "…");
  start();
  same(text(), "Monday");
  end();
});

test("react: an overlay is drawn at once and taken back with the refusal", async () => {
  const { channel, start, draw, end } = joined();
  start();
  const Title = shower(store(channel, (state) => state.title));
  await draw(createElement(Title));
  const push = channel.push("rename", {}, { optimistic: (state) => ({ ...state, title: "Sunday" }) });
  await until(() => text() === "Sunday");
  FakeWebSocket.last.reply("error", { code: "no", message: "No." }, FakeWebSocket.last.events("rename")[0]);
  same(await push.catch(({ code }) => code), "no");
  await until(() => text() === "Monday");
  end();
});

test("react: strict mode mounts twice, and what is unmounted follows no longer", async () => {
  const { channel, start, set, draw, end } = joined();
  start();
  let selections = 0;
  const Title = shower(store(channel, (state) => ++selections && state.title));
  await draw(createElement(StrictMode, null, createElement(Title)));
  set("/title", "Tuesday");
  same(text(), "Tuesday");
  await draw(createElement("i", null, "gone"));
  const before = selections;
  set("/title", "Wednesday");
  same(selections, before);
  end();
});

test("react: presence is drawn when somebody comes or goes", async () => {
  const { channel, push, start, set, draw, end } = joined();
  const here = presence(channel);
  const follow = (changed) => here.onSync(changed);
  const Names = () => {
    Names.renders += 1;
    return [...useSyncExternalStore(follow, () => here.state).keys()].join() || "nobody";
  };
  Names.renders = 0;
  start();
  await draw(createElement(Names));
  push("presence_state", { ada: { metas: [{ phx_ref: "1" }] } });
  same(text(), "ada");
  push("presence_diff", { joins: { bob: { metas: [{ phx_ref: "2" }] } }, leaves: {} });
  same(text(), "ada,bob");
  const before = Names.renders;
  set("/seconds", 1);
  same(Names.renders, before);
  end();
});
