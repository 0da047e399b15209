/** The picture on view, and how another one takes its place without being seen to. */

import { contextOf, paint } from "../io/pictures.js";
import { BLACKOUT_MS } from "../pure/blink.js";
import { place } from "../pure/fit.js";
import { el } from "../ui/dom.js";
import { wantsLessMotion } from "../ui/motion.js";

/** @typedef {import("../pure/fit.js").Fit} Fit */
/** @typedef {import("../pure/fit.js").Box} Box */

/**
 * @typedef {object} Exchange
 * @property {() => void} show put the new picture on view
 * @property {() => boolean} mayGoOn whether more of it may be seen in this frame
 */

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

  /** Whether the view is just being hidden. */
  get isDimming() {
    return this._dimming;
  }

  /** Another photograph to begin with. @param {ImageBitmap} bitmap */
  begin(bitmap) {
    this._veil.hidden = true;
    this.show(bitmap);
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
   * Hide the view for the length of a blink. At its end, in the very animation frame that lights the view again,
   * `exchange` is asked to put another picture there; it says how, or that there is none to be shown just now. For those
   * who asked for less motion, the old picture fades slowly instead of going dark.
   * @param {() => Exchange | null} exchange
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

  /** @param {() => Exchange | null} exchange */
  async _blackOut(exchange) {
    this._dark.hidden = false;
    const since = performance.now();
    // Dark is on the glass once the frame after it has begun.
    await nextFrame();
    while ((await nextFrame()) - since < BLACKOUT_MS);
    // From here to the end is one frame: the gaze that was asked about is the newest that there is.
    exchange()?.show();
    await Promise.resolve();
    this._dark.hidden = true;
  }

  /** @param {() => Exchange | null} exchange */
  async _fade(exchange) {
    let last = await nextFrame();
    const taken = exchange();
    if (!taken) return;
    this._veil.width = this.canvas.width;
    this._veil.height = this.canvas.height;
    contextOf(this._veil).drawImage(this.canvas, 0, 0);
    this._veil.style.opacity = "1";
    this._veil.hidden = false;
    taken.show();
    for (let faded = 0; faded < FADE_MS && !this._veil.hidden; ) {
      const now = await nextFrame();
      // While the gaze is where the picture changes, it stays as it is.
      if (taken.mayGoOn()) faded += now - last;
      last = now;
      this._veil.style.opacity = String(Math.max(0, 1 - faded / FADE_MS));
    }
    this._veil.hidden = true;
  }
}

/** @returns {Promise<number>} its time; what follows still belongs to that frame */
function nextFrame() {
  return new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())));
}
