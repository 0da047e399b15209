/** Which letter a key press means, whatever script its keyboard writes. */

/**
 * The Latin letter or digit of a key press: the one that is printed on the key where it has one (on AZERTY and Dvorak too);
 * on a keyboard of another script (Cyrillic, Greek, Hebrew, ...) the one in that place of a Latin keyboard.
 * @param {{key: string, code?: string, shiftKey?: boolean}} event
 * @returns {string} lower case; empty where the key stands for neither
 */
export function letterOf({ key, code = "", shiftKey = false }) {
  if (/^[a-z0-9]$/i.test(key)) return key.toLowerCase();
  // With an input method on, some systems name no key at all; other named keys (Enter, F1) are no letters.
  const isNameless = ["Process", "Unidentified", "Dead"].includes(key);
  if ([...key].length !== 1 && !isNameless) return "";
  // A letter with an accent, or a comma, is printed there, and is not what a Latin keyboard has in its place.
  const isForeign = /[\p{L}\p{M}]/u.test(key) && !/\p{Script=Latin}/u.test(key);
  const letter = isForeign || isNameless ? /^Key([A-Z])$/.exec(code)?.[1] : null;
  if (letter) return letter.toLowerCase();
  // The upper row writes digits with shift on some keyboards, and something else than digits with shift on the others.
  return (shiftKey ? null : /^(?:Digit|Numpad)([0-9])$/.exec(code)?.[1]) ?? "";
}

/**
 * @param {{key: string, code?: string}} event
 * @returns {boolean} whether it is the space bar, whatever it writes
 */
export function isSpace({ key, code = "" }) {
  return key === " " || key === "Spacebar" || code === "Space";
}
