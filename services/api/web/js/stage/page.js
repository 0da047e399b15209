/** This page as something that is looked at: its size, what is seen of it, and where the picture lies on it. */

/** @typedef {import("../pure/fit.js").Box} Box In CSS pixels of the stage. */

/** @returns {Box} what is seen of the page: of one that was pinched larger only a part */
export function seen() {
  const { offsetLeft, offsetTop, width, height } = window.visualViewport ?? { offsetLeft: 0, offsetTop: 0, width: innerWidth, height: innerHeight };
  return { left: offsetLeft, top: offsetTop, width, height };
}

/** A point that is told as shares of what is seen. @param {{x: number, y: number}} share */
export function inView({ x, y }) {
  const { left, top, width, height } = seen();
  return { x: left + x * width, y: top + y * height };
}

/**
 * What a display says of itself.
 * @param {import("./screen.js").Screen} screen which fills the page
 */
export function seenOfPage(screen) {
  const { left, top, width, height } = seen();
  const { box } = screen;
  const isFull = document.fullscreenElement !== null || (innerWidth === window.screen.width && innerHeight === window.screen.height);
  /** @type {[number, number]} */
  const pagePx = [Math.max(1, Math.round(width)), Math.max(1, Math.round(height))];
  /** @type {[number, number]} */
  const screenPx = [Math.max(1, window.screen.width), Math.max(1, window.screen.height)];
  return {
    page: { page_px: pagePx, screen_px: screenPx, is_full_screen: isFull },
    box: screen.hasPicture
      ? {
          left: share(box.left - left, width),
          top: share(box.top - top, height),
          width: share(box.width, width),
          height: share(box.height, height),
        }
      : { left: null, top: null, width: null, height: null },
  };
}

/** @param {number} part @param {number} whole */
function share(part, whole) {
  return Math.round((part / whole) * 1e6) / 1e6;
}
