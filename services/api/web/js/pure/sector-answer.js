/** What the headers of a changed sector say of it. */

/** @typedef {import("./sectors.js").Region} Region */

/**
 * @typedef {object} AboutSector
 * @property {Region} region where it lies in the picture
 * @property {string} on hash of the picture that it goes onto
 * @property {{prompt: string, seed: string, notes: {object?: string, fallback?: string}}} about what was asked for, and made
 */

/**
 * @param {{get: (name: string) => string | null}} headers
 * @returns {AboutSector | null} null where they do not say where it lies, and in what
 */
export function aboutSector(headers) {
  const edges = (headers.get("X-Region") ?? "").split(",").map(Number);
  const on = headers.get("X-On") ?? "";
  const [left, top, right, bottom] = edges;
  const isRegion = edges.length === 4 && edges.every(Number.isInteger) && 0 <= left && left < right && 0 <= top && top < bottom;
  if (!isRegion || !/^[0-9a-f]{64}$/.test(on)) return null;
  const prompt = textOf(headers, "X-Prompt") ?? "";
  const notes = { object: textOf(headers, "X-Object"), fallback: textOf(headers, "X-Fallback") };
  return { region: { left, top, right, bottom }, on, about: { prompt, seed: headers.get("X-Seed") ?? "", notes } };
}

/**
 * @param {{get: (name: string) => string | null}} headers
 * @param {string} name
 * @returns {string | undefined} undefined where there is no such header
 */
function textOf(headers, name) {
  const raw = headers.get(name);
  if (raw === null) return undefined;
  if (headers.get(`${name}-Encoding`) !== "percent") return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw; // cut off within a character
  }
}
