/** Two sessions, frame by frame: side by side, under one slider, and as the difference between them. */

import { sentenceOf } from "../io/api.js";
import { EntryStore } from "../replay/entries.js";
import { FrameStore } from "../replay/frames.js";
import { formatRoute } from "../pure/route.js";
import { spoken } from "../pure/sectors.js";
import { el, iconButton, isTyping, setText } from "../ui/dom.js";
import { withKey } from "../ui/input.js";
import { SessionPicker } from "../ui/session-picker.js";
import { Panels } from "./panels.js";

/** @typedef {{entries: EntryStore, frames: FrameStore}} Side */
/** @typedef {import("../types.js").Entry} Entry */

export class CompareView {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this._app = app;
    this.title = "Compare";
    /** @type {(Side | null)[]} */
    this._sides = [null, null];
    this._position = 0;
    this._shown = 0;
    this._pickers = ["A", "B"].map((label, at) => new SessionPicker(app, label, (id) => this._onPick(at, id)));
    this._panels = new Panels();
    this._scrub = el("input", { type: "range", class: "scrub", min: 0, max: 0, value: 0, "aria-label": "Frame in both sessions", input: () => this._seek(Number(this._scrub.value)) });
    this._place = el("output", { class: "place-in" });
    this._message = el("p", { class: "screen-message", role: "alert", hidden: true });
    this._empty = el("div", { class: "empty", hidden: true }, el("p", {}, "Comparing takes two sessions."), el("p", { class: "muted" }, "Record them on the stage: the same picture and the same gaze, with other prompts, say."));
    this._body = el(
      "div",
      { class: "compare-body" },
      el(
        "div",
        { class: "buttons" },
        iconButton("back", withKey("One back", "left"), () => this._seek(this._position - 1), { "aria-keyshortcuts": "ArrowLeft" }),
        iconButton("forward", withKey("One on", "right"), () => this._seek(this._position + 1), { "aria-keyshortcuts": "ArrowRight" }),
        this._scrub,
        this._place,
      ),
      this._message,
      this._panels.element,
    );
    this.element = el(
      "main",
      { class: "page compare", id: "main" },
      el("div", { class: "page-head" }, el("h1", {}, "Compare"), ...this._pickers.map((picker) => picker.element)),
      this._empty,
      this._body,
    );
    document.addEventListener("keydown", (event) => this._onKey(event));
  }

  /** @param {import("../pure/route.js").Route} route */
  async enter(route) {
    const a = await this._pickers[0].load(route.query.get("a"));
    const b = await this._pickers[1].load(route.query.get("b"), (sessions) => sessions.find((session) => session.frames && session.id !== a)?.id ?? a);
    if (this._app.view !== this) return;
    this._empty.hidden = a !== null;
    this._body.hidden = a === null;
    if (a === null || b === null) return;
    try {
      await Promise.all([this._open(0, a), this._open(1, b)]);
      this._message.hidden = true;
    } catch (error) {
      this._fail(sentenceOf(error));
      return;
    }
    this._seek(Number(route.query.get("frame") ?? this._position) || 0);
  }

  leave() {
    this._shown += 1;
  }

  /** @param {number} at @param {string} id */
  _onPick(at, id) {
    const ids = this._sides.map((side) => side?.entries.id ?? id);
    ids[at] = id;
    location.hash = formatRoute("compare", null, { a: ids[0], b: ids[1], frame: this._position });
  }

  /** @param {number} at @param {string} id */
  async _open(at, id) {
    const held = this._sides[at];
    if (held?.entries.id === id) return held.entries.refresh();
    const side = { entries: new EntryStore(this._app.api, id), frames: new FrameStore(this._app.api, id) };
    await side.entries.open();
    this._sides[at] = side;
    return undefined;
  }

  /** Frames that both have. */
  get _count() {
    const [a, b] = this._sides;
    return a && b ? Math.min(a.entries.total, b.entries.total) : 0;
  }

  /** @param {number} position */
  _seek(position) {
    this._position = Math.min(Math.max(position, 0), Math.max(0, this._count - 1));
    this._scrub.max = String(Math.max(0, this._count - 1));
    this._scrub.value = String(this._position);
    this._scrub.setAttribute("aria-valuetext", `Frame ${this._position + 1} of ${this._count}`);
    setText(this._place, this._count ? `${this._position + 1} / ${this._count}` : "0 / 0");
    void this._show();
  }

  async _show() {
    const mine = (this._shown += 1);
    if (!this._count) {
      this._fail("The two sessions have no frame in common: one of them is empty.");
      return;
    }
    try {
      const both = await Promise.all(this._sides.map((side) => this._load(/** @type {Side} */ (side))));
      if (mine !== this._shown) return;
      this._message.hidden = true;
      this._panels.show(both[0], both[1]);
      this.element.dataset.position = String(this._position);
    } catch (error) {
      if (mine === this._shown) this._fail(sentenceOf(error));
    }
  }

  /** @param {Side} side */
  async _load({ entries, frames }) {
    const entry = /** @type {Entry} */ (await entries.load(this._position));
    const bitmap = await frames.frame(entry.index);
    frames.prefetch(entries.get(this._position + 1)?.index);
    const label = `${entries.id}, frame ${entry.index}: ${spoken(entry.target_sector)}`;
    return { bitmap, label, prompt: entry.prompt || "Without a prompt" };
  }

  /** @param {string} sentence */
  _fail(sentence) {
    this._panels.clear();
    this._message.textContent = sentence;
    this._message.hidden = false;
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    if (this._app.view !== this || isTyping() || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = document.activeElement;
    if (at instanceof HTMLInputElement && at.type === "range") return;
    /** @type {Record<string, number>} */
    const places = { ArrowLeft: this._position - 1, ArrowRight: this._position + 1, Home: 0, End: this._count - 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    this._seek(places[event.key]);
  }
}
