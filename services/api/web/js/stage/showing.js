/** What a trial shows here: what may be drawn next is had ready, and drawn when the gaze process says so. */

import { Readying } from "./readying.js";
import { Swaps } from "./swaps.js";

/** @typedef {import("../pure/trial.js").TrialMessage & Record<string, any>} Step */

/**
 * @typedef {object} ShowingOptions
 * @property {import("../io/api.js").Api} api
 * @property {import("./screen.js").Screen} screen
 * @property {import("../pure/trial.js").Trial} trial
 * @property {import("../io/display.js").DisplaySocket} socket
 * @property {import("../pure/refresh.js").RefreshMeter} meter
 * @property {() => boolean} counts whether this is the display that the trial goes by
 * @property {(target: string) => boolean} isLookedAt whether the pointer, where that is the gaze, is at a sector
 * @property {(target: string) => void} onSwapped
 * @property {() => void} onChange
 * @property {(sentence: string) => void} onProblem
 */

/** After these something else may be drawn next. */
const BEARING_ON_NEXT = ["frame", "view", "gone", "abandoned", "prepared", "drop", "commit", "displayed"];
/** A press here darkens the view at once; what is told of it comes within this time. */
const TOLD_WITHIN_MS = 1_000;

export class Showing {
  /** @param {ShowingOptions} options */
  constructor(options) {
    this._options = options;
    /** @type {{roundTrip: number | null, waited: number | null, drawing: number | null}} milliseconds */
    this.timings = { roundTrip: null, waited: null, drawing: null };
    this.readying = new Readying({ ...options, onHeld: options.onChange });
    this._swaps = new Swaps({
      ...options,
      lacks: (swap) => this.readying.lacks(swap),
      draw: (swap) => this._draw(swap),
      onDrawn: (sinceMs) => this._drawn(sinceMs),
    });
    this._since = 0;
    this._pressedAt = -Infinity;
  }

  /** The picture on view. */
  get onView() {
    return this.readying.onView;
  }

  /** Another photograph. @param {import("./on-view.js").Decoded} picture */
  begin(picture) {
    this.forget();
    this.onView.begin(picture);
    this.readying.refresh(); // nothing that was made ahead goes onto that
  }

  /** Another trial begins, or none is known any more: a swap that is under way is not drawn. */
  forget() {
    this._swaps.forget();
  }

  /**
   * A step of the trial, which has been taken.
   * @param {Step} step
   * @param {{stage: string, chosen: import("../pure/preparations.js").Committed | null}} before how the trial stood
   */
  take(step, { stage, chosen }) {
    if (step.type === "swap") this._swap(/** @type {any} */ (step));
    else if (step.type === "displayed") this._displayed(step, chosen);
    else if (step.step === "withdrawn") this._swaps.withdraw(step.details.swap, step.details.reason);
    else if (step.step === "dark") this._goDark();
    else if (step.step === "request" || (step.step === "prepare" && stage !== "waiting")) this._since = performance.now();
    else if (step.step === "missed") this.readying.catchUp();
    if (BEARING_ON_NEXT.includes(step.step)) this.readying.refresh();
    if (stage !== "waiting" && this._options.trial.stage === "waiting") this._readied();
  }

  /**
   * The viewer has pressed: dark at once, where the trial goes by that.
   * @param {string} key
   * @param {boolean} isDark whether it would be so in the next trial, where there is none
   */
  press(key, isDark) {
    const { trial, screen, socket } = this._options;
    if (trial.isRunning ? trial.isDarkenedBy(key) : isDark) {
      this._pressedAt = performance.now();
      screen.goDark();
    }
    socket.key(key, performance.now());
  }

  /** One that a press here has brought has been there already. */
  _goDark() {
    const { trial, screen } = this._options;
    if (trial.trigger.name !== "key" || performance.now() - this._pressedAt > TOLD_WITHIN_MS) screen.goDark();
  }

  _readied() {
    this.timings = { roundTrip: performance.now() - this._since, waited: null, drawing: this.timings.drawing };
    this._since = performance.now();
  }

  /** @param {import("./swaps.js").Swap & {display: string}} swap */
  _swap(swap) {
    if (swap.display === this._options.socket.name) this._swaps.take(swap);
  }

  /** In the frame that draws. @param {import("./swaps.js").Swap} swap */
  _draw(swap) {
    const { screen, trial } = this._options;
    if (swap.kind !== "catch") screen.tellPatch();
    this.readying.draw(swap);
    trial.drawn(swap.kind === "change" ? swap.sha256 : null);
  }

  /** @param {number} sinceMs how long after it was told */
  _drawn(sinceMs) {
    this.timings.waited = performance.now() - this._since;
    this.timings.drawing = sinceMs;
    setTimeout(() => this.readying.refresh()); // once that frame is over
    this._options.onChange();
  }

  /** Another display has drawn it. @param {Step} step @param {import("../pure/preparations.js").Committed | null} chosen */
  _displayed({ caused_by: swap, sha256 = "", kind, target }, chosen) {
    if (kind === "change" && !this._swaps.isOurs(swap)) this.readying.follow(sha256, target, chosen);
  }
}
