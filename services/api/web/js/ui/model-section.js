/** Of the model that makes the pictures: which one it is, choosing another one, and what is to be known of it. */

import { choicesOf } from "../pure/model.js";
import { el, fill, setText } from "./dom.js";
import { LoadingLine } from "./loading-line.js";
import { notify } from "./notices.js";

/** @typedef {import("../io/models.js").Settled} Settled */

export class ModelSection {
  /** @param {import("../io/models.js").Models} models */
  constructor(models) {
    this._models = models;
    this._select = el("select", { change: () => void models.choose(this._select.value) });
    this._chooser = el("label", { class: "field" }, el("span", {}, "Model"), this._select);
    this._name = el("span", { class: "model-name" });
    this._plain = el("p", { class: "model-plain" }, el("span", { class: "muted small" }, "Model"), this._name);
    this._loading = new LoadingLine({ isRead: false });
    this._problem = el("p", { class: "small model-problem" });
    this._advice = el("p", { class: "small muted model-advice" });
    this.element = el("div", { class: "model" }, this._chooser, this._plain, this._loading.element, this._problem, this._advice);
    models.addEventListener("change", () => this._show());
    models.addEventListener("settled", (event) => tell(/** @type {CustomEvent<Settled>} */ (event).detail));
    this._show();
  }

  _show() {
    const { state, choice, loading, name, problem, told } = this._models;
    const names = choicesOf(state);
    this._chooser.hidden = names.length === 0;
    this._plain.hidden = names.length > 0 || !name;
    setText(this._name, name);
    if (names.length) this._offer(names, choice?.name ?? state?.name ?? "");
    this._select.setAttribute("aria-busy", String(choice !== null || loading !== null));
    this._loading.show(loading);
    put(this._problem, problem);
    put(this._advice, told.advice ?? "");
    this.element.hidden = [...this.element.children].every((child) => child instanceof HTMLElement && child.hidden);
  }

  /** A list that somebody has open is left alone. @param {string[]} names @param {string} chosen */
  _offer(names, chosen) {
    const wanted = chosen ? names : ["", ...names];
    if (wanted.join("\n") !== [...this._select.options].map(({ value }) => value).join("\n")) {
      fill(this._select, ...wanted.map((name) => el("option", { value: name, disabled: !name }, name || "None")));
    }
    if (this._select.value !== chosen) this._select.value = chosen;
  }
}

/** @param {Settled} settled */
function tell({ name, why }) {
  if (why) notify(why, { kind: "error" });
  else notify(`${name} makes the pictures now.`);
}

/** @param {HTMLElement} element @param {string} text */
function put(element, text) {
  element.hidden = !text;
  setText(element, text);
}
