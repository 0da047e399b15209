/** Where a picture lies in the view, and which point of it is under a point of the view. */

/** @typedef {"auto" | "fill" | "whole"} Fit */
/** @typedef {{left: number, top: number, width: number, height: number}} Box In CSS pixels of the view. */

/** A picture is cut at its edges only while this much of it stays in view. */
const ENOUGH = 0.74;

/**
 * @param {{width: number, height: number}} picture
 * @param {{width: number, height: number}} view
 * @param {Fit} fit auto: fill the view, unless that would hide too much of the picture
 * @returns {Box} may be larger than the view
 */
export function place(picture, view, fit) {
  const cover = Math.max(view.width / picture.width, view.height / picture.height);
  const contain = Math.min(view.width / picture.width, view.height / picture.height);
  const scale = fit === "fill" || (fit === "auto" && contain / cover >= ENOUGH) ? cover : contain;
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { left: (view.width - width) / 2, top: (view.height - height) / 2, width, height };
}

/**
 * @param {{x: number, y: number}} point in CSS pixels of the view
 * @param {Box} box
 * @returns {{x: number, y: number}} fractions of the picture; outside 0 to 1 beside it
 */
export function toPicture(point, box) {
  return { x: (point.x - box.left) / box.width, y: (point.y - box.top) / box.height };
}

/**
 * The size a picture is sent at: at most `limit` on either side.
 * @param {{width: number, height: number}} picture
 * @param {number} limit pixels
 */
export function within(picture, limit) {
  const scale = Math.min(1, limit / picture.width, limit / picture.height);
  return {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
    scaled: scale < 1,
  };
}
