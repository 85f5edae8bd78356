/**
 * Follows the page's life: `left()` when it is left, perhaps for good; `cameBack()` when it is shown, after a load too;
 * `woke()` when it comes to the front or gets a network. Returns what ends that. Elsewhere than in a page it does nothing.
 */
export function followPage({ left, cameBack, woke }) {
  const end = new AbortController();
  const listen = (type, listener) => globalThis.addEventListener?.(type, listener, { signal: end.signal });
  const isHidden = () => globalThis.document?.visibilityState === "hidden";
  listen("pagehide", left);
  listen("pageshow", cameBack);
  for (const type of ["online", "visibilitychange"]) listen(type, () => isHidden() || woke());
  return () => end.abort();
}
