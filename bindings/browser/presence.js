import { Listeners } from "./listeners.js";
import { PRESENCE_DIFF, PRESENCE_STATE } from "./names.js";

/**
 * Who is in a topic, as Phoenix.Presence tells it: keys, each with a `meta` for each of its channels (tabs). Make it
 * together with the channel, before the server's list comes.
 *
 *     const here = presence(channel);
 *     here.onSync(() => show(here.list((name, { metas }) => ({ name, tabs: metas.length }))));
 *     here.onJoin((name, before) => before || greet(name));
 *
 * Where the server keeps the list as a part of the state, `presence(channel, (state) => state.members)` is the same.
 */
export function presence(channel, selector = null) {
  return new Presence(channel, selector);
}

class Presence {
  #members = new Map();
  #waiting = []; // diffs that came before the list that they belong to; null once it is there
  #joins = new Listeners();
  #leaves = new Listeners();
  #syncs = new Listeners();

  constructor(channel, selector) {
    if (selector) this.#followState(channel, selector);
    else this.#followMessages(channel);
  }

  /** A map from keys to `{ metas: [...] }` and what the server adds to a key. Never changed in place. */
  get state() {
    return this.#members;
  }

  /** What `choose(key, { metas })` gives for each key. Without `choose`: `{ key, metas, … }`. */
  list(choose = (key, member) => ({ key, ...member })) {
    return Array.from(this.#members, ([key, member]) => choose(key, member));
  }

  /**
   * Calls `listener(key, before, joined)` when channels of a key come: `before` is undefined where the key was not
   * there, `joined.metas` has those that came. Returns what removes the listener, as the other two do.
   */
  onJoin(listener) {
    return this.#joins.add(listener);
  }

  /** Calls `listener(key, after, left)` when channels of a key go: `after.metas` is empty with the last one. */
  onLeave(listener) {
    return this.#leaves.add(listener);
  }

  /** Calls `listener()` when the list has changed, after the calls for those who came and went. */
  onSync(listener) {
    return this.#syncs.add(listener);
  }

  #followState(channel, selector) {
    let last;
    channel.onState((state) => {
      const list = selector(state) ?? {};
      if (list === last) return;
      last = list;
      this.#become(asMap(list));
    });
  }

  #followMessages(channel) {
    channel.on(PRESENCE_STATE, (list) => {
      const members = (this.#waiting ?? []).reduce(withDiff, asMap(list));
      this.#waiting = null;
      this.#become(members);
    });
    channel.on(PRESENCE_DIFF, (diff) => {
      if (this.#waiting) this.#waiting.push(diff);
      else this.#become(withDiff(this.#members, diff));
    });
    channel.onStatus((status, { resumed }) => {
      // A new channel brings a list of its own. One that was resumed brings the diffs that were missed.
      if (status === "joined" && !resumed) this.#waiting = [];
    });
  }

  #become(members) {
    const before = this.#members;
    this.#members = members;
    for (const [key, member] of members) {
      if (member === before.get(key)) continue; // as most are: a diff names few
      const metas = missingIn(before.get(key), member);
      if (metas.length > 0) this.#joins.emit(key, before.get(key), { ...member, metas });
    }
    for (const [key, member] of before) {
      if (member === members.get(key)) continue;
      const metas = missingIn(members.get(key), member);
      if (metas.length > 0) this.#leaves.emit(key, members.get(key) ?? { ...member, metas: [] }, { ...member, metas });
    }
    this.#syncs.emit();
  }
}

/** Keys are whatever the server's program says, "constructor" and "__proto__" too: a map takes them all. */
const asMap = (object) => new Map(Object.entries(object));

/** Metas are told apart by their `phx_ref`: an update is one that goes and one that comes. */
function missingIn(member, { metas }) {
  const refs = new Set(member?.metas.map(({ phx_ref }) => phx_ref));
  return metas.filter(({ phx_ref }) => !refs.has(phx_ref));
}

function withDiff(members, { joins, leaves }) {
  const after = new Map(members);
  for (const [key, member] of Object.entries(joins)) {
    const stay = after.has(key) ? missingIn(member, after.get(key)) : [];
    after.set(key, { ...member, metas: [...stay, ...member.metas] });
  }
  for (const [key, member] of Object.entries(leaves)) {
    if (!after.has(key)) continue;
    const metas = missingIn(member, after.get(key));
    if (metas.length > 0) after.set(key, { ...after.get(key), metas });
    else after.delete(key);
  }
  return after;
}
