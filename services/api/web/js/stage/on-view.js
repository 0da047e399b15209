/** The picture on view, and one of a trial that is to take its place without being told to by a swap. */

import { isAbort, sentenceOf } from "../io/api.js";

/** @typedef {{blob: Blob, bitmap: ImageBitmap, about?: Record<string, any>}} Picture */

/**
 * @typedef {object} OnViewOptions
 * @property {import("./screen.js").Screen} screen
 * @property {import("../io/trial-pictures.js").TrialPictures} pictures
 * @property {(target: string) => void} onSwapped a sector has changed
 * @property {(sentence: string) => void} onProblem
 */

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
  }

  /** Another photograph, to begin with. @param {Picture} picture */
  begin(picture) {
    this._options.screen.begin(picture.bitmap);
    this._replace(picture, null);
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
      if (!isAbort(error)) this._options.onProblem(sentenceOf(error));
    }
  }

  /** Show a picture that is there, now. @param {string} sha256 @param {string | null} target */
  put(sha256, target) {
    const { screen, pictures, onSwapped } = this._options;
    const picture = pictures.take(sha256);
    if (!picture) return;
    screen.show(picture.bitmap);
    this._replace(picture, sha256);
    if (target !== null) onSwapped(target);
  }

  /** @param {Picture} picture @param {string | null} sha256 */
  _replace(picture, sha256) {
    this.picture?.bitmap.close();
    this.picture = picture;
    this.sha256 = sha256;
  }
}
