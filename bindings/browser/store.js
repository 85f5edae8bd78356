/**
 * A part of a channel's state that others can follow, as React's `useSyncExternalStore` and Svelte want it:
 *
 *     const done = store(channel, (board) => board.cards.filter((card) => card.done).length);
 *     const count = useSyncExternalStore(done.subscribe, done.getSnapshot);
 *
 * Who follows is told only when the part changed: when `equal(before, after)` is false. What a patch left alone is
 * the same object, so the default, `Object.is`, is right for a selector that only reads; one that makes a new array
 * or object each time wants an `equal` of its own. Before the first state the part is undefined.
 */
export function store(channel, selector = (state) => state, equal = Object.is) {
  let source; // the state that `part` was selected from
  let part;

  const getSnapshot = () => {
    const { state } = channel;
    if (state !== source) {
      const next = selector(state);
      if (source === undefined || !equal(part, next)) part = next;
      source = state;
    }
    return part;
  };

  /** Calls `follower(part)` now and at each change. Returns what ends that. */
  const subscribe = (follower) => {
    let told = getSnapshot();
    follower(told);
    return channel.onState(() => {
      const now = getSnapshot();
      if (Object.is(now, told)) return;
      told = now;
      follower(now);
    });
  };

  return { getSnapshot, subscribe };
}
