/** The grid: names of sectors, their regions in pixels, and what lies opposite. */

/** @typedef {2 | 3} GridSize */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Region In pixels; right and bottom outside. */

/** @type {Record<GridSize, string[][]>} Names by row, then column. */
export const NAMES = {
  2: [["TL", "TR"], ["BL", "BR"]],
  3: [["TL", "TC", "TR"], ["ML", "MC", "MR"], ["BL", "BC", "BR"]],
};

/** @type {Record<string, string>} What a person calls them. */
const SPOKEN = {
  TL: "top left", TC: "top centre", TR: "top right",
  ML: "middle left", MC: "centre", MR: "middle right",
  BL: "bottom left", BC: "bottom centre", BR: "bottom right",
};

/**
 * @param {string | null | undefined} sector
 * @returns {string} in words, for labels
 */
export function spoken(sector) {
  return sector ? SPOKEN[sector] ?? sector : "not known";
}

/**
 * The sector that holds a point.
 * @param {number} x fraction of the width from the left, 0 to 1
 * @param {number} y fraction of the height from the top, 0 to 1
 * @param {GridSize} gridSize
 * @returns {string}
 */
export function atPoint(x, y, gridSize) {
  const last = gridSize - 1;
  const column = Math.min(Math.floor(Math.max(x, 0) * gridSize), last);
  const row = Math.min(Math.floor(Math.max(y, 0) * gridSize), last);
  return NAMES[gridSize][row][column];
}

/**
 * @param {string} sector
 * @param {GridSize} gridSize
 * @returns {{row: number, column: number} | null} null where the grid has no such sector
 */
export function position(sector, gridSize) {
  for (let row = 0; row < gridSize; row += 1) {
    const column = NAMES[gridSize][row].indexOf(sector);
    if (column >= 0) return { row, column };
  }
  return null;
}

/**
 * The sector across the centre; null for the centre itself, where the server draws a corner.
 * @param {string} sector
 * @param {GridSize} gridSize
 * @returns {string | null}
 */
export function opposite(sector, gridSize) {
  const found = position(sector, gridSize);
  if (!found || sector === "MC") return null;
  const last = gridSize - 1;
  return NAMES[gridSize][last - found.row][last - found.column];
}

/**
 * The pixels of a sector: edges lie at floor(i * size / gridSize), as on the server.
 * @param {string} sector
 * @param {GridSize} gridSize
 * @param {number} width
 * @param {number} height
 * @returns {Region | null}
 */
export function region(sector, gridSize, width, height) {
  const found = position(sector, gridSize);
  if (!found) return null;
  return {
    left: Math.floor((found.column * width) / gridSize),
    top: Math.floor((found.row * height) / gridSize),
    right: Math.floor(((found.column + 1) * width) / gridSize),
    bottom: Math.floor(((found.row + 1) * height) / gridSize),
  };
}

/**
 * The neighbour of a sector, for moving the gaze by keys; the same sector at the edge.
 * @param {string} sector
 * @param {GridSize} gridSize
 * @param {number} columns to the right
 * @param {number} rows down
 * @returns {string}
 */
export function neighbour(sector, gridSize, columns, rows) {
  const found = position(sector, gridSize) ?? { row: 0, column: 0 };
  const clamp = (/** @type {number} */ value) => Math.min(Math.max(value, 0), gridSize - 1);
  return NAMES[gridSize][clamp(found.row + rows)][clamp(found.column + columns)];
}
