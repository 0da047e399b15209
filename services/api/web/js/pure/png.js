/**
 * A PNG as the server reads it: opacity dropped and the colours kept as they are stored, samples of 16 bits by their high
 * byte, the picture of an animation that is its default. (PNG, Third Edition.)
 *
 * A canvas can't do that: it multiplies colours by their opacity, and what was multiplied away does not come back.
 */

import { adler32, crc32 } from "./checksums.js";

/** @typedef {{type: string, data: Uint8Array}} Chunk */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CHANNELS = /** @type {Record<number, number>} */ ({ 0: 1, 2: 3, 4: 2, 6: 4 });
/** What tells how colours look; the rest is text, or of a size that goes with the kind of samples. */
const OF_COLOURS = ["gAMA", "cHRM", "sRGB", "iCCP", "cICP", "mDCV", "cLLI", "eXIf"];
/** First column and row, and steps, of each pass of an interlaced picture (8.1). */
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
/** A larger picture is scaled down before it is shown and sent, so that what is shown is what is sent anyway. */
const MAX_BYTES = 300_000_000;
const STORED = 65_535;

/** @param {Uint8Array} bytes */
export function isPng(bytes) {
  return SIGNATURE.every((byte, at) => bytes[at] === byte);
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes of a PNG
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>} another one without opacity; null where it is opaque and plain already
 * @throws {Error} where it is damaged
 */
export async function opaquePng(bytes) {
  const chunks = chunksOf(bytes);
  const view = new DataView(chunks[0].data.buffer, chunks[0].data.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, interlaced] = [view.getUint8(8), view.getUint8(9), view.getUint8(12) === 1];
  const isGrey = colour === 0 || colour === 4;
  const dropped = ["tRNS", "acTL", "fcTL", "fdAT"];
  if (depth <= 8 && colour < 4) {
    const left = chunks.filter(({ type }) => !dropped.includes(type));
    return left.length === chunks.length ? null : join(left);
  }
  const shape = { width, height, channels: CHANNELS[colour], sampleBytes: depth / 8, interlaced };
  if (width * height * shape.channels * shape.sampleBytes > MAX_BYTES) return null;
  const packed = concat(chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data));
  const pixels = withoutOpacity(await inflate(packed), { ...shape, colours: isGrey ? 1 : 3 });
  const header = chunks[0].data.slice();
  header[8] = 8;
  header[9] = isGrey ? 0 : 2;
  const kept = chunks.filter(({ type }) => OF_COLOURS.includes(type) && !dropped.includes(type));
  const rest = [{ type: "IDAT", data: store(pixels) }, { type: "IEND", data: new Uint8Array() }];
  return join([{ type: "IHDR", data: header }, ...kept, ...rest]);
}

/** @param {Uint8Array} bytes @returns {Chunk[]} */
function chunksOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** @type {Chunk[]} */
  const found = [];
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    found.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  if (found[0]?.type !== "IHDR" || found[0].data.length !== 13) throw new Error("this PNG has no header");
  return found;
}

/**
 * Rows unfiltered (9.2), and written again without filter, opacity and low bytes.
 * @param {Uint8Array} raw changed in place
 * @param {{width: number, height: number, channels: number, colours: number, sampleBytes: number, interlaced: boolean}} shape
 */
function withoutOpacity(raw, { width, height, channels, colours, sampleBytes, interlaced }) {
  const passes = interlaced ? ADAM7 : [[0, 0, 1, 1]];
  const sizes = passes.map(([x, y, dx, dy]) => [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)]);
  const shown = sizes.filter(([columns, rows]) => columns > 0 && rows > 0);
  const size = shown.reduce((sum, [columns, rows]) => sum + rows * (1 + columns * colours), 0);
  const made = new Uint8Array(size);
  const pixelBytes = channels * sampleBytes;
  let [from, to] = [0, 0];
  for (const [columns, rows] of shown) {
    const length = columns * pixelBytes;
    /** @type {Uint8Array} */
    let above = new Uint8Array(length);
    for (let row = 0; row < rows; row += 1) {
      const line = raw.subarray(from + 1, from + 1 + length);
      if (line.length < length) throw new Error("this PNG is cut off");
      unfilter(raw[from], line, above, pixelBytes);
      from += 1 + length;
      to += 1; // no filter
      for (let pixel = 0; pixel < length; pixel += pixelBytes) {
        for (let colour = 0; colour < colours; colour += 1) made[to++] = line[pixel + colour * sampleBytes];
      }
      above = line;
    }
  }
  return made;
}

/** @param {number} kind @param {Uint8Array} line @param {Uint8Array} above @param {number} step bytes of a pixel */
function unfilter(kind, line, above, step) {
  if (kind > 4) throw new Error("this PNG has a filter that is none");
  if (kind === 0) return;
  for (let at = 0; at < line.length; at += 1) {
    const left = at >= step ? line[at - step] : 0;
    if (kind === 1) line[at] += left;
    else if (kind === 2) line[at] += above[at];
    else if (kind === 3) line[at] += (left + above[at]) >> 1;
    else line[at] += paeth(left, above[at], at >= step ? above[at - step] : 0);
  }
}

/** @param {number} a @param {number} b @param {number} c */
function paeth(a, b, c) {
  const [toA, toB, toC] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  if (toA <= toB && toA <= toC) return a;
  return toB <= toC ? b : c;
}

/** @param {Uint8Array<ArrayBuffer>} packed */
async function inflate(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A zlib stream that packs nothing (RFC 1950, 1951): it is decoded at once and thrown away. @param {Uint8Array} data */
function store(data) {
  const blocks = Math.max(1, Math.ceil(data.length / STORED));
  const made = new Uint8Array(2 + blocks * 5 + data.length + 4);
  made.set([0x78, 0x01]);
  let to = 2;
  for (let block = 0; block < blocks; block += 1) {
    const part = data.subarray(block * STORED, (block + 1) * STORED);
    const [low, high] = [part.length & 0xff, part.length >> 8];
    made.set([block === blocks - 1 ? 1 : 0, low, high, low ^ 0xff, high ^ 0xff], to);
    made.set(part, to + 5);
    to += 5 + part.length;
  }
  new DataView(made.buffer).setUint32(to, adler32(data));
  return made;
}

/** @param {Chunk[]} chunks */
function join(chunks) {
  const made = new Uint8Array(SIGNATURE.length + chunks.reduce((sum, { data }) => sum + 12 + data.length, 0));
  const view = new DataView(made.buffer);
  made.set(SIGNATURE);
  let to = SIGNATURE.length;
  for (const { type, data } of chunks) {
    view.setUint32(to, data.length);
    made.set([...type].map((letter) => letter.charCodeAt(0)), to + 4);
    made.set(data, to + 8);
    view.setUint32(to + 8 + data.length, crc32(made.subarray(to + 4, to + 8 + data.length)));
    to += 12 + data.length;
  }
  return made;
}

/** @param {Uint8Array[]} parts */
function concat(parts) {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of parts) {
    made.set(part, to);
    to += part.length;
  }
  return made;
}
