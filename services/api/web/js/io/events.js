/** The server's live events, each dispatched under its type with the message as `detail`. */

import { LiveSocket, socketUrl } from "./socket.js";

export class LiveEvents extends EventTarget {
  /** @param {import("./api.js").Api} api */
  constructor(api) {
    super();
    this._started = false;
    this._socket = new LiveSocket({
      url: () => socketUrl(api.withToken("/ws?frames=false")),
      onJson: (message) => this.dispatchEvent(new CustomEvent(message.type, { detail: message })),
    });
  }

  /** Connect, unless that has been done; from then on the socket keeps itself up. */
  start() {
    if (this._started) return;
    this._started = true;
    this._socket.open();
  }

  /**
   * @param {string} type
   * @param {(message: import("../types.js").LiveEvent) => void} listener
   */
  on(type, listener) {
    this.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
  }
}
