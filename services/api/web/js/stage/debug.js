/** The debug layer: grid, gaze, focus and target, queue, progress and what is known of the trial, over the picture. */

import { NAMES, spoken } from "../pure/sectors.js";
import { el, fill, setText } from "../ui/dom.js";
import { STANDINGS } from "./words.js";

/** @typedef {import("../pure/sectors.js").GridSize} GridSize */
/** @typedef {import("../pure/fit.js").Box} Box */

/**
 * @typedef {object} Facts
 * @property {string} state
 * @property {string | null} focus
 * @property {string | null} target
 * @property {{target: string, standing: import("../pure/preparations.js").Standing}[]} ahead changes that are made ahead
 * @property {number | null} queue
 * @property {{step: number, steps: number} | null} progress
 * @property {Record<string, string>} more the rest, by name, in words
 */

export class DebugLayer {
  constructor() {
    this._grid = el("div", { class: "debug-grid" });
    this._gaze = el("div", { class: "debug-gaze", hidden: true });
    this._bar = el("progress", { max: 1, value: 0, "aria-label": "Steps of the change" });
    this._list = el("dl", { class: "facts" });
    this._panel = el("aside", { class: "debug-panel", "aria-label": "Debug layer" }, this._bar, this._list);
    this.element = el("div", { class: "debug", hidden: true }, this._grid, this._gaze, this._panel);
    /** @type {Map<string, HTMLElement>} */
    this._cells = new Map();
    /** @type {Map<string, HTMLElement>} */
    this._values = new Map();
  }

  get visible() {
    return !this.element.hidden;
  }

  toggle() {
    this.element.hidden = !this.element.hidden;
  }

  /** @param {GridSize} gridSize */
  setGrid(gridSize) {
    if (this._grid.dataset.size === String(gridSize)) return;
    this._cells.clear();
    this._grid.dataset.size = String(gridSize);
    for (const name of NAMES[gridSize].flat()) {
      this._cells.set(name, el("div", { class: "cell" }, el("span", { class: "name" }, name), el("span", { class: "ahead" })));
    }
    fill(this._grid, ...this._cells.values());
  }

  /** @param {Box} box of the picture, in pixels of the view */
  setBox(box) {
    Object.assign(this._grid.style, {
      left: `${box.left}px`,
      top: `${box.top}px`,
      width: `${box.width}px`,
      height: `${box.height}px`,
    });
  }

  /** @param {{x: number, y: number} | null} point in pixels of the view */
  setGaze(point) {
    this._gaze.hidden = point === null;
    if (point) this._gaze.style.transform = `translate(${point.x}px, ${point.y}px)`;
  }

  /** @param {Facts} facts */
  update(facts) {
    for (const [name, cell] of this._cells) {
      cell.classList.toggle("focus", name === facts.focus);
      cell.classList.toggle("target", name === facts.target);
      this._tellAhead(cell, facts.ahead.filter(({ target }) => target === name).at(-1)?.standing);
    }
    this._bar.value = facts.progress ? facts.progress.step / Math.max(1, facts.progress.steps) : 0;
    const steps = facts.progress ? `${facts.progress.step} of ${facts.progress.steps}` : "–";
    this._put("state", facts.state);
    this._put("focus", facts.focus ? `${facts.focus}, ${spoken(facts.focus)}` : "–");
    this._put("target", facts.target ? `${facts.target}, ${spoken(facts.target)}` : "–");
    this._put("queue", facts.queue === null ? "–" : String(facts.queue));
    this._put("step", steps);
    for (const [name, value] of Object.entries(facts.more)) this._put(name, value);
  }

  /** @param {HTMLElement} cell @param {import("../pure/preparations.js").Standing} [standing] */
  _tellAhead(cell, standing) {
    if (cell.dataset.ahead === (standing ?? "")) return;
    cell.dataset.ahead = standing ?? "";
    setText(/** @type {HTMLElement} */ (cell.lastElementChild), standing ? STANDINGS[standing] : "");
  }

  /** @param {string} name @param {string} value */
  _put(name, value) {
    let place = this._values.get(name);
    if (!place) {
      place = el("dd", { "data-fact": name });
      this._values.set(name, place);
      this._list.append(el("dt", {}, name), place);
    }
    setText(place, value || "–");
  }
}
