/** The four pictures of a comparison: A, B, both under a slider, and their difference. */

import { contextOf, paint, pixelsOf } from "../io/pictures.js";
import { difference } from "../pure/difference.js";
import { el, setText } from "../ui/dom.js";
import { usesTouch } from "../ui/input.js";

/** @typedef {{bitmap: ImageBitmap, label: string, prompt: string}} Shown */

export class Panels {
  constructor() {
    this._a = canvas("Session A");
    this._b = canvas("Session B");
    this._under = canvas("Session A under session B");
    this._over = canvas("");
    this._over.setAttribute("aria-hidden", "true");
    this._over.classList.add("over");
    this._map = canvas("Difference map");
    this._captions = ["A", "B"].map(() => el("figcaption", {}));
    this._figures = el("span", { role: "status" });
    this._split = el("input", { type: "range", class: "split", min: 0, max: 100, step: 0.5, value: 50, "aria-label": "How much of A is seen, from the left", input: () => this._place() });
    this._line = el("span", { class: "split-line", "aria-hidden": "true" });
    const both = el("div", { class: "both" }, this._under, this._over, this._line, this._split);
    this.element = el(
      "div",
      { class: "panels" },
      el("figure", {}, this._a, this._captions[0]),
      el("figure", {}, this._b, this._captions[1]),
      el("figure", {}, both, el("figcaption", {}, `A to the left of the line, B to the right: drag it${usesTouch() ? "" : ", or use the arrow keys"}.`)),
      el("figure", {}, this._map, el("figcaption", {}, this._figures)),
    );
    this._place();
  }

  /** @param {Shown} a @param {Shown} b */
  show(a, b) {
    this.element.style.setProperty("--ratio", String(a.bitmap.width / a.bitmap.height));
    paint(this._a, a.bitmap);
    paint(this._b, b.bitmap);
    paint(this._under, b.bitmap);
    paint(this._over, a.bitmap);
    for (const [at, shown] of [a, b].entries()) {
      this._captions[at].replaceChildren(el("strong", {}, `${"AB"[at]} `), shown.label, el("span", { class: "prompt" }, shown.prompt));
    }
    this._a.setAttribute("aria-label", `A: ${a.label}`);
    this._b.setAttribute("aria-label", `B: ${b.label}`);
    this._compare(a.bitmap, b.bitmap);
  }

  clear() {
    for (const each of [this._a, this._b, this._under, this._over, this._map]) {
      contextOf(each).clearRect(0, 0, each.width, each.height);
    }
    for (const caption of [...this._captions, this._figures]) setText(caption, "");
  }

  /** @param {ImageBitmap} a @param {ImageBitmap} b */
  _compare(a, b) {
    if (a.width !== b.width || a.height !== b.height) {
      contextOf(this._map).clearRect(0, 0, this._map.width, this._map.height);
      setText(this._figures, `The pictures differ in size: ${a.width} × ${a.height} and ${b.width} × ${b.height}.`);
      return;
    }
    const map = new ImageData(a.width, a.height);
    const { pixels, changed, mean, psnr } = difference(pixelsOf(a).data, pixelsOf(b).data, map.data);
    this._map.width = a.width;
    this._map.height = a.height;
    contextOf(this._map).putImageData(map, 0, 0);
    this._map.setAttribute("aria-label", `Difference map: ${changed} of ${pixels} pixels differ`);
    const share = ((100 * changed) / pixels).toFixed(changed && changed < pixels / 1000 ? 4 : 1);
    setText(
      this._figures,
      changed
        ? `Difference: ${share} % of the pixels, ${mean.toFixed(2)} of 255 on average, PSNR ${psnr.toFixed(1)} dB. Black is equal.`
        : "No pixel differs.",
    );
  }

  _place() {
    const share = `${this._split.value}%`;
    this._over.style.clipPath = `inset(0 calc(100% - ${share}) 0 0)`;
    this._line.style.left = share;
  }
}

/** @param {string} label */
function canvas(label) {
  return el("canvas", { role: "img", "aria-label": label, width: 3, height: 2 });
}
