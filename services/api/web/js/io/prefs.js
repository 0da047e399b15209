/** Choices that a person made, kept in this browser. */

import { GRID_SIZES, SWAPS } from "../stage/choices.js";
import { addressOf } from "./address.js";

/**
 * @typedef {object} Preferences
 * @property {2 | 3} gridSize
 * @property {number} dwellMs
 * @property {"press" | "blackout" | "once"} swap
 * @property {"auto" | "fill" | "whole"} fit
 * @property {boolean} flickerAccepted
 */

/** @type {Preferences} */
const DEFAULTS = { gridSize: 3, dwellMs: 800, swap: "press", fit: "auto", flickerAccepted: false };

const KEY = "parafovea.preferences";
/** Servers behind one proxy share its origin, and with it this storage, but not their tokens. */
const TOKEN_KEY = `parafovea.token${addressOf("/").pathname.slice(0, -1)}`;

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
  store(localStorage, KEY, JSON.stringify(preferences));
}

/** @returns {string | null} */
export function loadToken() {
  try {
    return localStorage.getItem(TOKEN_KEY);
  } catch {
    return null; // storage is forbidden: the token is asked for again after a reload
  }
}

/** @param {string} token */
export function saveToken(token) {
  store(localStorage, TOKEN_KEY, token);
}

/** @param {Storage} storage @param {string} key @param {string} value */
function store(storage, key, value) {
  try {
    storage.setItem(key, value);
  } catch {
    console.info("This browser keeps nothing for this page; choices last until it is closed.");
  }
}
