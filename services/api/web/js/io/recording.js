/** Which session is being recorded, and how far it is. */

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
    this._timer = 0;
    // Another client may begin or end a session.
    for (const type of ["session.started", "session.stopped"]) live.on(type, () => void this._poll());
    monitor.addEventListener("change", () => this._onHealth(monitor.health));
  }

  /** Free space for sessions, as the server last said it. */
  get disk() {
    return this._monitor.health?.disk ?? null;
  }

  /** @param {string} name may be empty @param {boolean} [resume] */
  async start(name, resume = false) {
    const { session_id: id } = await this._api.startSession(name, resume);
    this._set({ id, since: Date.now() / 1000, recorded: 0, pending: 0 });
    await this.refresh();
  }

  /** @returns {Promise<{session_id: string, recorded: number, pending: number}>} */
  async stop() {
    const stopped = await this._api.stopSession();
    this._set(null);
    return stopped;
  }

  /** Ask how far it is. */
  async refresh() {
    const status = await this._api.sessionStatus();
    if (status.session_id === null) this._set(null);
    else {
      this._set({
        id: status.session_id,
        since: this.active?.id === status.session_id ? this.active.since : Date.now() / 1000,
        recorded: status.recorded,
        pending: status.pending,
      });
    }
  }

  /** @param {Health | null} health */
  _onHealth(health) {
    const session = health?.session;
    if (session) {
      const { session_id: id, created_at: createdAt, recorded, pending } = session;
      this._set({ id, since: this.active?.id === id ? this.active.since : createdAt, recorded, pending });
    } else if (health && health.processes.recorder?.state !== "unreachable") this._set(null);
  }

  /** @param {Active | null} active */
  _set(active) {
    this.active = active;
    this.dispatchEvent(new Event("change"));
    clearTimeout(this._timer);
    if (active) this._timer = window.setTimeout(() => void this._poll(), POLL_MS);
  }

  async _poll() {
    try {
      await this.refresh();
    } catch {
      // The health light tells it; asking goes on, so that the figures come back with the recorder.
      this._set(this.active);
    }
  }
}
