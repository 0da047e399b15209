/** The frame around the views: where one is, what is recorded, how the server is. */

import { formatRoute } from "../pure/route.js";
import { el } from "./dom.js";
import { HealthLight } from "./health-light.js";
import { LossBar } from "./loss-bar.js";
import { RecordBar } from "./record-bar.js";

const LINKS = [
  { name: "stage", label: "Stage" },
  { name: "sessions", label: "Sessions" },
  { name: "replay", label: "Replay" },
  { name: "compare", label: "Compare" },
];

export class Shell {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this._links = LINKS.map(({ name, label }) => el("a", { href: formatRoute(name), "data-view": name }, label));
    this._record = new RecordBar(app);
    this._loss = new LossBar(app.recording);
    this._health = new HealthLight(app);
    this._header = el(
      "header",
      { class: "top" },
      el("a", { class: "mark", href: "#/stage", "aria-label": "Parafovea, to the stage" }, el("span", { class: "glyph", "aria-hidden": "true" }), el("span", { class: "word" }, "Parafovea")),
      el("nav", { "aria-label": "Views" }, ...this._links),
      this._record.element,
      this._health.element,
    );
    this._place = el("div", { class: "place" });
    const skip = el("a", { class: "skip", href: "#main", click: (/** @type {Event} */ event) => this._skip(event) }, "Skip to the content");
    new ResizeObserver(() => this._measure()).observe(this._header);
    for (const bar of [this._health.banner, this._loss.element]) new ResizeObserver(() => this._measure()).observe(bar);
    this.elements = [skip, this._header, this._health.banner, this._loss.element, this._place, this._record.pill];
  }

  /** @returns {boolean} whether somebody uses the keyboard in the header; a link that was clicked keeps the focus too */
  holdsFocus() {
    const at = document.activeElement;
    return at !== null && this._header.contains(at) && at.matches(":focus-visible");
  }

  /**
   * @param {HTMLElement} view
   * @param {string} name
   */
  place(view, name) {
    document.body.dataset.view = name;
    this._place.replaceChildren(view);
    for (const link of this._links) {
      if (link.dataset.view === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  _measure() {
    const height = this._header.offsetHeight + this._health.banner.offsetHeight + this._loss.element.offsetHeight;
    document.body.style.setProperty("--chrome", `${height}px`);
  }

  /** The hash is the route, so the browser's own jump would leave the view. @param {Event} event */
  _skip(event) {
    event.preventDefault();
    const main = this._place.querySelector("main");
    const target = main?.querySelector(".surface") ?? main;
    if (target instanceof HTMLElement) {
      if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
      target.focus();
    }
  }
}
