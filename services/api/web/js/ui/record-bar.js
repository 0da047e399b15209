/** One button that starts and stops a session, and what is known of the one that runs. */

import { ApiError, sentenceOf } from "../io/api.js";
import { duration, plural, size } from "../pure/format.js";
import { letterOf } from "../pure/keys.js";
import { isClean } from "./clean.js";
import { ask } from "./dialog.js";
import { el, isTyping, setText } from "./dom.js";
import { notify } from "./notices.js";

export class RecordBar {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this._recording = app.recording;
    this._name = el("input", {
      type: "text",
      class: "record-name",
      placeholder: "Session name",
      "aria-label": "Name of the session; left empty, one is made",
      maxlength: 128,
      autocomplete: "off",
      spellcheck: "false",
      keydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && void this._toggle(),
    });
    this._label = el("span", { class: "record-label" }, "Record");
    this._button = el(
      "button",
      { type: "button", class: "record", "aria-pressed": "false", "aria-keyshortcuts": "R", click: () => void this._toggle() },
      el("span", { class: "record-dot", "aria-hidden": "true" }),
      this._label,
    );
    this._id = el("span", { class: "record-id" });
    this._numbers = el("span", { class: "record-numbers" });
    this._figures = el("span", { class: "record-figures", hidden: true }, this._id, this._numbers);
    this._disk = el("span", { class: "record-disk", role: "status", hidden: true });
    this.element = el("div", { class: "record-bar", role: "group", "aria-label": "Recording" }, this._name, this._button, this._figures, this._disk);
    /** What stays in view over the debug layer. A clean stage shows nothing that counts up with its pictures. */
    this.pill = el("div", { class: "record-pill", hidden: true });
    this._busy = false;
    this._recording.addEventListener("change", () => this._show());
    setInterval(() => this._showFigures(), 500);
    document.addEventListener("keydown", (event) => {
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat;
      if (!plain || letterOf(event) !== "r" || isTyping()) return;
      // Whoever presses it has to see what becomes of it.
      if (isClean()) app.showControls();
      void this._toggle();
    });
  }

  async _toggle() {
    if (this._busy) return;
    this._busy = true;
    try {
      if (this._recording.active) await this._stop();
      else await this._start();
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
    } finally {
      this._busy = false;
    }
  }

  async _start() {
    const name = this._name.value.trim();
    try {
      await this._recording.start(name);
    } catch (error) {
      if (!(error instanceof ApiError && error.code === "session_exists")) throw error;
      const goOn = await ask({
        title: `“${name}” exists`,
        text: "There is a session of this name already. Its frames stay; new ones go behind them.",
        confirm: "Go on with it",
      });
      if (!goOn) return;
      await this._recording.start(name, true);
    }
    this._name.value = "";
  }

  async _stop() {
    const { session_id: id, recorded, pending } = await this._recording.stop();
    const rest = pending ? `; ${plural(pending, "frame")} still on the way to the disk` : "";
    notify(`“${id}” is kept: ${plural(recorded, "frame")}${rest}.`);
  }

  _show() {
    const { active, disk } = this._recording;
    document.body.classList.toggle("recording", active !== null);
    this._button.setAttribute("aria-pressed", String(active !== null));
    setText(this._label, active ? "Stop" : "Record");
    this._name.hidden = active !== null;
    this._figures.hidden = active === null;
    this.pill.hidden = active === null;
    const isLow = disk !== null && (disk.state === "low" || disk.state === "full");
    this._disk.hidden = !isLow;
    setText(this._disk, isLow ? `${disk.state === "full" ? "Disk full" : "Disk low"}: ${size(disk.free_bytes)} free` : "");
    this._showFigures();
  }

  _showFigures() {
    const { active } = this._recording;
    if (!active) return;
    const elapsed = duration(Date.now() / 1000 - active.since);
    const text = `${elapsed} · ${plural(active.recorded, "frame")} · ${active.pending} pending`;
    setText(this._id, active.id);
    setText(this._numbers, text);
    setText(this.pill, text);
  }
}
