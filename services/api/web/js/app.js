/** The page as a whole: what its views share, and which of them is on show. */

import { Api } from "./io/api.js";
import { LiveEvents } from "./io/events.js";
import { Models } from "./io/models.js";
import { HealthMonitor } from "./io/monitor.js";
import { loadPreferences } from "./io/prefs.js";
import { Recording } from "./io/recording.js";
import { Thumbnails } from "./io/thumbnails.js";
import { TokenKeeper } from "./io/token.js";
import { parseRoute } from "./pure/route.js";
import { CompareView } from "./compare/view.js";
import { ReplayView } from "./replay/view.js";
import { SessionsView } from "./sessions/view.js";
import { StageView } from "./stage/view.js";
import { mountNotices } from "./ui/notices.js";
import { Shell } from "./ui/shell.js";

/**
 * @typedef {object} View
 * @property {string} title
 * @property {HTMLElement} element
 * @property {(route: import("./pure/route.js").Route) => void} enter
 * @property {() => void} leave
 * @property {() => void} [showControls]
 */

export class App {
  constructor() {
    this.preferences = loadPreferences();
    const tokens = new TokenKeeper();
    this.api = new Api({ token: () => tokens.token, onUnauthorized: () => tokens.askAgain() });
    this.monitor = new HealthMonitor(this.api);
    this.live = new LiveEvents(this.api);
    this.models = new Models(this.api, this.monitor, this.live);
    this.recording = new Recording(this.api, this.monitor, this.live);
    this.thumbnails = new Thumbnails((id, index, signal) => this.api.thumbnail(id, index, signal));
    /** @type {Promise<Set<string>> | null} */
    this._routes = null;
    this._shell = new Shell(this);
    /** @type {Record<string, View>} */
    this._views = {
      stage: new StageView(this),
      sessions: new SessionsView(this),
      replay: new ReplayView(this),
      compare: new CompareView(this),
    };
    /** @type {View | null} */
    this.view = null;
  }

  start() {
    document.body.append(...this._shell.elements);
    mountNotices();
    window.addEventListener("hashchange", () => this._go());
    // A file that is dropped beside the place for it must not replace the page.
    for (const type of ["dragover", "drop"]) window.addEventListener(type, (event) => event.preventDefault());
    // Live events only once the server has answered: before that it may want a token, or not be there.
    this.monitor.addEventListener("change", () => {
      if (this.monitor.health) this.live.start();
    });
    this.monitor.start();
    this._go();
  }

  /** Bring back what a clean stage hides. */
  showControls() {
    this.view?.showControls?.();
  }

  /** @returns {boolean} whether the keyboard's focus is on a control */
  isAtControls() {
    return this._shell.holdsFocus() || document.activeElement?.closest(".dock, dialog") !== null;
  }

  /**
   * Whether the server has a route, by its own description.
   * @param {string} route `POST /session/import`; a parameter is written {}
   * @returns {Promise<boolean>}
   */
  async has(route) {
    this._routes ??= this.api.routes();
    try {
      return (await this._routes).has(route);
    } catch {
      this._routes = null; // not known now: asked for again next time
      return false;
    }
  }

  _go() {
    const route = parseRoute(location.hash);
    const next = this._views[route.name];
    if (this.view !== next) {
      const previous = this.view;
      this.view = next;
      previous?.leave();
      previous?.element.remove();
      this._shell.place(next.element, route.name);
    }
    document.title = `${next.title} · Parafovea`;
    next.enter(route);
  }
}
