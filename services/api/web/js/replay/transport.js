/** The buttons under the picture: play, step, speed, loop, and how the frame is looked at. */

import { duration } from "../pure/format.js";
import { choice, el, icon, iconButton, setText } from "../ui/dom.js";
import { withKey } from "../ui/input.js";

/** @typedef {import("./screen.js").Mode} Mode */

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];

/** @type {{value: Mode, label: string, key: string}[]} */
const MODES = [
  { value: "frame", label: "Frame", key: "1" },
  { value: "flicker", label: "Flicker", key: "F" },
  { value: "onion", label: "Onion skin", key: "S" },
];

/**
 * @typedef {object} TransportHandlers
 * @property {() => void} onPlay
 * @property {(steps: number) => void} onStep
 * @property {(position: number) => void} onSeek
 * @property {(speed: number) => void} onSpeed
 * @property {() => void} onLoop
 * @property {(mode: Mode) => void} onMode
 * @property {(blend: number) => void} onBlend
 * @property {() => void} onOutline
 */

export class Transport {
  /** @param {TransportHandlers} handlers */
  constructor(handlers) {
    this._play = iconButton("play", withKey("Play", "space"), handlers.onPlay, { class: "icon-button play", "aria-keyshortcuts": "Space" });
    this._loop = iconButton("loop", withKey("Loop", "L"), handlers.onLoop, { "aria-pressed": "false", "aria-keyshortcuts": "L" });
    this._scrub = el("input", { type: "range", class: "scrub", min: 0, max: 0, step: 1, value: 0, "aria-label": "Frame", input: () => handlers.onSeek(Number(this._scrub.value)) });
    this._place = el("output", { class: "place-in" });
    this._time = el("span", { class: "time muted" });
    this._modes = MODES.map(({ value, label, key }) =>
      el("button", { type: "button", "data-mode": value, "aria-pressed": "false", "aria-keyshortcuts": key, title: withKey(label, key), click: () => handlers.onMode(value) }, label),
    );
    this._blend = el("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": "Share of the changed picture", input: () => handlers.onBlend(Number(this._blend.value) / 100) });
    this._blendField = el("label", { class: "blend", hidden: true }, el("span", {}, "Original"), this._blend, el("span", {}, "Changed"));
    this._outline = el("button", { type: "button", class: "button quiet", "aria-pressed": "false", "aria-keyshortcuts": "O", click: handlers.onOutline }, "Outline ", el("kbd", {}, "O"));
    this.element = el(
      "div",
      { class: "transport" },
      el("div", { class: "scrub-row" }, this._scrub),
      el(
        "div",
        { class: "buttons" },
        iconButton("first", withKey("First frame", "Home"), () => handlers.onSeek(0), { "aria-keyshortcuts": "Home" }),
        iconButton("back", withKey("One back", "left"), () => handlers.onStep(-1), { "aria-keyshortcuts": "ArrowLeft" }),
        this._play,
        iconButton("forward", withKey("One on", "right"), () => handlers.onStep(1), { "aria-keyshortcuts": "ArrowRight" }),
        iconButton("last", withKey("Last frame", "End"), () => handlers.onSeek(Infinity), { "aria-keyshortcuts": "End" }),
        this._loop,
        choice({ label: "Speed", value: 1, choices: SPEEDS.map((value) => ({ value, label: `${value}×` })), onChange: handlers.onSpeed }),
        el("span", { class: "where" }, this._place, this._time),
        el("div", { class: "segments", role: "group", "aria-label": "How the frame is shown" }, ...this._modes),
        this._outline,
        this._blendField,
      ),
    );
  }

  /** @param {boolean} playing */
  setPlaying(playing) {
    const label = withKey(playing ? "Pause" : "Play", "space");
    this._play.setAttribute("aria-label", label);
    this._play.title = label;
    this._play.replaceChildren(icon(playing ? "pause" : "play"));
  }

  /** @param {boolean} loop */
  setLoop(loop) {
    this._loop.setAttribute("aria-pressed", String(loop));
  }

  /**
   * @param {number} position
   * @param {number} total
   * @param {{at: number | null, all: number}} seconds
   */
  setPosition(position, total, seconds) {
    this._scrub.max = String(Math.max(0, total - 1));
    this._scrub.value = String(position);
    this._scrub.disabled = total === 0;
    this._scrub.setAttribute("aria-valuetext", `Frame ${position + 1} of ${total}`);
    setText(this._place, total ? `${position + 1} / ${total}` : "0 / 0");
    setText(this._time, `${seconds.at === null ? "–" : duration(seconds.at)} of ${duration(seconds.all)}`);
  }

  /** @param {Mode} mode */
  setMode(mode) {
    for (const button of this._modes) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    this._blendField.hidden = mode !== "onion";
  }

  /** @param {boolean} outlined */
  setOutlined(outlined) {
    this._outline.setAttribute("aria-pressed", String(outlined));
  }
}
