/** The gaze of somebody without an eye tracker: the pointer, a finger, the arrow keys. And a tracker's points, to show them. */

import { LiveSocket } from "../io/socket.js";
import { inView, seen } from "./page.js";

/** @typedef {{x: number, y: number}} ViewPoint In CSS pixels of the stage. */

const TAP_MS = 350;
const TAP_PX = 12;

/**
 * Tells the pointer's way; a click or a tap on the stage is a press. Every place of it counts, also over the controls:
 * whoever is there sees what lies under them.
 */
export class Pointing {
  /**
   * @param {HTMLElement} stage
   * @param {import("../pure/pointer.js").PointerPlace} place
   * @param {{onLook: (isAtPicture: boolean) => void, onPress: () => void}} handlers
   */
  constructor(stage, place, { onLook, onPress }) {
    /** @type {{x: number, y: number, at: number} | null} */
    let pressed = null;
    /** @param {PointerEvent} event */
    const pointOf = (event) => {
      const box = stage.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    for (const type of /** @type {const} */ (["pointermove", "pointerdown"])) {
      document.addEventListener(type, (event) => place.move(pointOf(event), performance.now()), { capture: true, passive: true });
    }
    // A finger that is lifted has not looked away; a mouse that leaves the page has.
    document.documentElement.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") place.leave(pointOf(event), seen());
    });
    stage.addEventListener("pointermove", () => onLook(true));
    stage.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") onLook(false);
    });
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      pressed = { x: event.clientX, y: event.clientY, at: event.timeStamp };
      onLook(true);
    });
    stage.addEventListener("pointerup", (event) => {
      const from = pressed;
      pressed = null;
      if (!from) return;
      const moved = Math.hypot(event.clientX - from.x, event.clientY - from.y);
      // A finger that rests or wanders is a gaze; only a short tap is a press.
      if (event.pointerType === "mouse" || (event.timeStamp - from.at < TAP_MS && moved < TAP_PX)) onPress();
    });
  }
}

/** Points of a tracker as they pass, for the debug layer: the server's `/gaze`, shares of what is seen of the page. */
export class TrackerPoints {
  /**
   * @param {() => string} url
   * @param {(point: ViewPoint) => void} onPoint
   */
  constructor(url, onPoint) {
    this._socket = new LiveSocket({
      url,
      onJson: (message) => {
        if (typeof message.x === "number" && typeof message.y === "number") onPoint(inView(message));
      },
    });
  }

  /** @param {boolean} isWanted */
  listen(isWanted) {
    if (isWanted) this._socket.open();
    else this._socket.close();
  }
}
