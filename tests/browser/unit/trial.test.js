import assert from "node:assert/strict";
import { test } from "node:test";

import { beginFields, isToBeJoined, possibleSwap } from "../../../services/api/web/js/pure/begin.js";
import { ownFields } from "../../../services/api/web/js/pure/png-text.js";
import { Trial } from "../../../services/api/web/js/pure/trial.js";

/** @typedef {import("../../../services/api/web/js/pure/trial.js").TrialState} TrialState */

/** @type {TrialState} */
const STATE = {
  trial_id: "t",
  state: "running",
  session_id: null,
  view: "default",
  display: "d",
  picture_sha256: "a",
  phase: "resting",
  focus: null,
  target: null,
  pending_sha256: null,
  pending_frame: null,
  config: { grid_size: 3, trigger: { name: "key", keys: [" "] }, fields: { by: "page" } },
};

/** @param {Partial<TrialState>} [more] */
function followed(more = {}) {
  const trial = new Trial();
  trial.adopt({ ...STATE, ...more });
  let id = 0;
  const take = (/** @type {string} */ step, /** @type {Record<string, unknown>} */ details = {}, stepId = String((id += 1))) =>
    trial.take({ type: "trial", trial_id: "t", step, step_id: stepId, caused_by: null, details });
  return { trial, take };
}

const ASKED = { target_sector: "BR", focus_sector: "TL", prompt: "a kite" };

test("a change is asked for, made, ready, and on view", () => {
  const { trial, take } = followed();
  take("request", ASKED, "5/2");
  assert.deepEqual([trial.stage, trial.target, trial.focus], ["asking", "BR", "TL"]);
  take("frame", { request: "5/2", sha256: "b", target: "BR", generation_ms: 7 }, "9");
  assert.deepEqual([trial.stage, trial.pending], ["asking", { frame: "9", sha256: "b" }]);
  take("ready", { frame: "8" });
  assert.equal(trial.stage, "asking", "of another frame");
  take("ready", { frame: "9" });
  assert.equal(trial.stage, "waiting");
  take("missed", { reason: "too late" });
  assert.deepEqual([trial.stage, trial.misses, trial.missed], ["waiting", 1, "too late"]);
  trial.drawn();
  assert.deepEqual([trial.stage, trial.target, trial.pending], ["resting", null, null]);
  trial.take({ type: "displayed", trial_id: "t", step: "displayed", step_id: "20/0", caused_by: "19/1", latency_ms: 31.5 });
  assert.deepEqual([trial.stage, trial.timings], ["resting", { generation: 7, latency: 31.5 }]);
});

test("a picture of a request that was given up is none of it", () => {
  const { trial, take } = followed();
  take("request", ASKED, "5/2");
  take("abandoned", { reason: "looked at" });
  assert.equal(trial.stage, "resting");
  take("request", { ...ASKED, target_sector: "TR" }, "7/2");
  take("frame", { request: "5/2", sha256: "b", target: "BR", generation_ms: 7 });
  assert.deepEqual([trial.pending, trial.target], [null, "TR"]);
  take("failed", { request: "5/2", code: "x", detail: "y" });
  assert.deepEqual([trial.stage, trial.problem], ["asking", null]);
});

test("a refusal stays until something is made", () => {
  const { trial, take } = followed();
  take("request", ASKED, "5/2");
  take("failed", { request: "5/2", code: "queue_full", detail: "It is full." });
  take("abandoned", { reason: "queue_full: It is full." });
  assert.deepEqual([trial.stage, trial.problem], ["refused", { code: "queue_full", detail: "It is full." }]);
  take("request", ASKED, "9/2");
  take("frame", { request: "9/2", sha256: "b", target: "BR", generation_ms: 7 }, "10");
  take("ready", { frame: "10" });
  assert.deepEqual([trial.stage, trial.problem], ["waiting", null]);
});

test("whoever comes later finds it as it stands", () => {
  const { trial, take } = followed({ phase: "made", focus: "TL", target: "BR", pending_frame: "9", pending_sha256: "b" });
  assert.deepEqual([trial.stage, trial.pending], ["asking", { frame: "9", sha256: "b" }]);
  take("gone", { display: "d" });
  assert.equal(trial.display, null);
  take("view", { display: "e" });
  assert.equal(trial.display, "e");
  take("ready", { frame: "9" });
  assert.equal(trial.stage, "waiting");
  take("gone", { display: "e" });
  assert.deepEqual([trial.stage, trial.pending], ["asking", { frame: "9", sha256: "b" }], "the next one has to get it ready");
  take("end", { outcome: "interrupted" });
  assert.deepEqual([trial.isRunning, trial.stage], [false, "resting"]);
  assert.equal(take("request", ASKED), false, "over is over");
});

test("another trial's steps are none of it", () => {
  const { trial } = followed();
  assert.equal(trial.take({ type: "trial", trial_id: "u", step: "request", step_id: "1/2", caused_by: null, details: ASKED }), false);
  assert.equal(trial.stage, "resting");
});

test("only what triggers darkens", () => {
  const { trial } = followed();
  assert.ok(trial.isDarkenedBy(" ") && !trial.isDarkenedBy("y"));
  assert.ok(followed({ config: { trigger: { name: "key", keys: [] } } }).trial.isDarkenedBy("y"), "any key");
  assert.ok(!followed({ config: { trigger: { name: "blink" } } }).trial.isDarkenedBy(" "));
});

test("a page begins with what was chosen, as far as its gaze goes", () => {
  /** @type {import("../../../services/api/web/js/io/prefs.js").Preferences} */
  const preferences = { gridSize: 2, dwellMs: 600, swap: "blink", fit: "auto", patch: false, flickerAccepted: false };
  const byEyes = beginFields({ preferences, source: "simulated:1", isRecorded: true });
  assert.deepEqual(byEyes.trigger, { name: "blink" });
  assert.deepEqual([byEyes.record, byEyes.gives_way, byEyes.fields], [true, true, { by: "page" }]);
  assert.deepEqual([byEyes.grid_size, byEyes.policy.dwell_ms], [2, 600]);
  const byPointer = beginFields({ preferences, source: "page", isRecorded: false });
  assert.equal(byPointer.trigger.name, "key", "a pointer does not blink");
  assert.equal(possibleSwap("once", "page"), "once");
});

test("a page that comes follows others' trials, and a page's own only where that is shown", () => {
  assert.ok(isToBeJoined(STATE), "another page shows it");
  assert.ok(!isToBeJoined({ ...STATE, display: null }), "the page that began it is gone");
  assert.ok(isToBeJoined({ ...STATE, display: null, config: { fields: { by: "lab" } } }));
  assert.ok(!isToBeJoined({ ...STATE, state: "complete" }));
  assert.ok(!isToBeJoined({ ...STATE, view: "wall" }));
});

test("what a picture says of itself is read, a large seed too", () => {
  const text = '{"prompt":"ein Hüt","seed":4611686018427387905,"notes":{"object":"hat"}}';
  const body = Buffer.concat([Buffer.from("parafovea\0\0\0\0\0"), Buffer.from(text)]);
  const chunk = (/** @type {string} */ type, /** @type {Buffer} */ data) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const picture = Buffer.concat([signature, chunk("IHDR", Buffer.alloc(13)), chunk("iTXt", body), chunk("IDAT", Buffer.alloc(3))]);
  assert.deepEqual(ownFields(picture), { prompt: "ein Hüt", seed: "4611686018427387905", notes: { object: "hat" } });
  assert.deepEqual(ownFields(Buffer.concat([signature, chunk("IHDR", Buffer.alloc(13)), chunk("IDAT", body)])), {});
  assert.deepEqual(ownFields(Buffer.from("no picture")), {});
});
