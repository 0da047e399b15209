/** A small light for the server's health, with each process behind it; a banner where something is down. */

import { el, fill, setText } from "./dom.js";
import { LoadingLine } from "./loading-line.js";
import { ModelSection } from "./model-section.js";

/** @type {Record<string, string>} */
const WORDS = { ok: "Well", starting: "Starting", degraded: "Trouble", down: "Down" };

export class HealthLight {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this._monitor = app.monitor;
    this._models = app.models;
    this._word = el("span", { class: "light-word" }, "…");
    this._light = el(
      "button",
      { type: "button", class: "light", "aria-expanded": "false", "aria-controls": "health-panel", click: () => this._toggle() },
      el("span", { class: "dot", "aria-hidden": "true" }),
      el("span", { class: "visually-hidden" }, "Server: "),
      this._word,
    );
    this._processes = el("div", { class: "processes" });
    this._panel = el(
      "div",
      { class: "panel", id: "health-panel", role: "group", "aria-label": "State of each process, and the model", hidden: true },
      this._processes,
      new ModelSection(app.models).element,
    );
    this.element = el("div", { class: "health" }, this._light, this._panel);
    this._said = el("p", { class: "banner-text" });
    this._advice = el("p", { class: "banner-advice" });
    this._trouble = el("div", { role: "status" }, this._said, this._advice);
    this._loading = new LoadingLine({ isRead: true });
    this.banner = el("div", { class: "banner", role: "region", "aria-label": "State of the server", hidden: true }, this._trouble, this._loading.element);
    this._monitor.addEventListener("change", () => this._show());
    this._models.addEventListener("change", () => this._showBanner());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this._panel.hidden) {
        this._toggle();
        this._light.focus();
      }
    });
    document.addEventListener("pointerdown", (event) => {
      if (!this._panel.hidden && event.target instanceof Node && !this.element.contains(event.target)) this._toggle();
    });
  }

  _toggle() {
    this._panel.hidden = !this._panel.hidden;
    this._light.setAttribute("aria-expanded", String(!this._panel.hidden));
    if (!this._panel.hidden) void this._models.refresh();
  }

  _show() {
    const { assessment } = this._monitor;
    if (!assessment) return;
    const { level, processes, summary, advice } = assessment;
    this._light.dataset.level = level;
    setText(this._word, WORDS[level]);
    const rows = processes.map((process) =>
      el(
        "li",
        { "data-process": process.name, "data-level": process.level },
        el("span", { class: "dot", "aria-hidden": "true" }),
        el("span", { class: "name" }, process.name === "api" ? "API" : process.name),
        el("span", { class: "state" }, process.state),
        process.detail && el("span", { class: "detail" }, process.detail),
      ),
    );
    fill(this._processes, el("p", {}, summary), el("ul", {}, ...rows), advice && el("p", { class: "small" }, advice));
    this._showBanner();
  }

  _showBanner() {
    const { assessment } = this._monitor;
    if (!assessment) return;
    const { level, summary, advice } = assessment;
    const { loading } = this._models;
    const isTelling = level === "down" || level === "starting" || level === "degraded";
    setText(this._said, isTelling ? summary : "");
    setText(this._advice, isTelling ? advice : "");
    this._loading.show(loading);
    this.banner.dataset.level = loading && level === "ok" ? "starting" : level;
    this.banner.hidden = !isTelling && loading === null;
  }
}
