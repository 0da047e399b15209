import assert from "node:assert/strict";
import { test } from "node:test";

import { FixationDetector } from "../../../services/api/web/js/pure/fixation.js";

/** @param {{dwellMs?: number, gridSize?: 2 | 3, staleMs?: number}} [options] */
function detector({ dwellMs = 500, gridSize = 3, staleMs = 10_000 } = {}) {
  return new FixationDetector({ gridSize, dwellMs, staleMs });
}

test("a gaze that rests on a sector is a fixation after the dwell, with its mean point", () => {
  const made = detector();
  made.point({ x: 0.1, y: 0.1 }, 0);
  made.point({ x: 0.2, y: 0.3 }, 100);
  assert.equal(made.due(499), null);
  const found = made.due(500);
  assert.equal(found?.sector, "TL");
  assert.equal(found?.duration, 500);
  assert.ok(Math.abs((found?.x ?? 0) - 0.15) < 1e-9);
  assert.ok(Math.abs((found?.y ?? 0) - 0.2) < 1e-9);
});

test("a gaze at rest sends no points, and is a fixation all the same; staying on, it is one again", () => {
  const made = detector();
  made.point({ x: 0.5, y: 0.5 }, 0);
  assert.equal(made.due(600)?.sector, "MC");
  assert.equal(made.due(900), null);
  assert.equal(made.due(1100)?.sector, "MC");
});

test("another sector begins the dwell anew", () => {
  const made = detector();
  made.point({ x: 0.1, y: 0.1 }, 0);
  made.point({ x: 0.9, y: 0.9 }, 400);
  assert.equal(made.due(600), null);
  assert.equal(made.due(900)?.sector, "BR");
});

test("jitter across a border neither ends a fixation nor moves it into the neighbour", () => {
  const made = detector();
  for (let at = 0; at < 500; at += 10) made.point({ x: at < 50 ? 0.32 : 0.345, y: 0.1 }, at);
  const found = made.due(500);
  assert.equal(found?.sector, "TL");
  assert.ok((found?.x ?? 1) < 1 / 3, "the mean point lies in the sector that is named");
});

test("beside the picture, or gone, nobody looks", () => {
  const made = detector();
  made.point({ x: 0.1, y: 0.1 }, 0);
  made.point({ x: 1.2, y: 0.1 }, 100);
  assert.equal(made.due(1000), null);
  made.point({ x: 0.1, y: 0.1 }, 1100);
  made.point(null, 1200);
  assert.equal(made.due(5000), null);
});

test("a pointer that nobody has moved for long is no gaze", () => {
  const made = detector({ staleMs: 1000 });
  made.point({ x: 0.1, y: 0.1 }, 0);
  assert.equal(made.due(1001), null);
  made.point({ x: 0.1, y: 0.1 }, 2000);
  assert.equal(made.due(2100), null, "the dwell begins with its coming back");
  assert.equal(made.due(2500)?.sector, "TL");
});

test("the edges belong to the picture", () => {
  const made = detector({ gridSize: 2 });
  made.point({ x: 1, y: 1 }, 0);
  assert.equal(made.due(500)?.sector, "BR");
});

test("a change of the picture begins the dwell anew", () => {
  const made = detector();
  made.point({ x: 0.1, y: 0.1 }, 0);
  made.rest(400);
  assert.equal(made.due(600), null);
  assert.equal(made.due(900)?.sector, "TL");
  assert.equal(made.progress(1150), 0.5);
});
