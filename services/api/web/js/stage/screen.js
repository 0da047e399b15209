/** The picture on view, and how another one takes its place without being seen to. */

import { contextOf, paint } from "../io/pictures.js";
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

/** @typedef {(frameMs: number) => Exchange | null} Exchanging asked in the frame that would draw; null: not now */

/** A blackout hides the view for about as long as a blink does. */
export const BLACKOUT_MS = 250;
const FADE_MS = 600;

export class Screen {
  constructor() {
    this.canvas = el("canvas", { class: "picture", role: "img", "aria-label": "No picture yet" });
    this._veil = el("canvas", { class: "picture veil", "aria-hidden": "true", hidden: true });
    this._dark = el("div", { class: "blackout", hidden: true });
    /** A square that turns from black to white and back at each exchange, for a photodiode. */
    this.patch = el("div", { class: "patch", "aria-hidden": "true", hidden: true });
    this.element = el("div", { class: "screen" }, this.canvas, this._veil, this._dark, this.patch);
    /** @type {Fit} */
    this.fit = "auto";
    /** @type {Box} */
    this.box = { left: 0, top: 0, width: 1, height: 1 };
    this._isDark = false;
    this._isFading = false;
    /** @type {Exchanging | null} What is asked when the view is lit again. */
    this._exchanging = null;
    new ResizeObserver(() => this.layOut()).observe(this.element);
  }

  /** Whether there is a picture to look at. */
  get hasPicture() {
    return this.canvas.dataset.shown !== undefined;
  }

  /** Another photograph to begin with. @param {ImageBitmap} bitmap */
  begin(bitmap) {
    this._veil.hidden = true;
    this.show(bitmap);
  }

  /** @param {ImageBitmap} bitmap */
  show(bitmap) {
    paint(this.canvas, bitmap);
    this.canvas.dataset.shown = "";
    this.layOut();
  }

  /**
   * Lay a changed sector over the picture.
   * @param {ImageBitmap} bitmap of the region's size
   * @param {import("../pure/sectors.js").Region} region
   */
  lay(bitmap, { left, top }) {
    contextOf(this.canvas).drawImage(bitmap, left, top);
  }

  /** Draw the picture that is on view once more. */
  drawAgain() {
    contextOf(this.canvas).drawImage(this.canvas, 0, 0);
  }

  /** The picture as it is shown. @returns {Promise<Blob>} a PNG */
  asPng() {
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture on view cannot be read."))), "image/png");
    });
  }

  /** Tell a photodiode, in the frame that draws. */
  tellPatch() {
    this.patch.classList.toggle("lit");
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

  /** Exchange the picture in the next animation frame. @param {Exchanging} exchanging */
  exchangeNext(exchanging) {
    requestAnimationFrame((frameMs) => exchanging(frameMs)?.show());
  }

  /**
   * Exchange it in the very frame that lights the view again, which goes dark for that unless it is so already. For those
   * who asked for less motion, the old picture fades slowly in place of the dark.
   * @param {number} darkMs
   * @param {Exchanging} exchanging
   * @returns {boolean} false where the one before is not over yet, and nothing comes of this one
   */
  exchangeInTheDark(darkMs, exchanging) {
    if (this._isFading || this._exchanging) return false;
    if (wantsLessMotion() && !this._isDark) void this._fade(exchanging);
    else {
      this._exchanging = exchanging;
      this.goDark(darkMs);
    }
    return true;
  }

  /** Hide the view for the length of a blink, if it is not hidden. @param {number} [darkMs] */
  goDark(darkMs = BLACKOUT_MS) {
    if (this._isDark || this._isFading || (wantsLessMotion() && !this._exchanging)) return;
    this._isDark = true;
    void this._blackOut(darkMs);
  }

  /** @param {number} darkMs */
  async _blackOut(darkMs) {
    this._dark.hidden = false;
    const since = performance.now();
    // Dark is on the glass once the frame after it has begun.
    let frameMs = await nextFrame();
    do frameMs = await nextFrame();
    while (performance.now() - since < darkMs);
    // From here to the end is one frame: the gaze that is asked about is the newest that there is.
    const exchanging = this._exchanging;
    this._exchanging = null;
    exchanging?.(frameMs)?.show();
    await Promise.resolve();
    this._dark.hidden = true;
    this._isDark = false;
  }

  /** @param {Exchanging} exchanging */
  async _fade(exchanging) {
    this._isFading = true;
    const taken = exchanging(await nextFrame());
    if (taken) {
      this._veil.width = this.canvas.width;
      this._veil.height = this.canvas.height;
      contextOf(this._veil).drawImage(this.canvas, 0, 0);
      this._veil.style.opacity = "1";
      this._veil.hidden = false;
      taken.show();
      await this._fadeVeil(taken);
    }
    this._isFading = false;
  }

  /** @param {Exchange} taken */
  async _fadeVeil(taken) {
    let last = performance.now();
    for (let faded = 0; faded < FADE_MS && !this._veil.hidden; ) {
      await nextFrame();
      const now = performance.now();
      // While the gaze is where the picture changes, it stays as it is.
      if (taken.mayGoOn()) faded += now - last;
      last = now;
      this._veil.style.opacity = String(Math.max(0, 1 - faded / FADE_MS));
    }
    this._veil.hidden = true;
  }
}

/** @returns {Promise<number>} when it began; what follows still belongs to that frame */
function nextFrame() {
  return new Promise(requestAnimationFrame);
}
