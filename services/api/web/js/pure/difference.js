/** How two pictures differ, pixel by pixel. */

/**
 * @typedef {object} Difference
 * @property {number} pixels how many there are
 * @property {number} changed how many differ in any channel
 * @property {number} mean mean absolute difference of a channel, 0 to 255
 * @property {number} psnr decibels; Infinity for equal pictures
 */

/** Small differences are made visible: a difference of 1 is shown as this, one of 64 and more as white. */
const FLOOR = 48;
const GAIN = (255 - FLOOR) / 64;

/**
 * @param {Uint8ClampedArray} a RGBA
 * @param {Uint8ClampedArray} b RGBA of the same size
 * @param {Uint8ClampedArray} [map] RGBA, filled with the map: black where equal, brighter where they differ more
 * @returns {Difference}
 */
export function difference(a, b, map) {
  let sum = 0;
  let squares = 0;
  let changed = 0;
  for (let at = 0; at < a.length; at += 4) {
    const red = Math.abs(a[at] - b[at]);
    const green = Math.abs(a[at + 1] - b[at + 1]);
    const blue = Math.abs(a[at + 2] - b[at + 2]);
    const most = Math.max(red, green, blue);
    if (most > 0) changed += 1;
    sum += red + green + blue;
    squares += red * red + green * green + blue * blue;
    if (map) {
      const shade = most === 0 ? 0 : FLOOR + most * GAIN;
      map[at] = shade;
      map[at + 1] = shade * 0.82;
      map[at + 2] = shade * 0.45;
      map[at + 3] = 255;
    }
  }
  const pixels = a.length / 4;
  const channels = pixels * 3;
  return {
    pixels,
    changed,
    mean: channels ? sum / channels : 0,
    psnr: squares ? 10 * Math.log10((255 * 255 * channels) / squares) : Infinity,
  };
}
