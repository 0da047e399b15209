/** A WebSocket that comes back by itself. */

import { addressOf } from "./address.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;

export class LiveSocket {
  /**
   * @param {{url: () => string, onJson: (message: any, text: string) => void, onOpen?: () => void, onClose?: () => void}} options
   *   `onClose`: the connection is gone, was closed, or could not be made
   */
  constructor({ url, onJson, onOpen = () => {}, onClose = () => {} }) {
    this._url = url;
    this._onJson = onJson;
    this._onOpen = onOpen;
    this._onClose = onClose;
    this._wait = FIRST_WAIT_MS;
    this._timer = 0;
    /** @type {WebSocket | null} */
    this._socket = null;
  }

  /** Connect, unless that has been done, and stay connected until closed. */
  open() {
    if (this._socket) return;
    clearTimeout(this._timer);
    const socket = new WebSocket(this._url());
    // Frames come as binary messages too; a view that only looks at events need not hold them in memory.
    socket.binaryType = "blob";
    socket.addEventListener("open", () => {
      if (socket !== this._socket) {
        socket.close(); // nobody wants it any more; closed before it was open the browser would warn
        return;
      }
      this._wait = FIRST_WAIT_MS;
      this._onOpen();
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string" && socket === this._socket) this._onJson(JSON.parse(data), data);
    });
    socket.addEventListener("close", () => this._again(socket));
    this._socket = socket;
  }

  close() {
    clearTimeout(this._timer);
    const socket = this._socket;
    this._socket = null;
    if (socket && socket.readyState !== WebSocket.CONNECTING) socket.close();
    if (socket) this._onClose();
  }

  /** @param {string} text left out while there is no connection */
  send(text) {
    if (this._socket?.readyState === WebSocket.OPEN) this._socket.send(text);
  }

  /** @param {WebSocket} socket */
  _again(socket) {
    if (socket !== this._socket) return;
    this._socket = null;
    this._onClose();
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
