/** What a picture that was made here says of itself, in the text of its PNG (Third Edition, 11.3.3.4). */

import { isPng } from "./png.js";

const KEYWORD = "parafovea";

/**
 * @param {Uint8Array} bytes of a PNG
 * @returns {Record<string, any>} the fields of its frame; empty where it has none
 */
export function ownFields(bytes) {
  if (!isPng(bytes)) return {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === "IDAT") break;
    if (type === "iTXt") {
      const fields = read(bytes.subarray(at + 8, at + 8 + length));
      if (fields) return fields;
    }
    at += length + 12;
  }
  return {};
}

/** @param {Uint8Array} body keyword, 0, compressed or not, method, language, 0, translated keyword, 0, text */
function read(body) {
  const [keyword, , , text] = split(body);
  if (keyword !== KEYWORD) return null;
  try {
    // A seed may be larger than a number of JavaScript holds.
    return JSON.parse(text.replace(/("seed"\s*:\s*)(\d{16,})/g, '$1"$2"'));
  } catch {
    return null;
  }
}

/** @param {Uint8Array} body */
function split(body) {
  const decoder = new TextDecoder();
  const first = body.indexOf(0);
  const second = body.indexOf(0, first + 3);
  const third = body.indexOf(0, second + 1);
  return [body.subarray(0, first), body.subarray(first + 3, second), body.subarray(second + 1, third), body.subarray(third + 1)].map(
    (part) => decoder.decode(part),
  );
}
