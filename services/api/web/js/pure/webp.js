/** What a WebP says of itself. (RFC 9649.) */

const OPACITY = 0x10;

/**
 * @param {Uint8Array} start the first 32 bytes of a file
 * @returns {boolean} whether it is a WebP with opacity
 */
export function hasWebpOpacity(start) {
  if (textAt(start, 0) !== "RIFF" || textAt(start, 8) !== "WEBP") return false;
  const data = start.subarray(20);
  // The extended header has a flag for it; a lossless picture tells it behind its size, of 14 bits a side.
  if (textAt(start, 12) === "VP8X") return (data[0] & OPACITY) !== 0;
  return textAt(start, 12) === "VP8L" && (data[4] & OPACITY) !== 0;
}

/** @param {Uint8Array} bytes @param {number} at */
function textAt(bytes, at) {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
