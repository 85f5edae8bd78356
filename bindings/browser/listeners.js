/** Functions to call. One that throws is reported and keeps no other from being called. */
export class Listeners {
  #listeners = new Set();

  get isEmpty() {
    return this.#listeners.size === 0;
  }

  add(listener, now) {
    const entry = { listener };
    this.#listeners.add(entry);
    if (now) this.#call(entry, now);
    return () => void this.#listeners.delete(entry);
  }

  emit(...values) {
    for (const entry of [...this.#listeners]) this.#call(entry, values);
  }

  #call({ listener }, values) {
    try {
      listener(...values);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
