import { failure, SynqError } from "./call.js";

/** What is known of a connection that the server did not take: an HTTP status, and what to do about it. */
export function refusal(status, tries, url) {
  const message = `the server refuses the connection (HTTP ${status}): ${advice(status, url)}`;
  return new SynqError("error", failure("refused", message, { status, tries }));
}

function advice(status, url) {
  switch (status) {
    case 401:
    case 403:
      return (
        "check the token and the params that the socket is given, and whether the server allows pages of " +
        `${globalThis.location?.origin ?? "this origin"}`
      );
    case 404:
      return `check the address, ${url.origin}${url.pathname}`;
    default:
      return "the socket tries again; the server's log has the reason";
  }
}
