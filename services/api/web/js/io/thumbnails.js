/** Thumbnails as addresses for `<img>`: a few at a time, the ones used last kept. */

import { RecentCache } from "../pure/cache.js";

const AT_ONCE = 4;
const KEPT = 400;

export class Thumbnails {
  /** @param {(id: string, index: number, signal: AbortSignal) => Promise<Blob>} fetch */
  constructor(fetch) {
    this._fetch = fetch;
    /** @type {RecentCache<string>} */
    this._cache = new RecentCache(KEPT, (url) => URL.revokeObjectURL(url));
    this._running = 0;
    /** @type {(() => void)[]} */
    this._waiting = [];
  }

  /**
   * @param {string} id
   * @param {number} createdAt of the session: another one may get the id of one that was removed
   * @param {number} index
   * @param {AbortSignal} signal aborted when nobody looks any more
   * @returns {Promise<string | null>} null where it was aborted or there is no picture
   */
  async load(id, createdAt, index, signal) {
    const key = `${id}/${createdAt}/${index}`;
    const held = this._cache.get(key);
    if (held) return held;
    await this._turn();
    try {
      if (signal.aborted) return null;
      const url = URL.createObjectURL(await this._fetch(id, index, signal));
      this._cache.set(key, url);
      return url;
    } catch {
      return null; // a missing frame is told where it is opened; its thumbnail stays blank
    } finally {
      this._running -= 1;
      this._waiting.pop()?.();
    }
  }

  /** Wait for one of the few places; who came last is served first, as that is what is in view. */
  async _turn() {
    if (this._running >= AT_ONCE) await new Promise((resolve) => this._waiting.push(() => resolve(undefined)));
    this._running += 1;
  }
}
