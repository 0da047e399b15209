/** Short notices that go by themselves, read out by a screen reader. On a clean stage they wait for the controls. */

import { isClean, whenShown } from "./clean.js";
import { el, iconButton } from "./dom.js";

const SHOWN_MS = 7_000;
/** Of those that came while the stage was clean, the last ones are told. */
const HELD = 4;

const area = el("div", { class: "notices", role: "region", "aria-label": "Notices" });
const polite = el("div", { role: "status" });
const urgent = el("div", { role: "alert" });
area.append(polite, urgent);

/** @type {Map<Element, (ms: number) => void>} Notices on the page, and how to let each go after a time. */
const letGo = new Map();
whenShown(() => {
  for (const goIn of letGo.values()) goIn(SHOWN_MS);
});

/** Put the area into the page. */
export function mountNotices() {
  document.body.append(area);
}

/**
 * @param {string} text
 * @param {{kind?: "info" | "error"}} [options]
 */
export function notify(text, { kind = "info" } = {}) {
  const place = kind === "error" ? urgent : polite;
  for (const shown of [...place.children]) {
    if (shown.firstChild?.textContent === text) remove(shown); // the same again: once is enough
  }
  const notice = el("div", { class: `notice ${kind}` }, el("p", {}, text));
  notice.append(iconButton("close", "Dismiss", () => remove(notice)));
  place.append(notice);
  while (isClean() && place.children.length > HELD) remove(place.children[0]);
  let timer = 0;
  const goIn = (/** @type {number} */ ms) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (!isClean()) remove(notice);
    }, ms);
  };
  letGo.set(notice, goIn);
  goIn(SHOWN_MS);
  // Whoever reads it slowly keeps the pointer or the focus on it.
  for (const stop of ["pointerenter", "focusin"]) notice.addEventListener(stop, () => clearTimeout(timer));
  for (const go of ["pointerleave", "focusout"]) notice.addEventListener(go, () => goIn(SHOWN_MS / 2));
}

/** @param {Element} notice */
function remove(notice) {
  letGo.delete(notice);
  notice.remove();
}
