/** The changes that a trial has made ahead, as a page follows them: which there are, and which may be drawn next. */

/**
 * @typedef {object} Preparation one change that is made ahead
 * @property {string} prepare id of the step that asked for it
 * @property {string} id its name at the server
 * @property {string} target the sector that it changes
 * @property {"making" | "ready" | "stale" | "failed"} state
 * @property {string | null} made id of the step that said last that it is ready
 * @property {string | null} on hash of the picture that it goes onto, as that step said
 * @property {boolean} isTold the gaze process has heard that the display can draw it
 */

/** @typedef {{prepare: string, prepared_id: string, target: string, made: string | null, picture_sha256: string | null, ready: boolean}} Listed */

/**
 * @typedef {object} Committed the one that is to be on view next
 * @property {string | null} commit id of the step that chose it; null: it is not known
 * @property {Preparation | null} preparation null: it is not known
 * @property {string} target
 * @property {string | null} sha256 of the picture that it makes; null until that is made
 */

/** How one stands here, for whoever looks at it: `made` is ready at the server, `here` is ready to be drawn. */
/** @typedef {"making" | "made" | "here" | "ready" | "stale" | "failed" | "committing"} Standing */

export class Preparations {
  constructor() {
    /** @type {Map<string, Preparation>} By the id of the step that asked for it. */
    this._all = new Map();
    /** @type {Committed | null} */
    this.committed = null;
    /** @type {{code: string, detail: string} | null} Why the last one failed; null once another one is ready. */
    this.problem = null;
  }

  /** Whether changes are made ahead at all, as far as is known. */
  get isUsed() {
    return this._all.size > 0 || this.committed !== null;
  }

  get all() {
    return [...this._all.values()];
  }

  /** Take over what there is in a trial that is under way. @param {Listed[]} listed */
  adopt(listed) {
    for (const { prepare, prepared_id: id, target, made, picture_sha256: on, ready: isTold } of listed) {
      this._all.set(prepare, { prepare, id, target, state: made === null ? "making" : "ready", made, on, isTold });
    }
  }

  /** One was chosen before anybody here heard of it. @param {string} target @param {string | null} sha256 of its picture */
  adoptCommitted(target, sha256) {
    const preparation = this.all.find((each) => each.target === target) ?? null;
    this.committed = { commit: null, preparation, target, sha256 };
  }

  /**
   * @param {string} step
   * @param {string} id of the step
   * @param {any} details
   */
  take(step, id, details) {
    if (step === "prepare") this._asked(id, details);
    else if (step === "prepared") this._changed(id, details);
    else if (step === "ready") this._told(details.frame);
    else if (step === "drop") this._all.delete(details.prepare);
    else if (step === "commit") this._chosen(id, details);
  }

  /** The picture of a change that was chosen is made. @param {string} commit @param {string} sha256 @returns {boolean} whether it was that one */
  made(commit, sha256) {
    if (!this.isOf(commit) || !this.committed) return false;
    this.committed.sha256 = sha256;
    return true;
  }

  /** @param {string} commit @returns {boolean} whether it is the one that chose the change that is to be on view next */
  isOf(commit) {
    return this.committed !== null && (this.committed.commit === null || this.committed.commit === commit);
  }

  /** What was chosen is on view, or will not be. Its change is used up, unless no picture was made of it. */
  settle() {
    const { preparation, sha256 } = this.committed ?? {};
    if (preparation && sha256) this._all.delete(preparation.prepare);
    this.committed = null;
  }

  /** The trial is over. */
  clear() {
    this._all.clear();
    this.committed = null;
  }

  /** The display that could draw them is gone. */
  forgetTold() {
    for (const each of this._all.values()) each.isTold = false;
  }

  /**
   * Those of which the sector is to be at hand: they go onto the picture on view, or onto the one that is to be next.
   * @param {string | null} onView
   */
  drawable(onView) {
    const next = this.committed?.sha256 ?? null;
    return this.all.filter((each) => each.state === "ready" && each.on !== null && (each.on === onView || each.on === next));
  }

  /** Whether one of them can be shown at the next chance. @param {string | null} onView */
  hasReady(onView) {
    return this.all.some((each) => each.isTold && each.on === onView);
  }

  /** Whether any is being made, or made to go onto the picture on view. */
  get areMaking() {
    return this.all.some(({ state }) => state === "making" || state === "ready");
  }

  /**
   * @param {Preparation} preparation
   * @param {{onView: string | null, isHere: boolean}} here `isHere`: its sector is decoded
   * @returns {Standing}
   */
  standing(preparation, { onView, isHere }) {
    const { state, on, isTold } = preparation;
    if (this.committed?.preparation === preparation) return "committing";
    if (state !== "ready") return state;
    if (on !== onView && on !== this.committed?.sha256) return "making"; // to go onto another picture than before
    if (!isHere) return "made";
    return isTold ? "ready" : "here";
  }

  /** @param {string} prepare @param {{prepared_id: string, target_sector: string}} details */
  _asked(prepare, { prepared_id: id, target_sector: target }) {
    for (const each of this.all) {
      if (each.target === target && (each.state === "stale" || each.state === "failed")) this._all.delete(each.prepare);
    }
    this._all.set(prepare, { prepare, id, target, state: "making", made: null, on: null, isTold: false });
  }

  /** @param {string} step @param {{prepare: string, state: string, picture_sha256?: string | null, code?: string | null, detail?: string | null}} details */
  _changed(step, { prepare, state, picture_sha256: on, code, detail }) {
    const found = this._all.get(prepare);
    if (!found) return;
    found.isTold = false;
    if (state === "ready") {
      Object.assign(found, { state, made: step, on: on ?? null });
      this.problem = null;
    } else if (state === "stale" || state === "failed") {
      Object.assign(found, { state, made: null, on: null });
      if (state === "failed") this.problem = { code: code ?? "", detail: detail ?? "A change could not be made." };
    } else if (found !== this.committed?.preparation) this._all.delete(prepare);
  }

  /** @param {string} made */
  _told(made) {
    for (const each of this._all.values()) if (each.made === made) each.isTold = true;
  }

  /** @param {string} commit @param {{prepare: string, target_sector: string}} details */
  _chosen(commit, { prepare, target_sector: target }) {
    this.committed = { commit, preparation: this._all.get(prepare) ?? null, target, sha256: null };
  }
}
