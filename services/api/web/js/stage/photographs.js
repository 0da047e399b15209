/** Which photograph is begun with: the first sample, one that is chosen, or a file that is dropped in. */

import { sentenceOf } from "../io/api.js";
import { openPicture } from "../io/pictures.js";
import { notify } from "../ui/notices.js";

/** So long the server may take to say whether there is a trial to follow, before the first photograph is begun with. */
const GREETING_MS = 1_500;

/**
 * @typedef {object} PhotographsOptions
 * @property {() => import("./dock.js").Dock} dock
 * @property {() => Promise<boolean>} greeted whether there is a trial to follow
 * @property {(picture: import("./on-view.js").Decoded, sample: string | null) => void} onOpened
 */

export class Photographs {
  /** @param {PhotographsOptions} options */
  constructor(options) {
    this._options = options;
    this._opening = 0;
    this._isBegun = false;
  }

  /** Show the samples, and the first of them unless there is a trial to follow; unless that is done or under way. */
  async begin() {
    if (this._isBegun) return;
    this._isBegun = true;
    try {
      const { dock, greeted } = this._options;
      const [first] = await dock().load();
      const isJoined = await Promise.race([greeted(), new Promise((resolve) => setTimeout(resolve, GREETING_MS, false))]);
      if (first && !this._opening && !isJoined) await dock().open(first);
    } catch (error) {
      this._isBegun = false;
      notify(sentenceOf(error), { kind: "error" });
    }
  }

  /**
   * @param {Blob} file
   * @param {string | null} [sample] its file name, where it is one of the samples
   */
  async open(file, sample = null) {
    this._opening += 1;
    const mine = this._opening;
    try {
      const { blob, bitmap, note } = await openPicture(file);
      if (mine !== this._opening) return; // another one was chosen meanwhile
      if (note) notify(note);
      this._options.onOpened({ blob, bitmap }, sample);
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
    }
  }

  /** Open files that are dropped there. @param {HTMLElement} element */
  takeDropsOn(element) {
    element.addEventListener("dragover", (event) => event.preventDefault());
    element.addEventListener("drop", (event) => this._drop(event));
  }

  /** @param {DragEvent} event */
  _drop(event) {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) void this.open(file);
    else notify("Drop a picture file here: PNG, JPEG or WebP.", { kind: "error" });
  }
}
