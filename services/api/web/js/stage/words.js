/** What the stage says in words: how to look, and for those who listen, what becomes of the picture. Clean, it is silent. */

import { spoken } from "../pure/sectors.js";
import { isClean } from "../ui/clean.js";
import { el, setText } from "../ui/dom.js";
import { usesTouch } from "../ui/input.js";

const HELP =
  "Look, with the pointer, a finger or the arrow keys. Press space when you blink: the picture changes where you do not look.";

const HELP_BY_TOUCH = "Look, with a finger. Tap when you blink: the picture changes where you do not look.";

/** @typedef {import("../pure/preparations.js").Standing} Standing */

/** @type {Record<Standing, string>} How a change that is made ahead stands. */
export const STANDINGS = {
  making: "being made",
  made: "ready at the server",
  here: "ready here",
  ready: "ready",
  stale: "stale",
  failed: "failed",
  committing: "committing",
};

/** @param {{standing: Standing}[]} ahead @returns {string} how many of them can be shown at once; empty where there are none */
export function aheadWords(ahead) {
  if (ahead.length === 0) return "";
  return `${ahead.filter(({ standing }) => standing === "ready").length} of ${ahead.length} ready`;
}

export class StageWords {
  /** @param {HTMLCanvasElement} picture whose label is kept */
  constructor(picture) {
    this._picture = picture;
    this._label = "No picture yet";
    this._news = "";
    this.help = el("p", { class: "stage-help", id: "stage-help" });
    this.said = el("p", { class: "visually-hidden", role: "status" });
    this.refresh();
  }

  /** The stage has become clean, or is no longer; or another way of pointing is used. */
  refresh() {
    setText(this.help, usesTouch() ? HELP_BY_TOUCH : HELP);
    setText(this.said, isClean() ? "" : this._news);
    if (!isClean()) this._picture.setAttribute("aria-label", this._label);
  }

  /** The viewer has pressed, and so knows how. It goes with the press, not with what comes of it. */
  pressed() {
    this.help.hidden = true;
  }

  /** Another photograph is on view. */
  begun() {
    this._label = "A photograph";
    this.refresh();
  }

  /** @param {import("../pure/trial.js").Trial} trial */
  follow({ stage, target, trigger, ahead }) {
    const press = trigger.name !== "key" ? "" : usesTouch() ? " Tap." : " Press space.";
    if (ahead.isUsed && !target) {
      // Which of them it will be is decided when the viewer cannot see it.
      if (stage === "asking") this._news = "Changes are being made.";
      else if (stage === "waiting") this._news = `Changes are ready.${press}`;
      else return;
    } else {
      const where = target ? spoken(target) : "a corner";
      if (stage === "asking") this._news = `A change is being made: ${where}.`;
      else if (stage === "waiting") this._news = `The changed picture is ready: ${where}.${press}`;
      else return;
    }
    this.refresh();
  }

  /** @param {string} target */
  swapped(target) {
    this._news = `The picture has changed: ${spoken(target)}.`;
    this._label = `A photograph, changed last in the ${spoken(target)}`;
    this.refresh();
  }
}
