/** How often this display draws, as its animation frames tell. Times are milliseconds. */

/** What is taken until enough frames have been seen. */
export const USUAL_MS = 1000 / 60;

const KEPT = 61;
const ENOUGH = 20;

export class RefreshMeter {
  constructor() {
    /** @type {number[]} */
    this._frames = [];
  }

  /** A frame has begun. @param {number} at */
  frame(at) {
    if (at === this._frames.at(-1)) return;
    this._frames.push(at);
    if (this._frames.length > KEPT) this._frames.shift();
  }

  /** What came before says nothing of now: no frames were drawn meanwhile. */
  begin() {
    this._frames = [];
  }

  /** From a frame to the next, by the median; null while that is not known. @returns {number | null} */
  get measuredMs() {
    if (this._frames.length < ENOUGH) return null;
    const spacings = this._frames.slice(1).map((at, index) => at - this._frames[index]);
    spacings.sort((a, b) => a - b);
    return Math.round(spacings[Math.floor(spacings.length / 2)] * 1000) / 1000;
  }

  /** @returns {number} */
  get intervalMs() {
    return this.measuredMs ?? USUAL_MS;
  }

  /** How many frames did not come that should have, up to one that began just now. @param {number} at */
  droppedBefore(at) {
    const before = this._frames.findLast((frame) => frame < at);
    return before === undefined ? 0 : this.droppedBetween(before, at);
  }

  /** @param {number} from @param {number} to beginnings of two frames that came one after the other */
  droppedBetween(from, to) {
    return Math.max(0, Math.round((to - from) / this.intervalMs) - 1);
  }
}
