/**
 * What a page shows before the server has said it: functions from state to state, on top of the server's state.
 *
 * An overlay ends when its event is refused. After the reply it ends with the next state, which holds what the
 * event changed: the server sends a state after the reply to the event that caused it. If no state comes, because
 * the event changed nothing, it ends `settleMs` after the reply.
 */
export class Overlays {
  #entries = new Set();
  #settleMs;
  #changed;

  /** `changed` is called when an overlay comes, and when one goes without a state. */
  constructor(settleMs, changed) {
    this.#settleMs = settleMs;
    this.#changed = changed;
  }

  add(apply) {
    const overlay = { apply, timer: null };
    this.#entries.add(overlay);
    this.#changed();
    return overlay;
  }

  /** The event was handled: the next state holds what the overlay shows. */
  handled(overlay) {
    if (this.#entries.has(overlay)) {
      overlay.timer ??= setTimeout(() => this.remove(overlay), this.#settleMs);
    }
  }

  remove(overlay) {
    if (!this.#entries.delete(overlay)) return;
    clearTimeout(overlay.timer);
    this.#changed();
  }

  /** A state of the server's has come. */
  settle() {
    for (const overlay of this.#entries) {
      if (overlay.timer === null) continue;
      clearTimeout(overlay.timer);
      this.#entries.delete(overlay);
    }
  }

  /** What `state` looks like with all overlays. One that throws is reported and dropped. */
  over(state) {
    if (state === undefined) return state;
    for (const overlay of this.#entries) {
      try {
        state = overlay.apply(state);
      } catch (error) {
        this.#entries.delete(overlay);
        clearTimeout(overlay.timer);
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    return state;
  }
}
