/**
 * The flicker paradigm: original, blank, changed, blank, over and over. A change that anybody would see is hard to
 * find that way (Rensink, O'Regan and Clark, Psychological Science 8, 1997: 240 ms a picture, 80 ms a blank).
 */

/** @typedef {"original" | "blank" | "changed"} Phase */
/** @typedef {{pictureMs: number, blankMs: number}} Rhythm */

/** @type {Rhythm} */
export const CLASSIC = { pictureMs: 240, blankMs: 80 };

/** For those who asked their system for less motion: under one and a half flashes a second. @type {Rhythm} */
export const GENTLE = { pictureMs: 560, blankMs: 160 };

/**
 * @param {number} elapsed milliseconds since it began
 * @param {Rhythm} rhythm
 * @returns {Phase}
 */
export function phaseAt(elapsed, { pictureMs, blankMs }) {
  const half = pictureMs + blankMs;
  const within = elapsed % (2 * half);
  if (within % half >= pictureMs) return "blank";
  return within < half ? "original" : "changed";
}

/**
 * Blanks a second, for the warning.
 * @param {Rhythm} rhythm
 */
export function flashesPerSecond({ pictureMs, blankMs }) {
  return 1000 / (pictureMs + blankMs);
}
