// The live stream: samples to the server, events back. After a lost connection the stream goes on where it was; if
// the server has forgotten it, a new one takes all samples from the start, and so ends in the same timeline.

import { address, isReady, watchForReturn } from "./api.js";
import { language } from "./i18n.js";
import { subprotocols } from "./token.js";

const RETRY_MS = 1000;
const DONE = 1000; // the code of a closure that makes the server forget the stream
const FORGOTTEN = ["unknown_session", "events_lost"];

/**
 * Sends captured blocks and calls `onEvent(event)`; `onState` tells of the connection: "connected", "lost", or
 * "restarted" if all events come again.
 *
 * `blocks` is the growing list of all that was captured.
 */
export class Stream {
  constructor(model, blocks, { onEvent, onState }) {
    Object.assign(this, { model, blocks, onEvent, onState, isFinishing: false, isOver: false });
    this.finished = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.finished.catch(() => {}); // whoever awaits it sees it
    this.forget();
    this.connect();
  }

  forget() {
    Object.assign(this, { session: null, received: 0, sent: 0 });
  }

  connect() {
    const { session, received } = this;
    const url = address("/v1/stream");
    url.protocol = url.protocol.replace("http", "ws");
    const query = session ? { session, received } : { model: this.model.name, interval: 0.5 };
    url.search = new URLSearchParams({ ...query, language: language() });
    this.isReady = false;
    this.socket = new WebSocket(url, subprotocols());
    this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.socket.onclose = () => this.reconnect();
  }

  receive(event) {
    if (typeof event.sequence === "number") this.received = event.sequence + 1;
    if (event.type === "ready") {
      this.session = event.session;
      this.start("restarted", 0);
    } else if (event.type === "resumed") {
      this.start("connected", event.bytes);
    } else if (event.type === "error" && FORGOTTEN.includes(event.code)) {
      this.forget(); // the server closes, and a new stream is started
    } else if (event.type === "error") {
      this.end(() => this.reject(new Error(event.detail)));
    } else {
      this.onEvent(event);
      if (event.type === "closed") this.end(() => this.resolve(event.timeline));
    }
  }

  /** Send what the server does not have; it takes blocks whole. */
  start(name, bytes) {
    this.sent = 0;
    for (let taken = 0; taken < bytes; this.sent += 1) taken += this.blocks[this.sent].byteLength;
    this.isReady = true;
    this.onState(name);
    this.send();
  }

  /** Send what was captured since the last time. */
  send() {
    if (!this.isReady || this.socket.readyState !== WebSocket.OPEN) return;
    for (; this.sent < this.blocks.length; this.sent += 1) this.socket.send(this.blocks[this.sent]);
    if (this.isFinishing) this.socket.send(JSON.stringify({ type: "finish" }));
  }

  /** Say that nothing follows, and return the timeline. */
  finish() {
    this.isFinishing = true;
    this.send();
    return this.finished;
  }

  end(settle) {
    this.isOver = true;
    settle();
    this.socket.close(DONE);
  }

  async reconnect() {
    if (this.isOver) return;
    this.isReady = false;
    this.onState("lost");
    for (let isBack = false; !isBack; ) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      isBack = await isReady();
      if (this.isOver) return;
      if (!isBack) watchForReturn();
    }
    this.connect();
  }
}
