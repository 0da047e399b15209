/** This page as a display: what it tells the gaze process through the server, and is told. */

import { clockMessage } from "../pure/clock.js";
import { LiveSocket, socketUrl } from "./socket.js";

/** @typedef {import("../types.js").GazeStatus} GazeStatus */
/** @typedef {import("../pure/trial.js").TrialState} TrialState */
/** @typedef {{left: number | null, top: number | null, width: number | null, height: number | null}} Box shares of what is seen of the page */
/** @typedef {Box & {page_px: [number, number], screen_px: [number, number], is_full_screen: boolean, refresh_ms: number | null, takes_sectors: boolean}} Shown */

/**
 * @typedef {object} DisplayListener
 * @property {(trial: TrialState | null, gaze: GazeStatus | null) => void} hello the connection is there; null: the gaze process is not
 * @property {(trial: TrialState, counts: boolean) => void} viewed what the page shows is known now
 * @property {(message: import("../pure/trial.js").TrialMessage & Record<string, any>) => void} step
 * @property {(status: GazeStatus) => void} source
 * @property {(isThere: boolean) => void} gaze the gaze process came or went
 * @property {() => void} lost the connection is gone
 */

const VIEW = "default";
const MEASURE_EVERY_MS = 5_000;
const PINGS = 8;

export class DisplaySocket {
  /**
   * @param {import("./api.js").Api} api
   * @param {DisplayListener} listener
   */
  constructor(api, listener) {
    this._listener = listener;
    /** @type {string | null} This page's name among the displays; another one at each connection. */
    this.name = null;
    /** @type {string | null} What the server was told last, as text. */
    this._shown = null;
    this._timer = 0;
    this._pingsLeft = 0;
    this._socket = new LiveSocket({
      url: () => socketUrl(api.withToken("/display")),
      onJson: (message, text) => this._take(message, text),
      onClose: () => this._lost(),
    });
  }

  open() {
    this._socket.open();
  }

  close() {
    this._socket.close();
  }

  /** Where the picture lies now; told where it is another place than before. @param {Shown} shown */
  show(shown) {
    const text = JSON.stringify({ type: "view", view: VIEW, ...shown });
    if (this.name === null || text === this._shown) return;
    this._shown = text;
    this._socket.send(text);
  }

  /** Have it told again, with whatever it is by then. */
  showAgain() {
    this._shown = null;
  }

  /** @param {import("../pure/pointer.js").SentPoint[]} points */
  points(points) {
    if (this.name !== null && points.length) this._send({ type: "points", points });
  }

  /** @param {string} key @param {number} atMs */
  key(key, atMs) {
    this._send({ type: "key", key, at_ms: atMs });
  }

  /** A picture can be drawn at once. @param {string} trial @param {string} frame */
  ready(trial, frame) {
    this._send({ type: "ready", trial_id: trial, frame });
  }

  /**
   * What became of a swap.
   * @param {"displayed" | "missed"} what
   * @param {{trial_id: string, swap: string, reason?: string, [time: string]: string | number | undefined}} report
   */
  report(what, report) {
    this._send({ type: what, ...report });
  }

  /** @param {Record<string, unknown>} message */
  _send(message) {
    this._socket.send(JSON.stringify(message));
  }

  /** @param {any} message @param {string} text */
  _take(message, text) {
    const { type } = message;
    if (type === "hello") this._greet(message);
    else if (type === "pong") this._measured(message, text);
    else if (type === "view") this._listener.viewed(message.trial, message.counts);
    else if (type === "source") this._listener.source(message);
    else if (type === "gaze") this._gaze(message.there);
    else if (type === "error") console.info(`The server says of “${message.about}”: ${message.detail}`);
    else if (typeof message.trial_id === "string") this._listener.step(message);
  }

  /** @param {{display: string, trial: TrialState | null, gaze: GazeStatus | null}} hello */
  _greet({ display, trial, gaze }) {
    this.name = display;
    this._shown = null;
    this._listener.hello(trial, gaze);
    this._measure();
  }

  /** @param {boolean} isThere the server itself tells a gaze process that came what is shown here */
  _gaze(isThere) {
    this._listener.gaze(isThere);
    if (isThere) this._measure();
  }

  _lost() {
    this.name = null;
    clearTimeout(this._timer);
    this._listener.lost();
  }

  /** Compare the clocks: several times in a row, of which the quickest tells most. */
  _measure() {
    clearTimeout(this._timer);
    this._timer = window.setTimeout(() => this._measure(), MEASURE_EVERY_MS);
    this._pingsLeft = PINGS;
    this._ping();
  }

  _ping() {
    if (this._pingsLeft === 0) return;
    this._pingsLeft -= 1;
    this._send({ type: "ping", sent_ms: performance.now() });
  }

  /** @param {{sent_ms: number}} pong @param {string} text */
  _measured({ sent_ms: sentMs }, text) {
    const message = clockMessage(text, sentMs, performance.now());
    if (message) this._socket.send(message);
    this._ping();
  }
}
