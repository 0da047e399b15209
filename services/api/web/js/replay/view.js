/** A recorded session: scrubbed, played at its own times, looked into. */

import { isAbort, sentenceOf } from "../io/api.js";
import { date } from "../pure/format.js";
import { Playback } from "../pure/playback.js";
import { formatRoute } from "../pure/route.js";
import { spoken } from "../pure/sectors.js";
import { el, setText } from "../ui/dom.js";
import { SessionPicker } from "../ui/session-picker.js";
import { Details } from "./details.js";
import { EntryStore } from "./entries.js";
import { mayFlicker } from "./flicker-warning.js";
import { FrameStore } from "./frames.js";
import { listenToReplayKeys } from "./keys.js";
import { ReplayScreen } from "./screen.js";
import { Timeline } from "./timeline.js";
import { Transport } from "./transport.js";

/** @typedef {import("./screen.js").Mode} Mode */

export class ReplayView {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this._app = app;
    this.title = "Replay";
    /** @type {EntryStore | null} */
    this._entries = null;
    /** @type {FrameStore | null} */
    this._frames = null;
    this._playback = this._newPlayback(0);
    this._shown = 0;
    this._isShowing = false;
    this._tick = 0;
    this._screen = new ReplayScreen();
    this._details = new Details();
    this._timeline = new Timeline({
      thumbnailOf: (position, signal) => this._thumbnail(position, signal),
      labelOf: (position) => this._labelOf(position),
      onSelect: (position) => this._seek(position),
    });
    this._transport = new Transport({
      onPlay: () => this._togglePlay(),
      onStep: (steps) => this._step(steps),
      onSeek: (position) => this._seek(position),
      onSpeed: (speed) => this._playback.setSpeed(speed, performance.now()),
      onLoop: () => this._toggleLoop(),
      onMode: (mode) => void this._setMode(mode),
      onBlend: (blend) => {
        this._screen.blend = blend;
        this._screen.draw();
      },
      onOutline: () => this._toggleOutline(),
    });
    this._picker = new SessionPicker(app, "Session", (id) => {
      location.hash = formatRoute("replay", id);
    });
    this._about = el("p", { class: "muted small" });
    this._damage = el("p", { class: "damage", role: "status", hidden: true });
    this._compare = el("a", { class: "button quiet", href: "#/compare" }, "Compare");
    this._empty = el("div", { class: "empty", hidden: true }, el("p", {}, "There is nothing to replay yet."), el("p", { class: "muted" }, "Record a session on the stage, and it will be here."));
    this._body = el("div", { class: "replay-body" }, this._screen.element, this._details.element, this._transport.element, this._timeline.element);
    this.element = el(
      "main",
      { class: "page replay", id: "main" },
      el("div", { class: "page-head" }, el("h1", {}, "Replay"), this._picker.element, this._about, el("div", { class: "tools" }, this._compare)),
      this._empty,
      this._damage,
      this._body,
    );
    this._transport.setMode("frame");
    listenToReplayKeys({
      isShown: () => app.view === this,
      play: () => this._togglePlay(),
      step: (steps) => this._step(steps),
      seek: (position) => this._seek(position),
      loop: () => this._toggleLoop(),
      outline: () => this._toggleOutline(),
      toggle: (mode) => void this._setMode(this._screen.mode === mode ? "frame" : mode),
    });
    app.live.on("frame.recorded", ({ session_id: id }) => void this._onRecorded(id));
  }

  /** @param {import("../pure/route.js").Route} route */
  async enter(route) {
    const id = await this._picker.load(route.id);
    if (this._app.view !== this) return;
    this._empty.hidden = id !== null;
    this._body.hidden = id === null;
    if (id === null) return;
    const wanted = Number(route.query.get("frame") ?? Number.NaN);
    if (this._entries?.id === id) {
      await this._entries.refresh();
      this._tellDamage(this._entries.damaged);
      this._playback.count = this._entries.total;
      this._timeline.setCount(this._entries.total);
      this._seek(Number.isInteger(wanted) ? wanted : this._playback.position);
    } else await this._open(id, Number.isInteger(wanted) ? wanted : 0);
  }

  leave() {
    this._playback.pause();
    this._transport.setPlaying(false);
    cancelAnimationFrame(this._tick);
    this._screen.stop();
  }

  /** @param {string} id @param {number} position */
  async _open(id, position) {
    this.leave();
    const entries = new EntryStore(this._app.api, id);
    this._entries = entries;
    this._frames = new FrameStore(this._app.api, id);
    this._timeline.clear();
    this._details.clear();
    this._screen.clear();
    delete this.element.dataset.position;
    this._tellDamage(null);
    this._compare.href = formatRoute("compare", null, { a: id });
    try {
      await entries.open();
    } catch (error) {
      this._entries = null;
      this._screen.fail(sentenceOf(error));
      return;
    }
    if (this._entries !== entries) return;
    setText(this._about, date(entries.createdAt));
    this._tellDamage(entries.damaged);
    const { speed, loop } = this._playback;
    this._playback = this._newPlayback(entries.total);
    Object.assign(this._playback, { speed, loop });
    this._timeline.setCount(entries.total);
    if (entries.total === 0) {
      this._screen.fail("This session has no frame yet.");
      this._transport.setPosition(0, 0, { at: 0, all: 0 });
    } else this._seek(position);
  }

  /** @param {string | null} damaged what is behind the frames shown, and cannot be read */
  _tellDamage(damaged) {
    this._damage.hidden = damaged === null;
    setText(this._damage, damaged === null ? "" : `The rest of this session cannot be read: ${damaged}`);
  }

  /** @param {number} count */
  _newPlayback(count) {
    return new Playback({ count, timeOf: (position) => this._timeOf(position), roundOf: () => this._entries?.roundSeconds });
  }

  /** @param {number} position @returns {number | undefined} seconds since the first frame */
  _timeOf(position) {
    const entries = this._entries;
    const offset = entries?.offset(position);
    // What cannot be loaded now is asked for again with the next tick, and told where the frame is shown.
    if (offset === undefined && entries && position < entries.total) entries.load(position).catch(() => undefined);
    return offset;
  }

  /** @param {number} position */
  _seek(position) {
    const last = Math.max(0, this._playback.count - 1);
    this._playback.seek(Math.min(position, last), performance.now());
    void this._show();
  }

  /** @param {number} steps */
  _step(steps) {
    this._playback.step(steps, performance.now());
    void this._show();
  }

  _togglePlay() {
    if (this._playback.playing) {
      this._playback.pause();
      cancelAnimationFrame(this._tick);
    } else {
      const { position } = this._playback;
      this._playback.play(performance.now());
      if (this._playback.position !== position) void this._show();
      this._run();
    }
    this._transport.setPlaying(this._playback.playing);
  }

  _run() {
    this._tick = requestAnimationFrame(() => {
      // A frame that is due is shown before the next one has its turn.
      if (!this._isShowing && this._playback.advance(performance.now())) void this._show();
      if (this._playback.playing) this._run();
      else this._transport.setPlaying(false);
    });
  }

  /** Show the frame at the position, unless another is wanted by the time it is there. */
  async _show() {
    const { _entries: entries, _frames: frames, _playback: playback } = this;
    if (!entries || !frames || !playback.count) return;
    const { position } = playback;
    const mine = (this._shown += 1);
    const isStale = () => mine !== this._shown || this._entries !== entries;
    this._timeline.setCurrent(position);
    this._showPosition(position);
    this._isShowing = true;
    try {
      const entry = await entries.load(position);
      if (!entry || isStale()) return;
      const needsOriginal = this._screen.mode !== "frame";
      const [changed, original] = await Promise.all([frames.frame(entry.index), needsOriginal ? frames.original(entry.index) : null]);
      if (isStale()) return;
      this._screen.show(changed, original, entry.region ?? null, this._labelOf(position));
      this._details.show(entry, this._intervalBefore(position));
      this._showPosition(position);
      this.element.dataset.position = String(position);
      frames.prefetch(entries.get(position + 1)?.index);
    } catch (error) {
      if (isStale() || isAbort(error)) return;
      this._screen.fail(sentenceOf(error));
      const entry = entries.get(position);
      if (entry) this._details.show(entry, this._intervalBefore(position));
    } finally {
      if (mine === this._shown) this._isShowing = false;
    }
  }

  /** @param {number} position @returns {number | null} seconds from the frame before, as replays keep to it */
  _intervalBefore(position) {
    const [before, at] = [this._entries?.offset(position - 1), this._entries?.offset(position)];
    return before === undefined || at === undefined ? null : at - before;
  }

  /** @param {number} position */
  _showPosition(position) {
    const entries = /** @type {EntryStore} */ (this._entries);
    const at = entries.offset(position) ?? null;
    this._transport.setPosition(position, entries.total, { at, all: entries.seconds });
  }

  /** @param {Mode} mode */
  async _setMode(mode) {
    if (mode === "flicker" && !(await mayFlicker(this._app.preferences))) return;
    this._screen.mode = mode;
    this._transport.setMode(mode);
    await this._show();
  }

  _toggleLoop() {
    this._playback.loop = !this._playback.loop;
    this._transport.setLoop(this._playback.loop);
  }

  _toggleOutline() {
    this._screen.outlined = !this._screen.outlined;
    this._transport.setOutlined(this._screen.outlined);
    this._screen.draw();
  }

  /** @param {number} position @param {AbortSignal} signal */
  async _thumbnail(position, signal) {
    const entries = this._entries;
    const entry = await entries?.load(position).catch(() => undefined);
    if (!entries || !entry || signal.aborted) return null;
    return this._app.thumbnails.load(entries.id, entries.createdAt, entry.index, signal);
  }

  /** @param {number} position */
  _labelOf(position) {
    const entry = this._entries?.get(position);
    return entry ? `Frame ${entry.index}: changed in the ${spoken(entry.target_sector)}` : `Frame ${position}`;
  }

  /** @param {string | undefined} id */
  async _onRecorded(id) {
    const entries = this._entries;
    if (this._app.view !== this || !entries || entries.id !== id) return;
    const wasEmpty = entries.total === 0;
    await entries.refresh().catch(() => undefined); // the health light tells why
    if (this._entries !== entries) return;
    this._playback.count = entries.total;
    this._timeline.setCount(entries.total);
    if (wasEmpty) this._seek(0);
    else this._showPosition(this._playback.position);
  }
}
