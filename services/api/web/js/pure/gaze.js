/**
 * What a viewer looks at, and what may therefore be changed now: the one rule of the stage, free of DOM and clock.
 * Points are fractions of the picture unless said otherwise; times are milliseconds of one clock.
 */

import { toPicture } from "./fit.js";
import { NAMES, opposite, position } from "./sectors.js";

/** @typedef {import("./sectors.js").GridSize} GridSize */
/** @typedef {import("./fit.js").Box} Box */
/** @typedef {{x: number, y: number, at: number}} GazeSample x, y: CSS pixels of the view */

/**
 * So close to a sector one sees what changes in it, as a share of the picture's width or height. On a picture 50 cm wide,
 * 60 cm away, it is about two degrees of visual angle: what is seen sharply, and what a tracker is off by.
 */
export const NEAR = 0.04;

/**
 * The sectors that are looked at: more than one at a border, none well beside the picture.
 * @param {{x: number, y: number}} point
 * @param {GridSize} gridSize
 * @param {number} [margin]
 * @returns {Set<string>}
 */
export function sectorsNear({ x, y }, gridSize, margin = NEAR) {
  const found = new Set();
  for (const [row, names] of NAMES[gridSize].entries()) {
    for (const [column, name] of names.entries()) {
      if (isWithin(x * gridSize, column, margin * gridSize) && isWithin(y * gridSize, row, margin * gridSize)) found.add(name);
    }
  }
  return found;
}

/**
 * Whether a change in a sector would not be seen as it comes. Asked in the animation frame that draws it, about the last
 * sample before. Where nobody knows where the viewer looks, nothing may be shown.
 * @param {string} target the sector that changes
 * @param {GazeSample | null} sample the last one there was
 * @param {{box: Box, gridSize: GridSize, now: number, staleMs: number}} view
 *   `box`: where the picture lies now; `staleMs`: an older sample tells nothing any more
 * @returns {boolean}
 */
export function mayShow(target, sample, { box, gridSize, now, staleMs }) {
  if (!sample || now - sample.at > staleMs || !position(target, gridSize)) return false;
  return !sectorsNear(toPicture(sample, box), gridSize).has(target);
}

/**
 * What to have changed while a viewer rests on a place.
 * @param {{sector: string, x: number, y: number}} fixation
 * @param {GridSize} gridSize
 * @param {() => number} [random] uniform, 0 to 1
 * @returns {{target: string | null, isOurs: boolean} | null} `target`: null where the server draws it; `isOurs`: it is
 *   not what the server would take by itself. Null: whatever changed would be seen.
 */
export function chooseTarget(fixation, gridSize, random = Math.random) {
  const near = sectorsNear(fixation, gridSize);
  const across = opposite(fixation.sector, gridSize);
  const last = gridSize - 1;
  const names = NAMES[gridSize];
  const usual = across ? [across] : [names[0][0], names[0][last], names[last][0], names[last][last]];
  if (usual.every((name) => !near.has(name))) return { target: across, isOurs: false };
  const left = across ? names.flat().filter((name) => !near.has(name)) : usual.filter((name) => !near.has(name));
  if (left.length === 0) return null;
  return { target: left[Math.min(Math.floor(random() * left.length), left.length - 1)], isOurs: true };
}

/** @param {number} at @param {number} place @param {number} margin all in sectors */
function isWithin(at, place, margin) {
  return at >= place - margin && at <= place + 1 + margin;
}
