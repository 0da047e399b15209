/** The checksums of PNG and zlib. */

const TABLE = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  TABLE[byte] = value;
}

/** @param {Uint8Array} bytes @returns {number} CRC-32 (PNG, Third Edition, 5.5) */
export function crc32(bytes) {
  let value = 0xffffffff;
  for (let at = 0; at < bytes.length; at += 1) value = TABLE[(value ^ bytes[at]) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** So many bytes can be summed up before a sum has to be reduced. */
const ADLER_RUN = 3800;

/** @param {Uint8Array} bytes @returns {number} Adler-32 (RFC 1950, 9) */
export function adler32(bytes) {
  let [a, b] = [1, 0];
  for (let at = 0; at < bytes.length; ) {
    for (const until = Math.min(at + ADLER_RUN, bytes.length); at < until; at += 1) {
      a += bytes[at];
      b += a;
    }
    a %= 65_521;
    b %= 65_521;
  }
  return ((b << 16) | a) >>> 0;
}
