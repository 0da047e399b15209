/** A strip with a thumbnail a frame. Of thousands, only those in view exist. */

import { scrollTo, visibleRange } from "../pure/virtual.js";
import { el, setText } from "../ui/dom.js";

const OVERSCAN = 2;
/** While the strip rushes past, nothing is asked for. */
const SETTLE_MS = 90;

/**
 * @typedef {object} TimelineOptions
 * @property {(position: number, signal: AbortSignal) => Promise<string | null>} thumbnailOf
 * @property {(position: number) => string} labelOf
 * @property {(position: number) => void} onSelect
 */

export class Timeline {
  /** @param {TimelineOptions} options */
  constructor(options) {
    this._options = options;
    this._count = 0;
    this._current = 0;
    this._width = 0;
    /** @type {Map<number, {element: HTMLElement, abort: AbortController, loaded: boolean}>} */
    this._items = new Map();
    this._rail = el("div", { class: "rail" });
    this.element = el(
      "div",
      { class: "timeline", role: "listbox", tabindex: 0, "aria-label": "Frames", "aria-orientation": "horizontal" },
      this._rail,
    );
    this._settled = 0;
    this.element.addEventListener("scroll", () => this._render(), { passive: true });
    // A wheel that only turns up and down moves the strip along.
    this.element.addEventListener(
      "wheel",
      (event) => {
        if (Math.abs(event.deltaY) <= Math.abs(event.deltaX)) return;
        event.preventDefault();
        this.element.scrollLeft += event.deltaY;
      },
      { passive: false },
    );
    this.element.addEventListener("click", (event) => {
      const item = event.target instanceof Element ? event.target.closest("[data-position]") : null;
      if (item instanceof HTMLElement) options.onSelect(Number(item.dataset.position));
    });
    new ResizeObserver(() => this._measure()).observe(this.element);
  }

  /** @param {number} count */
  setCount(count) {
    this._count = count;
    this._measure();
  }

  /** Another session: nothing of the last one stays. */
  clear() {
    for (const position of [...this._items.keys()]) this._remove(position);
    this.element.scrollLeft = 0;
  }

  /** @param {number} position */
  setCurrent(position) {
    this._items.get(this._current)?.element.setAttribute("aria-selected", "false");
    this._current = position;
    this.element.scrollLeft = scrollTo({ index: position, scroll: this.element.scrollLeft, view: this.element.clientWidth, item: this._width, count: this._count });
    this._render();
  }

  _measure() {
    this._width = parseFloat(getComputedStyle(this.element).getPropertyValue("--item-width")) || 112;
    this._rail.style.width = `${this._count * this._width}px`;
    for (const [position, { element }] of this._items) element.style.left = `${position * this._width}px`;
    this._render();
  }

  _render() {
    const { first, last } = visibleRange({ scroll: this.element.scrollLeft, view: this.element.clientWidth, item: this._width, count: this._count, overscan: OVERSCAN });
    for (const position of [...this._items.keys()]) if (position < first || position >= last) this._remove(position);
    for (let position = first; position < last; position += 1) if (!this._items.has(position)) this._add(position);
    const current = this._items.get(this._current)?.element;
    current?.setAttribute("aria-selected", "true");
    if (current) this.element.setAttribute("aria-activedescendant", current.id);
    else this.element.removeAttribute("aria-activedescendant");
    clearTimeout(this._settled);
    this._settled = window.setTimeout(() => this._load(), SETTLE_MS);
  }

  /** @param {number} position */
  _add(position) {
    const element = el(
      "div",
      {
        class: "thumb",
        role: "option",
        id: `frame-${position}`,
        "data-position": position,
        "aria-selected": "false",
        "aria-posinset": position + 1,
        "aria-setsize": this._count,
        "aria-label": `Frame ${position}`,
      },
      el("span", { class: "thumb-picture" }),
      el("span", { class: "thumb-number", "aria-hidden": "true" }, String(position)),
    );
    element.style.left = `${position * this._width}px`;
    this._rail.append(element);
    this._items.set(position, { element, abort: new AbortController(), loaded: false });
  }

  /** @param {number} position */
  _remove(position) {
    const item = this._items.get(position);
    item?.abort.abort();
    item?.element.remove();
    this._items.delete(position);
  }

  _load() {
    for (const [position, item] of this._items) {
      if (item.loaded) continue;
      item.loaded = true;
      void this._loadOne(position, item);
    }
  }

  /** @param {number} position @param {{element: HTMLElement, abort: AbortController}} item */
  async _loadOne(position, { element, abort }) {
    const url = await this._options.thumbnailOf(position, abort.signal);
    if (abort.signal.aborted) return;
    element.setAttribute("aria-label", this._options.labelOf(position));
    const number = element.querySelector(".thumb-number");
    if (number) setText(number, this._options.labelOf(position).replace(/^Frame /, "").split(":")[0]);
    if (url) element.querySelector(".thumb-picture")?.replaceChildren(el("img", { src: url, alt: "", draggable: "false" }));
    else element.classList.add("blank");
  }
}
