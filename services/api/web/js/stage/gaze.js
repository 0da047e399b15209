/** Where the viewer looks: the pointer, a finger, the arrow keys, or points that an eye tracker sends. */

import { LiveSocket } from "../io/socket.js";

/** @typedef {{x: number, y: number}} ViewPoint In CSS pixels of the stage. */

const TAP_MS = 350;
const TAP_PX = 12;

/**
 * Tells the pointer's way over the stage; a click or a tap is a blink. Every place of it is told as a sample, also over the
 * controls: whoever is there sees what lies under them.
 */
export class PointerGaze {
  /**
   * @param {HTMLElement} stage
   * @param {{onSample: (point: ViewPoint) => void, onPoint: (point: ViewPoint | null) => void, onBlink: () => void}} handlers
   */
  constructor(stage, { onSample, onPoint, onBlink }) {
    /** @type {{x: number, y: number, at: number} | null} */
    let pressed = null;
    /** @param {PointerEvent} event */
    const pointOf = (event) => {
      const box = stage.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    for (const type of /** @type {const} */ (["pointermove", "pointerdown"])) {
      document.addEventListener(type, (event) => onSample(pointOf(event)), { capture: true, passive: true });
    }
    stage.addEventListener("pointermove", (event) => onPoint(pointOf(event)));
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      pressed = { x: event.clientX, y: event.clientY, at: event.timeStamp };
      onPoint(pointOf(event));
    });
    stage.addEventListener("pointerup", (event) => {
      const from = pressed;
      pressed = null;
      if (!from) return;
      const moved = Math.hypot(event.clientX - from.x, event.clientY - from.y);
      // A finger that rests or wanders is a gaze; only a short tap is a blink.
      if (event.pointerType === "mouse" || (event.timeStamp - from.at < TAP_MS && moved < TAP_PX)) onBlink();
    });
    // A finger that is lifted has not looked away; a mouse that leaves the picture has.
    stage.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") onPoint(null);
    });
  }
}

/** Takes points from the server's `/gaze`, which are fractions of what is seen of the page, from its top left. */
export class SocketGaze {
  /**
   * @param {string} url
   * @param {(point: ViewPoint) => void} onPoint
   */
  constructor(url, onPoint) {
    this._socket = new LiveSocket({
      url: () => url,
      onJson: (message) => {
        if (typeof message.x === "number" && typeof message.y === "number") onPoint(inView(message));
      },
    });
  }

  open() {
    this._socket.open();
  }

  close() {
    this._socket.close();
  }
}

/** Of a page that was pinched larger only a part is seen. @param {{x: number, y: number}} share @returns {ViewPoint} */
function inView({ x, y }) {
  const { offsetLeft, offsetTop, width, height } = window.visualViewport ?? { offsetLeft: 0, offsetTop: 0, width: innerWidth, height: innerHeight };
  return { x: offsetLeft + x * width, y: offsetTop + y * height };
}
