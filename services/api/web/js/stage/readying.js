/** What a trial may have drawn next: fetched and decoded beforehand, told to the gaze process, and put on view. */

import { PreparedSectors } from "../io/prepared-sectors.js";
import { TrialPictures } from "../io/trial-pictures.js";
import { isAbort, sentenceOf } from "../io/api.js";
import { OnView } from "./on-view.js";

/** @typedef {import("../pure/preparations.js").Preparation} Preparation */
/** @typedef {import("../pure/preparations.js").Standing} Standing */

/**
 * @typedef {object} Drawable what a swap names
 * @property {string} sha256 of the picture that is to be on view
 * @property {string} target
 * @property {string} kind
 * @property {string | null} [prepared_id] of a change that was made ahead: its sector is laid over the picture `on`
 * @property {string | null} [on]
 */

/**
 * @typedef {object} ReadyingOptions
 * @property {import("../io/api.js").Api} api
 * @property {import("./screen.js").Screen} screen
 * @property {import("../pure/trial.js").Trial} trial
 * @property {import("../io/display.js").DisplaySocket} socket
 * @property {() => boolean} counts whether this is the display that the trial goes by
 * @property {(target: string) => void} onSwapped a sector has changed
 * @property {() => void} onHeld something more can be drawn
 * @property {(sentence: string) => void} onProblem
 */

export class Readying {
  /** @param {ReadyingOptions} options */
  constructor(options) {
    const { api, onProblem } = options;
    this._options = options;
    this._pictures = new TrialPictures(api);
    this._sectors = new PreparedSectors(api, {
      onHeld: () => {
        this._tellSectors();
        options.onHeld();
      },
      onProblem,
    });
    this.onView = new OnView({ ...options, pictures: this._pictures });
    /** @type {WeakMap<Preparation, string>} What was told last of each, and in the name of which display. */
    this._told = new WeakMap();
  }

  /** The picture, or the sector, that is made and not on view, once it is here. */
  get waiting() {
    const { ahead, pending } = this._options.trial;
    const next = ahead.committed?.preparation;
    return (next && this._sectors.held(next.id, this.onView.sha256)) ?? (pending && this._pictures.held(pending.sha256));
  }

  /** Get what may be drawn next, and let go of all else. */
  refresh() {
    const { trial } = this._options;
    const { ahead } = trial;
    const chosen = ahead.committed?.preparation ?? null;
    const wanted = ahead.drawable(this.onView.sha256).flatMap(({ id, on, made }) => (on && made && id !== chosen?.id ? [{ id, on, made }] : []));
    this._sectors.want(wanted, chosen && { id: chosen.id, on: this.onView.sha256 });
    this._tellSectors();
    // One whose sector is here is not needed as a whole.
    const isHere = chosen !== null && this._sectors.held(chosen.id, this.onView.sha256) !== null;
    this._getPicture(isHere ? null : trial.pending);
  }

  /** How a change that is made ahead stands on this page. @param {Preparation} preparation @returns {Standing} */
  standing(preparation) {
    const isHere = this._sectors.held(preparation.id, preparation.on) !== null;
    return this._options.trial.ahead.standing(preparation, { onView: this.onView.sha256, isHere });
  }

  /** Why a swap cannot be drawn here and now; null where it can. @param {Drawable} swap @returns {string | null} */
  lacks({ prepared_id: id, on = null, sha256, kind }) {
    if (kind !== "change") return null;
    const isPictureHere = this._pictures.held(sha256) !== null;
    if (!id) return isPictureHere ? null : "the display does not have the picture";
    if (on === null || on !== this.onView.sha256) return "the display shows another picture than the change was made for";
    return isPictureHere || this._sectors.held(id, on) ? null : "the display does not have the changed sector";
  }

  /** Draw what a swap names, now. Nothing of it is waited for. @param {Drawable} swap */
  draw({ prepared_id: id, on = null, sha256, target, kind }) {
    if (kind === "sham") this._options.screen.drawAgain();
    if (kind !== "change") return;
    const sector = id ? this._sectors.held(id, on) : null;
    if (sector) this.onView.lay(sector, sha256, target);
    else this.onView.put(sha256, target);
  }

  /**
   * Another display has drawn a change: show it too, by its sector where that is here.
   * @param {string} sha256
   * @param {string} target
   * @param {import("../pure/preparations.js").Committed | null} chosen the one that was to be on view next
   */
  follow(sha256, target, chosen) {
    const preparation = chosen?.sha256 === sha256 ? chosen.preparation : null;
    const sector = preparation && this._sectors.held(preparation.id, this.onView.sha256);
    if (sector) this.onView.lay(sector, sha256, target);
    else void this.show(sha256, target);
  }

  /** Show a picture of the trial as soon as it is there. @param {string} sha256 @param {string | null} [target] */
  async show(sha256, target = null) {
    await this.onView.show(sha256, target);
    this.refresh();
  }

  /** Show what the gaze process takes to be on view, where something else is: nothing could be laid over that. */
  catchUp() {
    const { onView } = this._options.trial;
    if (onView === null || this.onView.sha256 === null || onView === this.onView.sha256 || this.onView.coming !== null) return;
    void this.show(onView);
  }

  /** Tell each sector that can be drawn, once. */
  _tellSectors() {
    const { trial, socket, counts } = this._options;
    if (trial.id === null || !counts()) return;
    for (const each of trial.ahead.drawable(this.onView.sha256)) {
      const { id, on, made } = each;
      const told = `${socket.name} ${made}`;
      if (made === null || this._told.get(each) === told || !this._sectors.held(id, on)) continue;
      this._told.set(each, told);
      socket.ready(trial.id, made);
    }
  }

  /** Get a whole picture that waits decoded, and say so. @param {import("../pure/trial.js").Pending | null} pending */
  _getPicture(pending) {
    const { trial, socket, counts, onProblem } = this._options;
    const { id } = trial;
    this._pictures.keep([pending?.sha256, this.onView.coming]);
    if (!pending || id === null) return;
    this._pictures.get(pending.sha256).then(
      () => {
        if (trial.id === id && trial.pending?.frame === pending.frame && counts()) socket.ready(id, pending.frame);
      },
      (error) => {
        if (!isAbort(error)) onProblem(sentenceOf(error));
      },
    );
  }
}
