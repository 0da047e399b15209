/** Pictures of a trial by their hash: fetched, decoded, and held for as long as they may be drawn. */

import { ownFields } from "../pure/png-text.js";
import { isAbort } from "./api.js";
import { decode } from "./pictures.js";

/** @typedef {{blob: Blob, bitmap: ImageBitmap, about: Record<string, any>}} Picture `about`: what it says of itself */

/** So often a picture that could not be had is asked for again. */
const TRIES = 3;
const AGAIN_MS = 500;

export class TrialPictures {
  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this._api = api;
    /** @type {Map<string, Picture>} */
    this._held = new Map();
    /** @type {Map<string, {promise: Promise<Picture>, abort: AbortController}>} */
    this._coming = new Map();
  }

  /** One that can be drawn at once. @param {string} sha256 */
  held(sha256) {
    return this._held.get(sha256) ?? null;
  }

  /**
   * @param {string} sha256
   * @returns {Promise<Picture>}
   * @throws {Error} with a sentence; or as aborted, where it was let go of meanwhile
   */
  get(sha256) {
    const held = this._held.get(sha256);
    if (held) return Promise.resolve(held);
    const coming = this._coming.get(sha256);
    if (coming) return coming.promise;
    const abort = new AbortController();
    const promise = this._load(sha256, abort.signal).finally(() => this._coming.delete(sha256));
    this._coming.set(sha256, { promise, abort });
    return promise;
  }

  /** Let go of all but these. @param {(string | null | undefined)[]} kept */
  keep(kept) {
    for (const [sha256, { abort }] of this._coming) if (!kept.includes(sha256)) abort.abort();
    for (const [sha256, picture] of this._held) {
      if (kept.includes(sha256)) continue;
      this._held.delete(sha256);
      picture.bitmap.close();
    }
  }

  /** Take one out: whoever takes it sees to its end. @param {string} sha256 */
  take(sha256) {
    const picture = this._held.get(sha256) ?? null;
    this._held.delete(sha256);
    return picture;
  }

  /** @param {string} sha256 @param {AbortSignal} signal */
  async _load(sha256, signal) {
    for (let tries = 1; ; tries += 1) {
      try {
        const blob = await this._api.trialPicture(sha256, signal);
        const [bitmap, bytes] = await Promise.all([decode(blob), blob.arrayBuffer()]);
        signal.throwIfAborted();
        const picture = { blob, bitmap, about: ownFields(new Uint8Array(bytes)) };
        this._held.set(sha256, picture);
        return picture;
      } catch (error) {
        if (isAbort(error) || tries === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
        signal.throwIfAborted();
      }
    }
  }
}
