import assert from "node:assert/strict";
import { test } from "node:test";

import { assess } from "../../../services/api/web/js/pure/health.js";
import { choicesOf, outcomeOf, progressOf, standingOf } from "../../../services/api/web/js/pure/model.js";

/** @typedef {import("../../../services/api/web/js/types.js").ModelState} ModelState */

/** @param {Partial<ModelState>} [some] @returns {ModelState} */
function state(some = {}) {
  return { name: "small", model: null, loading: null, failure: null, choices: ["small", "large"], resident: [], ...some };
}

/** @param {string} model @param {number} [done] @param {number} [bytes] */
function onItsWay(model, done = 0, bytes = 0) {
  return { model, detail: `Fetching ${model}.`, done_bytes: done, bytes };
}

/** @param {string} name @returns {import("../../../services/api/web/js/pure/model.js").Choice} */
function choice(name) {
  return { name, before: "small", isTaken: true, quietSince: null };
}

test("model: how much of it is here, where that is known", () => {
  assert.deepEqual(progressOf(onItsWay("large", 3.2e9, 12.8e9)), { figures: "3.20 of 12.80 GB", share: 0.25 });
  assert.equal(progressOf(onItsWay("large", 13e9, 12.8e9))?.share, 1, "more came than was announced");
  assert.equal(progressOf(onItsWay("large")), null);
});

test("model: there is a choice from two on, and what runs is among them", () => {
  assert.deepEqual(choicesOf(null), []);
  assert.deepEqual(choicesOf(state({ choices: ["small"] })), []);
  assert.deepEqual(choicesOf(state({ name: null, choices: [] })), []);
  assert.deepEqual(choicesOf(state()), ["small", "large"]);
  assert.deepEqual(choicesOf(state({ name: null })), ["small", "large"]);
  assert.deepEqual(choicesOf(state({ name: "taken away" })), ["taken away", "small", "large"]);
});

test("model: what runs is asked for again where it may have changed, and not as bytes come", () => {
  const told = { state: "ready", epoch: "e", model: { id: "small", revision: "1" }, queue: 0, loading: null };
  const standing = standingOf(told);
  assert.equal(standingOf({ ...told, model: { revision: "1", id: "small", files_sha256: null }, queue: 3 }), standing);
  const fetching = standingOf({ ...told, loading: onItsWay("large", 1, 9) });
  assert.notEqual(fetching, standing);
  assert.equal(standingOf({ ...told, loading: onItsWay("large", 2, 9) }), fetching);
  for (const other of [{ epoch: "f" }, { state: "loading" }, { model: { id: "small", revision: "2" } }, { model: null }]) {
    assert.notEqual(standingOf({ ...told, ...other }), standing);
  }
});

test("model: what becomes of a choice", () => {
  assert.equal(outcomeOf(choice("large"), state({ loading: onItsWay("large") }), 0), "waiting");
  assert.equal(outcomeOf(choice("large"), state({ name: "large" }), 0), "made");
  assert.equal(outcomeOf(choice("large"), state({ failure: "It makes video." }), 0), "failed");
  const another = state({ failure: "It makes video.", loading: onItsWay("large") });
  assert.equal(outcomeOf(choice("large"), another, 0), "waiting", "another one failed, this one is on its way");
  assert.equal(outcomeOf(choice("large"), state({ name: "third" }), 0), "overtaken");
});

test("model: one that is loaded waits for its turn, but a choice is not waited for without end", () => {
  const chosen = choice("large");
  assert.equal(outcomeOf(chosen, state(), 1_000), "waiting");
  assert.equal(outcomeOf(chosen, state(), 30_000), "waiting");
  assert.equal(outcomeOf(chosen, state({ loading: onItsWay("large") }), 31_000), "waiting");
  assert.equal(outcomeOf(chosen, state(), 40_000), "waiting", "something was on its way meanwhile");
  assert.equal(outcomeOf(chosen, state(), 71_000), "overtaken");
});

test("model: the first one on its way takes more than a moment", () => {
  const starting = { status: "starting", processes: { api: { state: "ok" }, generator: { state: "loading" } } };
  assert.match(assess(starting).advice, /a moment/);
  const { level, advice } = assess({ ...starting, loading: onItsWay("large") });
  assert.deepEqual([level, /once its model is there/.test(advice)], ["starting", true]);
});
