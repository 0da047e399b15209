/** The stage: a photograph fills the view, and changes where nobody looks. */

import { savePreferences } from "../io/prefs.js";
import { PAGE, possibleSwap } from "../pure/begin.js";
import { setClean } from "../ui/clean.js";
import { el, icon } from "../ui/dom.js";
import { toggleFullScreen } from "../ui/full-screen.js";
import { notify } from "../ui/notices.js";
import { Cleaning } from "./cleaning.js";
import { Debugging } from "./debugging.js";
import { TrialDisplay } from "./display.js";
import { Dock } from "./dock.js";
import { listenToStageKeys } from "./keys.js";
import { Looking } from "./looking.js";
import { countOn, markTrial } from "./marks.js";
import { Photographs } from "./photographs.js";
import { Screen } from "./screen.js";
import { Source } from "./source.js";
import { Trials } from "./trials.js";
import { StageWords } from "./words.js";

/** @typedef {import("../app.js").App} App */

export class StageView {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this.title = "Stage";
    this._screen = new Screen();
    this._screen.fit = app.preferences.fit;
    this._screen.patch.hidden = !app.preferences.patch;
    this._debug = new Debugging({ app, screen: this._screen, display: () => this._display, looking: () => this._looking });
    this._words = new StageWords(this._screen.canvas);
    this._surface = el(
      "div",
      { class: "surface", tabindex: 0, role: "application", "aria-label": "Stage", "aria-describedby": "stage-help" },
      this._screen.element,
      this._debug.element,
    );
    this._looking = new Looking(app.api, this._surface, this._screen, {
      onLook: (isAtPicture) => this._cleaning.look(isAtPicture),
      onPress: () => this._press("click"),
      onTracker: (point) => this._debug.tracked(point),
    });
    this._surface.append(this._looking.marker);
    this._dock = new Dock({
      api: app.api,
      preferences: app.preferences,
      onPicture: (blob, sample) => void this._photographs.open(blob, sample),
      onPreference: (changed) => this._onPreference(changed),
      onSource: (source) => void this._source.choose(source),
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
    /** @type {TrialDisplay} */
    this._display = this._newDisplay();
    this._source = new Source({
      api: app.api,
      display: () => this._display,
      looking: this._looking,
      dock: this._dock,
      onKnown: () => {
        this._listenToTracker();
        this._trials.refresh();
      },
    });
    this._trials = new Trials({
      api: app.api,
      preferences: app.preferences,
      recording: app.recording,
      display: () => this._display,
      isKnown: () => app.monitor.health !== null,
      onJoined: () => this._begunWith(null),
      onProblem: (sentence) => this._tell(sentence),
    });
    this._photographs = new Photographs({
      dock: () => this._dock,
      greeted: () => this._trials.greeted,
      onOpened: (picture, sample) => {
        this._display.begin(picture);
        this._begunWith(sample);
        this._trials.begin();
      },
    });
    this._cleaning = new Cleaning({
      // Whoever is at the controls by keyboard keeps them.
      isBusy: () => app.view !== this || !this._display.picture || app.isAtControls() || app.recording.loss !== null,
      clean: () => this._setClean(true),
    });
    this._isLossShown = false;
    this._frame = 0;
    this._listen();
  }

  enter() {
    this._trials.show(true);
    this._connect();
    this._setClean(false);
    cancelAnimationFrame(this._frame);
    const tick = (/** @type {number} */ frameMs) => {
      this._frame = requestAnimationFrame(tick);
      this._display.tick(frameMs);
      this._sendPoints();
      this._debug.tick();
    };
    this._frame = requestAnimationFrame(tick);
    void this._photographs.begin();
  }

  leave() {
    this._trials.show(false);
    cancelAnimationFrame(this._frame);
    this._connect();
    this._setClean(false);
  }

  /** Be a display while somebody may look: a page in the background draws no frames, so another one counts meanwhile. */
  _connect() {
    const { monitor, view } = this._app;
    const isShown = view === this && !document.hidden;
    this._display.meter.begin();
    // Before the server has answered it may want a token, or not be there.
    if (isShown && monitor.health) this._display.socket.open();
    else if (!isShown) this._display.socket.close();
    this._listenToTracker();
  }

  /** Another photograph is on view. @param {string | null} sample its file, where it is one */
  _begunWith(sample) {
    countOn(this.element, "begun");
    this._dock.mark(sample);
    this._words.begun();
  }

  _newDisplay() {
    return new TrialDisplay({
      api: this._app.api,
      screen: this._screen,
      isLookedAt: (target) => this._looking.isPointer && this._display.isNear(target, this._looking.gaze),
      onChange: () => this._say(),
      onSwapped: (target) => this._onSwapped(target),
      onHello: (trial) => this._trials.greet(trial),
      onBegun: (id, config) => this._trials.begun(id, config),
      onEnded: (reason, outcome) => this._trials.ended(reason, outcome),
      onSource: () => this._source.follow(),
      onProblem: (sentence, code) => {
        if (code === "session_not_active") void this._app.recording.check();
        else this._tell(sentence);
      },
    });
  }

  _listen() {
    this._photographs.takeDropsOn(this.element);
    this._dock.element.addEventListener("pointerenter", () => this._cleaning.stop());
    // The server may not have been there, or may have wanted a token, when the page came.
    this._app.monitor.addEventListener("change", () => {
      if (this._app.view !== this || !this._app.monitor.health) return;
      void this._photographs.begin();
      this._connect();
      this._trials.refresh();
    });
    listenToStageKeys({
      isShown: () => this._app.view === this,
      press: (key) => this._press(key),
      moveGaze: (columns, rows) => this._moveGaze(columns, rows),
      debug: () => this._toggleDebug(),
      fullScreen: () => void toggleFullScreen(),
      toggleControls: () => this._setClean(!document.body.classList.contains("clean")),
      showControls: () => this.showControls(),
    });
    this._app.recording.addEventListener("change", () => this._onRecording());
    document.addEventListener("fullscreenchange", () => this._screen.layOut());
    document.addEventListener("visibilitychange", () => this._connect());
  }

  _sendPoints() {
    if (this._looking.isPointer) this._display.socket.points(this._looking.toSend());
  }

  /** @param {boolean} clean */
  _setClean(clean) {
    this._cleaning.stop();
    setClean(clean && this._app.view === this);
    this._words.refresh();
    this._dock.refresh();
    if (clean && this._dock.element.contains(document.activeElement)) this._surface.focus({ preventScroll: true });
  }

  _say() {
    markTrial(this.element, this._display);
    this._debug.follow();
    this._words.follow(this._display.trial);
  }

  /** @param {string} key */
  _press(key) {
    if (key === " " || key === "click") this._words.pressed();
    this._sendPoints(); // where one looks as one presses, and not a frame before
    this._display.press(key, possibleSwap(this._app.preferences.swap, PAGE) === "press");
  }

  /** @param {string} sentence */
  _tell(sentence) {
    this._debug.problem = sentence;
    notify(sentence, { kind: "error" });
  }

  _listenToTracker() {
    this._looking.listen(this._app.view === this && this._debug.isShown);
  }

  /** @param {string} target */
  _onSwapped(target) {
    countOn(this.element, "swaps");
    this._words.swapped(target);
  }

  /** A recording that was lost is told, also on a clean stage: nothing changes there until somebody chooses. */
  _onRecording() {
    const isLost = this._app.recording.loss !== null;
    if (isLost && !this._isLossShown) this.showControls();
    this._isLossShown = isLost;
    this._trials.refresh();
  }

  showControls() {
    this._setClean(false);
  }

  /** @param {Partial<import("../io/prefs.js").Preferences>} changed */
  _onPreference(changed) {
    Object.assign(this._app.preferences, changed);
    savePreferences(this._app.preferences);
    this._screen.fit = this._app.preferences.fit;
    this._screen.patch.hidden = !this._app.preferences.patch;
    this._screen.layOut();
    this._trials.refresh();
  }

  /** @param {number} columns @param {number} rows */
  _moveGaze(columns, rows) {
    this._looking.move(this._app.preferences.gridSize, columns, rows);
    // Whoever looks by keyboard may need the controls, and what is said of the picture: M hides them.
    this._cleaning.stop();
  }

  _toggleDebug() {
    this._debug.toggle();
    this._words.refresh();
    this._listenToTracker();
  }
}
