/** The HTTP API as this page uses it: one method a call, errors as the sentence they carry. */

import { aboutSector } from "../pure/sector-answer.js";
import { addressOf } from "./address.js";
import { base64Of } from "./base64.js";

/** @typedef {import("../types.js").Entry} Entry */
/** @typedef {import("../types.js").EntryPage} EntryPage */
/** @typedef {import("../types.js").Health} Health */
/** @typedef {import("../pure/trial.js").TrialState} TrialState */

/** An error that a person can read; `code` is the API's, or `unreachable` where nobody answered. */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} detail
   * @param {number} [retryAfterMs]
   */
  constructor(code, detail, retryAfterMs = 0) {
    super(detail);
    this.name = "ApiError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Numbers beyond what JavaScript can hold exactly become strings: a seed must not be shown rounded. */
const LARGE_SEED = /("seed"\s*:\s*)(\d{16,})/g;

export class Api {
  /**
   * @param {{token: () => string | null, onUnauthorized: () => Promise<boolean>}} options
   *   `onUnauthorized` asks for the token, and says whether another try makes sense
   */
  constructor({ token, onUnauthorized }) {
    this._token = token;
    this._onUnauthorized = onUnauthorized;
  }

  /** @returns {Promise<Health>} */
  health() {
    return this._json("/health", { signal: AbortSignal.timeout(4_000) });
  }

  /** @returns {Promise<import("../types.js").ModelState>} */
  model() {
    return this._json("/model");
  }

  /** @param {string} name that is to make the pictures, from when it is there @returns {Promise<import("../types.js").ModelState>} */
  changeModel(name) {
    return this._post("/model", { model: name });
  }

  /** @returns {Promise<import("../types.js").Sample[]>} */
  async samples() {
    return (await this._json("/samples")).samples;
  }

  /** @param {string} file @returns {Promise<Blob>} */
  sample(file) {
    return this._blob(`/samples/${encodeURIComponent(file)}`);
  }

  /** @param {string} file @returns {Promise<Blob>} */
  sampleThumbnail(file) {
    return this._blob(`/samples/${encodeURIComponent(file)}/thumbnail`);
  }

  /** @returns {Promise<Set<string>>} Paths with their method, `POST /session/import`. */
  async routes() {
    /** @type {{paths?: Record<string, Record<string, unknown>>}} */
    const described = await this._json("/openapi.json");
    const found = new Set();
    for (const [path, methods] of Object.entries(described.paths ?? {})) {
      for (const method of Object.keys(methods)) found.add(`${method.toUpperCase()} ${path.replace(/\{[^}]*\}/g, "{}")}`);
    }
    return found;
  }

  /**
   * @param {Blob} picture that the trial begins with
   * @param {Record<string, unknown>} fields
   * @returns {Promise<TrialState>}
   */
  async beginTrial(picture, fields) {
    return this._post("/trial/begin", { ...fields, image_base64: await base64Of(picture) });
  }

  /** @param {string} id @returns {Promise<TrialState>} */
  endTrial(id) {
    return this._json(`/trial/end?trial_id=${encodeURIComponent(id)}`, { method: "POST" });
  }

  /** A picture of the trial, on view or not yet. @param {string} sha256 @param {AbortSignal} [signal] */
  trialPicture(sha256, signal) {
    return this._blob(`/trial/picture/${sha256}`, { signal });
  }

  /**
   * The sector of a change that was made ahead.
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @returns {Promise<{blob: Blob, about: import("../pure/sector-answer.js").AboutSector} | null>} null while it is being made
   */
  async preparedSector(id, signal) {
    const response = await this._request(`/prepared/${encodeURIComponent(id)}`, { signal });
    const about = response.status === 200 ? aboutSector(response.headers) : null;
    const blob = await response.blob(); // also where it is of no use: the connection is free again
    return about && { blob, about };
  }

  /** @param {string} source of the gaze, from now on @returns {Promise<import("../types.js").GazeStatus>} */
  chooseSource(source) {
    return this._post("/gaze/source", { source });
  }

  /** @param {string} name may be empty @param {boolean} resume @returns {Promise<{session_id: string}>} */
  startSession(name, resume) {
    const query = new URLSearchParams();
    if (name) query.set("session_id", name);
    if (resume) query.set("resume", "true");
    return this._json(`/session/start?${query}`, { method: "POST" });
  }

  /** @returns {Promise<{session_id: string, recorded: number, pending: number}>} */
  stopSession() {
    return this._json("/session/stop", { method: "POST" });
  }

  /** @returns {Promise<import("../types.js").SessionStatus>} */
  sessionStatus() {
    return this._json("/session/status");
  }

  /** @returns {Promise<import("../types.js").SessionListed[]>} Newest first. */
  async sessions() {
    return (await this._json("/session/list?details=true")).sessions.reverse();
  }

  /** @param {string} id */
  deleteSession(id) {
    return this._json(session(id), { method: "DELETE" });
  }

  /**
   * @param {string} id
   * @param {number} from
   * @param {number} count
   * @returns {Promise<EntryPage>}
   */
  entries(id, from, count) {
    return this._json(`${session(id)}/entries?from=${from}&count=${count}`);
  }

  /** @param {string} id @param {number} index @param {AbortSignal} [signal] */
  frame(id, index, signal) {
    return this._blob(`${session(id)}/frames/${index}`, { signal });
  }

  /** @param {string} id @param {number} index @param {AbortSignal} [signal] */
  input(id, index, signal) {
    return this._blob(`${session(id)}/frames/${index}/input`, { signal });
  }

  /** @param {string} id @param {number} index @param {AbortSignal} [signal] */
  thumbnail(id, index, signal) {
    return this._blob(`${session(id)}/frames/${index}/thumbnail`, { signal });
  }

  /** @param {Blob} archive @param {AbortSignal} [signal] */
  importSession(archive, signal) {
    return this._json("/session/import", {
      method: "POST",
      body: archive,
      headers: { "Content-Type": "application/gzip" },
      signal,
    });
  }

  /** The address of a download, which a browser asks for without our header. @param {string} id */
  exportUrl(id) {
    return addressOf(this.withToken(`${session(id)}/export`)).href;
  }

  /** @param {string} path a GET that a browser makes by itself @returns {string} */
  withToken(path) {
    const token = this._token();
    return token ? `${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}` : path;
  }

  /** @param {string} path @param {Record<string, unknown>} body @returns {Promise<any>} */
  _post(path, body) {
    return this._json(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  }

  /** @param {string} path @param {RequestInit} [init] @returns {Promise<any>} */
  async _json(path, init) {
    const text = await (await this._request(path, init)).text();
    return JSON.parse(text.replace(LARGE_SEED, '$1"$2"'));
  }

  /** @param {string} path @param {RequestInit} [init] @returns {Promise<Blob>} */
  async _blob(path, init) {
    return (await this._request(path, init)).blob();
  }

  /** @param {string} path @param {RequestInit} [init] @returns {Promise<Response>} */
  async _request(path, init = {}) {
    for (;;) {
      const headers = new Headers(init.headers);
      const token = this._token();
      if (token) headers.set("Authorization", `Bearer ${token}`);
      const response = await reach(path, { ...init, headers });
      if (response.ok) return response;
      const error = await readError(response);
      if (error.code === "unauthorized" && (await this._onUnauthorized())) continue;
      throw error;
    }
  }
}

/** @param {string} id */
function session(id) {
  return `/session/${encodeURIComponent(id)}`;
}

/** @param {string} path @param {RequestInit} init */
async function reach(path, init) {
  try {
    return await fetch(addressOf(path), { ...init, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("unreachable", "The server does not answer. Start it with “make run”.");
  }
}

/** @param {Response} response */
async function readError(response) {
  const retryAfterMs = Number(response.headers.get("Retry-After") ?? 0) * 1000;
  const text = await response.text();
  try {
    const { error, detail } = JSON.parse(text);
    return new ApiError(String(error), String(detail), retryAfterMs);
  } catch {
    return new ApiError("unreadable", `The server answered ${response.status} without a reason.`, retryAfterMs);
  }
}

/** @param {unknown} error @returns {boolean} whether somebody here gave the request up */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/** @param {unknown} error @returns {string} the sentence to show */
export function sentenceOf(error) {
  return error instanceof Error ? error.message : String(error);
}
