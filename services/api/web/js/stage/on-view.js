/** The picture on view, and one of a trial that is to take its place without being told to by a swap. */

import { isAbort, sentenceOf } from "../io/api.js";
import { ownFields } from "../pure/png-text.js";

/** @typedef {{blob: Blob | null, about?: Record<string, any>}} Picture `blob`: its bytes; null until they are fetched */
/** @typedef {{blob: Blob, bitmap: ImageBitmap, about?: Record<string, any>}} Decoded */

/**
 * @typedef {object} OnViewOptions
 * @property {import("../io/api.js").Api} api
 * @property {import("./screen.js").Screen} screen
 * @property {import("../io/trial-pictures.js").TrialPictures} pictures
 * @property {(target: string) => void} onSwapped a sector has changed
 * @property {(sentence: string) => void} onProblem
 */

/** Of pictures that changed sector by sector the bytes are fetched once they have rested for so long: few are needed. */
const FETCH_AFTER_MS = 1_000;

export class OnView {
  /** @param {OnViewOptions} options */
  constructor(options) {
    this._options = options;
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {string | null} Its hash; null where that is not known. */
    this.sha256 = null;
    /** @type {string | null} Hash of one that is to be on view as soon as it is there. */
    this.coming = null;
    this._timer = 0;
  }

  /** Another photograph, to begin with. @param {Decoded} picture */
  begin(picture) {
    this._options.screen.begin(picture.bitmap);
    this._put(picture, null);
    this.coming = null;
  }

  /**
   * Show a picture of the trial as soon as it is there.
   * @param {string} sha256
   * @param {string | null} [target] what changes by it; null: it is another photograph
   */
  async show(sha256, target = null) {
    if (sha256 === this.sha256) return;
    this.coming = sha256;
    try {
      await this._options.pictures.get(sha256);
      if (this.coming !== sha256) return; // another one is to be shown by now
      this.coming = null;
      this.put(sha256, target);
    } catch (error) {
      if (this.coming === sha256) this.coming = null;
      if (!isAbort(error)) this._options.onProblem(sentenceOf(error));
    }
  }

  /** Show a picture that is there, now. @param {string} sha256 @param {string | null} target */
  put(sha256, target) {
    const { screen, pictures, onSwapped } = this._options;
    const picture = pictures.take(sha256);
    if (!picture) return;
    screen.show(picture.bitmap);
    this._put(picture, sha256);
    if (target !== null) onSwapped(target);
  }

  /**
   * Lay a changed sector over the picture, now: that is another picture from then on.
   * @param {import("../io/prepared-sectors.js").Sector} sector
   * @param {string} sha256 of the whole
   * @param {string} target
   */
  lay({ bitmap, region, about }, sha256, target) {
    this._options.screen.lay(bitmap, region);
    this._replace({ blob: null, about }, sha256);
    this.coming = null;
    this._timer = window.setTimeout(() => void this._fetch(), FETCH_AFTER_MS);
    this._options.onSwapped(target);
  }

  /**
   * The bytes of the picture on view, as a trial can begin with them.
   * @returns {Promise<Blob | null>} null where there is none
   */
  async whole() {
    const { picture } = this;
    if (!picture || picture.blob || (await this._fetch())) return picture?.blob ?? null;
    if (picture !== this.picture) return this.whole();
    // Nobody has it any more: as with a picture that is scaled down, what is shown is what is sent.
    picture.blob = await this._options.screen.asPng();
    return picture.blob;
  }

  /** @returns {Promise<boolean>} whether its bytes are here now */
  async _fetch() {
    const { picture, sha256 } = this;
    if (!picture || picture.blob || sha256 === null) return Boolean(picture?.blob);
    try {
      const blob = await this._options.api.trialPicture(sha256);
      const about = ownFields(new Uint8Array(await blob.arrayBuffer()));
      Object.assign(picture, { blob, about });
    } catch (error) {
      console.info(`The picture on view is not to be had as a whole: ${sentenceOf(error)}`);
    }
    return picture.blob !== null;
  }

  /** It is on the canvas: what it was decoded to is no longer needed. @param {Decoded} picture @param {string | null} sha256 */
  _put({ blob, bitmap, about }, sha256) {
    bitmap.close();
    this._replace({ blob, about }, sha256);
  }

  /** @param {Picture} picture @param {string | null} sha256 */
  _replace(picture, sha256) {
    clearTimeout(this._timer);
    this.picture = picture;
    this.sha256 = sha256;
  }
}
