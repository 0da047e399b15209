/** Exchanging pictures when the gaze process says so: within an animation frame, or not at all; and telling which. */

import { whyNot } from "../pure/swap.js";

/**
 * @typedef {object} Swap as the gaze process orders it
 * @property {string} trial_id
 * @property {string} step_id
 * @property {string} sha256
 * @property {"change" | "sham" | "catch"} kind
 * @property {string} target
 * @property {number | null} deadline_ms
 * @property {number} dark_ms
 * @property {string | null} [prepared_id] of a change that was made ahead
 * @property {string | null} [on] hash of the picture that its sector is laid over
 */

/**
 * @typedef {object} SwapOptions
 * @property {import("./screen.js").Screen} screen
 * @property {(swap: Swap) => string | null} lacks what is not there to draw it, as a sentence; null: all is
 * @property {import("../io/display.js").DisplaySocket} socket
 * @property {import("../pure/refresh.js").RefreshMeter} meter
 * @property {(target: string) => boolean} isLookedAt whether a sector is looked at, by what is known here; asked in each frame
 * @property {(swap: Swap) => void} draw
 * @property {(sinceMs: number) => void} onDrawn a frame has drawn it; `sinceMs`: after it was told
 */

export class Swaps {
  /** @param {SwapOptions} options */
  constructor(options) {
    this._options = options;
    /** @type {Swap | null} The one that is to be drawn. */
    this._waiting = null;
    /** @type {string | null} Why the one that waits must not be drawn any more. */
    this._withdrawn = null;
    /** When the one that waits was told. */
    this._toldMs = 0;
    /** @type {Set<string>} Ids of those that were told to this display. */
    this._ours = new Set();
  }

  /** Whether a swap was this display's. @param {string | null} id */
  isOurs(id) {
    return id !== null && this._ours.has(id);
  }

  /** Another trial begins, or none is known any more. */
  forget() {
    this.withdraw(this._waiting?.step_id ?? "", "another trial was begun");
    this._ours.clear();
  }

  /** @param {Swap} swap */
  take(swap) {
    this._ours.add(swap.step_id);
    this._waiting = swap;
    this._withdrawn = null;
    this._toldMs = performance.now();
    const { screen } = this._options;
    const exchanging = (/** @type {number} */ frameMs) => this._exchange(swap, frameMs);
    if (swap.dark_ms === 0) screen.exchangeNext(exchanging);
    else if (!screen.exchangeInTheDark(swap.dark_ms, exchanging)) this._miss(swap, "the exchange before it is not over");
  }

  /** One that was told must not be drawn any more. @param {string} id @param {string} [reason] */
  withdraw(id, reason = "it was withdrawn") {
    if (this._waiting?.step_id === id) this._withdrawn = reason;
  }

  /**
   * In the frame that would draw it.
   * @param {Swap} swap
   * @param {number} frameMs
   * @returns {import("./screen.js").Exchange | null}
   */
  _exchange(swap, frameMs) {
    const { screen, lacks, meter, isLookedAt } = this._options;
    screen.layOut(); // the window may have got another size since the last frame
    const isWithdrawn = this._withdrawn !== null || this._waiting !== swap;
    const why = whyNot({
      isWithdrawn,
      lacks: lacks(swap),
      isLookedAt: isLookedAt(swap.target),
      deadlineMs: swap.deadline_ms,
      frameMs,
      nowMs: performance.now(),
      refreshMs: meter.intervalMs,
    });
    if (why !== null) {
      this._miss(swap, (isWithdrawn && this._withdrawn) || why);
      return null;
    }
    this._waiting = null;
    return { show: () => this._draw(swap, frameMs), mayGoOn: () => !isLookedAt(swap.target) };
  }

  /** @param {Swap} swap @param {number} frameMs */
  _draw(swap, frameMs) {
    const { meter, socket, draw, onDrawn } = this._options;
    draw(swap);
    const drawnMs = performance.now();
    onDrawn(drawnMs - this._toldMs);
    const before = meter.droppedBefore(frameMs);
    const report = (/** @type {number} */ nextMs) => {
      if (nextMs < drawnMs) {
        requestAnimationFrame(report); // the frame was late: that one had begun before anything was drawn
        return;
      }
      socket.report("displayed", {
        trial_id: swap.trial_id,
        swap: swap.step_id,
        drawn_ms: drawnMs,
        frame_ms: frameMs,
        next_frame_ms: nextMs,
        refresh_ms: meter.intervalMs,
        dropped: before + meter.droppedBetween(frameMs, nextMs),
      });
    };
    requestAnimationFrame(report);
  }

  /** @param {Swap} swap @param {string} reason */
  _miss(swap, reason) {
    if (this._waiting === swap) this._waiting = null;
    this._options.socket.report("missed", { trial_id: swap.trial_id, swap: swap.step_id, reason });
  }
}
