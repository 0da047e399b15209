/** What a JPEG says of itself. (ITU-T T.81, annex B.) */

/**
 * @param {Uint8Array} bytes
 * @returns {boolean} whether its pixels are made of four inks, which each program turns into light in its own way
 */
export function isCmykJpeg(bytes) {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return false;
  for (let at = 2; at + 9 < bytes.length; ) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === 0xda) return false;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return bytes[at + 9] === 4;
    // Fill bytes stand alone, and so do markers without a length.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2;
    else at += 2 + bytes[at + 2] * 256 + bytes[at + 3];
  }
  return false;
}
