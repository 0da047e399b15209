/** The stage's controls: which photograph, and how it is looked at. They go away while somebody looks. */

import { notify } from "../ui/notices.js";
import { choice, el, fill, icon, iconButton, setText } from "../ui/dom.js";
import { sentenceOf } from "../io/api.js";
import { usesTouch, withKey } from "../ui/input.js";
import { BY_EYES, PAGE, possibleSwap } from "../pure/begin.js";
import { DWELLS_MS, FITS, GRID_SIZES, PATCHES, SOURCES, SWAPS } from "./choices.js";

/** @typedef {import("../io/prefs.js").Preferences} Preferences */

/**
 * @typedef {object} DockOptions
 * @property {import("../io/api.js").Api} api
 * @property {Preferences} preferences
 * @property {(picture: Blob, sample: string | null) => void} onPicture `sample`: its file name, where it is one
 * @property {(changed: Partial<Preferences>) => void} onPreference
 * @property {(source: string) => void} onSource another source of the gaze is chosen
 * @property {() => void} onFullScreen
 * @property {() => void} onDebug
 * @property {() => void} onHide
 */

export class Dock {
  /** @param {DockOptions} options */
  constructor(options) {
    this._options = options;
    /** The source that the server goes by. */
    this._source = PAGE;
    this._sources = el("select", { change: () => this._options.onSource(this._sources.value) });
    this._samples = el("ul", { class: "samples" });
    this._hint = el("p", { class: "hint small" });
    this._file = el("input", {
      type: "file",
      accept: "image/png,image/jpeg,image/webp",
      class: "visually-hidden",
      tabindex: -1,
      "aria-hidden": "true",
      change: () => this._onFile(),
    });
    const open = el(
      "button",
      { type: "button", class: "sample open-picture", click: () => this._file.click() },
      icon("upload"),
      el("span", {}, "Your own"),
    );
    this.element = el(
      "section",
      { class: "dock", "aria-label": "Stage controls" },
      el("div", { class: "dock-pictures" }, this._samples, open, this._file),
      this._settings(),
    );
  }

  /** Fill in the samples; the first one is begun with unless a picture is there already. */
  async load() {
    const samples = await this._options.api.samples();
    const buttons = samples.map((sample) => {
      const image = el("img", { alt: "", width: 96, height: 64, draggable: "false" });
      void this._thumbnail(sample.file, image);
      return el(
        "li",
        {},
        el(
          "button",
          { type: "button", class: "sample", "data-sample": sample.file, "aria-label": `Photograph: ${sample.title}`, title: sample.title, click: () => void this.open(sample) },
          image,
        ),
      );
    });
    fill(this._samples, ...buttons);
    return samples;
  }

  /** @param {import("../types.js").Sample} sample */
  async open(sample) {
    try {
      this._options.onPicture(await this._options.api.sample(sample.file), sample.file);
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
    }
  }

  /** @param {string | null} file the sample on view, null for a picture of the viewer's own */
  mark(file) {
    for (const button of this._samples.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.sample === file));
    }
  }

  /** Which source the server goes by now. @param {string} source */
  follow(source) {
    if (source === this._source) return;
    this._source = source;
    this._fillSources();
    this.refresh();
  }

  /** What was chosen here did not become the source. */
  restore() {
    this._sources.value = this._source;
  }

  _fillSources() {
    const known = SOURCES.some(({ value }) => value === this._source) ? SOURCES : [...SOURCES, { value: this._source, label: this._source }];
    fill(this._sources, ...known.map(({ value, label }) => el("option", { value, selected: value === this._source }, label)));
  }

  _settings() {
    const { preferences, onPreference, onFullScreen, onDebug, onHide } = this._options;
    this._fillSources();
    this._swaps = choice({
      label: "Change the picture",
      value: preferences.swap,
      choices: SWAPS,
      onChange: (swap) => {
        onPreference({ swap });
        this.refresh();
      },
    });
    this.refresh();
    return el(
      "div",
      { class: "dock-settings" },
      this._swaps,
      el("label", { class: "field" }, el("span", {}, "Gaze"), this._sources),
      choice({
        label: "Gaze rests",
        value: preferences.dwellMs,
        choices: DWELLS_MS.map((value) => ({ value, label: `${value / 1000} s` })),
        onChange: (dwellMs) => onPreference({ dwellMs }),
      }),
      choice({
        label: "Sectors",
        value: preferences.gridSize,
        choices: GRID_SIZES.map((value) => ({ value, label: `${value} × ${value}` })),
        onChange: (gridSize) => onPreference({ gridSize }),
      }),
      choice({ label: "Picture", value: preferences.fit, choices: FITS, onChange: (fit) => onPreference({ fit }) }),
      choice({ label: "Corner patch", value: Number(preferences.patch), choices: PATCHES, onChange: (patch) => onPreference({ patch: patch === 1 }) }),
      el(
        "div",
        { class: "dock-buttons" },
        el("button", { type: "button", class: "button quiet", "aria-keyshortcuts": "D", click: onDebug }, "Debug ", el("kbd", {}, "D")),
        iconButton("full", withKey("Full screen", "F"), onFullScreen, { "aria-keyshortcuts": "F" }),
        iconButton("close", withKey("Hide the controls", "M"), onHide, { "aria-keyshortcuts": "M" }),
      ),
      this._hint,
    );
  }

  /** Say what to do in the words of how this person points. */
  refresh() {
    const wordsOf = (/** @type {typeof SWAPS[number]} */ swap) => (usesTouch() && swap.byTouch) || swap;
    const chosen = possibleSwap(this._options.preferences.swap, this._source);
    for (const option of this._swaps?.querySelectorAll("option") ?? []) {
      const swap = SWAPS.find((item) => item.value === option.value);
      if (!swap) continue;
      setText(option, wordsOf(swap).label);
      // A pointer neither blinks nor jumps.
      option.hidden = option.disabled = this._source === PAGE && BY_EYES.includes(swap.value);
      option.selected = swap.value === chosen;
      if (swap.value === chosen) setText(this._hint, wordsOf(swap).hint);
    }
  }

  /** @param {string} file @param {HTMLImageElement} image */
  async _thumbnail(file, image) {
    try {
      image.src = URL.createObjectURL(await this._options.api.sampleThumbnail(file));
    } catch (error) {
      image.alt = file;
      console.info(`No thumbnail of ${file}: ${sentenceOf(error)}`);
    }
  }

  _onFile() {
    const [file] = this._file.files ?? [];
    this._file.value = "";
    if (file) this._options.onPicture(file, null);
  }
}
