/** The whole screen for the page, and back. */

import { notify } from "./notices.js";

export async function toggleFullScreen() {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen();
  } catch {
    notify("This browser does not allow full screen here.", { kind: "error" });
  }
}
