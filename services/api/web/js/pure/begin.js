/** What a page asks for when it begins a trial by itself. */

/** @typedef {import("../io/prefs.js").Preferences} Preferences */
/** @typedef {import("../stage/choices.js").Swap} Swap */

/** The source that is this page's pointer. */
export const PAGE = "page";

/** What triggers where a person presses: the space bar, a click or a tap. Other keys are only noted. */
export const PRESSED = [" ", "click"];

/** @type {Swap[]} What only somebody's eyes can tell. */
export const BY_EYES = ["blink", "saccade"];

/** In the dark nobody sees that an exchange is late: so long it may take, and a busy computer misses none. */
const IN_THE_DARK_MS = 1500;

const TRIGGERS = /** @type {Record<Swap, string>} */ ({
  press: "key",
  blackout: "blackout",
  once: "at_once",
  blink: "blink",
  saccade: "saccade",
});

/**
 * @param {Swap} chosen
 * @param {string} source of the gaze
 * @returns {Swap} what can be: a pointer neither blinks nor jumps
 */
export function possibleSwap(chosen, source) {
  return source === PAGE && BY_EYES.includes(chosen) ? "press" : chosen;
}

/**
 * The fields of `POST /trial/begin`, but for the picture.
 * @param {{preferences: Preferences, source: string, isRecorded: boolean}} wanted
 */
export function beginFields({ preferences, source, isRecorded }) {
  const name = TRIGGERS[possibleSwap(preferences.swap, source)];
  const more = { key: { keys: PRESSED, deadline_ms: IN_THE_DARK_MS }, blackout: { deadline_ms: IN_THE_DARK_MS } }[name];
  return {
    view: "default",
    grid_size: preferences.gridSize,
    policy: { name: "opposite", ask: "dwell", dwell_ms: preferences.dwellMs },
    trigger: { name, ...more },
    record: isRecorded,
    gives_way: true,
    fields: { by: PAGE },
  };
}

/**
 * Whether a page that has just come is to follow a trial, in place of beginning one of its own.
 * @param {import("./trial.js").TrialState} trial
 * @returns {boolean} one that a page began goes on only where another display shows it
 */
export function isToBeJoined(trial) {
  if (trial.state !== "running" || trial.view !== "default") return false;
  return trial.config.fields?.by !== PAGE || trial.display !== null;
}
