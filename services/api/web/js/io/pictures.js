/** Pictures between files, bytes and canvases. */

import { within } from "../pure/fit.js";
import { readOpaque } from "./opaque.js";

/** The server's limit on either side. */
export const MAX_SIDE = 4096;

const ACCEPTED = ["image/png", "image/jpeg", "image/webp"];

/** @typedef {{blob: Blob, bitmap: ImageBitmap, note: string}} Opened `note`: what was done to it, or empty */

/**
 * A picture that somebody gave us.
 * @param {Blob} file
 * @returns {Promise<Opened>}
 * @throws {Error} with a sentence for the person who gave it
 */
export async function openPicture(file) {
  const name = file instanceof File && file.name ? `“${file.name}”` : "This file";
  if (file.type && !ACCEPTED.includes(file.type)) {
    throw new Error(`${name} is not a picture that can be used here. Choose a PNG, JPEG or WebP file.`);
  }
  const { bitmap, isExact } = await read(file, `${name} cannot be read as a picture. Choose a PNG, JPEG or WebP file.`);
  const { width, height, scaled } = within(bitmap, MAX_SIDE);
  if (!scaled && isExact) return { blob: file, bitmap, note: "" };
  // What is shown is sent in place of the file, so that it is what the change is made from.
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const blob = await canvas.convertToBlob(scaled ? { type: "image/jpeg", quality: 0.95 } : { type: "image/png" });
  const note = scaled
    ? `The picture was scaled to ${width} × ${height}, the largest that the server takes.`
    : "The server would read this picture’s opacity or inks in another way than this browser: it is sent as it is shown here.";
  return { blob, bitmap: await createImageBitmap(blob), note };
}

/**
 * A picture as the server reads it, so that nothing of it changes at the first exchange but what was made anew.
 * @param {Blob} blob
 * @returns {Promise<ImageBitmap>} oriented as its EXIF says, opaque
 */
export async function decode(blob) {
  return (await read(blob, "The picture cannot be shown.")).bitmap;
}

/** @param {Blob} blob @param {string} problem the sentence to fail with */
async function read(blob, problem) {
  try {
    return await readOpaque(blob);
  } catch {
    throw new Error(problem);
  }
}

/**
 * Show a picture on a canvas at its own size.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} bitmap
 */
export function paint(canvas, bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  contextOf(canvas).drawImage(bitmap, 0, 0);
}

/** @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} */
export function contextOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * @param {ImageBitmap} bitmap
 * @param {number} width
 * @param {number} height
 * @returns {ImageData}
 */
export function pixelsOf(bitmap, width = bitmap.width, height = bitmap.height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}
