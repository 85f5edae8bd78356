/**
 * A client that behaves as phoenix.js does, as far as resume is concerned, for machines that have no phoenix.js:
 *
 * - `params` may be a function: it is called for each join;
 * - a push that is under way when the connection goes is never sent again: it ends in `timeout`;
 * - a push made while the channel is away is sent after the join, unless it timed out, with a ref made then;
 * - refs go on over a reconnect, and messages with another join ref are dropped.
 */

export class Socket {
  constructor(endpoint, { timeout = 10_000, reconnectAfterMs = () => 10 } = {}) {
    Object.assign(this, { endpoint, timeout, reconnectAfterMs, channels: [], ref: 0, connection: null });
    this.closed = [];
  }

  onClose(callback) {
    this.closed.push(callback);
  }

  connect() {
    const url = new URL(`${this.endpoint}/websocket?vsn=2.0.0`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const connection = (this.connection = new WebSocket(url));
    connection.onopen = () => this.channels.forEach((channel) => channel.rejoin());
    connection.onmessage = ({ data }) => {
      const [joinRef, ref, topic, event, payload] = JSON.parse(data);
      for (const channel of this.channels) {
        if (channel.topic !== topic || (joinRef !== null && joinRef !== channel.joinPush.ref)) continue;
        channel.trigger(event === "phx_reply" ? `reply ${ref}` : event, payload);
      }
    };
    connection.onclose = () => {
      if (this.connection !== connection) return;
      this.connection = null;
      this.channels.forEach((channel) => (channel.joined = false));
      setTimeout(() => this.connect(), this.reconnectAfterMs(1));
      this.closed.forEach((callback) => callback());
    };
  }

  disconnect() {
    const { connection } = this;
    this.connection = null;
    connection?.close();
  }

  channel(topic, params = {}) {
    const channel = new Channel(this, topic, params);
    this.channels.push(channel);
    return channel;
  }
}

class Channel {
  constructor(socket, topic, params) {
    Object.assign(this, { socket, topic, bindings: [], buffer: [], joined: false, wanted: false });
    this.joinPush = new Push(this, "phx_join", typeof params === "function" ? params : () => params, socket.timeout);
    this.joinPush.receive("ok", () => {
      this.joined = true;
      this.buffer.splice(0).forEach((push) => push.send());
    });
  }

  join() {
    this.wanted = true;
    this.rejoin();
    return this.joinPush;
  }

  rejoin() {
    if (this.wanted && this.socket.connection?.readyState === WebSocket.OPEN) this.joinPush.resend();
  }

  on(event, callback) {
    this.bindings.push({ event, callback });
  }

  off(event) {
    this.bindings = this.bindings.filter((binding) => binding.event !== event);
  }

  trigger(event, payload) {
    for (const binding of this.bindings) if (binding.event === event) binding.callback(payload);
  }

  push(event, payload, timeout = this.socket.timeout) {
    const push = new Push(this, event, () => payload, timeout);
    if (this.joined) push.send();
    else {
      push.startTimeout();
      this.buffer.push(push);
    }
    return push;
  }
}

class Push {
  constructor(channel, event, payload, timeout) {
    Object.assign(this, { channel, event, payload, timeout, ref: null, received: null, hooks: [] });
  }

  resend() {
    this.received = null;
    this.send();
  }

  send() {
    if (this.received?.status === "timeout") return;
    this.startTimeout();
    const { topic, socket, joinPush } = this.channel;
    socket.connection.send(JSON.stringify([joinPush.ref, this.ref, topic, this.event, this.payload()]));
  }

  startTimeout() {
    clearTimeout(this.timer);
    this.channel.off(`reply ${this.ref}`);
    this.ref = String(++this.channel.socket.ref);
    this.channel.on(`reply ${this.ref}`, (answer) => {
      clearTimeout(this.timer);
      this.channel.off(`reply ${this.ref}`);
      this.received = answer;
      for (const hook of this.hooks) if (hook.status === answer.status) hook.callback(answer.response);
    });
    this.timer = setTimeout(
      () => this.channel.trigger(`reply ${this.ref}`, { status: "timeout", response: {} }),
      this.timeout,
    );
  }

  receive(status, callback) {
    if (this.received?.status === status) callback(this.received.response);
    this.hooks.push({ status, callback });
    return this;
  }
}
