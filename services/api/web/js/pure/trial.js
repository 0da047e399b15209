/** A trial as a page follows it: what its steps say of what is on view, made or asked for. Knows neither network nor DOM. */

/** @typedef {import("./sectors.js").GridSize} GridSize */
/** @typedef {"resting" | "asking" | "waiting" | "refused"} Stage */
/** @typedef {{name: string, keys: string[]}} Trigger */
/** @typedef {{frame: string, sha256: string}} Pending a picture that is made and not on view; `frame`: id of its step */

/**
 * @typedef {object} TrialState as `/trial` and the display's connection tell it
 * @property {string | null} trial_id
 * @property {string} state none, running, complete or interrupted
 * @property {string | null} session_id
 * @property {string | null} view
 * @property {string | null} display
 * @property {string | null} picture_sha256
 * @property {string | null} phase
 * @property {string | null} focus
 * @property {string | null} target
 * @property {string | null} pending_sha256
 * @property {string | null} pending_frame
 * @property {TrialConfig} config
 */

/**
 * @typedef {object} TrialConfig
 * @property {GridSize} [grid_size]
 * @property {{name: string, keys?: string[]}} [trigger]
 * @property {{session_id: string} | null} [session]
 * @property {string} [picture_sha256]
 * @property {Record<string, unknown>} [fields]
 */

/**
 * @typedef {object} TrialMessage a step of a trial: the fields of `trial` stand in `details`, of others beside the rest
 * @property {string} type trial, swap or displayed
 * @property {string} trial_id
 * @property {string} step
 * @property {string} step_id
 * @property {string | null} caused_by
 * @property {any} [details]
 * @property {number | null} [latency_ms]
 */

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
    /** @type {Stage} */
    this.stage = "resting";
    /** @type {string | null} */
    this.focus = null;
    /** @type {string | null} */
    this.target = null;
    /** @type {Pending | null} */
    this.pending = null;
    /** @type {string | null} What the change that is under way asks for. */
    this.prompt = null;
    /** @type {{code: string, detail: string} | null} Why the last request failed; null once another one succeeded. */
    this.problem = null;
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
    if (!this.isRunning) return;
    this.stage = STAGES[state.phase ?? ""] ?? "resting";
    this._request = this.stage === "resting" ? null : undefined;
    if (this.stage !== "resting") [this.focus, this.target] = [state.focus, state.target];
    if (state.pending_frame && state.pending_sha256) {
      this.pending = { frame: state.pending_frame, sha256: state.pending_sha256 };
    }
  }

  /** A trial that has just begun. @param {string} id @param {TrialConfig} config */
  began(id, config) {
    this._begin(id, config);
    this.isRunning = true;
    this.sessionId = config.session?.session_id ?? null;
  }

  /** The picture that waited is on view. */
  drawn() {
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
    if (message.step === "view") this.display = details.display;
    else if (message.step === "gone") this._gone(details.display);
    else if (message.step === "request") this._asked(message.step_id, details);
    else if (message.step === "frame") this._made(message.step_id, details);
    else if (message.step === "failed") this._failed(details);
    else if (message.step === "ready" && this.pending?.frame === details.frame) this._ready();
    else if (message.step === "missed") this._missed(details.reason);
    else if (message.step === "abandoned") this._settle(this.stage === "refused" ? "refused" : "resting");
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

  /** @param {string} display */
  _gone(display) {
    if (display !== this.display) return;
    this.display = null;
    if (this.stage === "waiting") this.stage = "asking"; // the next display has to have it
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
    if (!this._isCurrent(details.request)) return;
    this.pending = { frame: id, sha256: details.sha256 };
    this.target = details.target;
    this.timings.generation = details.generation_ms;
  }

  /** @param {{request: string, code: string, detail: string}} details */
  _failed({ request, code, detail }) {
    if (!this._isCurrent(request)) return;
    this.problem = { code, detail };
    this._settle("refused");
  }

  _ready() {
    this.problem = null;
    this.stage = "waiting";
  }

  /** @param {string} reason */
  _missed(reason) {
    this.misses += 1;
    this.missed = reason;
  }

  /** @param {TrialMessage} message */
  _displayed(message) {
    this.timings.latency = message.latency_ms ?? null;
    this._settle("resting");
  }

  _end() {
    this.isRunning = false;
    this._settle("resting");
  }

  /** Pictures of a request that was given up come all the same. @param {string} request */
  _isCurrent(request) {
    return this._request === undefined || this._request === request;
  }

  /** @param {Stage} stage */
  _settle(stage) {
    this.stage = stage;
    this.pending = null;
    this._request = null;
    if (stage === "resting") this.focus = this.target = null;
  }
}
