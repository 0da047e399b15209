/**
 * The chain: a fixation asks for a change, the finished picture waits for a blink, and the next change starts from it.
 * Knows neither network nor DOM: `generate` is given.
 */

import { opposite } from "./sectors.js";

/** @typedef {import("./sectors.js").GridSize} GridSize */
/** @typedef {import("./fixation.js").Fixation} Fixation */
/** @typedef {"resting" | "asking" | "waiting" | "refused"} ChainState */

/** After an error the same gaze must not hammer a server that has just said no. */
export const REST_AFTER_ERROR_MS = 2_000;

/**
 * @template Picture
 * @typedef {{picture: Picture, target: string, focus: string}} Finished
 */

/**
 * @template Picture
 */
export class Chain {
  /**
   * @param {{
   *   generate: (picture: Picture, fixation: Fixation, signal: AbortSignal) => Promise<{picture: Picture, target: string}>,
   *   onChange: () => void,
   *   onError: (error: unknown) => number | void,
   *   now?: () => number,
   * }} options `onError` may answer with the milliseconds to rest.
   */
  constructor({ generate, onChange, onError, now = () => performance.now() }) {
    this._generate = generate;
    this._onChange = onChange;
    this._onError = onError;
    this._now = now;
    /** @type {Picture | null} What is on view. */
    this.picture = null;
    /** @type {GridSize} */
    this.gridSize = 3;
    /** @type {ChainState} */
    this.state = "resting";
    /** @type {Finished<Picture> | null} */
    this.finished = null;
    /** @type {string | null} */
    this.focus = null;
    /** @type {string | null} What is being changed, where it is known beforehand. */
    this.target = null;
    /** @type {AbortController | null} */
    this._running = null;
    this._restUntil = 0;
  }

  /**
   * Begin anew from a picture.
   * @param {Picture} picture
   */
  begin(picture) {
    this._abandon();
    this.picture = picture;
    this._restUntil = 0;
    this._settle("resting");
  }

  /**
   * The gaze has rested on a sector.
   * @param {Fixation} fixation
   */
  fixated(fixation) {
    if (this.picture === null || this.state === "waiting" || this._now() < this._restUntil) return;
    if (this.state === "asking") {
      // A change that is being made where the viewer looks now would be seen: another one is asked for instead.
      if (fixation.sector !== this.target) return;
      this._abandon();
    }
    void this._ask(this.picture, fixation);
  }

  /**
   * The viewer sees nothing just now: take the finished picture, if there is one.
   * @returns {Finished<Picture> | null}
   */
  take() {
    const finished = this.finished;
    if (!finished) return null;
    this.picture = finished.picture;
    this.finished = null;
    this._settle("resting");
    return finished;
  }

  /** Stop what runs and forget what waits; the picture on view stays. */
  stop() {
    this._abandon();
    this._settle("resting");
  }

  /** @param {Picture} picture @param {Fixation} fixation */
  async _ask(picture, fixation) {
    const running = new AbortController();
    this._running = running;
    this.focus = fixation.sector;
    this.target = opposite(fixation.sector, this.gridSize);
    this._settle("asking");
    try {
      const made = await this._generate(picture, fixation, running.signal);
      if (this._running !== running) return;
      this._running = null;
      this.target = made.target;
      this.finished = { ...made, focus: fixation.sector };
      this._settle("waiting");
    } catch (error) {
      if (this._running !== running) return;
      this._running = null;
      this._restUntil = this._now() + (this._onError(error) || REST_AFTER_ERROR_MS);
      this._settle("refused");
    }
  }

  _abandon() {
    this._running?.abort();
    this._running = null;
    this.finished = null;
  }

  /** @param {ChainState} state */
  _settle(state) {
    this.state = state;
    if (state === "resting") this.focus = this.target = null;
    this._onChange();
  }
}
