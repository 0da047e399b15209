/** What is known of a frame: prompt, sectors, seed, timing. */

import { date, milliseconds } from "../pure/format.js";
import { NAMES, spoken } from "../pure/sectors.js";
import { el, fill } from "../ui/dom.js";

/** @typedef {import("../types.js").Entry} Entry */

export class Details {
  constructor() {
    this._prompt = el("p", { class: "prompt" });
    this._grid = el("div", { class: "mini-grid", role: "img" });
    this._facts = el("dl", { class: "facts" });
    this.element = el("aside", { class: "details", "aria-label": "About this frame", tabindex: "0" }, this._prompt, this._grid, this._facts);
  }

  /**
   * @param {Entry} entry
   * @param {number | null} interval seconds from the frame before it
   */
  show(entry, interval) {
    this._prompt.textContent = entry.prompt || "Without a prompt";
    const size = entry.grid_size === 2 ? 2 : 3;
    this._grid.dataset.size = String(size);
    this._grid.setAttribute("aria-label", `Focus ${spoken(entry.focus_sector)}, target ${spoken(entry.target_sector)}`);
    fill(
      this._grid,
      ...NAMES[size].flat().map((name) => {
        const kind = name === entry.target_sector ? "target" : name === entry.focus_sector ? "focus" : "";
        return el("span", { class: `cell ${kind}` }, name);
      }),
    );
    /** @type {[string, string][]} */
    const facts = [
      ["Focus", entry.focus_sector ? `${entry.focus_sector}, ${spoken(entry.focus_sector)}` : "not known"],
      ["Target", `${entry.target_sector}, ${spoken(entry.target_sector)}`],
      ["Drawn", String(entry.notes?.object ?? "–")],
      ["Not done", String(entry.notes?.fallback ?? "–")],
      ["Seed", entry.seed === null || entry.seed === undefined ? "–" : String(entry.seed)],
      ["Made", date(entry.timestamp)],
      ["After the one before", milliseconds(interval === null ? null : interval * 1000)],
      ["Took", milliseconds(entry.generation_ms)],
      ["Steps", entry.steps ? String(entry.steps) : "–"],
      ["Size", entry.width ? `${entry.width} × ${entry.height}` : "–"],
      ["Model", entry.model?.id ?? "–"],
      ["File", entry.filename],
    ];
    if (entry.damaged) facts.unshift(["Damaged", entry.damaged]);
    fill(this._facts, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }

  clear() {
    this._prompt.textContent = "";
    fill(this._grid);
    fill(this._facts);
  }
}
