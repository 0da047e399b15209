/** When people blink, and for how long the view is dark. */

/** A blink hides the view for about this long; the picture is exchanged in the dark. */
export const BLACKOUT_MS = 250;

/**
 * At rest people blink about 17 times a minute (Bentivoglio et al., Movement Disorders 12, 1997), at intervals that
 * are spread roughly log-normally. The median follows from the mean of 60 s / 17 and the spread.
 */
const MEAN_MS = 60_000 / 17;
const SIGMA = 0.5;
const MEDIAN_MS = MEAN_MS / Math.exp((SIGMA * SIGMA) / 2);

/** Never so close that blackouts could be a flicker, never so far that a picture waits for ever. */
const SHORTEST_MS = 1_200;
const LONGEST_MS = 10_000;

/**
 * The time from one blink to the next.
 * @param {() => number} random uniform, 0 to 1
 * @returns {number} milliseconds
 */
export function nextInterval(random = Math.random) {
  const interval = MEDIAN_MS * Math.exp(SIGMA * normal(random));
  return Math.min(Math.max(interval, SHORTEST_MS), LONGEST_MS);
}

/**
 * A standard normal number (Box and Muller, 1958).
 * @param {() => number} random
 */
function normal(random) {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}
