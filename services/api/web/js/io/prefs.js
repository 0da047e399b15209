/** Choices that a person made, kept in this browser; what only this tab may know, kept in its session. */

import { GRID_SIZES, SWAPS } from "../stage/choices.js";
import { addressOf } from "./address.js";

/**
 * @typedef {object} Preferences
 * @property {2 | 3} gridSize
 * @property {number} dwellMs
 * @property {import("../stage/choices.js").Swap} swap
 * @property {"auto" | "fill" | "whole"} fit
 * @property {boolean} patch whether a corner of the page tells each exchange to a photodiode
 * @property {boolean} flickerAccepted
 */

/** @type {Preferences} */
const DEFAULTS = { gridSize: 3, dwellMs: 800, swap: "press", fit: "auto", patch: false, flickerAccepted: false };

const KEY = "parafovea.preferences";
/** Servers behind one proxy share its origin, and with it this storage, but neither their tokens nor their sessions. */
const OF_SERVER = addressOf("/").pathname.slice(0, -1);
const TOKEN_KEY = `parafovea.token${OF_SERVER}`;
const RECORDED_KEY = `parafovea.recorded${OF_SERVER}`;

/** @returns {Preferences} */
export function loadPreferences() {
  /** @type {Partial<Preferences>} */
  let stored = {};
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {};
  } catch {
    stored = {}; // storage is forbidden, or was edited by hand: the defaults do
  }
  const all = { ...DEFAULTS, ...stored };
  if (!GRID_SIZES.includes(all.gridSize)) all.gridSize = DEFAULTS.gridSize;
  if (!SWAPS.some((swap) => swap.value === all.swap)) all.swap = DEFAULTS.swap;
  if (!(all.dwellMs >= 100 && all.dwellMs <= 10_000)) all.dwellMs = DEFAULTS.dwellMs;
  return all;
}

/** @param {Preferences} preferences */
export function savePreferences(preferences) {
  store(KEY, JSON.stringify(preferences));
}

/**
 * The server's token, kept over a reload and no longer than its tab: what stays in the browser stays readable for
 * whatever is served at this address on another day, and a cookie would go to every port of the host.
 * @returns {string | null}
 */
export function loadToken() {
  try {
    const before = localStorage.getItem(TOKEN_KEY); // where earlier versions left it
    localStorage.removeItem(TOKEN_KEY);
    const kept = sessionStorage.getItem(TOKEN_KEY);
    if (kept === null && before !== null) sessionStorage.setItem(TOKEN_KEY, before);
    return kept ?? before;
  } catch {
    return null; // storage is forbidden: the token is asked for again after a reload
  }
}

/** @param {string} token */
export function saveToken(token) {
  try {
    sessionStorage.setItem(TOKEN_KEY, token);
  } catch {
    return; // as above
  }
}

/**
 * The session that this page records, kept over a reload and no longer than its tab.
 * @returns {string | null}
 */
export function loadRecorded() {
  try {
    return sessionStorage.getItem(RECORDED_KEY);
  } catch {
    return null; // storage is forbidden: a page that is loaded again starts afresh
  }
}

/** @param {string | null} id */
export function saveRecorded(id) {
  try {
    if (id === null) sessionStorage.removeItem(RECORDED_KEY);
    else sessionStorage.setItem(RECORDED_KEY, id);
  } catch {
    return; // as above
  }
}

/** @param {string} key @param {string} value */
function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    console.info("This browser keeps nothing for this page; choices last until it is closed.");
  }
}
