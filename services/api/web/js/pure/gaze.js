/**
 * What a viewer looks at, and what may therefore not be changed now, free of DOM and clock. The gaze process decides; whose
 * pointer is the gaze asks once more in the frame that draws, as nothing is newer. Points are fractions of the picture.
 */

import { toPicture } from "./fit.js";
import { NAMES, position } from "./sectors.js";

/** @typedef {import("./sectors.js").GridSize} GridSize */
/** @typedef {import("./fit.js").Box} Box */

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
 * Whether a change in a sector would not be seen as it comes. Where nobody knows where the viewer looks, nothing may be
 * shown.
 * @param {string} target the sector that changes
 * @param {{x: number, y: number} | null} place where the viewer looks, in CSS pixels of the view; null: nobody knows
 * @param {{box: Box, gridSize: GridSize}} view `box`: where the picture lies now
 * @returns {boolean}
 */
export function mayShow(target, place, { box, gridSize }) {
  if (!place || !position(target, gridSize)) return false;
  return !sectorsNear(toPicture(place, box), gridSize).has(target);
}

/** @param {number} at @param {number} place @param {number} margin all in sectors */
function isWithin(at, place, margin) {
  return at >= place - margin && at <= place + 1 + margin;
}
