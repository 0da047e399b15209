/** One session in the list. */

import { date, plural, size } from "../pure/format.js";
import { formatRoute } from "../pure/route.js";
import { el, icon, iconButton } from "../ui/dom.js";

/** @typedef {import("../types.js").SessionListed} SessionListed */

/**
 * @typedef {object} CardOptions
 * @property {import("../app.js").App} app
 * @property {boolean} canExport
 * @property {string} noExport why it cannot
 * @property {boolean} chosen
 * @property {(isChosen: boolean) => void} onChoose
 * @property {() => void} onDelete
 */

export class SessionCard {
  /**
   * @param {SessionListed} session
   * @param {CardOptions} options
   */
  constructor(session, options) {
    this._session = session;
    this._options = options;
    this._image = el("img", { alt: "", draggable: "false", hidden: true });
    this._choice = el("input", { type: "checkbox", checked: options.chosen, "aria-label": `Choose ${session.id} to compare`, change: () => options.onChoose(this._choice.checked) });
    this._export = el("a", { class: "icon-button", "aria-label": `Export ${session.id}`, download: `${session.id}.tar.gz` }, icon("download"));
    const frames = session.frames === null ? "needs repair" : plural(session.frames, "frame");
    this.element = el(
      "li",
      { class: "card", "data-session": session.id },
      el(
        "a",
        { class: "card-open", href: formatRoute("replay", session.id), "aria-label": `Replay ${session.id}` },
        el("span", { class: "card-picture" }, this._image),
      ),
      el(
        "div",
        { class: "card-text" },
        el("h2", {}, el("a", { href: formatRoute("replay", session.id) }, session.id)),
        el("p", { class: "muted small" }, date(session.created_at)),
        el("p", { class: "muted small" }, `${frames} · ${size(session.bytes)}`, session.active && el("span", { class: "live" }, "recording")),
      ),
      el(
        "div",
        { class: "card-tools" },
        el("label", { class: "check" }, this._choice, el("span", {}, "Compare")),
        this._export,
        iconButton("trash", `Delete ${session.id}`, options.onDelete, { disabled: session.active }),
      ),
    );
    this._asked = false;
    this.setCanExport(options.canExport);
  }

  /** @param {boolean} isChosen */
  setChosen(isChosen) {
    this._choice.checked = isChosen;
  }

  /** @param {boolean} can */
  setCanExport(can) {
    const { app, noExport } = this._options;
    if (can) this._export.href = app.api.exportUrl(this._session.id);
    else this._export.removeAttribute("href");
    this._export.setAttribute("aria-disabled", String(!can));
    this._export.setAttribute("role", "link");
    this._export.title = can ? "Export" : noExport;
  }

  /** It has come into view. */
  async showThumbnail() {
    if (this._asked || !this._session.frames) return;
    this._asked = true;
    const { app } = this._options;
    const { id, created_at, frames } = this._session;
    const url = await app.thumbnails.load(id, created_at, frames - 1, new AbortController().signal);
    if (!url) return;
    this._image.src = url;
    this._image.hidden = false;
  }
}
