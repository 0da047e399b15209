/**
 * The clean stage: the picture alone, for somebody who is to see nothing else move. What the server does, errors with it, is
 * held back until the controls come back; the debug layer shows it all the time.
 */

const changes = new EventTarget();

/** @returns {boolean} whether nothing may be told on the screen just now */
export function isClean() {
  return document.body.classList.contains("clean") && !document.body.classList.contains("debugging");
}

/** @param {boolean} clean whether the controls are away */
export function setClean(clean) {
  set("clean", clean);
}

/** @param {boolean} debugging whether the debug layer is shown */
export function setDebugging(debugging) {
  set("debugging", debugging);
}

/** @param {() => void} listener called when what was held back may be shown */
export function whenShown(listener) {
  changes.addEventListener("shown", listener);
}

/** @param {"clean" | "debugging"} name @param {boolean} on */
function set(name, on) {
  const before = isClean();
  document.body.classList.toggle(name, on);
  if (before && !isClean()) changes.dispatchEvent(new Event("shown"));
}
