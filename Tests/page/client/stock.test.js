/**
 * docs/resume.md with stock clients: the lines for phoenix.js and phx-live-state, on the real phoenix.js where the page
 * is told where it is (`?client=`), and with the real LiveState (`?live=`), else on clients that behave as they do.
 */

import { applyPatch } from "/synq/synq.js";
import { equal, same, test, until } from "./harness.js";

const query = new URLSearchParams(location.search);
const client = query.get("client") ?? "./stock-client.js";
const liveState = query.get("live");
const { Socket } = await import(client);

const trouble = async (query) => (await fetch(`/trouble?${new URLSearchParams(query)}`, { method: "POST" })).json();
const settled = (push) =>
  new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve(status === "ok" ? response : status));
    }
  });

async function joined(base) {
  const topic = `kept:${crypto.randomUUID()}`;
  const socket = new Socket("/socket", { reconnectAfterMs: () => 1, rejoinAfterMs: () => 1 });
  socket.connect();
  const user = "Ada";
  const page = { topic, socket, states: [], patches: [], joins: [], told: [] };

  // As in docs/resume.md.
  const here = { client: crypto.randomUUID(), ...base };
  const channel = socket.channel(topic, () => ({ user, synq: here }));
  channel.on("synq:change", ({ epoch, version }) => Object.assign(here, { epoch, version }));
  channel.on("synq:patch", ({ version }) => {
    here.version = version;
  });

  // What the application does with the state.
  channel.on("synq:change", ({ state }) => page.states.push((page.state = state)));
  channel.on("synq:patch", ({ operations, version, base }) => {
    page.state = applyPatch(page.state, operations);
    page.patches.push([base ?? version - 1, version]);
  });
  channel.on("told", ({ n }) => page.told.push(n));
  channel.join().receive("ok", ({ synq }) => page.joins.push(synq.resumed));
  await until(() => page.state !== undefined);
  return Object.assign(page, { channel, here });
}

/** Whether each patch began where the one before ended. */
const isUnbroken = (patches) => patches.every(([from], i) => i === 0 || from === patches[i - 1][1]);

for (const base of [undefined, { base: true }]) {
  const how = base ? "one patch from its base" : "a patch for each version";
  test(`stock: phoenix.js goes on where it was, with ${how}`, async () => {
    const page = await joined(base);
    const { topic, socket, channel, joins, patches, states } = page;
    const [{ id }] = page.state.members; // made by `init`
    const other = new Socket("/socket");
    other.connect();
    const there = other.channel(topic, { user: "Bob" });
    await settled(there.join());
    for (let round = 1; round <= 5; round++) {
      await trouble({ topic, cut: "now", user: "Ada" });
      await settled(there.push("inc", {}));
      await until(() => joins.length === round + 1 && joins.at(-1));
      same((await settled(channel.push("inc", {}))).count, 2 * round);
    }
    await until(() => page.state.count === 10);
    equal([joins, states.length, isUnbroken(patches)], [[false, true, true, true, true, true], 1, true]);
    same(page.state.members[0].id, id);
    socket.disconnect();
    other.disconnect();
  });
}

test("stock: a push under way ends in timeout and is not sent again; one made meanwhile is sent once", async () => {
  const { topic, socket, channel, joins } = await joined();
  await trouble({ topic, cut: "after" });
  const underWay = settled(channel.push("inc", {}, 300));
  await until(() => joins.length === 2);
  same(await underWay, "timeout");
  const away = new Promise((resolve) => socket.onClose(resolve));
  await trouble({ topic, cut: "now" });
  await away;
  equal(await settled(channel.push("inc", {})), { count: 2 });
  same((await trouble({ topic })).count, 2);
  socket.disconnect();
});

test("stock: after a crash of the channel it starts over", async () => {
  const { socket, channel, joins, states } = await joined();
  channel.push("crash", {});
  // phoenix.js joins again by itself; the stand-in for it when the connection is back.
  if (client.startsWith("./")) channel.rejoin();
  await until(() => joins.length === 2 && states.length === 2);
  equal(joins, [false, false]);
  socket.disconnect();
});

/** As phx-live-state's LiveState, which hands its params to phoenix.js and takes patches one version at a time. */
class LiveStateLike {
  constructor({ url, topic, params }) {
    this.socket = new Socket(url);
    this.channel = this.socket.channel(topic, params);
  }

  connect() {
    this.socket.connect();
    this.channel.join();
    this.channel.on("state:change", ({ state, version }) => Object.assign(this, { state, stateVersion: version }));
    this.channel.on("state:patch", ({ patch, version }) => {
      if (version === this.stateVersion + 1 || version === 0) {
        Object.assign(this, { state: applyPatch(this.state, patch), stateVersion: version });
      } else {
        this.channel.push("lvs_refresh", {});
      }
    });
  }
}

test("stock: phx-live-state goes on where it was", async () => {
  const { LiveState } = liveState ? await import(liveState) : { LiveState: LiveStateLike };
  const [url, topic, user] = ["/socket", `live:${crypto.randomUUID()}`, "Ada"];

  // As in docs/resume.md.
  const here = { client: crypto.randomUUID() };
  const params = () => ({ user, synq: { ...here, version: live.stateVersion } });
  const live = new LiveState({ url, topic, params });
  live.channel.on("state:change", ({ epoch }) => Object.assign(here, { epoch }));

  const joins = [];
  let changes = 0; // full states: a refresh would bring one
  live.channel.joinPush.receive("ok", ({ synq }) => joins.push(synq.resumed));
  live.channel.on("state:change", () => changes++);
  live.connect();
  await until(() => live.state !== undefined);
  for (let round = 1; round <= 3; round++) {
    await settled(live.channel.push("lvs_evt:inc", {}));
    await trouble({ topic, cut: "after" });
    live.channel.push("lvs_evt:inc", {}, 50); // its reply and its patch are lost
    await until(() => joins.length === round + 1);
    await until(() => live.state.count === 2 * round);
  }
  equal([joins, changes], [[false, true, true, true], 1]);
  same((await trouble({ topic })).inits, 1);
  live.socket.disconnect();
});
