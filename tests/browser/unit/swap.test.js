import assert from "node:assert/strict";
import { test } from "node:test";

import { clockMessage } from "../../../services/api/web/js/pure/clock.js";
import { RefreshMeter, USUAL_MS } from "../../../services/api/web/js/pure/refresh.js";
import { whyNot } from "../../../services/api/web/js/pure/swap.js";

const GOOD = { isWithdrawn: false, lacks: null, isLookedAt: false, deadlineMs: 1000, frameMs: 900, nowMs: 901, refreshMs: 16 };

test("a swap is drawn only where nothing speaks against it", () => {
  assert.equal(whyNot(GOOD), null);
  assert.equal(whyNot({ ...GOOD, deadlineMs: null, frameMs: 5000, nowMs: 5000 }), null, "without a deadline any frame will do");
  assert.match(whyNot({ ...GOOD, isWithdrawn: true }) ?? "", /withdrawn/);
  assert.equal(whyNot({ ...GOOD, lacks: "the display does not have the picture" }), "the display does not have the picture");
  assert.match(whyNot({ ...GOOD, isLookedAt: true }) ?? "", /pointer/);
});

test("the frame after it has to begin before the deadline", () => {
  assert.equal(whyNot({ ...GOOD, frameMs: 984, nowMs: 984 }), null);
  assert.match(whyNot({ ...GOOD, frameMs: 984.1, nowMs: 984.1 }) ?? "", /deadline/);
  assert.match(whyNot({ ...GOOD, deadlineMs: 10 }) ?? "", /deadline/, "one that is over");
  assert.match(whyNot({ ...GOOD, nowMs: 1001 }) ?? "", /deadline/, "a frame that is late itself");
  const late = { ...GOOD, frameMs: 960, nowMs: 985 };
  assert.equal(whyNot(late), null, "two frames on it is 992");
  assert.match(whyNot({ ...late, nowMs: 993 }) ?? "", /deadline/, "three frames on it is too late");
});

test("the refresh interval is the middle one, and frames that did not come are counted", () => {
  const meter = new RefreshMeter();
  assert.equal(meter.measuredMs, null);
  assert.equal(meter.intervalMs, USUAL_MS);
  for (let frame = 0; frame < 40; frame += 1) meter.frame(frame * 10 + (frame > 30 ? 70 : 0));
  meter.frame(390 + 70);
  assert.equal(meter.measuredMs, 10);
  assert.equal(meter.droppedBetween(100, 110), 0);
  assert.equal(meter.droppedBetween(100, 140), 3);
  assert.equal(meter.droppedBefore(480), 1);
  assert.equal(meter.droppedBefore(380), 7, "up to that frame");
  meter.begin();
  assert.equal(meter.measuredMs, null);
});

test("nanoseconds go back as they came, beyond what a number holds", () => {
  const pong = '{"type":"pong","sent_ms":12.5,"received_ns":9007199254740993,"answered_ns": 9007199254741999}';
  const message = clockMessage(pong, 12.5, 14.25);
  assert.equal(
    message,
    '{"type":"clock","sent_ms":12.5,"received_ns":9007199254740993,"answered_ns":9007199254741999,"returned_ms":14.25}',
  );
  assert.equal(clockMessage('{"type":"pong"}', 0, 0), null);
});
