/** What the page makes of the server's answers about its models, in the order in which they may come. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Models } from "../../../services/api/web/js/io/models.js";

/** @typedef {import("../../../services/api/web/js/types.js").ModelState} ModelState */

/** @typedef {{resolve: (state: ModelState) => void, reject: (error: Error) => void}} Asked */

/** @param {Partial<ModelState>} some @returns {ModelState} */
function state(some = {}) {
  return { name: "small", model: null, loading: null, failure: null, choices: ["small", "large"], resident: [], ...some };
}

/** A server whose answers come when the test says so. */
class Server {
  constructor() {
    /** @type {{post: Asked[], get: Asked[]}} */
    this.asked = { post: [], get: [] };
    this.monitor = Object.assign(new EventTarget(), { health: null });
    /** @type {(status: object) => void} */
    this.status = () => {};
    const live = { on: (/** @type {string} */ _, /** @type {(status: object) => void} */ heard) => (this.status = heard) };
    const api = { model: () => this._ask("get"), changeModel: () => this._ask("post") };
    this.models = new Models(/** @type {any} */ (api), /** @type {any} */ (this.monitor), /** @type {any} */ (live));
    /** @type {object[]} */
    this.settled = [];
    this.models.addEventListener("settled", (event) => this.settled.push(/** @type {CustomEvent<object>} */ (event).detail));
  }

  /** @param {"post" | "get"} what */
  _ask(what) {
    return new Promise((resolve, reject) => this.asked[what].push({ resolve, reject }));
  }

  /** Answer the first question that waits. @param {"post" | "get"} what @param {Partial<ModelState>} some */
  async answer(what, some) {
    const asked = this.asked[what].shift();
    assert.ok(asked, `nothing was asked by ${what}`);
    asked.resolve(state(some));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const LOADING = { model: "large", detail: "Fetching large.", done_bytes: 1, bytes: 4 };

test("models: an answer to what was asked before a choice was taken tells nothing of it", async () => {
  const server = new Server();
  server.status({ state: "ready", loading: null });
  await server.answer("get", { failure: "broken makes video." });
  void server.models.choose("large");
  server.status({ state: "ready", loading: null });
  await server.answer("get", { failure: "broken makes video." });
  assert.deepEqual([server.models.choice?.name, server.settled], ["large", []]);
  await server.answer("post", { name: "third", loading: LOADING });
  assert.deepEqual([server.models.choice?.name, server.settled], ["large", []], "what ran by then was not known here");
  server.status({ state: "ready", loading: null, model: { id: "large" } });
  await server.answer("get", { name: "large" });
  assert.deepEqual(server.settled, [{ name: "large", why: "" }]);
});

test("models: while it is known to be on its way nothing is asked", async () => {
  const server = new Server();
  server.status({ state: "ready", loading: null });
  await server.answer("get", {});
  void server.models.choose("large");
  await server.answer("post", { loading: LOADING });
  server.status({ state: "ready", loading: LOADING });
  await server.answer("get", { loading: LOADING });
  for (let done = 2; done < 4; done += 1) server.status({ state: "ready", loading: { ...LOADING, done_bytes: done } });
  assert.equal(server.asked.get.length, 0);
  server.status({ state: "ready", loading: null });
  await server.answer("get", { failure: "It makes video." });
  assert.deepEqual(server.settled, [{ name: "large", why: "It makes video." }]);
});

test("models: why a choice was not taken is forgotten with the server that did not answer", async () => {
  const server = new Server();
  server.status({ state: "ready", loading: null });
  await server.answer("get", {});
  const chosen = server.models.choose("large");
  server.asked.post.shift()?.reject(new Error("The server does not answer."));
  await chosen;
  assert.match(server.models.problem, /does not answer/);
  server.monitor.dispatchEvent(new Event("change"));
  assert.equal(server.models.problem, "");
});
