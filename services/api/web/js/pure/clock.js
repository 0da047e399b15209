/** One measurement of this page's clock against the gaze process's. */

const NANOSECONDS = /"(received_ns|answered_ns)"\s*:\s*(\d+)/g;

/**
 * The message that completes an exchange. Nanoseconds go back digit by digit: a number of JavaScript may not hold them.
 * @param {string} pong as it came
 * @param {number} sentMs
 * @param {number} returnedMs
 * @returns {string | null} null where the answer names no times
 */
export function clockMessage(pong, sentMs, returnedMs) {
  const found = Object.fromEntries([...pong.matchAll(NANOSECONDS)].map(([, name, digits]) => [name, digits]));
  if (!found.received_ns || !found.answered_ns) return null;
  const times = `"received_ns":${found.received_ns},"answered_ns":${found.answered_ns}`;
  return `{"type":"clock","sent_ms":${sentMs},${times},"returned_ms":${returnedMs}}`;
}
