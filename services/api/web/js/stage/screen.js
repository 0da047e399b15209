/** The picture on view, and how another one takes its place without being seen to. */

import { paint } from "../io/pictures.js";
import { BLACKOUT_MS } from "../pure/blink.js";
import { place } from "../pure/fit.js";
import { el } from "../ui/dom.js";
import { wantsLessMotion } from "../ui/motion.js";

/** @typedef {import("../pure/fit.js").Fit} Fit */
/** @typedef {import("../pure/fit.js").Box} Box */

const FADE_MS = 600;

export class Screen {
  constructor() {
    this.canvas = el("canvas", { class: "picture", role: "img", "aria-label": "No picture yet" });
    this._veil = el("canvas", { class: "picture veil", "aria-hidden": "true", hidden: true });
    this._dark = el("div", { class: "blackout", hidden: true });
    this.element = el("div", { class: "screen" }, this.canvas, this._veil, this._dark);
    /** @type {Fit} */
    this.fit = "auto";
    /** @type {Box} */
    this.box = { left: 0, top: 0, width: 1, height: 1 };
    this._dimming = false;
    new ResizeObserver(() => this.layOut()).observe(this.element);
  }

  /** @param {ImageBitmap} bitmap */
  show(bitmap) {
    paint(this.canvas, bitmap);
    this.layOut();
  }

  /** Place the picture in the view. */
  layOut() {
    const view = { width: this.element.clientWidth, height: this.element.clientHeight };
    if (!view.width || !view.height) return;
    this.box = place(this.canvas, view, this.fit);
    for (const canvas of [this.canvas, this._veil]) {
      canvas.style.left = `${this.box.left}px`;
      canvas.style.top = `${this.box.top}px`;
      canvas.style.width = `${this.box.width}px`;
      canvas.style.height = `${this.box.height}px`;
    }
    this.element.dispatchEvent(new Event("placed"));
  }

  /**
   * Hide the view for the length of a blink; `exchange` runs when nothing of the picture is to be seen. For those who
   * asked for less motion, the old picture fades slowly instead of going dark.
   * @param {() => void} exchange
   */
  async blink(exchange) {
    if (this._dimming) return;
    this._dimming = true;
    try {
      if (wantsLessMotion()) await this._fade(exchange);
      else await this._blackOut(exchange);
    } finally {
      this._dimming = false;
    }
  }

  /** @param {() => void} exchange */
  async _blackOut(exchange) {
    this._dark.hidden = false;
    const since = performance.now();
    await painted();
    exchange();
    await after(BLACKOUT_MS - (performance.now() - since));
    this._dark.hidden = true;
  }

  /** @param {() => void} exchange */
  async _fade(exchange) {
    this._veil.width = this.canvas.width;
    this._veil.height = this.canvas.height;
    this._veil.getContext("2d")?.drawImage(this.canvas, 0, 0);
    this._veil.hidden = false;
    exchange();
    await this._veil.animate([{ opacity: 1 }, { opacity: 0 }], { duration: FADE_MS }).finished;
    this._veil.hidden = true;
  }
}

/** What was changed before is on the glass: the second frame begins once the first is out. */
async function painted() {
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}

/** @param {number} ms */
function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
