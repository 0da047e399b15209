/** All sessions: find, open, compare, take along, bring in, delete. */

import { sentenceOf } from "../io/api.js";
import { plural } from "../pure/format.js";
import { formatRoute } from "../pure/route.js";
import { ask } from "../ui/dialog.js";
import { el, fill, icon, setText } from "../ui/dom.js";
import { usesTouch } from "../ui/input.js";
import { notify } from "../ui/notices.js";
import { SessionCard } from "./card.js";

/** @typedef {import("../types.js").SessionListed} SessionListed */

const NO_ROUTE = "This server cannot do that yet.";

export class SessionsView {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this._app = app;
    this.title = "Sessions";
    /** @type {SessionListed[]} */
    this._sessions = [];
    /** @type {Map<string, SessionCard>} */
    this._cards = new Map();
    /** @type {string[]} In the order of choosing. */
    this._chosen = [];
    this._canExport = false;
    this._search = el("input", { type: "search", placeholder: "Search", "aria-label": "Search sessions by name", input: () => this._show() });
    this._count = el("p", { class: "muted small", role: "status" });
    this._compare = el("button", { type: "button", class: "button", disabled: true, click: () => this._openCompare() }, "Compare two");
    this._file = el("input", { type: "file", accept: ".gz,.tgz,.tar", class: "visually-hidden", tabindex: -1, "aria-hidden": "true", change: () => void this._onFile() });
    this._import = el("button", { type: "button", class: "button", disabled: true, click: () => this._file.click() }, icon("upload"), "Import");
    this._list = el("ul", { class: "cards" });
    this._empty = el("div", { class: "empty", hidden: true });
    this.element = el(
      "main",
      { class: "page sessions", id: "main" },
      el(
        "div",
        { class: "page-head" },
        el("h1", {}, "Sessions"),
        this._count,
        el("div", { class: "tools" }, el("label", { class: "search" }, icon("search"), this._search), this._compare, this._import, this._file),
      ),
      this._empty,
      this._list,
    );
    this.element.addEventListener("drop", (event) => {
      const [file] = event.dataTransfer?.files ?? [];
      if (file && !this._import.disabled) void this._bringIn(file);
    });
    for (const type of ["session.started", "session.stopped"]) app.live.on(type, () => void this._reloadIfShown());
    this._observer = new IntersectionObserver((seen) => this._onSeen(seen), { rootMargin: "200px" });
  }

  enter() {
    void this._learnRoutes();
    void this.reload();
  }

  leave() {
    this._observer.disconnect();
  }

  async reload() {
    try {
      this._sessions = await this._app.api.sessions();
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
    }
    const names = new Set(this._sessions.map((session) => session.id));
    this._chosen = this._chosen.filter((id) => names.has(id));
    this._cards.clear();
    for (const session of this._sessions) this._cards.set(session.id, this._card(session));
    this._show();
  }

  /** @param {SessionListed} session */
  _card(session) {
    return new SessionCard(session, {
      app: this._app,
      canExport: this._canExport,
      noExport: NO_ROUTE,
      chosen: this._chosen.includes(session.id),
      onChoose: (isChosen) => this._choose(session.id, isChosen),
      onDelete: () => void this._delete(session),
    });
  }

  _show() {
    const wanted = this._search.value.trim().toLowerCase();
    const found = this._sessions.filter((session) => session.id.toLowerCase().includes(wanted));
    this._observer.disconnect();
    const cards = found.map((session) => /** @type {SessionCard} */ (this._cards.get(session.id)));
    fill(this._list, ...cards.map((card) => card.element));
    for (const card of cards) this._observer.observe(card.element);
    setText(this._count, wanted ? `${found.length} of ${plural(this._sessions.length, "session")}` : plural(this._sessions.length, "session"));
    this._empty.hidden = found.length > 0;
    fill(
      this._empty,
      ...(wanted
        ? [el("p", {}, `No session has “${this._search.value.trim()}” in its name.`)]
        : [el("p", {}, "Nothing has been recorded yet."), el("p", { class: "muted" }, `${usesTouch() ? "Tap Record" : "Press R"} on the stage, look at a picture, and it will be here.`)]),
    );
    this._compare.disabled = this._chosen.length !== 2;
  }

  /** @param {IntersectionObserverEntry[]} seen */
  _onSeen(seen) {
    for (const { target, isIntersecting } of seen) {
      const id = /** @type {HTMLElement} */ (target).dataset.session ?? "";
      if (isIntersecting) this._cards.get(id)?.showThumbnail();
    }
  }

  /** @param {string} id @param {boolean} isChosen */
  _choose(id, isChosen) {
    this._chosen = this._chosen.filter((chosen) => chosen !== id);
    if (isChosen) this._chosen.push(id);
    while (this._chosen.length > 2) this._cards.get(this._chosen.shift() ?? "")?.setChosen(false);
    this._compare.disabled = this._chosen.length !== 2;
  }

  _openCompare() {
    const [a, b] = this._chosen;
    location.hash = formatRoute("compare", null, { a, b });
  }

  /** @param {SessionListed} session */
  async _delete(session) {
    const isSure = await ask({
      title: `Delete “${session.id}”?`,
      text: `${session.frames === null ? "All of its frames" : `Its ${plural(session.frames, "frame")}`} will be gone for good.`,
      confirm: "Delete",
      danger: true,
    });
    if (!isSure) return;
    try {
      await this._app.api.deleteSession(session.id);
      notify(`“${session.id}” is deleted.`);
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
    }
    await this.reload();
    this._search.focus();
  }

  async _onFile() {
    const [file] = this._file.files ?? [];
    this._file.value = "";
    if (file) await this._bringIn(file);
  }

  /** @param {File} file an archive of a session */
  async _bringIn(file) {
    this._import.disabled = true;
    try {
      notify(`“${file.name}” is being brought in.`);
      const brought = await this._app.api.importSession(file);
      notify(`“${brought.session_id ?? file.name}” is here.`);
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
    }
    this._import.disabled = false;
    await this.reload();
  }

  async _learnRoutes() {
    const canImport = await this._app.has("POST /session/import");
    this._import.disabled = !canImport;
    this._import.title = canImport ? "" : NO_ROUTE;
    const canExport = await this._app.has("GET /session/{}/export");
    if (canExport === this._canExport) return;
    this._canExport = canExport;
    for (const card of this._cards.values()) card.setCanExport(canExport);
  }

  async _reloadIfShown() {
    if (this._app.view === this) await this.reload();
  }
}
