/** Watches over the server: asks `/health` again and again, and says when something has changed. */

import { assess } from "../pure/health.js";
import { ApiError } from "./api.js";

/** @typedef {import("../types.js").Health} Health */
/** @typedef {import("../pure/health.js").Assessment} Assessment */

const WELL_MS = 2_500;
const UNWELL_MS = 1_000;
const HIDDEN_MS = 15_000;

export class HealthMonitor extends EventTarget {
  /** @param {import("./api.js").Api} api */
  constructor(api) {
    super();
    this._api = api;
    /** @type {Health | null} */
    this.health = null;
    /** @type {Assessment | null} Null until the first answer. */
    this.assessment = null;
    /** When what is known was asked for, by `performance.now()`. */
    this.askedAt = 0;
    this._timer = 0;
  }

  start() {
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.check();
    });
    void this.check();
  }

  /** @param {string} name @returns {boolean} whether a process is known to be unable to work */
  isOut(name) {
    const found = this.assessment?.processes.find((process) => process.name === name);
    return this.assessment !== null && (!found || found.level === "down" || found.level === "starting");
  }

  /** @param {Health | null} health null where nobody answered */
  _learn(health) {
    this.health = health;
    this.assessment = assess(health);
    this.dispatchEvent(new Event("change"));
  }

  /** Ask now. */
  async check() {
    clearTimeout(this._timer);
    const askedAt = performance.now();
    try {
      const health = await this._api.health();
      this.askedAt = askedAt;
      this._learn(health);
    } catch (error) {
      // A refused token is not a server that is down; the question for it has been asked.
      if (!(error instanceof ApiError && error.code === "unauthorized")) this._learn(null);
    }
    const wait = document.hidden ? HIDDEN_MS : this.assessment?.level === "ok" ? WELL_MS : UNWELL_MS;
    clearTimeout(this._timer);
    this._timer = window.setTimeout(() => void this.check(), wait);
  }
}
