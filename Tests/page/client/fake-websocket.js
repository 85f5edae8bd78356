/** A WebSocket whose other end is the test. */

export class FakeWebSocket {
  static made = [];

  static get last() {
    return FakeWebSocket.made.at(-1);
  }

  constructor(url, protocols) {
    this.url = new URL(url);
    this.protocols = protocols;
    this.sent = [];
    this.closed = false;
    FakeWebSocket.made.push(this);
  }

  send(text) {
    this.sent.push(typeof text === "string" ? JSON.parse(text) : text);
  }

  close() {
    this.closed = true;
  }

  // What the server does:

  open() {
    this.onopen?.({});
  }

  receive(...message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** Answers the last message, or the one given. */
  reply(status, response, [joinRef, ref, topic] = this.sent.at(-1)) {
    this.receive(joinRef, ref, topic, "phx_reply", { status, response });
  }

  drop(code = 1006) {
    this.onclose?.({ code });
  }

  /** What was sent with this event, oldest first. */
  events(event) {
    return this.sent.filter((message) => message[3] === event);
  }
}
