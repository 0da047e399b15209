/** Which model makes the pictures, as the server says it, and having another one do it. */

import { outcomeOf, standingOf } from "../pure/model.js";
import { sentenceOf } from "./api.js";

/** @typedef {import("../pure/model.js").Choice} Choice */
/** @typedef {import("../types.js").ModelState} ModelState */
/** @typedef {import("../types.js").ProcessHealth} ProcessHealth */
/** @typedef {{name: string, why: string}} Settled `why` the model that was chosen does not make pictures; empty: it does */

/** Dispatches `change`, and `settled` with a {@link Settled} once it is known what became of what was chosen here. */
export class Models extends EventTarget {
  /**
   * @param {import("./api.js").Api} api
   * @param {import("./monitor.js").HealthMonitor} monitor
   * @param {import("./events.js").LiveEvents} live
   */
  constructor(api, monitor, live) {
    super();
    this._api = api;
    /** @type {ModelState | null} Null until the generator has answered. */
    this.state = null;
    /** @type {ProcessHealth} What the generator said last, about once a second. */
    this.told = { state: "unreachable" };
    /** @type {Choice | null} */
    this.choice = null;
    /** Why what was chosen here last was not taken. */
    this._refusal = "";
    this._standing = "";
    this._isAsking = false;
    this._isDue = false;
    live.on("status", (status) => this._learn(/** @type {any} */ (status)));
    monitor.addEventListener("change", () => this._learn(monitor.health?.processes.generator ?? { state: "unreachable" }));
  }

  /** What is on its way. @returns {import("../types.js").Loading | null} */
  get loading() {
    return this.told.loading ?? null;
  }

  /** The name of the model that makes pictures, as far as it is known; empty where there is none. */
  get name() {
    return this.state?.name ?? this.told.model?.id ?? "";
  }

  /** Why the last one that was asked for did not come; empty where that is told as the generator's own trouble. */
  get problem() {
    const failure = this.state?.failure ?? "";
    return this._refusal || (failure === this.told.detail ? "" : failure);
  }

  /** Have another model make the pictures. @param {string} name */
  async choose(name) {
    /** @type {Choice} */
    const choice = { name, before: null, isTaken: false, quietSince: null };
    this.choice = choice;
    this._refusal = "";
    this._tell();
    try {
      const state = await this._api.changeModel(name);
      choice.before = state.name;
      choice.isTaken = true;
      this._take(state, choice);
    } catch (error) {
      if (this.choice === choice) {
        this._refusal = sentenceOf(error);
        this._settle(this._refusal);
      }
    }
  }

  /** Ask what there is. */
  async refresh() {
    this._isDue = true;
    if (this._isAsking) return;
    this._isAsking = true;
    while (this._isDue) {
      this._isDue = false;
      // An answer to what was asked before the choice was taken tells nothing of it.
      const choice = this.choice?.isTaken ? this.choice : null;
      try {
        this._take(await this._api.model(), choice);
      } catch (error) {
        // The monitor tells of a server that is not there; an older one has no other model.
        console.info(`Which model runs is not known: ${sentenceOf(error)}`);
      }
    }
    this._isAsking = false;
  }

  /** @param {ProcessHealth} told */
  _learn(told) {
    const standing = standingOf(told);
    const isNew = standing !== this._standing;
    this.told = told;
    this._standing = standing;
    if (told.state === "unreachable") {
      this.state = null;
      this.choice = null;
      this._refusal = "";
    } else if (isNew || (this.choice && !this.loading)) {
      void this.refresh();
    }
    this._tell();
  }

  /** @param {ModelState} state @param {Choice | null} choice the one that had been made when this was asked for */
  _take(state, choice) {
    this.state = this.told.state === "unreachable" ? null : state;
    if (choice && choice === this.choice) {
      const outcome = outcomeOf(choice, state, performance.now());
      if (outcome !== "waiting") {
        this._settle(outcome === "made" ? "" : state.failure ?? `Another model was chosen after ${choice.name}.`);
        return;
      }
    }
    this._tell();
  }

  /** @param {string} why */
  _settle(why) {
    const name = this.choice?.name ?? "";
    this.choice = null;
    this._tell();
    this.dispatchEvent(new CustomEvent("settled", { detail: { name, why } }));
  }

  _tell() {
    this.dispatchEvent(new Event("change"));
  }
}
