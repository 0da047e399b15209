/** Questions that need an answer before anything goes on: native dialogs, so focus and Escape are the browser's. */

import { el } from "./dom.js";

/**
 * @param {{title: string, text: string, confirm: string, danger?: boolean}} question
 * @returns {Promise<boolean>}
 */
export async function ask({ title, text, confirm, danger = false }) {
  const dialog = open(title, [
    el("p", {}, text),
    el(
      "div",
      { class: "actions" },
      el("button", { type: "submit", value: "no", class: "button" }, "Cancel"),
      el("button", { type: "submit", value: "yes", class: danger ? "button danger" : "button primary" }, confirm),
    ),
  ]);
  return (await answer(dialog)) === "yes";
}

/**
 * @param {{title: string, text: string, label: string, confirm: string, secret?: boolean}} question
 * @returns {Promise<string | null>} null where it was dismissed
 */
export async function askText({ title, text, label, confirm, secret = false }) {
  const input = el("input", { type: secret ? "password" : "text", autocomplete: "off", required: true, autofocus: true });
  const dialog = open(title, [
    el("p", {}, text),
    el("label", { class: "field" }, el("span", {}, label), input),
    el(
      "div",
      { class: "actions" },
      el("button", { type: "submit", value: "no", class: "button", formnovalidate: true }, "Cancel"),
      el("button", { type: "submit", value: "yes", class: "button primary" }, confirm),
    ),
  ]);
  // Enter presses the first button of a form, which is Cancel.
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (input.value) dialog.close("yes");
  });
  return (await answer(dialog)) === "yes" ? input.value : null;
}

/** @param {string} title @param {HTMLElement[]} content */
function open(title, content) {
  const heading = el("h2", { id: "dialog-title" }, title);
  const dialog = el(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    el("form", { method: "dialog" }, heading, ...content),
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @param {HTMLDialogElement} dialog @returns {Promise<string>} */
function answer(dialog) {
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}
