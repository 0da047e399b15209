/** Whether this person asked their system for less motion. */

const query = window.matchMedia("(prefers-reduced-motion: reduce)");

/** @returns {boolean} */
export function wantsLessMotion() {
  return query.matches;
}
