/** The entries of a session, a page at a time: of 5,000, only those that somebody looks at are loaded. */

/** @typedef {import("../types.js").Entry} Entry */

const PAGE = 100;

export class EntryStore {
  /**
   * @param {import("../io/api.js").Api} api
   * @param {string} id
   */
  constructor(api, id) {
    this._api = api;
    this.id = id;
    this.total = 0;
    this.createdAt = 0;
    /** Seconds from the first frame until it comes again. */
    this.roundSeconds = 1;
    /** @type {string | null} Why what follows the last entry cannot be read. */
    this.damaged = null;
    /** @type {Map<number, {entries: Entry[], offsets: number[]}>} By number of the page. */
    this._pages = new Map();
    /** @type {Map<number, Promise<void>>} */
    this._loading = new Map();
  }

  /** Load the first page, and how many there are. */
  async open() {
    await this._loadPage(0);
    const last = Math.floor(Math.max(0, this.total - 1) / PAGE);
    if (last) await this._loadPage(last);
  }

  /** @param {number} position @returns {Entry | undefined} undefined where it is not loaded */
  get(position) {
    return this._pages.get(Math.floor(position / PAGE))?.entries[position % PAGE];
  }

  /**
   * When a frame comes in a replay, in seconds since the first: the server's word, as its own replay keeps to it.
   * @param {number} position
   * @returns {number | undefined} undefined where it is not loaded
   */
  offset(position) {
    return this._pages.get(Math.floor(position / PAGE))?.offsets[position % PAGE];
  }

  /** @param {number} position @returns {Promise<Entry | undefined>} */
  async load(position) {
    if (!this.get(position)) await this._loadPage(Math.floor(position / PAGE));
    return this.get(position);
  }

  /** Seconds from the first frame to the last. */
  get seconds() {
    return this.offset(this.total - 1) ?? 0;
  }

  /** Take in what was recorded since. */
  async refresh() {
    const last = Math.floor(Math.max(0, this.total - 1) / PAGE);
    this._pages.delete(last);
    await this._loadPage(last);
    const now = Math.floor(Math.max(0, this.total - 1) / PAGE);
    if (now !== last) await this._loadPage(now);
  }

  /** @param {number} page */
  _loadPage(page) {
    let loading = this._loading.get(page);
    if (!loading) {
      loading = this._fetch(page).finally(() => this._loading.delete(page));
      this._loading.set(page, loading);
    }
    return loading;
  }

  /** @param {number} page */
  async _fetch(page) {
    const answer = await this._api.entries(this.id, page * PAGE, PAGE);
    this.total = answer.total;
    this.createdAt = answer.created_at;
    this.roundSeconds = answer.round_s;
    this.damaged = answer.damaged ?? null;
    this._pages.set(page, { entries: answer.entries, offsets: answer.offsets_s });
  }
}
