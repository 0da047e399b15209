/** A long strip of equal items: which of them are in view. */

/**
 * @param {{scroll: number, view: number, item: number, count: number, overscan?: number}} strip
 *   scroll and view in pixels, item: pixels from one item to the next
 * @returns {{first: number, last: number}} indices, last exclusive; equal where nothing is in view
 */
export function visibleRange({ scroll, view, item, count, overscan = 0 }) {
  if (count <= 0 || view <= 0 || item <= 0) return { first: 0, last: 0 };
  const first = Math.floor(Math.max(scroll, 0) / item) - overscan;
  const last = Math.ceil((Math.max(scroll, 0) + view) / item) + overscan;
  return { first: Math.min(Math.max(first, 0), count), last: Math.min(Math.max(last, 0), count) };
}

/**
 * The scroll position that brings an item into view with the least movement; centred when it was far away.
 * @param {{index: number, scroll: number, view: number, item: number, count: number}} strip
 * @returns {number} pixels
 */
export function scrollTo({ index, scroll, view, item, count }) {
  const start = index * item;
  const furthest = Math.max(0, count * item - view);
  if (start >= scroll && start + item <= scroll + view) return scroll;
  const near = Math.abs(start - scroll) < view * 2;
  const wanted = near ? (start < scroll ? start : start + item - view) : start - (view - item) / 2;
  return Math.min(Math.max(wanted, 0), furthest);
}
