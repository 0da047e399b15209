/** What can be chosen on the stage. */

/** @typedef {"press" | "blackout" | "once" | "blink" | "saccade"} Swap */

/** @type {(2 | 3)[]} */
export const GRID_SIZES = [2, 3];

/** @type {{value: Swap, label: string, hint: string, byTouch?: {label: string, hint: string}}[]} */
export const SWAPS = [
  {
    value: "press",
    label: "On space or a click",
    hint: "Press when you blink: the view goes dark for a quarter of a second.",
    byTouch: { label: "On a tap", hint: "Tap when you blink: the view goes dark for a quarter of a second." },
  },
  { value: "blackout", label: "On blackouts", hint: "The view blinks by itself, about 17 times a minute." },
  { value: "once", label: "At once", hint: "As soon as a change is ready and you look elsewhere." },
  { value: "blink", label: "On blinks", hint: "Blink: the picture changes while your eyes are closed." },
  { value: "saccade", label: "On saccades", hint: "Look from place to place: the picture changes while your eyes jump." },
];

/** What follows the gaze, by the names that the server has for it. */
export const SOURCES = [
  { value: "page", label: "Pointer" },
  { value: "websocket", label: "Eye tracker" },
  { value: "simulated:1", label: "Simulated viewer" },
];

/** @type {{value: 0 | 1, label: string}[]} */
export const PATCHES = [
  { value: 0, label: "Off" },
  { value: 1, label: "On" },
];

export const DWELLS_MS = [400, 600, 800, 1200, 2000];

/** @type {{value: "auto" | "fill" | "whole", label: string}[]} */
export const FITS = [
  { value: "auto", label: "Automatic" },
  { value: "fill", label: "Fill" },
  { value: "whole", label: "Whole" },
];
