import assert from "node:assert/strict";
import { test } from "node:test";

import { Preparations } from "../../../services/api/web/js/pure/preparations.js";
import { aboutSector } from "../../../services/api/web/js/pure/sector-answer.js";
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
  prepared: [],
  config: {},
};

/** @param {Partial<TrialState>} [more] */
function followed(more = {}) {
  const trial = new Trial();
  trial.adopt({ ...STATE, ...more });
  const take = (/** @type {string} */ step, /** @type {string} */ id, /** @type {Record<string, unknown>} */ details = {}) =>
    trial.take({ type: "trial", trial_id: "t", step, step_id: id, caused_by: null, details });
  const targets = (/** @type {string | null} */ onView) => trial.ahead.drawable(onView).map(({ target }) => target);
  const standings = (isHere = true) =>
    Object.fromEntries(trial.ahead.all.map((each) => [each.target, trial.ahead.standing(each, { onView: trial.onView, isHere })]));
  return { trial, take, targets, standings };
}

/** A trial with a change of one sector that can be shown. */
function ready() {
  const made = followed();
  made.take("prepare", "1/0", { prepared_id: "p0", target_sector: "BR" });
  made.take("prepared", "2", { prepare: "1/0", state: "ready", picture_sha256: "a", generation_ms: 40 });
  made.take("ready", "3", { frame: "2", display: "d" });
  return made;
}

/** The same, chosen at a trigger, beside another one. */
function chosen() {
  const made = ready();
  made.take("prepare", "4/0", { prepared_id: "p1", target_sector: "TL" });
  made.take("prepared", "5", { prepare: "4/0", state: "ready", picture_sha256: "a" });
  made.take("ready", "6", { frame: "5", display: "d" });
  made.take("commit", "7/1", { prepare: "1/0", prepared_id: "p0", ready: "3", on: "a", target_sector: "BR", focus_sector: "ML" });
  return made;
}

test("a change is made ahead, ready at the server, here, and told", () => {
  const { trial, take, targets, standings } = followed();
  assert.equal(trial.stage, "resting");
  take("prepare", "1/0", { prepared_id: "p0", target_sector: "BR" });
  assert.deepEqual([trial.stage, standings(), targets("a")], ["asking", { BR: "making" }, []]);
  take("prepared", "2", { prepare: "1/0", state: "ready", picture_sha256: "a", generation_ms: 40 });
  assert.deepEqual([trial.stage, targets("a"), trial.timings.generation], ["asking", ["BR"], 40]);
  assert.deepEqual([standings(false), standings(true)], [{ BR: "made" }, { BR: "here" }]);
  take("ready", "3", { frame: "2", display: "d" });
  assert.deepEqual([trial.stage, standings()], ["waiting", { BR: "ready" }]);
  assert.deepEqual([trial.target, targets("other")], [null, []], "which it will be is not known, and it goes onto one picture");
});

test("one that is chosen is committed, and the others are made for what comes next", () => {
  const { trial, take, targets, standings } = chosen();
  assert.deepEqual([trial.stage, trial.target, trial.focus], ["committing", "BR", "ML"]);
  take("prepared", "8", { prepare: "4/0", state: "ready", picture_sha256: "b" });
  assert.deepEqual([targets("a"), standings().TL], [["BR"], "making"], "nobody knows of that picture yet");
  take("frame", "9", { request: "7/1", sha256: "b", target: "BR", generation_ms: 40 });
  assert.deepEqual([trial.stage, trial.pending], ["waiting", { frame: "9", sha256: "b" }]);
  assert.deepEqual([targets("a"), standings()], [["BR", "TL"], { BR: "committing", TL: "here" }]);
  take("missed", "10/1", { reason: "too late" });
  assert.deepEqual([trial.stage, trial.target, trial.missed], ["waiting", "BR", "too late"], "it waits for the next chance");
  trial.drawn("b");
  assert.deepEqual([trial.onView, trial.target, standings(), targets("b")], ["b", null, { TL: "here" }, ["TL"]]);
  trial.take({ type: "displayed", trial_id: "t", step: "displayed", step_id: "12/0", caused_by: "11/1", kind: "change", sha256: "b" });
  take("ready", "13", { frame: "8", display: "d" });
  assert.deepEqual([trial.stage, standings()], ["waiting", { TL: "ready" }]);
});

test("a sham or a catch uses nothing up", () => {
  const { trial, standings } = ready();
  trial.drawn();
  trial.take({ type: "displayed", trial_id: "t", step: "displayed", step_id: "12/0", caused_by: "11/1", kind: "catch", sha256: "a" });
  assert.deepEqual([trial.onView, trial.stage, standings()], ["a", "waiting", { BR: "ready" }]);
});

test("a commit that fails leaves the rest as it was", () => {
  const { trial, take, targets } = chosen();
  take("failed", "8", { request: "7/1", code: "recording_backlog_full", detail: "It is full." });
  assert.deepEqual([trial.stage, trial.problem?.detail], ["waiting", "It is full."]);
  take("abandoned", "8/0", { reason: "recording_backlog_full: It is full." });
  take("drop", "8/1", { prepare: "1/0", reason: "its commit was refused" });
  assert.deepEqual([targets("a"), trial.ahead.committed], [["TL"], null]);
});

test("one that was committed and will not be shown is used up", () => {
  const { trial, take, targets } = chosen();
  take("frame", "9", { request: "7/1", sha256: "b", target: "BR", generation_ms: 40 });
  take("abandoned", "10/0", { reason: "another display counts" });
  assert.deepEqual([trial.pending, targets("a")], [null, ["TL"]]);
});

test("stale ones are named until their sector is made anew, dropped ones are gone", () => {
  const { trial, take, standings } = ready();
  take("prepared", "5", { prepare: "1/0", state: "stale", detail: "x" });
  assert.deepEqual([trial.stage, standings()], ["resting", { BR: "stale" }]);
  take("prepare", "6/0", { prepared_id: "p1", target_sector: "BR" });
  assert.deepEqual(standings(), { BR: "making" });
  take("prepared", "7", { prepare: "6/0", state: "failed", code: "generation_failed", detail: "It fell over." });
  assert.deepEqual([standings(), trial.stage, trial.problem?.detail], [{ BR: "failed" }, "refused", "It fell over."]);
  take("prepare", "8/0", { prepared_id: "p2", target_sector: "TL" });
  take("prepared", "9", { prepare: "8/0", state: "ready", picture_sha256: "a" });
  assert.equal(trial.problem, null);
  take("prepared", "10", { prepare: "8/0", state: "dropped" });
  take("drop", "11/0", { prepare: "6/0", reason: "y" });
  assert.deepEqual(standings(), {});
  take("prepared", "12", { prepare: "6/0", state: "ready", picture_sha256: "a" });
  assert.deepEqual(standings(), {}, "of one that was dropped more may come");
});

test("the next display has to get them ready", () => {
  const { trial, take, standings } = ready();
  take("gone", "4", { display: "d" });
  assert.deepEqual([trial.stage, standings()], ["asking", { BR: "here" }]);
  take("view", "5", { display: "e" });
  take("ready", "6", { frame: "2", display: "e" });
  assert.equal(trial.stage, "waiting");
  take("view", "7", { display: "e" });
  assert.equal(trial.stage, "waiting", "the same one, which lies elsewhere now");
  take("view", "8", { display: "f" });
  assert.equal(trial.stage, "asking");
});

test("whoever comes later finds them as they stand", () => {
  const prepared = [
    { prepare: "1/0", prepared_id: "p0", target: "BR", made: "2", picture_sha256: "a", ready: true },
    { prepare: "4/0", prepared_id: "p1", target: "TL", made: null, picture_sha256: null, ready: false },
  ];
  const resting = followed({ prepared });
  assert.deepEqual([resting.trial.stage, resting.standings()], ["waiting", { BR: "ready", TL: "making" }]);
  const committing = followed({ prepared, phase: "committing", target: "BR", focus: "ML" });
  assert.deepEqual([committing.trial.stage, committing.standings().BR], ["committing", "committing"]);
  committing.take("frame", "9", { request: "7/1", sha256: "b", target: "BR", generation_ms: 40 });
  assert.deepEqual(committing.trial.pending, { frame: "9", sha256: "b" });
  const swapping = followed({ prepared, phase: "swapping", target: "BR", pending_frame: "9", pending_sha256: "b" });
  assert.deepEqual([swapping.trial.stage, swapping.trial.pending?.sha256], ["waiting", "b"]);
  swapping.take("prepared", "10", { prepare: "4/0", state: "ready", picture_sha256: "b" });
  assert.deepEqual(swapping.targets("a"), ["BR", "TL"]);
  swapping.take("end", "11", { outcome: "complete" });
  assert.deepEqual([swapping.trial.stage, swapping.trial.ahead.isUsed], ["resting", false]);
});

test("without any, nothing is made ahead", () => {
  const ahead = new Preparations();
  ahead.take("prepared", "1", { prepare: "9/9", state: "ready", picture_sha256: "a" });
  ahead.take("ready", "2", { frame: "1" });
  assert.deepEqual([ahead.isUsed, ahead.all, ahead.made("3", "b"), ahead.hasReady("a")], [false, [], false, false]);
});

test("where a sector lies, and in what, is read from the answer's headers", () => {
  const on = "0123456789abcdef".repeat(4);
  const given = { "X-Region": "10,20,30,45", "X-On": on, "X-Seed": "4611686018427387905", "X-Prompt": "a%20h%C3%BCt", "X-Prompt-Encoding": "percent" };
  const read = (/** @type {Record<string, string>} */ more) => aboutSector(new Headers({ ...given, ...more }));
  assert.deepEqual(read({}), {
    region: { left: 10, top: 20, right: 30, bottom: 45 },
    on,
    about: { prompt: "a hüt", seed: "4611686018427387905", notes: { object: undefined, fallback: undefined } },
  });
  assert.deepEqual(read({ "X-Prompt": "50%", "X-Object": "hat" })?.about.notes.object, "hat");
  for (const region of ["", "1,2,3", "1,2,3,x", "1.5,2,3,4", "3,2,3,4", "-1,2,3,4"]) assert.equal(read({ "X-Region": region }), null, region);
  assert.equal(read({ "X-On": "no hash" }), null);
});
