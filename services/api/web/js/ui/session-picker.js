/** A choice among the sessions that there are, newest first. */

import { sentenceOf } from "../io/api.js";
import { plural } from "../pure/format.js";
import { el, fill } from "./dom.js";
import { notify } from "./notices.js";

export class SessionPicker {
  /**
   * @param {import("../app.js").App} app
   * @param {string} label
   * @param {(id: string) => void} onPick
   */
  constructor(app, label, onPick) {
    this._app = app;
    this._select = el("select", { "aria-label": label === "Session" ? label : `Session ${label}`, change: () => onPick(this._select.value) });
    this.element = el("label", { class: "field picker" }, el("span", {}, label), this._select);
    /** @type {import("../types.js").SessionListed[]} */
    this.sessions = [];
  }

  /**
   * @param {string | null} wanted
   * @param {(sessions: import("../types.js").SessionListed[]) => string | null} [fallback]
   * @returns {Promise<string | null>} the one that is chosen now: the wanted one, or the newest with a frame
   */
  async load(wanted, fallback = newest) {
    try {
      this.sessions = await this._app.api.sessions();
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
    }
    const id = wanted ?? fallback(this.sessions);
    fill(
      this._select,
      ...this.sessions.map((session) => el("option", { value: session.id, selected: session.id === id }, `${session.id} (${plural(session.frames ?? 0, "frame")})`)),
    );
    const isKnown = this.sessions.some((session) => session.id === id);
    if (id !== null && !isKnown) this._select.prepend(el("option", { value: id, selected: true }, `${id} (not there)`));
    return id;
  }
}

/** @param {import("../types.js").SessionListed[]} sessions */
function newest(sessions) {
  return (sessions.find((session) => session.frames) ?? sessions[0])?.id ?? null;
}
