/**
 * The chain: a fixation asks for a change, the finished picture waits for a blink, and the next change starts from it.
 * Knows neither network nor DOM: `generate` is given.
 */

import { chooseTarget, sectorsNear } from "./gaze.js";

/** @typedef {import("./sectors.js").GridSize} GridSize */
/** @typedef {import("./fixation.js").Fixation} Fixation */
/** @typedef {"resting" | "asking" | "waiting" | "refused"} ChainState */

/** After an error the same gaze must not hammer a server that has just said no. */
export const REST_AFTER_ERROR_MS = 2_000;

/** A picture that waits while the viewer rests on what it changes is given up after this, and another one asked for. */
export const OUTWAITED_MS = 5_000;

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
   *   generate: (picture: Picture, fixation: Fixation, signal: AbortSignal, target: string | null) => Promise<{picture: Picture, target: string}>,
   *   onChange: () => void,
   *   onError: (error: unknown) => number | void,
   *   now?: () => number,
   * }} options `generate` is told a target where it is not to be the server's choice; `onError` may answer with the
   *   milliseconds to rest.
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
    /** @type {number | null} Since when the viewer rests on what the waiting picture changes. */
    this._watchedSince = null;
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
    if (this.picture === null || this._now() < this._restUntil) return;
    const isSeen = this.target !== null && sectorsNear(fixation, this.gridSize).has(this.target);
    if (this.state === "waiting" && !this._isOutwaited(fixation, isSeen)) return;
    // A change that is being made where the viewer looks now would be seen: another one is asked for instead.
    if (this.state === "asking" && !isSeen) return;
    const choice = chooseTarget(fixation, this.gridSize);
    if (!choice) return;
    this._abandon();
    void this._ask(this.picture, fixation, choice);
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

  /**
   * Whether the viewer has rested so long where the waiting picture changes that it would wait for ever.
   * @param {Fixation} fixation @param {boolean} isSeen
   */
  _isOutwaited(fixation, isSeen) {
    if (!isSeen) this._watchedSince = null;
    else this._watchedSince ??= this._now() - fixation.duration;
    return this._watchedSince !== null && this._now() - this._watchedSince >= OUTWAITED_MS;
  }

  /** @param {Picture} picture @param {Fixation} fixation @param {{target: string | null, isOurs: boolean}} choice */
  async _ask(picture, fixation, { target, isOurs }) {
    const running = new AbortController();
    this._running = running;
    this.focus = fixation.sector;
    this.target = target;
    this._settle("asking");
    try {
      const made = await this._generate(picture, fixation, running.signal, isOurs ? target : null);
      if (this._running !== running) return;
      this._running = null;
      this.target = made.target;
      this.finished = { ...made, focus: fixation.sector };
      this._watchedSince = null;
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
