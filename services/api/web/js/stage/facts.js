/** What the debug layer tells of a trial, in words. */

import { milliseconds } from "../pure/format.js";
import { aheadWords } from "./words.js";

/**
 * @param {import("./display.js").TrialDisplay} display
 * @param {string} problem what went wrong last; empty where nothing did
 * @returns {Record<string, string>} by name
 */
export function factsOf(display, problem) {
  const { trial, source, timings, picture } = display;
  const { about } = display.waiting ?? picture ?? {};
  const notes = about?.notes ?? {};
  return {
    problem,
    trial: trial.id === null ? "" : `${trial.id}, ${trial.sessionId === null ? "not recorded" : `recorded in ${trial.sessionId}`}`,
    "made ahead": aheadWords(display.ahead),
    display: trial.id === null ? "" : display.counts ? "this page" : trial.display === null ? "none" : "another one",
    source: source === null ? "the gaze process is not there" : sourceWords(source),
    generation: milliseconds(trial.timings.generation),
    "round trip": milliseconds(timings.roundTrip),
    "waited for trigger": milliseconds(timings.waited),
    "swap to drawing": milliseconds(timings.drawing),
    "trigger to next frame": milliseconds(trial.timings.latency),
    missed: trial.misses === 0 ? "" : `${trial.misses}; last: ${trial.missed}`,
    "refresh interval": milliseconds(display.meter.measuredMs),
    prompt: about?.prompt ?? trial.prompt ?? "",
    seed: String(about?.seed ?? ""),
    object: notes.object ?? "",
    "not done": notes.fallback ?? "",
  };
}

/** @param {import("../types.js").GazeStatus} source */
function sourceWords({ source, state, rate_hz: rate, loss }) {
  const parts = [source, state];
  if (rate !== null && rate !== undefined) parts.push(`${Math.round(rate)} Hz`);
  if (loss) parts.push(`${Math.round(loss * 100)} % lost`);
  return parts.join(", ");
}
