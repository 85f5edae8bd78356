const TAKEN = "synq:taken";
const TAKEN_KEPT = 100;

/**
 * Who a socket is to the server: a name that nobody can guess, and the last ref that was used under it.
 *
 * A server counts on it that a ref under one name means one event, so two pages must never share a name. With a
 * storage (`sessionStorage`) a page that is left puts its name there, with what its channels know, and the page
 * that comes after it in the same tab takes it out. A copy of a tab that lives finds nothing; in a copy that was made
 * between the two pages it is known that somebody else took it.
 */
export class Identity {
  client = null;
  lastRef = 0;
  left = new Map(); // by topic: what the channels of the page before knew
  #storage;
  #key;
  #isAway = false; // the page was left, and may come back from the browser's cache

  /** `resume` is false, true, or the storage that a reload goes through. */
  constructor(resume, endpoint) {
    if (resume === false) return;
    this.#storage = typeof resume === "object" ? resume : null;
    this.#key = `synq:${endpoint}`;
    this.#become(this.#take());
  }

  nextRef() {
    return String(++this.lastRef);
  }

  /** The page is left, perhaps for good. `channels` are topics with what their channels know. */
  leave(channels) {
    const { client, lastRef } = this;
    if (!this.#storage || client === null) return;
    this.#isAway = true;
    // Where the states are too large for the storage, the name alone keeps the server from holding two channels.
    for (const left of [channels, []]) {
      try {
        const record = { client, lastRef, left, once: unguessable() };
        return this.#storage.setItem(this.#key, JSON.stringify(record));
      } catch {}
    }
  }

  /** The page is back from the browser's cache. If another page took the name meanwhile, this one needs a new one. */
  comeBack() {
    if (!this.#isAway) return;
    this.#isAway = false;
    const record = this.#take();
    if (record?.client === this.client) this.lastRef = Math.max(this.lastRef, record.lastRef);
    else this.#become(null);
  }

  #become(record) {
    this.client = record?.client ?? unguessable();
    this.lastRef = record?.lastRef ?? this.lastRef;
    this.left = new Map(record?.left);
  }

  #take() {
    try {
      const text = this.#storage?.getItem(this.#key);
      this.#storage?.removeItem(this.#key);
      const record = JSON.parse(text ?? "null");
      return record && isFirst(record.once) ? record : null;
    } catch {
      return null; // not ours, or a storage that may not be used
    }
  }
}

/** Whether no page of this browser took the record before. */
function isFirst(once) {
  const taken = JSON.parse(localStorage.getItem(TAKEN) ?? "[]");
  if (taken.includes(once)) return false;
  localStorage.setItem(TAKEN, JSON.stringify([...taken, once].slice(-TAKEN_KEPT)));
  return true;
}

/** 128 random bits. `crypto.randomUUID` is missing on pages without TLS. */
function unguessable() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
