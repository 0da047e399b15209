/** The display of a trial: it follows the trial's steps, gets pictures ready, and shows what it is told to. */

import { DisplaySocket } from "../io/display.js";
import { TrialPictures } from "../io/trial-pictures.js";
import { isAbort, sentenceOf } from "../io/api.js";
import { mayShow } from "../pure/gaze.js";
import { RefreshMeter } from "../pure/refresh.js";
import { Trial } from "../pure/trial.js";
import { OnView } from "./on-view.js";
import { seenOfPage } from "./page.js";
import { Swaps } from "./swaps.js";

/** @typedef {import("../pure/trial.js").TrialState} TrialState */
/** @typedef {import("../pure/trial.js").TrialMessage} TrialMessage */
/** @typedef {import("./on-view.js").Picture} Picture */

/**
 * @typedef {object} DisplayOptions
 * @property {import("../io/api.js").Api} api
 * @property {import("./screen.js").Screen} screen
 * @property {(target: string) => boolean} isLookedAt whether the pointer, where that is the gaze, is at a sector
 * @property {() => void} onChange
 * @property {(target: string) => void} onSwapped
 * @property {(trial: TrialState) => void} onHello how the trial stands is known now, at each connection
 * @property {(id: string, config: import("../pure/trial.js").TrialConfig) => void} onBegun a trial has begun in this view
 * @property {(reason: string | null, outcome: string) => void} onEnded
 * @property {() => void} onSource it is known anew what the gaze comes from
 * @property {(sentence: string, code: string) => void} onProblem
 */

export class TrialDisplay {
  /** @param {DisplayOptions} options */
  constructor(options) {
    this._options = options;
    this.trial = new Trial();
    this.meter = new RefreshMeter();
    this.pictures = new TrialPictures(options.api);
    this._onView = new OnView({
      screen: options.screen,
      pictures: this.pictures,
      onSwapped: options.onSwapped,
      onProblem: (sentence) => options.onProblem(sentence, ""),
    });
    /** @type {import("../types.js").GazeStatus | null} Null while the gaze process is not there, as far as is known. */
    this.source = null;
    /** @type {{roundTrip: number | null, waited: number | null}} milliseconds */
    this.timings = { roundTrip: null, waited: null };
    this.socket = new DisplaySocket(options.api, {
      hello: (trial, gaze) => this._hello(trial, gaze),
      viewed: (trial) => this._viewed(trial),
      step: (message) => this._step(message),
      source: (status) => this._sourced(status),
      gaze: (isThere) => this._gaze(isThere),
      lost: () => this._gaze(false),
    });
    this._swaps = new Swaps({
      screen: options.screen,
      pictures: this.pictures,
      socket: this.socket,
      meter: this.meter,
      isLookedAt: options.isLookedAt,
      onDrawn: (swap) => this._drawn(swap),
    });
    /** Whether the gaze process has said which trial there is, so that none is replaced unawares. */
    this.isTold = false;
    /** Whether what is on view has been held against what the gaze process takes to be there. */
    this._isHeldAgainst = true;
    /** @type {TrialMessage[] | null} Steps that wait until it is known which trial is this page's. */
    this._held = null;
    this._since = 0;
    this._pressedAt = -Infinity;
    this._problem = "";
    /** @type {number | null} The refresh interval that was told last. */
    this._told = null;
  }

  /** What is on view. */
  get picture() {
    return this._onView.picture;
  }

  /** Whether this is the display that the trial goes by. */
  get counts() {
    return this.socket.name !== null && this.trial.display === this.socket.name;
  }

  /** The picture that is made and not on view, once it is here. */
  get waiting() {
    const { pending } = this.trial;
    return pending && this.pictures.held(pending.sha256);
  }

  /** Show another photograph; a trial that begins with it comes later. @param {Picture} picture */
  begin(picture) {
    this._swaps.forget();
    this._onView.begin(picture);
  }

  /** Follow a trial that has begun with the picture on view. @param {TrialState} state */
  follow(state) {
    this._isHeldAgainst = true;
    this._onView.sha256 = state.picture_sha256;
    this.reconnect(state);
  }

  /** Follow a trial that others have begun, and show its picture. @param {TrialState} state */
  join(state) {
    this._isHeldAgainst = true;
    this.reconnect(state);
    if (state.picture_sha256) void this._onView.show(state.picture_sha256);
  }

  /** The server is there again, and with it the trial that was followed. @param {TrialState} state */
  reconnect(state) {
    this._swaps.forget();
    this.trial.adopt(state);
    this._problem = "";
    this._prepare();
    this._options.onChange();
  }

  /** From now on steps wait: a trial is being begun, and which it is comes with the answer. */
  hold() {
    this._swaps.forget();
    this._held ??= [];
  }

  /** The steps that waited, and those that come. */
  release() {
    const held = this._held ?? [];
    this._held = null;
    for (const message of held) this._step(message);
  }

  /** Each animation frame. @param {number} frameMs */
  tick(frameMs) {
    this.meter.frame(frameMs);
    const { screen } = this._options;
    const { page, box } = seenOfPage(screen);
    this.socket.show({ ...page, ...box, refresh_ms: this._refresh() });
  }

  /** Whether a sector is looked at from a place. @param {string} target @param {{x: number, y: number} | null} place */
  isNear(target, place) {
    return !mayShow(target, place, { box: this._options.screen.box, gridSize: this.trial.gridSize });
  }

  /** Coarse, so that it is not told anew with each frame. */
  _refresh() {
    const measured = this.meter.measuredMs;
    if (measured === null) return this._told;
    if (this._told === null || Math.abs(measured - this._told) > 0.05 * this._told) this._told = measured;
    return this._told;
  }

  // -- what comes ----------------------------------------------------------------------------------------------------

  /** @param {TrialState | null} trial @param {import("../types.js").GazeStatus | null} gaze */
  _hello(trial, gaze) {
    this.source = gaze;
    this._isHeldAgainst = false;
    this.isTold = trial !== null;
    if (trial !== null) this._options.onHello(trial);
    this._options.onSource();
  }

  /** @param {TrialState} trial */
  _viewed(trial) {
    if (!this.isTold) {
      this.isTold = true;
      this._options.onHello(trial);
      this._options.onSource();
    }
    if (this._isHeldAgainst) return;
    this._isHeldAgainst = true;
    if (trial.trial_id === null || trial.trial_id !== this.trial.id) return;
    this.trial.adopt(trial);
    this._prepare();
    if (trial.picture_sha256 && this._onView.sha256) void this._onView.show(trial.picture_sha256);
  }

  /** @param {boolean} isThere */
  _gaze(isThere) {
    if (!isThere) {
      this.source = null;
      this.isTold = false;
      this.trial.isRunning = false;
      this.trial.drawn();
      this._swaps.forget();
    }
    this._options.onChange();
  }

  /** @param {import("../types.js").GazeStatus} status */
  _sourced(status) {
    this.source = status;
    if (!this.isTold) this.socket.showAgain(); // the answer tells it
    this._options.onSource();
  }

  /** @param {TrialMessage & Record<string, any>} message */
  _step(message) {
    if (this._held) {
      this._held.push(message);
      return;
    }
    if (message.step === "begin" && message.trial_id !== this.trial.id) {
      this._options.onBegun(message.trial_id, message.details.config);
      return;
    }
    const before = this.trial.stage;
    if (!this.trial.take(message)) return;
    if (message.type === "swap") this._swap(/** @type {any} */ (message));
    else if (message.type === "displayed") this._displayed(message);
    else if (message.step === "withdrawn") this._swaps.withdraw(message.details.swap, message.details.reason);
    else if (message.step === "dark") this._goDark();
    else if (message.step === "request") this._since = performance.now();
    else if (message.step === "frame" || message.step === "view" || message.step === "abandoned") this._prepare();
    else if (message.step === "failed") this._failed();
    else if (message.step === "end") this._options.onEnded(message.details.reason ?? null, message.details.outcome);
    if (before !== this.trial.stage && this.trial.stage === "waiting") this._readied();
    this._options.onChange();
  }

  /** Get what waits decoded, and say so. */
  _prepare() {
    const { id, pending } = this.trial;
    this.pictures.keep([pending?.sha256, this._onView.coming]);
    if (!pending || id === null) return;
    this.pictures.get(pending.sha256).then(
      () => {
        if (this.trial.id === id && this.trial.pending?.frame === pending.frame && this.counts) this.socket.ready(id, pending.frame);
      },
      (error) => {
        if (!isAbort(error)) this._options.onProblem(sentenceOf(error), "");
      },
    );
  }

  _readied() {
    this._problem = "";
    this.timings = { roundTrip: performance.now() - this._since, waited: null };
    this._since = performance.now();
  }

  _failed() {
    const { problem } = this.trial;
    // The same again and again is told once.
    if (!problem || problem.detail === this._problem) return;
    this._problem = problem.detail;
    this._options.onProblem(problem.detail, problem.code);
  }

  // -- what is shown -------------------------------------------------------------------------------------------------

  /**
   * The viewer has pressed: dark at once, where the trial goes by that.
   * @param {string} key
   * @param {boolean} isDark whether it would be so in the next trial, where there is none
   */
  press(key, isDark) {
    if (this.trial.isRunning ? this.trial.isDarkenedBy(key) : isDark) {
      this._pressedAt = performance.now();
      this._options.screen.goDark();
    }
    this.socket.key(key, performance.now());
  }

  /** One that a press here has brought has been there already. */
  _goDark() {
    if (this.trial.trigger.name !== "key" || performance.now() - this._pressedAt > 1_000) {
      this._options.screen.goDark();
    }
  }

  /** @param {import("./swaps.js").Swap & {display: string}} swap */
  _swap(swap) {
    if (swap.display === this.socket.name) this._swaps.take(swap);
  }

  /** @param {import("./swaps.js").Swap} swap */
  _drawn(swap) {
    if (swap.kind !== "catch") this._options.screen.tellPatch();
    if (swap.kind === "change") this._onView.put(swap.sha256, swap.target);
    this.timings.waited = performance.now() - this._since;
    this.trial.drawn();
    this._options.onChange();
  }

  /** Another display has drawn it. @param {TrialMessage & Record<string, any>} message */
  _displayed({ caused_by: swap, sha256, kind, target }) {
    if (kind === "change" && !this._swaps.isOurs(swap)) void this._onView.show(sha256, target);
  }
}
