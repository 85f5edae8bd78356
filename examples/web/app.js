/** The demo: what the server says the state is, shown. Nothing here decides what is true. */

import { Socket } from "/synq/synq.js";

const query = new URLSearchParams(location.search);
const room = query.get("room") || "lobby";
const user = query.get("user") || sessionStorage.getItem("user") || aName();
sessionStorage.setItem("user", user);

const socket = new Socket("/socket");
const channel = socket.channel(`room:${room}`, { user });

const byId = (id) => document.getElementById(id);
const maxPatchesShown = 100;

document.title = `${room} · synq`;
byId("second").href = `?${new URLSearchParams({ room })}`;
byId("user").value = user;
byId("rename-room").value = room;

// What the state says. Parts that a patch left alone are the same objects, and are not drawn again.

let shown = {};

channel.onState((state, { version, operations }) => {
  byId("version").textContent = version;
  if (state.room !== shown.room) byId("room").textContent = state.room;
  if (state.count !== shown.count) byId("count").textContent = state.count;
  if (state.seconds !== shown.seconds) byId("uptime").textContent = clock(state.seconds);
  if (state.members !== shown.members) showMembers(state.members, shown.members);
  if (state.messages !== shown.messages) showMessages(state.messages);
  wire.shown(state, version, operations);
  shown = state;
});

function showMembers(members, before) {
  byId("people-count").textContent = members.length;
  keep(byId("members"), members, ({ name }) => {
    const item = element("li");
    item.append(avatar(name), element("span", "name", name));
    return item;
  });
  if (!before) return;
  const come = members.filter(({ id }) => !before.some((other) => other.id === id));
  const gone = before.filter(({ id }) => !members.some((other) => other.id === id));
  const news = [...come.map(({ name }) => `${name} came in.`), ...gone.map(({ name }) => `${name} left.`)];
  if (news.length > 0) byId("news").textContent = news.join(" ");
}

function showMessages(messages) {
  keep(byId("messages"), messages, ({ from, text }) => {
    const item = element("li", from === user ? "message mine" : "message");
    const words = element("p", "words");
    words.append(element("b", "from", from), element("span", "text", text));
    item.append(avatar(from), words);
    return item;
  });
}

// What was sent to make it so.

const wire = {
  paused: false,
  patches: 0,
  patchBytes: 0,
  wholeBytes: 0,
  frameBytes: 0,

  shown(state, version, operations) {
    if (operations) {
      this.patches += 1;
      this.patchBytes += this.frameBytes;
      this.wholeBytes += this.frameBytes - byteLength(operations) + byteLength(state);
    }
    if (this.paused) return;
    byId("patch-count").textContent = this.patches;
    byId("patch-bytes").textContent = size(this.patchBytes);
    byId("whole-bytes").textContent = size(this.wholeBytes);
    byId("share").style.width = `${100 * (this.patchBytes / this.wholeBytes || 0)}%`;
    byId("patches").prepend(this.entry(version, operations));
    while (byId("patches").children.length > maxPatchesShown) byId("patches").lastChild.remove();
  },

  entry(version, operations) {
    const item = element("li", operations?.every(({ path }) => path === "/seconds") ? "patch tick" : "patch");
    const head = element("p", "head");
    const what = operations ? `${operations.length} ${operations.length === 1 ? "op" : "ops"}` : "full state";
    head.append(element("b", "version", `v${version}`), element("span", "ops", what));
    head.append(element("span", "bytes", size(this.frameBytes)));
    item.append(head, ...(operations ?? []).map(operationLine));
    return item;
  },
};

function operationLine({ op, path, from, value }) {
  const line = element("code", `op ${op}`);
  line.append(element("span", "verb", op), ` ${from === undefined ? "" : `${from} → `}${path} `);
  if (value !== undefined) line.append(element("span", "value", JSON.stringify(value)));
  return line;
}

socket.onFrame(({ direction, text }) => {
  if (direction === "in") wire.frameBytes = new TextEncoder().encode(text).length;
});

byId("pause").addEventListener("click", () => {
  wire.paused = !wire.paused;
  byId("pause").setAttribute("aria-pressed", wire.paused);
});

// What the user does.

byId("inc").addEventListener("click", () => channel.push("inc").catch(tellTrouble));

byId("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = byId("text");
  try {
    await channel.push("say", { text: input.value });
    input.value = "";
    tellSayError("");
  } catch (error) {
    tellSayError(error.message);
  }
  input.focus();
});

byId("text").addEventListener("input", () => tellSayError(""));

byId("crash").addEventListener("click", () => channel.push("crash").catch(() => {})); // `onError` tells it

function tellSayError(message) {
  byId("say-error").textContent = message;
  byId("text").setAttribute("aria-invalid", message !== "");
}

function tellTrouble(error) {
  byId("trouble").textContent = error.message;
}

// How it stands with the server.

let joinedBefore = false;
let crashed = false;

function showStatus() {
  const words = statusWords();
  const pill = byId("status");
  if (pill.textContent !== words) pill.textContent = words; // a change is read out
  pill.dataset.good = words === "Connected";
}

/** Each attempt to connect changes the status; the words stay, so that they are not read out each time. */
function statusWords() {
  if (socket.status === "closed" || channel.status === "closed") return "Disconnected";
  if (channel.status === "joined") return "Connected";
  if (!joinedBefore) return "Connecting…";
  return socket.status === "open" ? "Rejoining…" : "Reconnecting…";
}

socket.onStatus(showStatus);
socket.onError(tellTrouble); // the server refuses this page: it says why, and what to do

channel.onStatus((status) => {
  showStatus();
  if (status !== "joined") return;
  joinedBefore = true;
  byId("trouble").textContent = crashed ? "It crashed, and is back." : "";
  crashed = false;
});

channel.onError((error) => {
  crashed = error.code === "crashed";
  byId("trouble").textContent = crashed ? "It crashed. Joining again…" : error.message;
});

channel.on("welcome", ({ text }) => {
  byId("welcome").textContent = text;
});

// Small things.

/** Makes the children of `list` those of `items`. What is there stays, and is not read out again. */
function keep(list, items, make) {
  const had = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const children = items.map((item) => {
    const key = JSON.stringify(item);
    const child = had.get(key) ?? make(item);
    child.dataset.key = key;
    return child;
  });
  for (const child of had.values()) if (!children.includes(child)) child.remove();
  children.forEach((child, i) => {
    if (list.children[i] !== child) list.insertBefore(child, list.children[i] ?? null);
  });
}

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function avatar(name) {
  const letters = name
    .split(/\s+/u, 2)
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
  const made = element("span", "avatar", letters);
  made.setAttribute("aria-hidden", "true");
  made.dataset.hue = [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
  return made;
}

function clock(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

const byteLength = (value) => new TextEncoder().encode(JSON.stringify(value)).length;

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function aName() {
  const one = (words) => words[Math.floor(Math.random() * words.length)];
  const first = one(["Amber", "Brisk", "Calm", "Dapper", "Eager", "Gentle", "Lucid", "Merry", "Quiet"]);
  return `${first} ${one(["Badger", "Crane", "Finch", "Heron", "Lynx", "Marten", "Otter", "Robin", "Wren"])}`;
}
