/** How this person is likely to act: what a hint may name. And letters of keys, whatever the keyboard's script. */

import { isTyping } from "./dom.js";

const coarse = window.matchMedia("(pointer: coarse)");

/** @type {boolean | null} Null until something was touched or clicked. */
let touches = null;

for (const type of /** @type {const} */ (["pointerdown", "keydown"])) {
  document.addEventListener(
    type,
    (event) => {
      // What a phone's own keyboard writes into a field tells nothing.
      if (event.type === "keydown" && isTyping()) return;
      touches = event instanceof PointerEvent && event.pointerType === "touch";
    },
    { capture: true, passive: true },
  );
}

/** @returns {boolean} whether a finger does it all: there is no space bar to press */
export function usesTouch() {
  return touches ?? coarse.matches;
}

/**
 * A label with its key behind it, where there are keys.
 * @param {string} label
 * @param {string} key
 * @returns {string} `Play (space)`
 */
export function withKey(label, key) {
  return usesTouch() ? label : `${label} (${key})`;
}
