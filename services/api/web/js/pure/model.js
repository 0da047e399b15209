/** Which model makes the pictures, which one is on its way, and what becomes of a choice: from what the server says. */

/** @typedef {import("../types.js").Loading} Loading */
/** @typedef {import("../types.js").ModelState} ModelState */
/** @typedef {import("../types.js").ProcessHealth} ProcessHealth */

/**
 * @typedef {object} Choice a model that was chosen here, until it is known what became of it
 * @property {string} name
 * @property {string | null} before the one that ran when the server took it
 * @property {boolean} isTaken whether the server has taken it: what it answered before says nothing of it
 * @property {number | null} quietSince since when nothing has been on its way, in ms; null while something is
 */

/** @typedef {"waiting" | "made" | "failed" | "overtaken"} Outcome `overtaken`: somebody else's choice came after it */

const GB = 1e9;
/** A model that is loaded waits for the picture that is being made: for so long nothing may seem to be on its way. */
const PATIENCE_MS = 30_000;

/**
 * @param {Loading} loading
 * @returns {{figures: string, share: number} | null} `3.20 of 12.10 GB`, and 0 to 1; null where nothing is fetched
 */
export function progressOf({ done_bytes: done, bytes }) {
  if (!(bytes > 0)) return null;
  return { figures: `${gigabytes(done)} of ${gigabytes(bytes)} GB`, share: Math.min(Math.max(done / bytes, 0), 1) };
}

/**
 * What of a generator's status goes with a change of its model: where it differs, `GET /model` may answer otherwise.
 * @param {ProcessHealth} told
 * @returns {string}
 */
export function standingOf({ state, epoch, model, loading }) {
  return [state, epoch, model?.id, model?.revision, model?.files_sha256, loading?.model].map((each) => each ?? "").join("\n");
}

/**
 * What a new answer says of a choice.
 * @param {Choice} choice its `quietSince` is kept up
 * @param {ModelState} state
 * @param {number} nowMs
 * @returns {Outcome}
 */
export function outcomeOf(choice, { name, loading, failure }, nowMs) {
  if (name === choice.name) return "made";
  if (failure !== null && loading?.model !== choice.name) return "failed";
  if (name !== choice.before) return "overtaken";
  choice.quietSince = loading ? null : choice.quietSince ?? nowMs;
  return choice.quietSince !== null && nowMs - choice.quietSince > PATIENCE_MS ? "overtaken" : "waiting";
}

/**
 * What there is to choose from.
 * @param {ModelState | null} state
 * @returns {string[]} empty where there is no choice
 */
export function choicesOf(state) {
  if (!state) return [];
  const { name, choices } = state;
  const all = name === null || choices.includes(name) ? choices : [name, ...choices];
  return choices.length < 2 ? [] : all;
}

/** @param {number} bytes */
function gigabytes(bytes) {
  return (bytes / GB).toFixed(2);
}
