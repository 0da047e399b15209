/** Keeps what was used last; lets the oldest go, and tells whoever has to clean up after it. */

/**
 * @template Value
 */
export class RecentCache {
  /**
   * @param {number} limit how many are kept
   * @param {(value: Value) => void} [onEvict]
   */
  constructor(limit, onEvict = () => {}) {
    this._limit = limit;
    this._onEvict = onEvict;
    /** @type {Map<string, Value>} In order of use. */
    this._held = new Map();
  }

  get size() {
    return this._held.size;
  }

  /**
   * @param {string} key
   * @returns {Value | undefined}
   */
  get(key) {
    const value = this._held.get(key);
    if (value !== undefined) {
      this._held.delete(key);
      this._held.set(key, value);
    }
    return value;
  }

  /** @param {string} key @param {Value} value */
  set(key, value) {
    const old = this._held.get(key);
    if (old !== undefined && old !== value) this._onEvict(old);
    this._held.delete(key);
    this._held.set(key, value);
    for (const [oldest, held] of this._held) {
      if (this._held.size <= this._limit) break;
      this._held.delete(oldest);
      this._onEvict(held);
    }
  }

  /** @param {string} key */
  delete(key) {
    const value = this._held.get(key);
    if (this._held.delete(key)) this._onEvict(/** @type {Value} */ (value));
  }

  clear() {
    for (const value of this._held.values()) this._onEvict(value);
    this._held.clear();
  }
}
