/** Doubles from `first` up to `most` ms; the random part keeps clients from coming back all at once. */
export const backoff = (first, most) => (tries) => {
  const delay = Math.min(most, first * 2 ** (tries - 1));
  return delay * (0.5 + Math.random() / 2);
};

/**
 * When to try again. Tries are forgotten only after a success that lasted: a channel that crashes as soon
 * as it has joined must not do so at full speed.
 */
export class Backoff {
  static lastingMs = 10_000;
  static fallback = backoff(500, 10_000);
  #afterMs;
  #tries = 0;
  #succeededAt = Infinity;
  #timer;

  constructor(afterMs) {
    this.#afterMs = afterMs;
  }

  schedule(action) {
    this.cancel();
    if (performance.now() - this.#succeededAt > Backoff.lastingMs) this.#tries = 0;
    this.#succeededAt = Infinity;
    const delay = this.#delay(++this.#tries);
    this.#timer = setTimeout(action, delay);
    return delay;
  }

  /** A function of the page's that fails, or gives no pause, is reported; it stops no retry and makes no storm of them. */
  #delay(tries) {
    try {
      const delay = this.#afterMs(tries);
      if (delay >= 0 && delay < 2 ** 31) return delay;
      throw new RangeError(`a pause of ${delay} ms`);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
      return Backoff.fallback(tries);
    }
  }

  cancel() {
    clearTimeout(this.#timer);
  }

  succeeded() {
    this.#succeededAt = performance.now();
  }
}
