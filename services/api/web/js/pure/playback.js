/**
 * Playback time: which frame of a recording is due. Due times count from one anchor, so lateness does not add up.
 * When each frame comes is the server's word, as its own replay keeps to it. No clock and no DOM: times of the clock are
 * given in milliseconds; media time is in seconds.
 */

/** Where nobody says how long the last frame of a loop is shown, in seconds. */
const LAST_S = 1;

/** A frame that is later than this, in milliseconds of the clock, is passed over where the next one is due already. */
const LATE_MS = 100;

export class Playback {
  /**
   * @param {{count: number, timeOf: (position: number) => number | undefined, roundOf?: () => number | undefined}} options
   *   `timeOf`: when a frame comes, never falling; undefined where that is not loaded yet. `roundOf`: from the first frame
   *   until it comes again in a loop
   */
  constructor({ count, timeOf, roundOf = () => undefined }) {
    this.count = count;
    this._timeOf = timeOf;
    this._roundOf = roundOf;
    this.position = 0;
    this.playing = false;
    this.loop = false;
    this.speed = 1;
    /** @type {{at: number, media: number} | null} A moment of the clock, and the recorded time shown then. */
    this._anchor = null;
  }

  /** @param {number} now */
  play(now) {
    if (this.count === 0) return;
    if (this.position >= this.count - 1) this.position = 0;
    this.playing = true;
    this._drop(now);
  }

  pause() {
    this.playing = false;
    this._anchor = null;
  }

  /**
   * Go to a frame; playing goes on from there.
   * @param {number} position
   * @param {number} now
   */
  seek(position, now) {
    this.position = Math.min(Math.max(Math.round(position), 0), Math.max(this.count - 1, 0));
    this._drop(now);
  }

  /** @param {number} steps @param {number} now */
  step(steps, now) {
    let to = this.position + steps;
    if (this.loop && this.count > 0) to = ((to % this.count) + this.count) % this.count;
    this.seek(to, now);
  }

  /** @param {number} speed 1 as recorded @param {number} now */
  setSpeed(speed, now) {
    // The part of the interval that has passed at the old speed counts.
    if (this._anchor) this._anchor = { at: now, media: this._media(this._anchor, now) };
    this.speed = speed;
  }

  /**
   * Move on to the frame that is due. Frames that share a time each have a turn; only those that are late are passed over.
   * @param {number} now
   * @returns {boolean} whether another frame is due than before
   */
  advance(now) {
    if (!this.playing) return false;
    if (!this._anchor) this._drop(now);
    if (!this._anchor) return false;
    const before = this.position;
    const media = this._media(this._anchor, now);
    while (this.position < this.count - 1) {
      const next = this._timeOf(this.position + 1);
      if (next === undefined) {
        // Not loaded: wait for it, and do not count the waiting.
        this._anchor = null;
        break;
      }
      if (next > media) break;
      const isLate = ((media - (this._timeOf(this.position) ?? media)) * 1000) / this.speed > LATE_MS;
      if (this.position > before && !isLate) break;
      this.position += 1;
    }
    if (this.position < this.count - 1) return this.position !== before;
    if (!this.loop) this.pause();
    else if (this.position === before) this._beginAgain(now, media);
    return this.position !== before;
  }

  /**
   * Milliseconds until the next frame is due; undefined when none is, or it is not known.
   * @param {number} now
   * @returns {number | undefined}
   */
  until(now) {
    const next = this.playing ? this._timeOf(this.position + 1) : undefined;
    if (next === undefined || !this._anchor) return undefined;
    return Math.max(0, ((next - this._media(this._anchor, now)) * 1000) / this.speed);
  }

  /**
   * In a loop, behind the last frame: the first, once the round is over.
   * @param {number} now @param {number} media
   */
  _beginAgain(now, media) {
    const first = this._timeOf(0);
    const last = this._timeOf(this.count - 1);
    if (first === undefined || last === undefined) return;
    const round = this._roundOf() ?? last - first + LAST_S;
    const over = media - first - round;
    if (over < 0) return;
    this.position = 0;
    // Lateness does not add up over the rounds either; rounds that nobody could see are left out.
    this._anchor = { at: now, media: first + (over % round) };
  }

  /** @param {number} now */
  _drop(now) {
    const media = this._timeOf(this.position);
    this._anchor = this.playing && media !== undefined ? { at: now, media } : null;
  }

  /** @param {{at: number, media: number}} anchor @param {number} now */
  _media(anchor, now) {
    return anchor.media + ((now - anchor.at) / 1000) * this.speed;
  }
}
