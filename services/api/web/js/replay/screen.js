/** One frame of a recording on view: as it was, flickering against its original, or with it shining through. */

import { contextOf, paint } from "../io/pictures.js";
import { CLASSIC, GENTLE, phaseAt } from "../pure/flicker.js";
import { el } from "../ui/dom.js";
import { wantsLessMotion } from "../ui/motion.js";

/** @typedef {"frame" | "flicker" | "onion"} Mode */

/** Between two pictures lies a grey as bright as most pictures are: a black one would flash more. */
const BLANK = "#7f7f7f";

export class ReplayScreen {
  constructor() {
    this.canvas = el("canvas", { class: "replay-canvas", role: "img", "aria-label": "No frame yet" });
    this._outline = el("div", { class: "outline", hidden: true });
    this._message = el("p", { class: "screen-message", role: "alert", hidden: true });
    this._holder = el("div", { class: "replay-holder" }, this.canvas, this._outline);
    this.element = el("div", { class: "replay-screen" }, this._holder, this._message);
    /** @type {Mode} */
    this.mode = "frame";
    /** How much of the changed picture is seen over the original, 0 to 1. */
    this.blend = 0.5;
    this.outlined = false;
    /** @type {ImageBitmap | null} */
    this._changed = null;
    /** @type {ImageBitmap | null} */
    this._original = null;
    /** @type {[number, number, number, number] | null} */
    this._region = null;
    this._since = 0;
    this._frame = 0;
    this._phase = "";
  }

  /**
   * @param {ImageBitmap} changed
   * @param {ImageBitmap | null} original where the mode needs it
   * @param {[number, number, number, number] | null} region that was changed
   * @param {string} label
   */
  show(changed, original, region, label) {
    this._changed = changed;
    this._original = original;
    this._region = region;
    this._message.hidden = true;
    this.canvas.setAttribute("aria-label", label);
    this.draw();
  }

  /** Nothing is on view. */
  clear() {
    this._changed = this._original = null;
    cancelAnimationFrame(this._frame);
    contextOf(this.canvas).clearRect(0, 0, this.canvas.width, this.canvas.height);
    this._outline.hidden = this._message.hidden = true;
  }

  /** Say why there is no picture. @param {string} sentence */
  fail(sentence) {
    this.clear();
    this._message.textContent = sentence;
    this._message.hidden = false;
  }

  /** Draw anew: mode, blend or outline have changed. */
  draw() {
    cancelAnimationFrame(this._frame);
    this._placeOutline();
    if (!this._changed) return;
    this._holder.style.setProperty("--ratio", String(this._changed.width / this._changed.height));
    this.element.dataset.mode = this.mode;
    if (this.mode === "flicker" && this._original) {
      this._since = performance.now();
      this._phase = "";
      this._flicker();
      return;
    }
    paint(this.canvas, this.mode === "onion" && this._original ? this._original : this._changed);
    delete this.element.dataset.phase;
    if (this.mode === "onion" && this._original) {
      const context = contextOf(this.canvas);
      context.globalAlpha = this.blend;
      context.drawImage(this._changed, 0, 0);
      context.globalAlpha = 1;
    }
  }

  /** The view is left: nothing goes on behind it. */
  stop() {
    cancelAnimationFrame(this._frame);
  }

  _flicker() {
    this._frame = requestAnimationFrame(() => this._flicker());
    const phase = phaseAt(performance.now() - this._since, wantsLessMotion() ? GENTLE : CLASSIC);
    if (phase === this._phase || !this._changed || !this._original) return;
    this._phase = this.element.dataset.phase = phase;
    if (phase === "blank") {
      const context = contextOf(this.canvas);
      context.fillStyle = BLANK;
      context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    } else paint(this.canvas, phase === "original" ? this._original : this._changed);
  }

  _placeOutline() {
    const region = this._region;
    this._outline.hidden = !this.outlined || !region || !this._changed;
    if (!region || !this._changed) return;
    const { width, height } = this._changed;
    const [left, top, right, bottom] = region;
    Object.assign(this._outline.style, {
      left: `${(left / width) * 100}%`,
      top: `${(top / height) * 100}%`,
      width: `${((right - left) / width) * 100}%`,
      height: `${((bottom - top) / height) * 100}%`,
    });
  }
}
