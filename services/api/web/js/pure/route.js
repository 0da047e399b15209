/** What the address says behind the hash: `#/replay/my_session?frame=3`. */

/** @typedef {{name: string, id: string | null, query: URLSearchParams}} Route */

export const VIEWS = ["stage", "sessions", "replay", "compare"];

/**
 * @param {string} hash with or without `#`
 * @returns {Route} the stage for anything unknown
 */
export function parseRoute(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [name, ...rest] = path.split("/");
  const id = decode(rest.join("/"));
  return { name: VIEWS.includes(name) ? name : "stage", id: id || null, query: new URLSearchParams(query) };
}

/**
 * @param {string} name
 * @param {string | null} [id]
 * @param {Record<string, string | number>} [query]
 * @returns {string}
 */
export function formatRoute(name, id = null, query = {}) {
  const values = Object.entries(query).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  const path = id === null ? name : `${name}/${encodeURIComponent(id)}`;
  return `#/${path}${values.length ? `?${values.join("&")}` : ""}`;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand: a lone percent sign stands for itself
  }
}
