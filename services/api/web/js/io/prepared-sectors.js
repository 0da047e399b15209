/** Changed sectors that were made ahead: fetched, decoded, and held for as long as they may be drawn. */

import { ApiError, isAbort, sentenceOf } from "./api.js";
import { decode } from "./pictures.js";

/** @typedef {import("../pure/sector-answer.js").AboutSector} AboutSector */
/** @typedef {AboutSector & {bitmap: ImageBitmap}} Sector */

/**
 * @typedef {object} Wanted
 * @property {string} id of the change at the server
 * @property {string} on hash of the picture that the sector is to be laid over
 * @property {string} made what said that it is ready; another one: it may be there by now
 */

/** So often one that could not be had is asked for again. */
const TRIES = 3;
const AGAIN_MS = 500;
/** It is gone, or is being made for another picture by now, which is told. */
const MEANWHILE = ["not_found", "stale"];

export class PreparedSectors {
  /**
   * @param {import("./api.js").Api} api
   * @param {{onHeld: () => void, onProblem: (sentence: string) => void}} handlers
   */
  constructor(api, { onHeld, onProblem }) {
    this._api = api;
    this._onHeld = onHeld;
    this._onProblem = onProblem;
    /** @type {Map<string, Sector>} By the change's id. */
    this._held = new Map();
    /** @type {Map<string, {on: string, abort: AbortController}>} */
    this._coming = new Map();
    /** @type {Map<string, string>} What said that it is ready, of those that were not to be had. */
    this._refused = new Map();
  }

  /** One that can be drawn at once over a picture. @param {string} id @param {string | null} on its hash @returns {Sector | null} */
  held(id, on) {
    const sector = this._held.get(id);
    return sector && sector.on === on ? sector : null;
  }

  /**
   * Have these at hand, and let go of all others.
   * @param {Wanted[]} wanted
   * @param {{id: string, on: string | null} | null} kept one that is not asked for, and stays if it is here
   */
  want(wanted, kept) {
    const isWanted = (/** @type {string} */ id, /** @type {string} */ on) => wanted.some((each) => each.id === id && each.on === on);
    for (const [id, { on, abort }] of this._coming) {
      if (isWanted(id, on)) continue;
      this._coming.delete(id);
      abort.abort();
    }
    for (const [id, { on, bitmap }] of this._held) {
      if (isWanted(id, on) || (kept?.id === id && kept.on === on)) continue;
      this._held.delete(id);
      bitmap.close();
    }
    for (const id of this._refused.keys()) if (!wanted.some((each) => each.id === id)) this._refused.delete(id);
    for (const each of wanted) {
      if (this._held.has(each.id) || this._coming.has(each.id) || this._refused.get(each.id) === each.made) continue;
      void this._load(each);
    }
  }

  /** @param {Wanted} wanted */
  async _load({ id, on, made }) {
    const abort = new AbortController();
    this._coming.set(id, { on, abort });
    let sector = null;
    try {
      sector = await this._get(id, on, abort.signal);
    } catch (error) {
      if (!isAbort(error)) this._onProblem(sentenceOf(error));
    }
    if (abort.signal.aborted) {
      sector?.bitmap.close();
      return;
    }
    this._coming.delete(id);
    if (sector) {
      this._held.set(id, sector);
      this._onHeld();
    } else this._refused.set(id, made);
  }

  /**
   * @param {string} id
   * @param {string} on
   * @param {AbortSignal} signal
   * @returns {Promise<Sector | null>} null where it is not, or no longer, to be had for that picture
   */
  async _get(id, on, signal) {
    for (let tries = 1; ; tries += 1) {
      try {
        const found = await this._api.preparedSector(id, signal);
        if (found?.about.on !== on) return null;
        return { ...found.about, bitmap: await bitmapOf(found) };
      } catch (error) {
        if (error instanceof ApiError && MEANWHILE.includes(error.code)) return null;
        if (isAbort(error) || tries === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
        signal.throwIfAborted();
      }
    }
  }
}

/** @param {{blob: Blob, about: AboutSector}} found @throws {Error} where it has another size than its place */
async function bitmapOf({ blob, about: { region } }) {
  const bitmap = await decode(blob);
  if (bitmap.width === region.right - region.left && bitmap.height === region.bottom - region.top) return bitmap;
  bitmap.close();
  throw new Error("A changed sector came with another size than its place has.");
}
