/** Keeps the debug layer up to date while it is shown. */

import { toPicture } from "../pure/fit.js";
import { atPoint } from "../pure/sectors.js";
import { setDebugging } from "../ui/clean.js";
import { DebugLayer } from "./debug.js";
import { factsOf } from "./facts.js";

/**
 * @typedef {object} DebuggingOptions
 * @property {import("../app.js").App} app
 * @property {import("./screen.js").Screen} screen
 * @property {() => import("./display.js").TrialDisplay} display
 * @property {() => import("./looking.js").Looking} looking
 */

export class Debugging {
  /** @param {DebuggingOptions} options */
  constructor(options) {
    this._options = options;
    this._layer = new DebugLayer();
    this.element = this._layer.element;
    /** What went wrong last; empty where nothing did. */
    this.problem = "";
    /** @type {{step: number, steps: number} | null} */
    this._progress = null;
    /** @type {number | null} */
    this._queue = null;
    /** @type {{x: number, y: number} | null} Where a tracker said last that the gaze is. */
    this._tracked = null;
    const { app, screen, display } = options;
    screen.element.addEventListener("placed", () => this._layer.setBox(screen.box));
    app.live.on("progress", ({ client_id: client, step = 0, steps = 0 }) => {
      if (client === display().trial.client) this._progress = { step, steps };
    });
    app.live.on("status", ({ queue }) => {
      this._queue = queue ?? null;
    });
  }

  get isShown() {
    return this._layer.visible;
  }

  toggle() {
    this._layer.toggle();
    setDebugging(this._layer.visible);
    this._layer.setBox(this._options.screen.box);
    this._layer.setGaze(null);
    this._tracked = null;
  }

  /** Where a tracker says that the gaze is. @param {{x: number, y: number}} point */
  tracked(point) {
    this._tracked = point;
    this._layer.setGaze(point);
  }

  /** The trial is at another stage, or another one. */
  follow() {
    const { app, display } = this._options;
    const { trial } = display();
    if (trial.stage !== "asking") this._progress = null;
    if (trial.stage === "waiting") this.problem = "";
    this._layer.setGrid(trial.isRunning ? trial.gridSize : app.preferences.gridSize);
  }

  /** The sector under the gaze; null where that is beside the picture, or not known here. */
  _lookedAt() {
    const { screen, display, looking } = this._options;
    const point = looking().isPointer ? looking().gaze : this._tracked;
    if (!point) return null;
    const { x, y } = toPicture(point, screen.box);
    return x >= 0 && x < 1 && y >= 0 && y < 1 ? atPoint(x, y, display().trial.gridSize) : null;
  }

  /** Each animation frame. */
  tick() {
    if (!this._layer.visible) return;
    const { app, display, looking } = this._options;
    const { trial } = display();
    if (looking().isPointer) this._layer.setGaze(looking().gaze);
    this._layer.update({
      state: app.monitor.isOut("generator") ? "the generator is not ready" : trial.stage,
      focus: trial.ahead.isUsed ? (this._lookedAt() ?? trial.focus) : trial.focus,
      target: trial.target,
      ahead: display().ahead,
      queue: this._queue,
      progress: this._progress,
      more: factsOf(display(), this.problem),
    });
  }
}
