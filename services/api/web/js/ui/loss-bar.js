/** Tells that a recording ended which nobody here ended, and offers to go on with it. It stays until somebody chooses. */

import { sentenceOf } from "../io/api.js";
import { el, setText } from "./dom.js";
import { notify } from "./notices.js";

export class LossBar {
  /** @param {import("../io/recording.js").Recording} recording */
  constructor(recording) {
    this._recording = recording;
    this._said = el("p", { class: "loss-text" });
    this._resume = el("button", { type: "button", class: "button primary", click: () => void this._goOn() }, "Resume recording");
    this._accept = el("button", { type: "button", class: "button", click: () => recording.acceptLoss() });
    this.element = el(
      "div",
      { class: "loss", role: "alert", hidden: true },
      this._said,
      el("div", { class: "actions" }, this._resume, this._accept),
    );
    recording.addEventListener("change", () => this._show());
  }

  _show() {
    const { loss } = this._recording;
    this.element.hidden = loss === null;
    if (!loss) return;
    setText(this._said, `${reason(loss)} Until you choose, no new picture is made.`);
    setText(this._accept, loss.by === null ? "Go on without recording" : `Go on with “${loss.by}”`);
  }

  async _goOn() {
    this._resume.disabled = true;
    try {
      await this._recording.resume();
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
    }
    this._resume.disabled = false;
  }
}

/** @param {import("../pure/claim.js").Loss} loss */
function reason({ id, cause, by }) {
  if (cause === "replaced") return `“${id}” is no longer recorded: “${by}” was started elsewhere.`;
  if (cause === "stopped") return `“${id}” is no longer recorded: it was stopped elsewhere.`;
  return `“${id}” is no longer recorded: the server was started anew, or lost it.`;
}
