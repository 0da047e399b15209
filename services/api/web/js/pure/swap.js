/** Whether a picture may take the place of another one in the animation frame that is being made. */

/**
 * @typedef {object} Moment
 * @property {boolean} isWithdrawn it was told not to be drawn any more
 * @property {string | null} lacks what is not there that has to be drawn, as a sentence; null: it has been decoded
 * @property {boolean} isLookedAt the viewer looks at what would change, by what is known here
 * @property {number | null} deadlineMs by when the frame after it has to begin; null: that is not known
 * @property {number} frameMs when this frame began
 * @property {number} nowMs
 * @property {number} refreshMs from a frame to the next
 */

/**
 * Asked in the very frame that would draw it, before it does. Times are milliseconds of one clock.
 * @param {Moment} moment
 * @returns {string | null} why it may not, for the record; null where it may
 */
export function whyNot({ isWithdrawn, lacks, isLookedAt, deadlineMs, frameMs, nowMs, refreshMs }) {
  if (isWithdrawn) return "it was withdrawn";
  if (lacks !== null) return lacks;
  // What is drawn now is on its way to the screen when the next frame begins; a late one begins in the midst of another.
  const frames = Math.max(1, Math.ceil((nowMs - frameMs) / refreshMs));
  if (deadlineMs !== null && frameMs + frames * refreshMs > deadlineMs) return "the deadline could not be held";
  if (isLookedAt) return "the pointer is where it would change";
  return null;
}
