/** Where the viewer looks, as far as this page knows: by its pointer, unless the server goes by another source. */

import { socketUrl } from "../io/socket.js";
import { PAGE } from "../pure/begin.js";
import { toPicture } from "../pure/fit.js";
import { PointerPlace } from "../pure/pointer.js";
import { atPoint, neighbour, position } from "../pure/sectors.js";
import { el } from "../ui/dom.js";
import { seen } from "./page.js";
import { Pointing, TrackerPoints } from "./pointing.js";

/** @typedef {import("./pointing.js").ViewPoint} ViewPoint */

/** The source that an address asks for by `/?gaze=ws`. */
const TRACKER = "websocket";

export class Looking {
  /**
   * @param {import("../io/api.js").Api} api
   * @param {HTMLElement} surface
   * @param {import("./screen.js").Screen} screen
   * @param {{onLook: (isAtPicture: boolean) => void, onPress: () => void, onTracker: (point: ViewPoint) => void}} handlers
   */
  constructor(api, surface, screen, { onLook, onPress, onTracker }) {
    this._screen = screen;
    /** What the server goes by. */
    this.source = PAGE;
    /** @type {string | null} */
    this._asked = new URLSearchParams(location.search).get("gaze") === "ws" ? TRACKER : null;
    /** Shows a gaze that is moved by keys. */
    this.marker = el("div", { class: "gaze-marker", "aria-hidden": "true", hidden: true });
    this._place = new PointerPlace();
    new Pointing(surface, this._place, {
      onLook: (isAtPicture) => {
        this.marker.hidden = true;
        onLook(isAtPicture);
      },
      onPress,
    });
    this._tracker = new TrackerPoints(() => socketUrl(api.withToken("/gaze")), onTracker);
  }

  /** Whether the pointer is the gaze. */
  get isPointer() {
    return this.source === PAGE;
  }

  /** Where the pointer looks now, in pixels of the view; null: nobody knows. */
  get gaze() {
    return this._place.at(performance.now(), this._view);
  }

  /** The pointer's place as it is sent. */
  toSend() {
    return this._place.toSend(performance.now(), this._view);
  }

  /** The source that this page's address asks for, once; null where that is the chosen one, or none is asked for. */
  takeAsked() {
    const asked = this._asked;
    this._asked = null;
    return asked === this.source ? null : asked;
  }

  /** Move the gaze by keys. @param {2 | 3} gridSize @param {number} columns @param {number} rows */
  move(gridSize, columns, rows) {
    if (!this.isPointer) return; // a tracker knows better
    const { box } = this._screen;
    const at = this.gaze && toPicture(this.gaze, box);
    const from = at ? atPoint(at.x, at.y, gridSize) : gridSize === 3 ? "MC" : "TL";
    const to = position(neighbour(from, gridSize, columns, rows), gridSize) ?? { row: 0, column: 0 };
    const x = box.left + ((to.column + 0.5) / gridSize) * box.width;
    const y = box.top + ((to.row + 0.5) / gridSize) * box.height;
    this._place.move({ x, y }, performance.now());
    this.marker.hidden = false;
    this.marker.style.transform = `translate(${x}px, ${y}px)`;
  }

  /** Hear what a tracker sends, where the server goes by one. @param {boolean} isWanted */
  listen(isWanted) {
    this._tracker.listen(isWanted && this.source === TRACKER);
  }

  get _view() {
    return { page: seen(), box: this._screen.box };
  }
}
