/** What the stage's element says of itself in `data-` attributes: for style sheets, and whoever drives the page. */

/**
 * How the trial stands.
 * @param {HTMLElement} element
 * @param {import("./display.js").TrialDisplay} display
 */
export function markTrial(element, { trial, ahead }) {
  element.dataset.state = trial.stage;
  element.dataset.target = trial.target ?? "";
  element.dataset.missed = trial.missed ?? "";
  element.dataset.misses = String(trial.misses);
  element.dataset.trial = trial.isRunning ? (trial.id ?? "") : "";
  element.dataset.ready = ahead.flatMap(({ target, standing }) => (standing === "ready" ? [target] : [])).join(" ");
}

/**
 * One more of what is counted.
 * @param {HTMLElement} element
 * @param {"begun" | "swaps"} what photographs, or changes that were shown
 */
export function countOn(element, what) {
  element.dataset[what] = String(Number(element.dataset[what] ?? 0) + 1);
}
