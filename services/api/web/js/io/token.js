/** The server's token, where it wants one: asked for once and kept in this tab. */

import { isClean } from "../ui/clean.js";
import { askText } from "../ui/dialog.js";
import { loadToken, saveToken } from "./prefs.js";

export class TokenKeeper {
  constructor() {
    const kept = loadToken(); // in any case: it takes over what an earlier version left
    this.token = fromAddress() ?? kept;
    forgetAddress();
    /** @type {Promise<boolean> | null} Many requests fail at once; the question is asked once. */
    this._asking = null;
    this._dismissed = false;
  }

  /** @returns {Promise<boolean>} whether there is a token to try (again) */
  askAgain() {
    // Whoever closed the question is not asked with each request; loading the page again asks again.
    if (this._dismissed) return Promise.resolve(false);
    // Nor is a visitor of a clean stage: the next request asks once the controls are back.
    if (isClean()) return Promise.resolve(false);
    this._asking ??= this._ask().finally(() => {
      this._asking = null;
    });
    return this._asking;
  }

  async _ask() {
    const given = await askText({
      title: "A token is needed",
      text: this.token
        ? "The server does not take the token that this tab had. It is the one in the server’s PARAFOVEA_API_TOKEN."
        : "This server answers only with a token: the one in its PARAFOVEA_API_TOKEN. It is kept in this tab until that is closed.",
      label: "Token",
      confirm: "Go on",
      secret: true,
    });
    if (given === null) {
      this._dismissed = true;
      return false;
    }
    this.token = given;
    saveToken(given);
    return true;
  }
}

/** @returns {string | null} the token that the page's own address brought */
function fromAddress() {
  const given = new URLSearchParams(location.search).get("token");
  if (given) saveToken(given);
  return given || null;
}

/** Take a token out of the page's address: it would stay in the history, and on view. */
function forgetAddress() {
  const url = new URL(location.href);
  if (!url.searchParams.has("token")) return;
  url.searchParams.delete("token");
  history.replaceState(history.state, "", url);
}
