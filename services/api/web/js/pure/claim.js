/**
 * What a page believes it records into, held against what the server says: when a recording ends that nobody here ended, it
 * is a loss, and somebody has to be told. Knows neither network nor DOM; times are milliseconds.
 */

/** @typedef {{id: string, isOurs: boolean}} Claim `isOurs`: begun on this page, which then answers for it */
/**
 * @typedef {object} Loss
 * @property {string} id of the session
 * @property {"ended" | "stopped" | "replaced"} cause ended: without a word, as by a restart of the server
 * @property {string | null} by the session that took its place
 * @property {boolean} isOurs
 */

/** The word of who stopped a session may come a little later than the fact. */
export const CERTAIN_MS = 800;

export class RecordingClaim {
  /** @param {string | null} remembered a session that this page recorded before it was loaded again */
  constructor(remembered = null) {
    /** @type {Claim | null} */
    this.claim = remembered === null ? null : { id: remembered, isOurs: true };
    /** @type {Loss | null} */
    this.loss = null;
    /** @type {number | null} Since when the server names no session though there should be one. */
    this._missingSince = null;
    /** @type {string | null} */
    this._stopped = null;
  }

  /** Whether what is made now would go where this page believes, as far as is known. */
  get isSound() {
    return this.loss === null && this._missingSince === null;
  }

  /** The session to remember over a reload. */
  get remembered() {
    if (this.loss) return this.loss.isOurs ? this.loss.id : null;
    return this.claim?.isOurs ? this.claim.id : null;
  }

  /** This page has begun a session, or gone on with one. @param {string} id */
  started(id) {
    this._settle({ id, isOurs: true });
  }

  /** This page has stopped the session. */
  stopped() {
    this._settle(null);
  }

  /** Somebody here has seen the loss, and goes on without. */
  acceptLoss() {
    const by = this.loss?.by ?? null;
    this._settle(by === null ? null : { id: by, isOurs: false });
  }

  /** Somebody has stopped a session, on purpose. @param {string} id */
  heardStopped(id) {
    this._stopped = id;
    // Where it is told as lost already, the word came later than was thought likely.
    if (this.loss?.id === id && this.loss.cause === "ended") this._endOnPurpose(this.loss);
  }

  /**
   * The server has said which session is active.
   * @param {string | null} id
   * @param {number} now
   */
  observe(id, now) {
    if (id === null) this._observeNone(now);
    else this._observeActive(id);
  }

  /** @param {string} id */
  _observeActive(id) {
    this._missingSince = null;
    if (this._stopped === id) this._stopped = null; // begun again since
    if (this.loss?.id === id) this._settle({ id, isOurs: this.loss.isOurs });
    if (this.loss || this.claim?.id === id) return;
    if (this.claim?.isOurs) this._lose(this.claim, "replaced", id);
    else this.claim = { id, isOurs: false };
  }

  /** @param {number} now */
  _observeNone(now) {
    if (!this.claim) return;
    if (this._stopped === this.claim.id) {
      this._endOnPurpose(this.claim);
      return;
    }
    this._missingSince ??= now;
    if (now - this._missingSince >= CERTAIN_MS) this._lose(this.claim, "ended");
  }

  /** What somebody else began, and stopped, is no loss here. @param {Claim} claim */
  _endOnPurpose(claim) {
    if (claim.isOurs) this._lose(claim, "stopped");
    else this._settle(null);
  }

  /** @param {Claim} claim @param {Loss["cause"]} cause @param {string | null} [by] */
  _lose({ id, isOurs }, cause, by = null) {
    this._settle(null);
    this.loss = { id, cause, by, isOurs };
  }

  /** @param {Claim | null} claim */
  _settle(claim) {
    this.claim = claim;
    this.loss = null;
    this._missingSince = null;
    this._stopped = null;
  }
}
