/** The stage: a photograph fills the view, and changes where nobody looks. */

import { sentenceOf } from "../io/api.js";
import { openPicture } from "../io/pictures.js";
import { socketUrl } from "../io/socket.js";
import { savePreferences } from "../io/prefs.js";
import { STALE_MS } from "../pure/fixation.js";
import { neighbour, position } from "../pure/sectors.js";
import { setClean, setDebugging } from "../ui/clean.js";
import { el, icon } from "../ui/dom.js";
import { toggleFullScreen } from "../ui/full-screen.js";
import { notify } from "../ui/notices.js";
import { DebugLayer } from "./debug.js";
import { Dock } from "./dock.js";
import { PointerGaze, SocketGaze } from "./gaze.js";
import { listenToStageKeys } from "./keys.js";
import { Looker } from "./looker.js";
import { Screen } from "./screen.js";
import { StageWords } from "./words.js";

/** @typedef {import("../app.js").App} App */

/** A person who looks at the picture for so long is done with the controls. */
const CLEAN_AFTER_MS = 3_500;
/** A tracker sends all the time: once it is silent, nobody's gaze is known. */
const TRACKER_STALE_MS = 1_000;

export class StageView {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this.title = "Stage";
    this._screen = new Screen();
    this._debug = new DebugLayer();
    this._debug.setGrid(app.preferences.gridSize);
    this._marker = el("div", { class: "gaze-marker", "aria-hidden": "true", hidden: true });
    this._words = new StageWords(this._screen.canvas);
    this._surface = el(
      "div",
      { class: "surface", tabindex: 0, role: "application", "aria-label": "Stage", "aria-describedby": "stage-help" },
      this._screen.element,
      this._debug.element,
      this._marker,
    );
    this._dock = new Dock({
      api: app.api,
      preferences: app.preferences,
      onPicture: (blob, sample) => void this.open(blob, sample),
      onPreference: (changed) => this._onPreference(changed),
      onFullScreen: () => void toggleFullScreen(),
      onDebug: () => this._toggleDebug(),
      onHide: () => this._setClean(true),
    });
    this._handle = el(
      "button",
      { type: "button", class: "handle", "aria-label": "Show the controls", "aria-keyshortcuts": "M", click: () => this._setClean(false) },
      icon("more"),
    );
    this.element = el("main", { class: "stage", id: "main" }, this._surface, this._handle, el("div", { class: "foot" }, this._words.help, this._dock.element), this._words.said);
    this._looker = new Looker({
      api: app.api,
      preferences: app.preferences,
      screen: this._screen,
      clientId: app.clientId,
      session: () => app.recording.believed,
      // A picture that would not be recorded though it should be is not made at all.
      isServerOut: () => app.monitor.isOut("generator") || app.monitor.isOut("api") || !app.recording.isSound,
      onChange: () => this._onLooked(),
      onSwapped: ({ target }) => this._onSwapped(target),
      onSessionGone: () => void app.recording.check(),
      onProblem: (sentence) => {
        this._problem = sentence;
        notify(sentence, { kind: "error" });
      },
    });
    this._problem = "";
    this._isLossShown = false;
    this._cleanTimer = 0;
    this._opening = 0;
    this._begun = false;
    /** @type {{step: number, steps: number} | null} */
    this._progress = null;
    /** @type {number | null} */
    this._queue = null;
    this._listen();
  }

  enter() {
    this._looker.resume();
    this._tracker?.open();
    void this._begin();
    this._setClean(false);
  }

  leave() {
    this._looker.pause();
    this._tracker?.close();
    this._setClean(false);
  }

  /**
   * Begin from a picture.
   * @param {Blob} file
   * @param {string | null} [sample] its file name, where it is one of the samples
   */
  async open(file, sample = null) {
    this._opening += 1;
    const mine = this._opening;
    try {
      const { blob, bitmap, note } = await openPicture(file);
      if (mine !== this._opening) return; // another one was chosen meanwhile
      if (note) notify(note);
      this._looker.begin({ blob, bitmap });
      this.element.dataset.begun = String(Number(this.element.dataset.begun ?? 0) + 1);
      this._dock.mark(sample);
      this._words.begun();
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
    }
  }

  /** Show the samples and the first of them, unless that is done or under way. */
  async _begin() {
    if (this._begun) return;
    this._begun = true;
    try {
      const [first] = await this._dock.load();
      if (first && !this._opening) await this._dock.open(first);
    } catch (error) {
      this._begun = false;
      notify(sentenceOf(error), { kind: "error" });
    }
  }

  _listen() {
    const wantsTracker = new URLSearchParams(location.search).get("gaze") === "ws";
    new PointerGaze(this._surface, {
      onSample: (point) => {
        if (!wantsTracker) this._looker.sample(point);
      },
      onPoint: (point) => {
        if (!wantsTracker) this._look(point);
      },
      onBlink: () => this._blink(),
    });
    if (wantsTracker) {
      this._looker.detector.staleMs = this._looker.sampleStaleMs = TRACKER_STALE_MS;
      this._tracker = new SocketGaze(socketUrl(this._app.api.withToken("/gaze")), (point) => this._look(point));
    } else this._looker.detector.staleMs = STALE_MS;
    this._screen.element.addEventListener("placed", () => this._debug.setBox(this._screen.box));
    this.element.addEventListener("dragover", (event) => event.preventDefault());
    this.element.addEventListener("drop", (event) => this._onDrop(event));
    this._dock.element.addEventListener("pointerenter", () => clearTimeout(this._cleanTimer));
    this._app.live.on("progress", ({ client_id: client, step = 0, steps = 0 }) => {
      if (client === this._app.clientId) this._progress = { step, steps };
    });
    this._app.live.on("status", ({ queue }) => {
      this._queue = queue ?? null;
    });
    // The server may not have been there, or may have wanted a token, when the page came.
    this._app.monitor.addEventListener("change", () => {
      if (this._app.view === this && this._app.monitor.health) void this._begin();
    });
    listenToStageKeys({
      isShown: () => this._app.view === this,
      blink: () => this._blink(),
      moveGaze: (columns, rows) => this._moveGaze(columns, rows),
      debug: () => this._toggleDebug(),
      fullScreen: () => void toggleFullScreen(),
      toggleControls: () => this._setClean(!document.body.classList.contains("clean")),
      showControls: () => this.showControls(),
    });
    this._app.recording.addEventListener("change", () => this._onRecording());
    document.addEventListener("fullscreenchange", () => this._screen.layOut());
  }

  /** @param {{x: number, y: number} | null} point */
  _look(point) {
    this._marker.hidden = true;
    this._looker.look(point);
    if (point && !this._cleanTimer) this._planClean();
    if (!point) this._cleanTimer = Number(clearTimeout(this._cleanTimer)) || 0;
  }

  _planClean() {
    clearTimeout(this._cleanTimer);
    this._cleanTimer = window.setTimeout(() => {
      // Whoever is at the controls by keyboard keeps them.
      const isBusy = this._app.isAtControls() || this._app.recording.loss !== null;
      if (this._app.view === this && this._looker.chain.picture && !isBusy) this._setClean(true);
    }, CLEAN_AFTER_MS);
  }

  /** @param {boolean} clean */
  _setClean(clean) {
    this._cleanTimer = Number(clearTimeout(this._cleanTimer)) || 0;
    setClean(clean && this._app.view === this);
    this._words.refresh();
    this._dock.refresh();
    if (clean && this._dock.element.contains(document.activeElement)) this._surface.focus({ preventScroll: true });
  }

  _onLooked() {
    if (this._looker.chain.state !== "asking") this._progress = null;
    this._say();
    if (!this._debug.visible) return;
    const { chain, detector, timings, last, gaze } = this._looker;
    this._debug.setGaze(gaze);
    this._debug.update({
      state: this._app.monitor.isOut("generator") ? "the generator is not ready" : chain.state,
      focus: chain.focus ?? detector.sector,
      target: chain.target,
      dwell: detector.progress(performance.now()),
      queue: this._queue,
      problem: this._problem,
      progress: this._progress,
      last,
      timings,
    });
  }

  _say() {
    const { chain } = this._looker;
    this.element.dataset.state = chain.state;
    this.element.dataset.target = chain.target ?? "";
    if (chain.state === "waiting") this._problem = "";
    this._words.follow(chain);
  }

  _blink() {
    this._words.blinked();
    this._looker.blink();
  }

  /** @param {string} target */
  _onSwapped(target) {
    this.element.dataset.swaps = String(Number(this.element.dataset.swaps ?? 0) + 1);
    this._words.swapped(target);
  }

  /** A recording that was lost is told, also on a clean stage: nothing changes there until somebody chooses. */
  _onRecording() {
    const isLost = this._app.recording.loss !== null;
    if (isLost && !this._isLossShown) this.showControls();
    this._isLossShown = isLost;
  }

  showControls() {
    this._setClean(false);
  }

  /** @param {Partial<import("../io/prefs.js").Preferences>} changed */
  _onPreference(changed) {
    Object.assign(this._app.preferences, changed);
    savePreferences(this._app.preferences);
    this._screen.fit = this._app.preferences.fit;
    this._screen.layOut();
    this._debug.setGrid(this._app.preferences.gridSize);
    this._looker.configure();
  }

  /** @param {DragEvent} event */
  _onDrop(event) {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) void this.open(file);
    else notify("Drop a picture file here: PNG, JPEG or WebP.", { kind: "error" });
  }

  /** @param {number} columns @param {number} rows */
  _moveGaze(columns, rows) {
    if (this._tracker) return; // it knows better
    const { gridSize } = this._app.preferences;
    const { detector } = this._looker;
    const from = detector.sector ?? (gridSize === 3 ? "MC" : "TL");
    const to = position(neighbour(from, gridSize, columns, rows), gridSize) ?? { row: 0, column: 0 };
    const { box } = this._screen;
    const point = {
      x: box.left + ((to.column + 0.5) / gridSize) * box.width,
      y: box.top + ((to.row + 0.5) / gridSize) * box.height,
    };
    this._looker.look(point);
    // Whoever looks by keyboard may need the controls, and what is said of the picture: M hides them.
    this._cleanTimer = Number(clearTimeout(this._cleanTimer)) || 0;
    this._marker.hidden = false;
    this._marker.style.transform = `translate(${point.x}px, ${point.y}px)`;
  }

  _toggleDebug() {
    this._debug.toggle();
    setDebugging(this._debug.visible);
    this._words.refresh();
    this._debug.setBox(this._screen.box);
    this._onLooked();
  }
}
