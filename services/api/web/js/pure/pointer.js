/**
 * Where somebody looks who has a pointer, a finger or arrow keys in place of an eye tracker: where that was last. Knows
 * neither DOM nor clock. Points are CSS pixels of the stage, times milliseconds.
 */

import { USUAL_MS } from "./refresh.js";

/** @typedef {{x: number, y: number}} Point */
/** @typedef {import("./fit.js").Box} Box */
/** @typedef {[number, number, number] | [number, null, null]} SentPoint time in milliseconds, and fractions of the page */

/** A pointer that nobody has moved for so long has nobody behind it. */
export const STALE_MS = 45_000;

/** A page that is busy for longer than two frames sends what it left out; one that was away for longer does not. */
const GAP_MS = 2 * USUAL_MS;
const LONGEST_GAP_MS = 1_000;

/** A pointer that left is so far beside page and picture, as a share of the page. */
const BESIDE = 0.1;

export class PointerPlace {
  constructor() {
    /** @type {Point | null} */
    this._place = null;
    this._movedAt = 0;
    /** @type {"left" | "right" | "top" | "bottom" | null} Over which edge it left the page. */
    this._leftOver = null;
    /** @type {SentPoint | null} */
    this._sent = null;
  }

  /** It is somewhere. @param {Point} place @param {number} now */
  move(place, now) {
    this._place = place;
    this._movedAt = now;
    this._leftOver = null;
  }

  /** It has left the page. @param {Point} place where it was seen last, or just beside the page @param {Box} page */
  leave(place, page) {
    const { x, y } = place;
    const ways = {
      left: x - page.left,
      right: page.left + page.width - x,
      top: y - page.top,
      bottom: page.top + page.height - y,
    };
    const edges = /** @type {(keyof typeof ways)[]} */ (Object.keys(ways));
    this._place = place;
    this._leftOver = edges.reduce((nearest, edge) => (ways[edge] < ways[nearest] ? edge : nearest));
  }

  /**
   * Where the viewer looks, beside page and picture where the pointer has left.
   * @param {number} now
   * @param {{page: Box, box: Box}} view `page`: what is seen of it; `box`: where the picture lies
   * @returns {Point | null} null where nobody knows
   */
  at(now, { page, box }) {
    if (!this._place || now - this._movedAt > STALE_MS) return null;
    const { x, y } = this._place;
    const [right, bottom] = [box.left + box.width, box.top + box.height];
    const away = { x: BESIDE * page.width, y: BESIDE * page.height };
    if (this._leftOver === "left") return { x: Math.min(page.left, box.left) - away.x, y };
    if (this._leftOver === "right") return { x: Math.max(page.left + page.width, right) + away.x, y };
    if (this._leftOver === "top") return { x, y: Math.min(page.top, box.top) - away.y };
    if (this._leftOver === "bottom") return { x, y: Math.max(page.top + page.height, bottom) + away.y };
    return { x, y };
  }

  /**
   * What is to be sent of it, again and again: whoever sends nothing is not there. While a page was busy it sent nothing,
   * and the pointer was where it was: that is sent as well.
   * @param {number} now
   * @param {{page: Box, box: Box}} view
   * @returns {SentPoint[]} oldest first
   */
  toSend(now, view) {
    const before = this._sent;
    if (before && now <= before[0]) return [];
    const place = this.at(now, view);
    const { page } = view;
    /** @type {SentPoint} */
    const newest = place ? [now, share(place.x - page.left, page.width), share(place.y - page.top, page.height)] : [now, null, null];
    this._sent = newest;
    return [...missedAfter(before, now), newest];
  }
}

/** @param {SentPoint | null} before @param {number} now @returns {SentPoint[]} */
function missedAfter(before, now) {
  if (!before || before[1] === null || now - before[0] < GAP_MS || now - before[0] > LONGEST_GAP_MS) return [];
  const [at, x, y] = before;
  const count = Math.round((now - at) / USUAL_MS) - 1;
  return Array.from({ length: count }, (_, index) => [at + ((now - at) * (index + 1)) / (count + 1), x, y]);
}

/** @param {number} part @param {number} whole */
function share(part, whole) {
  return Math.round((part / whole) * 1e6) / 1e6;
}
