/** Short notices that go by themselves, read out by a screen reader. */

import { el, iconButton } from "./dom.js";

const SHOWN_MS = 7_000;

const area = el("div", { class: "notices", role: "region", "aria-label": "Notices" });
const polite = el("div", { role: "status" });
const urgent = el("div", { role: "alert" });
area.append(polite, urgent);

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
  for (const shown of place.children) {
    if (shown.firstChild?.textContent === text) shown.remove(); // the same again: once is enough
  }
  const notice = el("div", { class: `notice ${kind}` }, el("p", {}, text));
  const remove = () => notice.remove();
  notice.append(iconButton("close", "Dismiss", remove));
  place.append(notice);
  let timer = setTimeout(remove, SHOWN_MS);
  // Whoever reads it slowly keeps the pointer or the focus on it.
  for (const stop of ["pointerenter", "focusin"]) notice.addEventListener(stop, () => clearTimeout(timer));
  for (const go of ["pointerleave", "focusout"]) {
    notice.addEventListener(go, () => {
      timer = setTimeout(remove, SHOWN_MS / 2);
    });
  }
}
