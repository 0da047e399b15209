/** A model on its way: what is being done, and how much of it is here. */

import { progressOf } from "../pure/model.js";
import { el, setText } from "./dom.js";

export class LoadingLine {
  /** @param {{isRead: boolean}} options whether a screen reader is told of it by itself; of the bytes never */
  constructor({ isRead }) {
    this._said = el("p", { class: "loading-text", role: isRead && "status" });
    this._bar = el("progress", { max: 1 });
    this._figures = el("span", { class: "loading-figures", "aria-hidden": "true" });
    this._progress = el("div", { class: "loading-progress", hidden: true }, this._bar, this._figures);
    this.element = el("div", { class: "loading", hidden: true }, this._said, this._progress);
  }

  /** @param {import("../types.js").Loading | null} loading */
  show(loading) {
    this.element.hidden = loading === null;
    setText(this._said, loading?.detail ?? "");
    const progress = loading && progressOf(loading);
    this._progress.hidden = !progress;
    if (!progress) return;
    this._bar.value = progress.share;
    this._bar.setAttribute("aria-label", `How much of ${loading.model} is here`);
    this._bar.setAttribute("aria-valuetext", progress.figures);
    setText(this._figures, progress.figures);
  }
}
