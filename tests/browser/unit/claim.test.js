import assert from "node:assert/strict";
import { test } from "node:test";

import { CERTAIN_MS, RecordingClaim } from "../../../services/api/web/js/pure/claim.js";

/** @param {string} id */
function recording(id) {
  const made = new RecordingClaim();
  made.started(id);
  made.observe(id, 0);
  return made;
}

test("a recording that the server forgets is a loss, once that is certain", () => {
  const made = recording("a");
  assert.ok(made.isSound);
  made.observe(null, 1000);
  assert.equal(made.loss, null);
  assert.ok(!made.isSound, "meanwhile nothing is to be made that might not be recorded");
  made.observe(null, 1000 + CERTAIN_MS);
  assert.deepEqual(made.loss, { id: "a", cause: "ended", by: null, isOurs: true });
  assert.ok(!made.isSound);
});

test("what this page ends is no loss, and neither is what goes on by itself", () => {
  const made = recording("a");
  made.stopped();
  made.observe(null, 5000);
  made.observe(null, 9000);
  assert.equal(made.loss, null);
  const other = recording("a");
  other.observe(null, 0);
  other.observe("a", 400);
  other.observe(null, 5000);
  assert.equal(other.loss, null, "the time without counts from its beginning");
});

test("stopped or replaced by somebody else, the page that began it says so", () => {
  const stopped = recording("a");
  stopped.heardStopped("a");
  stopped.observe(null, 0);
  assert.equal(stopped.loss?.cause, "stopped");
  const replaced = recording("a");
  replaced.observe("b", 0);
  assert.deepEqual(replaced.loss, { id: "a", cause: "replaced", by: "b", isOurs: true });
  replaced.acceptLoss();
  assert.deepEqual([replaced.claim?.id, replaced.isSound], ["b", true]);
});

test("the word that it was stopped may come late, or for an earlier recording of its name", () => {
  const late = recording("a");
  late.observe(null, 0);
  late.observe(null, CERTAIN_MS);
  late.heardStopped("b");
  assert.equal(late.loss?.cause, "ended", "another one is not it");
  late.heardStopped("a");
  assert.deepEqual(late.loss, { id: "a", cause: "stopped", by: null, isOurs: true });
  late.observe("a", 9000);
  late.observe(null, 9001);
  late.observe(null, 9001 + CERTAIN_MS);
  assert.equal(late.loss?.cause, "ended", "begun again since, and gone without a word");
  const followed = new RecordingClaim();
  followed.observe("b", 0);
  followed.observe(null, 1);
  followed.observe(null, 1 + CERTAIN_MS);
  followed.heardStopped("b");
  assert.ok(followed.isSound && followed.claim === null);
});

test("a session of somebody else is followed: stopped or replaced on purpose it is no loss, gone it is", () => {
  const made = new RecordingClaim();
  made.observe("a", 0);
  made.observe("b", 1);
  assert.deepEqual(made.claim, { id: "b", isOurs: false });
  made.heardStopped("b");
  made.observe(null, 2);
  assert.ok(made.isSound && made.claim === null);
  made.observe("c", 3);
  made.observe(null, 10);
  made.observe(null, 10 + CERTAIN_MS);
  assert.equal(made.loss?.id, "c");
});

test("a loss is over when the session is recorded again, whoever resumed it", () => {
  const made = recording("a");
  made.observe(null, 0);
  made.observe(null, CERTAIN_MS);
  made.observe("z", CERTAIN_MS + 1);
  assert.equal(made.loss?.id, "a", "another one is not it");
  made.observe("a", CERTAIN_MS + 2);
  assert.ok(made.isSound);
  assert.deepEqual(made.claim, { id: "a", isOurs: true });
});

test("a page that is loaded again knows what it recorded", () => {
  assert.equal(recording("a").remembered, "a");
  const again = new RecordingClaim("a");
  again.observe(null, 0);
  again.observe(null, CERTAIN_MS);
  assert.equal(again.loss?.id, "a");
  assert.equal(again.remembered, "a", "it says so again after the next load");
  again.acceptLoss();
  assert.equal(again.remembered, null);
  const follower = new RecordingClaim();
  follower.observe("b", 0);
  assert.equal(follower.remembered, null);
});
