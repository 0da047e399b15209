/** Which trial this page shows: one of its own, begun with the picture on view, or one that others have begun. */

import { ApiError, sentenceOf } from "../io/api.js";
import { beginFields, isToBeJoined } from "../pure/begin.js";

/** @typedef {import("../pure/trial.js").TrialState} TrialState */

/**
 * @typedef {object} TrialsOptions
 * @property {import("../io/api.js").Api} api
 * @property {import("../io/prefs.js").Preferences} preferences
 * @property {import("../io/recording.js").Recording} recording
 * @property {() => import("./display.js").TrialDisplay} display
 * @property {() => boolean} isKnown whether the server has answered, so that it is known what is recorded
 * @property {() => void} onJoined a trial that others have begun is followed, and its picture shown
 * @property {(sentence: string) => void} onProblem
 */

/** So long after a refusal it is tried again, where the server names no time. */
const AGAIN_MS = 3_000;
/** A trial that others ended may be followed by one of theirs, or be told as lost with its session. */
const SETTLED_MS = 1_000;
/** These say what is wrong with the request itself: the same one again is refused again. */
const FINAL = ["invalid_request", "unreadable_image", "payload_too_large", "invalid_json"];
/** What the health light tells, or the question for a token: the page goes on by itself when it is over. */
const TOLD_ELSEWHERE = ["gaze_unavailable", "unreachable", "unauthorized"];
/** Somebody else's trial is under way, and does not give way: it is followed once its steps come. */
const TAKEN = "trial_active";
const REPLACED = "another trial was begun";

export class Trials {
  /** @param {TrialsOptions} options */
  constructor(options) {
    this._options = options;
    /** Whether the picture on view is this page's own affair, and not of a trial that others have begun. */
    this._isOwn = false;
    /** @type {string | null} The trial that this page has begun. */
    this._id = null;
    /** What it was begun with. */
    this._begunWith = "";
    /** What was refused last, and until when it is not asked again. */
    this._refused = { wanted: "", until: 0 };
    /** Whether it is over, and only a person begins another one. */
    this._isOver = false;
    this._isShown = false;
    this._isBeginning = false;
    this._isWantedAnew = false;
    /** Whether somebody here has chosen another photograph while a trial of others was shown: that ends theirs. */
    this._replaces = false;
    this._timer = 0;
    this._problem = "";
    /** @type {(isJoined: boolean) => void} */
    this._greet = () => {};
    /** @type {Promise<boolean>} Whether the first greeting of the server named a trial that is followed now. */
    this.greeted = new Promise((resolve) => {
      this._greet = resolve;
    });
  }

  /** The stage is on show, or no longer. @param {boolean} isShown */
  show(isShown) {
    this._isShown = isShown;
    this.refresh();
  }

  /** Begin with another photograph, which is on view. */
  begin() {
    this._replaces = !this._isOwn && Boolean(this._options.display().trial.isRunning);
    this._isOwn = true;
    this._isOver = false;
    this._problem = "";
    this._refused.until = 0;
    this._id = null;
    this.refresh();
  }

  /** Begin anew where something is not as the trial was begun with, or none is under way though one should be. */
  refresh() {
    const { recording, isKnown } = this._options;
    const display = this._options.display();
    if (!this._isOwn || this._isOver || !this._isShown || !isKnown() || !display.picture) return;
    if (display.source === null || !display.isTold) return;
    if (!recording.isSound) {
      // A change that would not be recorded as somebody here believes is not made at all.
      if (recording.loss !== null) void this._end();
      return;
    }
    const wanted = this._wanted();
    if (wanted === this._refused.wanted && performance.now() < this._refused.until) return;
    if (display.trial.isRunning && display.trial.id === this._id && wanted === this._begunWith) return;
    if (this._isBeginning) this._isWantedAnew = true;
    else void this._begin(wanted);
  }

  /** How the trial stands is known now, after this page has been connected. @param {TrialState} trial */
  greet(trial) {
    const display = this._options.display();
    const isOurs = trial.state === "running" && trial.trial_id === this._id;
    const isJoined = !isOurs && trial.trial_id !== display.trial.id && isToBeJoined(trial);
    if (isOurs) display.reconnect(trial);
    else if (isJoined) this._join(trial);
    this._greet(isJoined);
  }

  /** A trial has begun in this page's view. @param {string} id @param {import("../pure/trial.js").TrialConfig} config */
  begun(id, config) {
    if (id === this._id) return;
    this._join({
      trial_id: id,
      state: "running",
      session_id: config.session?.session_id ?? null,
      view: "default",
      display: null,
      picture_sha256: config.picture_sha256 ?? null,
      phase: "resting",
      focus: null,
      target: null,
      pending_sha256: null,
      pending_frame: null,
      config,
    });
  }

  /** The trial that is followed has ended. @param {string | null} reason @param {string} outcome */
  ended(reason, outcome) {
    if (!this._isOwn || this._options.display().trial.id !== this._id) return;
    if (outcome === "complete" || reason === REPLACED) this._isOver = true;
    else this._wait(this._wanted(), SETTLED_MS);
    void this._options.recording.check(); // it may be its session that was stopped
  }

  /** @param {TrialState} trial */
  _join(trial) {
    this._isOwn = false;
    this._id = null;
    this._options.onJoined();
    this._options.display().join(trial);
  }

  /** What a trial is begun with, as text to compare. */
  _wanted() {
    return JSON.stringify([this._fields(), this._options.recording.believed]);
  }

  _fields() {
    const { preferences, recording } = this._options;
    const source = this._options.display().source?.source ?? "";
    return beginFields({ preferences, source, isRecorded: recording.believed !== null });
  }

  /** @param {string} wanted */
  async _begin(wanted) {
    const { api, recording } = this._options;
    const display = this._options.display();
    const { picture } = display;
    if (!picture) return;
    this._isBeginning = true;
    this._isWantedAnew = false;
    display.hold();
    try {
      const believed = recording.believed;
      const whole = await display.wholePicture();
      if (!whole) throw new Error("The picture on view cannot be read.");
      const state = await api.beginTrial(whole, { ...this._fields(), replace: this._replaces });
      this._problem = "";
      this._replaces = false;
      this._id = state.trial_id;
      this._begunWith = wanted;
      if (display.picture === picture && this._isOwn) display.follow(state);
      if (state.session_id !== believed) await this._end(); // recorded as nobody here believes
    } catch (error) {
      this._fail(error, wanted);
    }
    this._isBeginning = false;
    display.release();
    if (this._isWantedAnew || display.picture !== picture) this.refresh();
  }

  /** @param {unknown} error @param {string} wanted */
  _fail(error, wanted) {
    const { recording, onProblem } = this._options;
    const { code, retryAfterMs } = error instanceof ApiError ? error : { code: "", retryAfterMs: 0 };
    if (code === "session_not_active") void recording.check();
    else if (code !== TAKEN && !TOLD_ELSEWHERE.includes(code) && sentenceOf(error) !== this._problem) {
      this._problem = sentenceOf(error);
      onProblem(this._problem);
    }
    this._wait(wanted, FINAL.includes(code) ? Infinity : retryAfterMs || AGAIN_MS);
  }

  /** End this page's own trial. */
  async _end() {
    const display = this._options.display();
    const id = this._id;
    if (id === null || display.trial.id !== id || !display.trial.isRunning) return;
    this._id = null;
    try {
      await this._options.api.endTrial(id);
    } catch (error) {
      console.info(`The trial was not ended: ${sentenceOf(error)}`); // it may be over already
    }
    void this._options.recording.check();
  }

  /** @param {string} wanted @param {number} ms */
  _wait(wanted, ms) {
    this._refused = { wanted, until: performance.now() + ms };
    clearTimeout(this._timer);
    if (ms < Infinity) this._timer = window.setTimeout(() => this.refresh(), ms + 1);
  }
}
