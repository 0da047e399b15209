/** A WebSocket that comes back by itself. */

import { addressOf } from "./address.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;

export class LiveSocket {
  /**
   * @param {{url: () => string, onJson: (message: any) => void, onOpen?: () => void}} options
   */
  constructor({ url, onJson, onOpen = () => {} }) {
    this._url = url;
    this._onJson = onJson;
    this._onOpen = onOpen;
    this._wait = FIRST_WAIT_MS;
    this._closed = false;
    this._timer = 0;
    /** @type {WebSocket | null} */
    this._socket = null;
  }

  open() {
    this._closed = false;
    const socket = new WebSocket(this._url());
    // Frames come as binary messages too; a view that only looks at events need not hold them in memory.
    socket.binaryType = "blob";
    socket.addEventListener("open", () => {
      this._wait = FIRST_WAIT_MS;
      this._onOpen();
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this._onJson(JSON.parse(data));
    });
    socket.addEventListener("close", () => this._again(socket));
    this._socket = socket;
  }

  close() {
    this._closed = true;
    clearTimeout(this._timer);
    this._socket?.close();
    this._socket = null;
  }

  /** @param {WebSocket} socket */
  _again(socket) {
    if (this._closed || socket !== this._socket) return;
    this._timer = window.setTimeout(() => this.open(), this._wait);
    this._wait = Math.min(this._wait * 2, LONGEST_WAIT_MS);
  }
}

/** @param {string} path @returns {string} the server's WebSocket address */
export function socketUrl(path) {
  const url = addressOf(path);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
