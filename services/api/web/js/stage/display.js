/** The display of a trial: it follows the trial's steps, gets pictures ready, and shows what it is told to. */

import { DisplaySocket } from "../io/display.js";
import { mayShow } from "../pure/gaze.js";
import { RefreshMeter } from "../pure/refresh.js";
import { Trial } from "../pure/trial.js";
import { seenOfPage } from "./page.js";
import { Showing } from "./showing.js";

/** @typedef {import("../pure/trial.js").TrialState} TrialState */
/** @typedef {import("../pure/trial.js").TrialMessage} TrialMessage */

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
    /** @type {import("../types.js").GazeStatus | null} Null while the gaze process is not there, as far as is known. */
    this.source = null;
    this.socket = new DisplaySocket(options.api, {
      hello: (trial, gaze) => this._hello(trial, gaze),
      viewed: (trial) => this._viewed(trial),
      step: (message) => this._step(message),
      source: (status) => this._sourced(status),
      gaze: (isThere) => this._gaze(isThere),
      lost: () => this._gaze(false),
    });
    this._showing = new Showing({
      ...options,
      trial: this.trial,
      socket: this.socket,
      meter: this.meter,
      counts: () => this.counts,
      onProblem: (sentence) => options.onProblem(sentence, ""),
    });
    /** Whether the gaze process has said which trial there is, so that none is replaced unawares. */
    this.isTold = false;
    /** Whether what is on view has been held against what the gaze process takes to be there. */
    this._isHeldAgainst = true;
    /** @type {TrialMessage[] | null} Steps that wait until it is known which trial is this page's. */
    this._held = null;
    /** What was told last of what failed. */
    this._problem = "";
    /** @type {number | null} The refresh interval that was told last. */
    this._told = null;
  }

  /** What is on view. */
  get picture() {
    return this._showing.onView.picture;
  }

  get timings() {
    return this._showing.timings;
  }

  /** Whether this is the display that the trial goes by. */
  get counts() {
    return this.socket.name !== null && this.trial.display === this.socket.name;
  }

  /** The bytes of what is on view; null where nothing is. */
  wholePicture() {
    return this._showing.onView.whole();
  }

  /** What is made and not on view, once it is here. */
  get waiting() {
    return this._showing.readying.waiting;
  }

  /** The changes that are made ahead, each by its sector, with how it stands here. */
  get ahead() {
    return this.trial.ahead.all.map((each) => ({ target: each.target, standing: this._showing.readying.standing(each) }));
  }

  /** Show another photograph; a trial that begins with it comes later. @param {import("./on-view.js").Decoded} picture */
  begin(picture) {
    this._showing.begin(picture);
  }

  /** Follow a trial that has begun with the picture on view. @param {TrialState} state */
  follow(state) {
    this._isHeldAgainst = true;
    this._showing.onView.sha256 = state.picture_sha256;
    this.reconnect(state);
  }

  /** Follow a trial that others have begun, and show its picture. @param {TrialState} state */
  join(state) {
    this._isHeldAgainst = true;
    this.reconnect(state);
    if (state.picture_sha256) void this._showing.readying.show(state.picture_sha256);
  }

  /** The server is there again, and with it the trial that was followed. @param {TrialState} state */
  reconnect(state) {
    this._showing.forget();
    this.trial.adopt(state);
    this._problem = "";
    this._showing.readying.refresh();
    this._options.onChange();
  }

  /** From now on steps wait: a trial is being begun, and which it is comes with the answer. */
  hold() {
    this._showing.forget();
    this._held ??= [];
  }

  /** The steps that waited, and those that come. */
  release() {
    const held = this._held ?? [];
    this._held = null;
    for (const message of held) this._step(message);
  }

  /**
   * The viewer has pressed: dark at once, where the trial goes by that.
   * @param {string} key
   * @param {boolean} isDark whether it would be so in the next trial, where there is none
   */
  press(key, isDark) {
    this._showing.press(key, isDark);
  }

  /** Each animation frame. @param {number} frameMs */
  tick(frameMs) {
    this.meter.frame(frameMs);
    const { screen } = this._options;
    const { page, box } = seenOfPage(screen);
    this.socket.show({ ...page, ...box, refresh_ms: this._refresh(), takes_sectors: true });
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
    this._showing.readying.refresh();
    if (trial.picture_sha256 && this._showing.onView.sha256) void this._showing.readying.show(trial.picture_sha256);
  }

  /** @param {boolean} isThere */
  _gaze(isThere) {
    if (!isThere) {
      this.source = null;
      this.isTold = false;
      this.trial.isRunning = false;
      this.trial.drawn();
      this._showing.forget();
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
    const before = { stage: this.trial.stage, chosen: this.trial.ahead.committed };
    if (!this.trial.take(message)) return;
    this._showing.take(message, before);
    if (message.step === "end") this._options.onEnded(message.details.reason ?? null, message.details.outcome);
    this._tellProblem();
    this._options.onChange();
  }

  /** The same again and again is told once. */
  _tellProblem() {
    const { problem, stage } = this.trial;
    if (!problem && stage === "waiting") this._problem = "";
    if (!problem || problem.detail === this._problem) return;
    this._problem = problem.detail;
    this._options.onProblem(problem.detail, problem.code);
  }
}
