/** Looking: from points of the gaze to requests for a change, and from a finished picture to the one on view. */

import { headerText, isAbort, sentenceOf, ApiError } from "../io/api.js";
import { decode } from "../io/pictures.js";
import { nextInterval } from "../pure/blink.js";
import { Chain } from "../pure/chain.js";
import { FixationDetector } from "../pure/fixation.js";
import { toPicture } from "../pure/fit.js";
import { mayShow } from "../pure/gaze.js";

/** @typedef {{blob: Blob, bitmap: ImageBitmap}} Picture */
/** @typedef {{x: number, y: number}} Point */

/**
 * @typedef {object} LookerOptions
 * @property {import("../io/api.js").Api} api
 * @property {import("../io/prefs.js").Preferences} preferences
 * @property {import("./screen.js").Screen} screen
 * @property {string} clientId
 * @property {() => string | null} session the one being recorded
 * @property {() => boolean} isServerOut whether asking makes no sense just now
 * @property {() => void} onChange
 * @property {(finished: {target: string}) => void} onSwapped
 * @property {() => void} onSessionGone the session that the pictures should belong to is not being recorded
 * @property {(sentence: string) => void} onProblem
 */

export class Looker {
  /** @param {LookerOptions} options */
  constructor(options) {
    this._options = options;
    const { preferences } = options;
    this.detector = new FixationDetector({ gridSize: preferences.gridSize, dwellMs: preferences.dwellMs });
    /** @type {Chain<Picture>} */
    this.chain = new Chain({
      generate: (picture, fixation, signal, target) => this._generate(picture, fixation, signal, target),
      onChange: () => this._onChain(),
      onError: (error) => this._onError(error),
    });
    this.chain.gridSize = preferences.gridSize;
    /** @type {Point | null} In pixels of the view; null while nobody looks at it. */
    this.gaze = null;
    /** How old the last sample may be to be told by. A pointer that rests sends none; a tracker never stops. */
    this.sampleStaleMs = Infinity;
    /** @type {import("../pure/gaze.js").GazeSample | null} Where the gaze was last, also beside the picture. */
    this._sample = null;
    this._isRunning = false;
    /** @type {{generation: number | null, roundTrip: number | null, waited: number | null}} */
    this.timings = { generation: null, roundTrip: null, waited: null };
    /** @type {Record<string, string>} */
    this.last = {};
    this._finishedAt = 0;
    this._blinkAt = Infinity;
    this._frame = 0;
  }

  /** @param {Picture} picture */
  begin(picture) {
    this.detector.reset();
    this.chain.begin(picture);
    this._options.screen.begin(picture.bitmap);
    this._planBlink();
  }

  /** Take up the preferences, which may have changed. */
  configure() {
    const { preferences } = this._options;
    this.detector.dwellMs = preferences.dwellMs;
    if (this.chain.gridSize !== preferences.gridSize) {
      this.detector.gridSize = this.chain.gridSize = preferences.gridSize;
      this.detector.reset();
      this.chain.stop();
    }
    this._planBlink();
  }

  /** @param {Point | null} point in pixels of the view, null where nobody looks at it */
  look(point) {
    if (point) this.sample(point);
    this.gaze = point;
    const inPicture = point && toPicture(point, this._options.screen.box);
    this.detector.point(inPicture, performance.now());
  }

  /**
   * The gaze is at a place, which asks for no change by itself: at the controls, say.
   * @param {Point} point in pixels of the view
   */
  sample(point) {
    this._sample = { ...point, at: performance.now() };
  }

  /** Go on looking; `pause` ends it. */
  resume() {
    this._isRunning = true;
    cancelAnimationFrame(this._frame);
    this._planBlink();
    const tick = () => {
      this._frame = requestAnimationFrame(tick);
      this._tick(performance.now());
    };
    tick();
  }

  pause() {
    this._isRunning = false;
    cancelAnimationFrame(this._frame);
    this.look(null);
  }

  /** The viewer blinks: it is dark for a moment, whether or not there is another picture. */
  blink() {
    if (this.chain.picture) void this._options.screen.blink(() => this._exchange());
  }

  /** @param {number} now */
  _tick(now) {
    const { preferences, isServerOut, screen } = this._options;
    // While the server is out the dwell is not used up: whoever stays need not look away once it is back.
    const fixation = isServerOut() ? null : this.detector.due(now);
    if (fixation) this.chain.fixated(fixation);
    if (preferences.swap === "blackout" && now >= this._blinkAt) {
      this._planBlink();
      this.blink();
    }
    if (preferences.swap === "once" && !screen.isDimming) this._exchange()?.show();
    this._options.onChange();
  }

  _planBlink() {
    // Blackouts come whether or not a picture waits: otherwise each would announce a change.
    const blinks = this._options.preferences.swap === "blackout" && this.chain.picture;
    this._blinkAt = blinks ? performance.now() + nextInterval() : Infinity;
  }

  /**
   * What takes the place of the picture on view, if there is something and its change would not be seen in this frame.
   * @returns {import("./screen.js").Exchange | null}
   */
  _exchange() {
    const { finished, gridSize } = this.chain;
    if (!finished || !this._isRunning) return null;
    const { screen } = this._options;
    const mayGoOn = () => {
      screen.layOut(); // the window may have got another size since the last frame
      const { box } = screen;
      return mayShow(finished.target, this._sample, { box, gridSize, now: performance.now(), staleMs: this.sampleStaleMs });
    };
    return mayGoOn() ? { show: () => this._swap(), mayGoOn } : null;
  }

  _swap() {
    const before = this.chain.picture;
    const finished = this.chain.take();
    if (!finished) return;
    this.timings.waited = performance.now() - this._finishedAt;
    this._options.screen.show(finished.picture.bitmap);
    before?.bitmap.close();
    this._options.onSwapped(finished);
  }

  /**
   * @param {Picture} picture
   * @param {import("../pure/fixation.js").Fixation} fixation
   * @param {AbortSignal} signal
   * @param {string | null} target where it is not to be the server's choice
   */
  async _generate(picture, fixation, signal, target) {
    const { api, preferences, clientId, session } = this._options;
    const askedAt = performance.now();
    const { blob, headers } = await api.generate(
      picture.blob,
      {
        grid_size: preferences.gridSize,
        focus_x: fixation.x,
        focus_y: fixation.y,
        target_sector: target,
        client_id: clientId,
        session_id: session(),
      },
      signal,
    );
    const bitmap = await decode(blob);
    this._finishedAt = performance.now();
    this.timings = {
      generation: Number(headers.get("X-Generation-Ms")),
      roundTrip: this._finishedAt - askedAt,
      waited: null,
    };
    this.last = {
      prompt: headerText(headers, "X-Prompt"),
      seed: headers.get("X-Seed") ?? "",
      recorded: headers.get("X-Recorded") ?? "",
      object: headerText(headers, "X-Object"),
      "not done": headerText(headers, "X-Fallback"),
      gaze: `${Math.round(fixation.duration)} ms`,
    };
    return { picture: { blob, bitmap }, target: headers.get("X-Sector") ?? target ?? "" };
  }

  _onChain() {
    if (this.chain.state === "resting") this.detector.rest(performance.now());
    this._options.onChange();
  }

  /** @param {unknown} error @returns {number | void} */
  _onError(error) {
    if (isAbort(error)) return;
    if (error instanceof ApiError && error.code === "session_not_active") {
      this._options.onSessionGone();
      return;
    }
    this._options.onProblem(sentenceOf(error));
    if (error instanceof ApiError && error.retryAfterMs) return error.retryAfterMs;
  }
}
