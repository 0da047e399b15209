/** The keys of the stage. */

import { isSpace, letterOf } from "../pure/keys.js";
import { isTyping } from "../ui/dom.js";

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @typedef {object} StageActions
 * @property {() => boolean} isShown whether keys are for this view
 * @property {(key: string) => void} press the space bar, or a key that stands for nothing here: an answer, perhaps
 * @property {(columns: number, rows: number) => void} moveGaze
 * @property {() => void} debug
 * @property {() => void} fullScreen
 * @property {() => void} toggleControls
 * @property {() => void} showControls
 */

/**
 * Listen to the keyboard from now on.
 * @param {StageActions} actions
 */
export function listenToStageKeys(actions) {
  /** @type {Record<string, () => void>} */
  const letters = {
    d: actions.debug,
    f: actions.fullScreen,
    m: actions.toggleControls,
  };
  document.addEventListener("keydown", (event) => {
    if (!actions.isShown() || isTyping() || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = document.activeElement;
    // A button that was reached by keyboard is pressed by space; one that was clicked only happens to have the focus.
    const onButton = at instanceof HTMLButtonElement && at.matches(":focus-visible");
    const act = event.key === "Escape" ? actions.showControls : letters[letterOf(event)];
    if (event.key in ARROWS) actions.moveGaze(...ARROWS[event.key]);
    else if (isSpace(event) && !onButton) {
      if (!event.repeat) actions.press(" ");
    } else if (act) {
      if (!event.repeat) act();
    } else {
      if (!event.repeat && isAnswer(event, at)) actions.press(event.key);
      return;
    }
    event.preventDefault();
  });
}

/** What a page does by itself, and keys that only go with others. */
const OTHERS = ["Tab", "Enter", "Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock", "Dead", "Process", "Unidentified"];

/** @param {KeyboardEvent} event @param {Element | null} at */
function isAnswer(event, at) {
  if (letterOf(event) === "r" || /^F\d/.test(event.key)) return false;
  return !OTHERS.includes(event.key) || (event.key === "Enter" && (at === null || at === document.body || at.matches(".surface")));
}
