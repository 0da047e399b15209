/** A trial as a page follows it: what its steps say of what is on view, made or asked for. Knows neither network nor DOM. */

import { Preparations } from "./preparations.js";

/** @typedef {import("./sectors.js").GridSize} GridSize */
/** @typedef {"resting" | "asking" | "waiting" | "committing" | "refused"} Stage */
/** @typedef {{name: string, keys: string[]}} Trigger */
/** @typedef {{frame: string, sha256: string}} Pending a picture that is made and not on view; `frame`: id of its step */

/** @typedef {import("../types.js").TrialState} TrialState */
/** @typedef {import("../types.js").TrialConfig} TrialConfig */
/** @typedef {import("../types.js").TrialMessage} TrialMessage */

/** What follows the name in the id of whoever asks the generator. */
const CLIENT = "trial:";

/** Phases that are no stage of their own: until the display has said that it can draw a picture, it is being made. */
const STAGES = /** @type {Record<string, Stage>} */ ({ asking: "asking", made: "asking", ready: "waiting", swapping: "waiting" });

export class Trial {
  constructor() {
    this.forget();
  }

  /** There is none, as far as is known. */
  forget() {
    /** @type {string | null} */
    this.id = null;
    this.isRunning = false;
    /** @type {string | null} The session that it is recorded in. */
    this.sessionId = null;
    /** @type {GridSize} */
    this.gridSize = 3;
    /** @type {Trigger} */
    this.trigger = { name: "", keys: [] };
    /** @type {string | null} The display that counts. */
    this.display = null;
    /** @type {string | null} Hash of the picture that the gaze process takes to be on view. */
    this.onView = null;
    /** @type {Preparations} What is made ahead. */
    this.ahead = new Preparations();
    /** @type {Stage} Of the change that was asked for when the gaze had rested, where none are made ahead. */
    this._stage = "resting";
    /** @type {string | null} */
    this.focus = null;
    /** @type {string | null} */
    this.target = null;
    /** @type {Pending | null} */
    this.pending = null;
    /** @type {string | null} What the change that is under way asks for. */
    this.prompt = null;
    /** @type {{code: string, detail: string} | null} */
    this._problem = null;
    /** @type {number} How many swaps were not drawn. */
    this.misses = 0;
    /** @type {string | null} Why the last swap was not drawn. */
    this.missed = null;
    /** @type {{generation: number | null, latency: number | null}} milliseconds */
    this.timings = { generation: null, latency: null };
    /** @type {string | null | undefined} Id of the request that is under way; undefined: some that is not known. */
    this._request = null;
  }

  /** The name under which the generator is asked for its pictures. */
  get client() {
    return CLIENT + this.id;
  }

  /** @type {{code: string, detail: string} | null} Why the last request failed; null once another one succeeded. */
  get problem() {
    return this._problem ?? this.ahead.problem;
  }

  /** @type {Stage} */
  get stage() {
    const { ahead } = this;
    if (!ahead.isUsed || this._stage !== "resting") return this._stage;
    if (ahead.committed) return this.pending ? "waiting" : "committing";
    if (ahead.hasReady(this.onView)) return "waiting";
    return ahead.areMaking ? "asking" : this.problem ? "refused" : "resting";
  }

  /** @param {string} key @returns {boolean} whether it triggers: the view goes dark around it */
  isDarkenedBy(key) {
    const { name, keys } = this.trigger;
    return name === "key" && (keys.length === 0 || keys.includes(key));
  }

  /** @param {TrialState} state */
  adopt(state) {
    this._begin(state.trial_id, state.config);
    this.isRunning = state.state === "running";
    this.sessionId = state.session_id;
    this.display = state.display;
    this.onView = state.picture_sha256;
    if (!this.isRunning) return;
    if (state.pending_frame && state.pending_sha256) {
      this.pending = { frame: state.pending_frame, sha256: state.pending_sha256 };
    }
    if (state.prepared?.length) this._adoptAhead(state, state.prepared);
    else this._stage = STAGES[state.phase ?? ""] ?? "resting";
    this._request = this._stage === "resting" ? null : undefined;
    if (this.stage !== "resting") [this.focus, this.target] = [state.focus, state.target];
  }

  /** The picture that waited is on view. @param {string | null} [sha256] its hash, where it is another one than before */
  drawn(sha256 = null) {
    if (sha256 !== null) this.onView = sha256;
    this._settle("resting");
  }

  /**
   * Take a step of this trial; others are passed over.
   * @param {TrialMessage} message
   * @returns {boolean} whether it was of this trial
   */
  take(message) {
    if (message.trial_id !== this.id || !this.isRunning) return false;
    const details = message.details ?? {};
    this.ahead.take(message.step, message.step_id, details);
    if (message.step === "view") this._viewed(details.display);
    else if (message.step === "gone") this._gone(details.display);
    else if (message.step === "request") this._asked(message.step_id, details);
    else if (message.step === "frame") this._made(message.step_id, details);
    else if (message.step === "failed") this._failed(details);
    else if (message.step === "commit") [this.focus, this.target] = [details.focus_sector, details.target_sector];
    else if (message.step === "prepared") this.timings.generation = details.generation_ms ?? this.timings.generation;
    else if (message.step === "fixation" && this.ahead.isUsed) this.focus = details.sector;
    else if (message.step === "ready" && this.pending?.frame === details.frame) this._ready();
    else if (message.step === "missed") this._missed(details.reason);
    else if (message.step === "abandoned") this._settle(this._stage === "refused" ? "refused" : "resting");
    else if (message.step === "displayed") this._displayed(message);
    else if (message.step === "end") this._end();
    return true;
  }

  /** @param {string | null} id @param {TrialConfig} config */
  _begin(id, config) {
    this.forget();
    this.id = id;
    this.gridSize = config.grid_size ?? 3;
    this.trigger = { name: config.trigger?.name ?? "", keys: config.trigger?.keys ?? [] };
  }

  /** @param {TrialState} state @param {import("./preparations.js").Listed[]} prepared */
  _adoptAhead({ phase, target }, prepared) {
    this.ahead.adopt(prepared);
    if (target && (phase === "committing" || this.pending)) this.ahead.adoptCommitted(target, this.pending?.sha256 ?? null);
  }

  /** @param {string} display */
  _viewed(display) {
    if (display !== this.display) this.ahead.forgetTold();
    this.display = display;
  }

  /** @param {string} display */
  _gone(display) {
    if (display !== this.display) return;
    this.display = null;
    this.ahead.forgetTold();
    if (this._stage === "waiting") this._stage = "asking"; // the next display has to have it
  }

  /** @param {string} id @param {{target_sector: string, focus_sector: string, prompt: string}} details */
  _asked(id, details) {
    this._settle("asking");
    this._request = id;
    this.target = details.target_sector;
    this.focus = details.focus_sector;
    this.prompt = details.prompt;
  }

  /** @param {string} id @param {{request: string, sha256: string, target: string, generation_ms: number}} details */
  _made(id, details) {
    if (this.ahead.made(details.request, details.sha256)) this._problem = null;
    else if (!this._isCurrent(details.request)) return;
    this.pending = { frame: id, sha256: details.sha256 };
    this.target = details.target;
    this.timings.generation = details.generation_ms;
  }

  /** @param {{request: string, code: string, detail: string}} details */
  _failed({ request, code, detail }) {
    const isChosen = this.ahead.isOf(request);
    if (!isChosen && !this._isCurrent(request)) return;
    this._problem = { code, detail };
    this._settle(isChosen ? "resting" : "refused");
  }

  _ready() {
    this._problem = null;
    if (!this.ahead.committed) this._stage = "waiting";
  }

  /** @param {string} reason */
  _missed(reason) {
    this.misses += 1;
    this.missed = reason;
  }

  /** @param {TrialMessage} message */
  _displayed(message) {
    this.timings.latency = message.latency_ms ?? null;
    if (message.kind === "change") this.onView = message.sha256 ?? null;
    this._settle("resting");
  }

  _end() {
    this.isRunning = false;
    this._settle("resting");
    this.ahead.clear();
  }

  /** Pictures of a request that was given up come all the same. @param {string} request */
  _isCurrent(request) {
    return this._request === undefined || this._request === request;
  }

  /** @param {Stage} stage */
  _settle(stage) {
    this._stage = stage;
    this.pending = null;
    this._request = null;
    this.ahead.settle();
    if (stage !== "resting") return;
    this.target = null;
    if (!this.ahead.isUsed) this.focus = null; // else it is where the gaze rested last
  }
}
