/** The pictures of a session, decoded: a few are kept, the next ones are fetched ahead. */

import { isAbort } from "../io/api.js";
import { decode } from "../io/pictures.js";
import { RecentCache } from "../pure/cache.js";

const KEPT = 10;

export class FrameStore {
  /**
   * @param {import("../io/api.js").Api} api
   * @param {string} id
   */
  constructor(api, id) {
    this._api = api;
    this._id = id;
    /** @type {RecentCache<Promise<ImageBitmap>>} */
    this._cache = new RecentCache(KEPT);
  }

  /** @param {number} index of the entry @returns {Promise<ImageBitmap>} */
  frame(index) {
    return this._load(`frame ${index}`, () => this._api.frame(this._id, index));
  }

  /** What the frame was made from. @param {number} index @returns {Promise<ImageBitmap>} */
  original(index) {
    return this._load(`input ${index}`, () => this._api.input(this._id, index));
  }

  /** Have a frame at hand soon. @param {number | undefined} index */
  prefetch(index) {
    if (index === undefined) return;
    this.frame(index).catch((error) => {
      // It is told when the frame is really wanted.
      if (!isAbort(error)) console.info(`frame ${index}: ${error.message}`);
    });
  }

  /** @param {string} key @param {() => Promise<Blob>} fetch */
  _load(key, fetch) {
    const held = this._cache.get(key);
    if (held) return held;
    const loading = fetch().then((blob) => decode(blob));
    this._cache.set(key, loading);
    // A failure is not kept: the next look asks again.
    loading.catch(() => this._cache.delete(key));
    return loading;
  }
}
