/** The keys of the replay. */

import { isSpace, letterOf } from "../pure/keys.js";
import { isTyping } from "../ui/dom.js";

/**
 * @typedef {object} ReplayActions
 * @property {() => boolean} isShown whether keys are for this view
 * @property {() => void} play
 * @property {(steps: number) => void} step
 * @property {(position: number) => void} seek
 * @property {() => void} loop
 * @property {() => void} outline
 * @property {(mode: import("./screen.js").Mode) => void} toggle a mode, or back to the frame alone
 */

/**
 * Listen to the keyboard from now on.
 * @param {ReplayActions} actions
 */
export function listenToReplayKeys(actions) {
  /** @type {Record<string, () => void>} */
  const letters = {
    o: actions.outline,
    l: actions.loop,
    f: () => actions.toggle("flicker"),
    s: () => actions.toggle("onion"),
    1: () => actions.toggle("frame"),
  };
  /** @type {Record<string, () => void>} What a slider does by itself, where it has the focus. */
  const moves = {
    ArrowLeft: () => actions.step(-1),
    ArrowRight: () => actions.step(1),
    Home: () => actions.seek(0),
    End: () => actions.seek(Infinity),
    PageUp: () => actions.step(-10),
    PageDown: () => actions.step(10),
  };
  document.addEventListener("keydown", (event) => {
    if (!actions.isShown() || isTyping() || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = document.activeElement;
    const onRange = at instanceof HTMLInputElement && at.type === "range";
    const onButton = at !== null && at.closest("button, a, summary") !== null;
    const act =
      letters[letterOf(event)] ??
      (onRange ? undefined : moves[event.key]) ??
      (isSpace(event) && !onButton ? actions.play : undefined);
    if (!act) return;
    event.preventDefault();
    act();
  });
}
