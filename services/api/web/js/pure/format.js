/** Numbers and times as a person reads them. What is not known, or no number that a person could read, is a dash. */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** @param {number | null | undefined} value @returns {value is number} */
function isKnown(value) {
  return Number.isFinite(value);
}

/**
 * @param {number | null | undefined} bytes
 * @returns {string} `1.4 MB`; decimal units, as disks are sold
 */
export function size(bytes) {
  if (!isKnown(bytes)) return "–";
  let value = Math.max(bytes, 0);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/**
 * @param {number | null | undefined} seconds
 * @returns {string} `2:05`, `1:02:05`
 */
export function duration(seconds) {
  if (!isKnown(seconds)) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/**
 * @param {number | null | undefined} ms
 * @returns {string} `340 ms`, `2.4 s`
 */
export function milliseconds(ms) {
  if (!isKnown(ms)) return "–";
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/**
 * @param {number | null | undefined} unixSeconds
 * @param {string} [locale]
 * @returns {string} `22 Nov 2026, 22:14`
 */
export function date(unixSeconds, locale) {
  if (!isKnown(unixSeconds) || Number.isNaN(new Date(unixSeconds * 1000).valueOf())) return "–";
  return new Intl.DateTimeFormat(locale ?? "en-GB", { dateStyle: "medium", timeStyle: "short" }).format(
    unixSeconds * 1000,
  );
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en-GB")} ${count === 1 ? one : many}`;
}
