/** When a gaze has rested on one sector long enough. No clock and no DOM: times are given, in milliseconds. */

import { atPoint, position } from "./sectors.js";

/** @typedef {import("./sectors.js").GridSize} GridSize */
/** @typedef {{sector: string, x: number, y: number, duration: number}} Fixation x, y: the mean point, 0 to 1. */

/** A gaze on a border jitters across it: it has left a sector only when it is this far outside (of the picture). */
const MARGIN = 0.02;

/** A pointer that has not moved for so long has nobody behind it. */
export const STALE_MS = 45_000;

export class FixationDetector {
  /**
   * @param {{gridSize: GridSize, dwellMs: number, staleMs?: number}} options
   */
  constructor({ gridSize, dwellMs, staleMs = STALE_MS }) {
    this.gridSize = gridSize;
    this.dwellMs = dwellMs;
    this.staleMs = staleMs;
    /** @type {string | null} The sector that the gaze is in. */
    this.sector = null;
    this._since = 0;
    this._lastAt = 0;
    this._sumX = 0;
    this._sumY = 0;
    this._count = 0;
  }

  /**
   * Take a point of the gaze; null when it has left the picture.
   * @param {{x: number, y: number} | null} point fractions of the picture
   * @param {number} now
   */
  point(point, now) {
    if (!point || point.x < 0 || point.x > 1 || point.y < 0 || point.y > 1) {
      this.sector = null;
      return;
    }
    if (this.sector === null || now - this._lastAt > this.staleMs || this._hasLeft(point)) this._enter(point, now);
    this._lastAt = now;
    this._sumX += point.x;
    this._sumY += point.y;
    this._count += 1;
  }

  /**
   * Ask whether the dwell is over. A gaze that stays is reported again after each further dwell.
   * @param {number} now
   * @returns {Fixation | null}
   */
  due(now) {
    if (this.sector === null || now - this._since < this.dwellMs || now - this._lastAt > this.staleMs) return null;
    const fixation = { sector: this.sector, ...this._mean(), duration: now - this._since };
    this._since = now;
    return fixation;
  }

  /**
   * How far the dwell is, 0 to 1.
   * @param {number} now
   * @returns {number}
   */
  progress(now) {
    if (this.sector === null) return 0;
    return Math.min(1, (now - this._since) / this.dwellMs);
  }

  /**
   * Begin the dwell anew: the picture has just changed, and what the eye did before does not count for it.
   * @param {number} now
   */
  rest(now) {
    this._since = now;
  }

  /** Forget the gaze: the picture is another one. */
  reset() {
    this.sector = null;
  }

  /** @param {{x: number, y: number}} point @param {number} now */
  _enter(point, now) {
    this.sector = atPoint(point.x, point.y, this.gridSize);
    this._since = now;
    this._sumX = this._sumY = this._count = 0;
  }

  /** @param {{x: number, y: number}} point */
  _hasLeft(point) {
    const box = this._box(MARGIN);
    return point.x < box.left || point.x > box.right || point.y < box.top || point.y > box.bottom;
  }

  /** The mean point, inside the sector: with the margin it can lie just beyond, and then would name another. */
  _mean() {
    const box = this._box(-1e-6);
    return {
      x: Math.min(Math.max(this._sumX / this._count, box.left), box.right),
      y: Math.min(Math.max(this._sumY / this._count, box.top), box.bottom),
    };
  }

  /** @param {number} margin */
  _box(margin) {
    const { row, column } = position(this.sector ?? "TL", this.gridSize) ?? { row: 0, column: 0 };
    const size = 1 / this.gridSize;
    return {
      left: column * size - margin,
      right: (column + 1) * size + margin,
      top: row * size - margin,
      bottom: (row + 1) * size + margin,
    };
  }
}
