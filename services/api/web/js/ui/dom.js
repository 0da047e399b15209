/** Elements without markup: text stays text, whatever it holds. */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | ((event: any) => void) | null | undefined>} [attributes]
 *   a function listens to the event of its name; true is an attribute without a value; null and false leave it out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...solid(children));
  return element;
}

/**
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...solid(children));
}

/** @param {Child[]} children @returns {(Node | string)[]} */
function solid(children) {
  return /** @type {(Node | string)[]} */ (
    children.filter((child) => child !== null && child !== undefined && child !== false)
  );
}

/**
 * Set text only where it differs: a screen reader reads a live region again at each change.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} Paths on a 24 by 24 grid, drawn with a line. */
const ICONS = {
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8.5 5.5v13M15.5 5.5v13",
  back: "M14.5 6l-6 6 6 6",
  forward: "M9.5 6l6 6-6 6",
  first: "M17 6l-6 6 6 6M7.5 6v12",
  last: "M7 6l6 6-6 6M16.5 6v12",
  loop: "M5 12a6 6 0 0 1 6-6h7m0 0l-3-3m3 3l-3 3M19 12a6 6 0 0 1-6 6H6m0 0l3 3m-3-3l3-3",
  full: "M5 9.5V5h4.5M14.5 5H19v4.5M19 14.5V19h-4.5M9.5 19H5v-4.5",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  trash: "M5 7.5h14M9.5 7.5V5h5v2.5M7 7.5l.8 11.5h8.4L17 7.5",
  download: "M12 4.5v10m0 0l-4-4m4 4l4-4M5 19h14",
  upload: "M12 14.5v-10m0 0l-4 4m4-4l4 4M5 19h14",
  search: "M10.5 5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM15 15l4.5 4.5",
  more: "M5 8h14M5 16h14",
};

/**
 * @param {string} name
 * @returns {SVGSVGElement} hidden from screen readers: the button around it has a label
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}

/**
 * A button with an icon alone.
 * @param {string} name of the icon
 * @param {string} label for screen readers, and as a tip
 * @param {(event: MouseEvent) => void} onClick
 * @param {Record<string, string | boolean | null>} [more]
 */
export function iconButton(name, label, onClick, more = {}) {
  return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, click: onClick, ...more }, icon(name));
}

/**
 * A choice among a few values.
 * @template {string | number} Value
 * @param {{label: string, value: Value, choices: {value: Value, label: string}[], onChange: (value: Value) => void}} options
 * @returns {HTMLLabelElement}
 */
export function choice({ label, value, choices, onChange }) {
  const select = el(
    "select",
    { change: () => onChange(choices[select.selectedIndex].value) },
    ...choices.map((item) => el("option", { value: item.value, selected: item.value === value }, item.label)),
  );
  return el("label", { class: "field" }, el("span", {}, label), select);
}

/** @returns {boolean} whether a key press belongs to a control that has the focus */
export function isTyping() {
  const at = document.activeElement;
  if (!(at instanceof HTMLElement)) return false;
  return at.matches("input:not([type=range]):not([type=checkbox]):not([type=radio]), select, textarea") || at.closest("dialog") !== null;
}
