/** Which session is being recorded, how far it is, and whether it ended without anybody here ending it. */

import { RecordingClaim } from "../pure/claim.js";
import { loadRecorded, saveRecorded } from "./prefs.js";

/** @typedef {import("../types.js").Health} Health */
/** @typedef {{id: string, since: number, recorded: number, pending: number}} Active `since`: Unix seconds */

const POLL_MS = 1_000;

export class Recording extends EventTarget {
  /**
   * @param {import("./api.js").Api} api
   * @param {import("./monitor.js").HealthMonitor} monitor
   * @param {import("./events.js").LiveEvents} live
   */
  constructor(api, monitor, live) {
    super();
    this._api = api;
    this._monitor = monitor;
    /** @type {Active | null} */
    this.active = null;
    this._claim = new RecordingClaim(loadRecorded());
    this._timer = 0;
    /** When this page last began or ended something: an answer to what was asked before tells nothing. */
    this._changedAt = -1;
    this._changing = false;
    // Another client may begin or end a session.
    live.on("session.started", () => void this.check());
    live.on("session.stopped", ({ session_id: id }) => {
      if (id && !this._changing) this._claim.heardStopped(id);
      void this.check();
    });
    monitor.addEventListener("change", () => this._onHealth(monitor.health));
  }

  /** Free space for sessions, as the server last said it. */
  get disk() {
    return this._monitor.health?.disk ?? null;
  }

  /** The recording that ended without anybody here ending it. @returns {import("../pure/claim.js").Loss | null} */
  get loss() {
    return this._claim.loss;
  }

  /** Whether a picture that is made now would be recorded as this page believes: if not, none should be made. */
  get isSound() {
    return this._claim.isSound;
  }

  /** The session that this page's pictures belong to; the server refuses to make them where it is not active. */
  get believed() {
    return this._claim.claim?.id ?? null;
  }

  /** @param {string} name may be empty @param {boolean} [resume] */
  async start(name, resume = false) {
    await this._change(async () => {
      const { session_id: id } = await this._api.startSession(name, resume);
      this._claim.started(id);
      this.active = { id, since: Date.now() / 1000, recorded: 0, pending: 0 };
    });
    void this.check(); // one that was gone on with has frames already
  }

  /** @returns {Promise<{session_id: string, recorded: number, pending: number}>} */
  async stop() {
    return this._change(async () => {
      const stopped = await this._api.stopSession();
      this._claim.stopped();
      this.active = null;
      return stopped;
    });
  }

  /**
   * Go on with the recording that was lost.
   * @throws {Error} with a sentence: the session is not there any more, say
   */
  async resume() {
    const { loss } = this._claim;
    if (!loss) return;
    await this._api.entries(loss.id, 0, 1); // one that was deleted must not be made anew under its name
    await this.start(loss.id, true);
  }

  /** Go on without the recording that was lost. */
  acceptLoss() {
    this._claim.acceptLoss();
    this._tell();
  }

  /** Ask how far it is. */
  async refresh() {
    const askedAt = performance.now();
    const status = await this._api.sessionStatus();
    const active = status.session_id === null ? null : { ...status, session_id: status.session_id };
    this._observe(active, askedAt, status.stopped ?? null);
  }

  /** Ask soon, whatever comes of it. */
  async check() {
    try {
      await this.refresh();
    } catch {
      // The health light tells it; asking goes on, so that the figures come back with the recorder.
      this._tell();
    }
  }

  /** @param {Health | null} health */
  _onHealth(health) {
    if (health?.session) this._observe(health.session, this._monitor.askedAt);
    else if (health && health.processes.recorder?.state !== "unreachable") this._observe(null, this._monitor.askedAt);
    else this._tell();
  }

  /**
   * @param {{session_id: string, recorded: number, pending: number, created_at?: number} | null} session
   * @param {number} askedAt
   * @param {string | null} [stopped] the one that somebody stopped last: the event may have been missed, or be on its way
   */
  _observe(session, askedAt, stopped = null) {
    if (this._changing || askedAt < this._changedAt) return;
    if (stopped !== null) this._claim.heardStopped(stopped);
    this._claim.observe(session?.session_id ?? null, performance.now());
    if (session) {
      const { session_id: id, recorded, pending } = session;
      const since = this.active?.id === id ? this.active.since : (session.created_at ?? Date.now() / 1000);
      this.active = { id, since, recorded, pending };
    } else if (!this.believed) this.active = null;
    this._tell();
  }

  /**
   * @template T
   * @param {() => Promise<T>} change
   * @returns {Promise<T>}
   */
  async _change(change) {
    this._changing = true;
    try {
      return await change();
    } finally {
      this._changing = false;
      this._changedAt = performance.now();
      this._tell();
    }
  }

  _tell() {
    saveRecorded(this._claim.remembered);
    this.dispatchEvent(new Event("change"));
    clearTimeout(this._timer);
    if (this.active || this.believed) this._timer = window.setTimeout(() => void this.check(), POLL_MS);
  }
}
