/** What the answer of `/health` means for the person in front of the page. */

/** @typedef {import("../types.js").Health} Health */
/** @typedef {"ok" | "starting" | "degraded" | "down"} Level */
/** @typedef {{name: string, level: Level, state: string, detail: string}} ProcessState */
/** @typedef {{level: Level, summary: string, advice: string, processes: ProcessState[]}} Assessment */

const ORDER = ["api", "gaze", "generator", "recorder", "replayer"];

/** @type {Record<string, string>} What a process is called in a sentence, where that is not its name. */
const CALLED = { gaze: "gaze process" };

/** @type {Record<string, string>} What does not work while a process is down. */
const CONSEQUENCE = {
  gaze: "Nobody’s gaze is followed, and no picture changes, until it is back.",
  generator: "No picture can change until it is back.",
  recorder: "Nothing can be recorded until it is back.",
  replayer: "The replay over HTTP waits; this page replays by itself.",
};

const HOW_TO_START = "Everything is started together with “make run”; a single process with “python -m services.NAME”.";

/** @type {Record<string, Level>} A state that is not among them is a newer process's: it lives, and is not ready. */
const LEVELS = {
  ok: "ok",
  ready: "ok",
  loading: "starting",
  starting: "starting",
  trouble: "degraded",
  unreachable: "down",
  failed: "down",
  stopping: "down",
};

/**
 * @param {Health | null} health null where nobody answered
 * @returns {Assessment}
 */
export function assess(health) {
  if (!health) {
    return {
      level: "down",
      summary: "The server does not answer.",
      advice: "Start it with “make run”; this page goes on by itself when it is back.",
      processes: [{ name: "api", level: "down", state: "not reachable", detail: "" }],
    };
  }
  const names = Object.keys(health.processes).sort((a, b) => rank(a) - rank(b));
  const isStarting = health.status === "starting";
  const processes = names.map((name) => processState(name, health.processes[name], isStarting));
  const missing = processes.filter((process) => process.level === "down");
  if (missing.length) {
    const [first] = missing;
    return {
      level: "down",
      summary: `The ${missing.map(called).join(" and the ")} ${missing.length > 1 ? "are" : "is"} not running.`,
      advice: `${CONSEQUENCE[first.name] ?? ""} ${HOW_TO_START.replace("NAME", first.name)}`.trim(),
      processes,
    };
  }
  const reasons = health.reasons ?? [];
  const starting = processes.filter((process) => process.level === "starting");
  if (isStarting || starting.length) {
    const who = starting.map(called).join(" and the ");
    return {
      level: "starting",
      summary: who ? `The ${who} ${starting.length > 1 ? "are" : "is"} starting.` : "The server is starting.",
      advice: health.loading ? "Pictures are made once its model is there; there is nothing to do." : "That takes a moment; there is nothing to do.",
      processes,
    };
  }
  if (health.status !== "ok" || reasons.length) {
    return { level: "degraded", summary: reasons.map(sentence).join(" ") || "Something is not well.", advice: "", processes };
  }
  return { level: "ok", summary: "All is well.", advice: "", processes };
}

/**
 * @param {string} name
 * @param {import("../types.js").ProcessHealth} process
 * @param {boolean} isStarting
 * @returns {ProcessState}
 */
function processState(name, process, isStarting) {
  const level = isStarting && process.state === "unreachable" ? "starting" : LEVELS[process.state] ?? "degraded";
  return { name, level, state: process.state, detail: process.detail ?? "" };
}

/** @param {ProcessState} process */
function called({ name }) {
  return CALLED[name] ?? name;
}

/** @param {string} name */
function rank(name) {
  const at = ORDER.indexOf(name);
  return at < 0 ? ORDER.length : at;
}

/** @param {string} text */
function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
