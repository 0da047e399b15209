import assert from "node:assert/strict";
import { test } from "node:test";

import { Playback } from "../../../services/api/web/js/pure/playback.js";

const TIMES = [100, 101, 103, 103.5];

/** @param {(number | undefined)[]} [times] */
function playback(times = TIMES) {
  return new Playback({ count: times.length, timeOf: (position) => times[position] });
}

test("frames come at their recorded times", () => {
  const made = playback();
  made.play(0);
  assert.equal(made.advance(999), false);
  assert.equal(Math.round(made.until(999) ?? 0), 1);
  assert.equal(made.advance(1000), true);
  assert.equal(made.position, 1);
  assert.equal(made.advance(2999), false);
  made.advance(3000);
  assert.equal(made.position, 2);
});

test("lateness does not add up, and what is past is passed over", () => {
  const made = playback();
  made.play(0);
  made.advance(1400);
  assert.equal(made.position, 1);
  made.advance(3000);
  assert.equal(made.position, 2, "the third is due 3 s after the first, however late the second was");
  const other = playback();
  other.play(0);
  other.advance(3100);
  assert.equal(other.position, 2);
});

test("at the end it stops, and playing again begins at the first", () => {
  const made = playback();
  made.play(0);
  made.advance(9000);
  assert.equal(made.position, 3);
  assert.equal(made.playing, false);
  made.play(10_000);
  assert.equal(made.position, 0);
});

test("a change of speed counts from now on", () => {
  const made = playback();
  made.play(0);
  made.setSpeed(2, 500);
  assert.equal(made.advance(749), false);
  assert.equal(made.advance(750), true);
});

test("seeking while playing goes on from there", () => {
  const made = playback();
  made.play(0);
  made.seek(2, 5000);
  assert.equal(made.advance(5499), false);
  assert.equal(made.advance(5500), true);
  assert.equal(made.position, 3);
});

test("a loop begins again after the last frame has had its time", () => {
  const made = playback();
  made.loop = true;
  made.play(0);
  made.advance(3500);
  assert.equal(made.position, 3);
  made.advance(3600);
  assert.equal(made.position, 3);
  made.advance(4700);
  assert.equal(made.position, 0);
  made.step(-1, 0);
  assert.equal(made.position, 3, "stepping back over the first");
});

test("it waits for what is not loaded, and the waiting does not count", () => {
  /** @type {(number | undefined)[]} */
  const times = [100, 101, undefined, 103.5];
  const made = playback(times);
  made.play(0);
  made.advance(1000);
  made.advance(5000);
  assert.equal(made.position, 1);
  times[2] = 103;
  made.advance(8000);
  assert.equal(made.position, 1, "two seconds from when it goes on");
  made.advance(10_000);
  assert.equal(made.position, 2);
});

test("without steps beyond the ends, and with no frame at all", () => {
  const made = playback();
  made.step(-1, 0);
  assert.equal(made.position, 0);
  made.seek(99, 0);
  assert.equal(made.position, 3);
  const empty = playback([]);
  empty.play(0);
  assert.equal(empty.playing, false);
  empty.seek(3, 0);
  assert.equal(empty.position, 0);
});

test("frames that come at one time each have a turn: a clock was set back between them", () => {
  const made = playback([0, 1, 1, 1, 1.005, 2]);
  made.play(0);
  const seen = [];
  for (let now = 0; now <= 2500; now += 16) if (made.advance(now)) seen.push(made.position);
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
});

test("a display that cannot keep up passes over what is late, and shows the last", () => {
  const made = playback(Array.from({ length: 101 }, (_, n) => n / 1000));
  made.speed = 0.1; // a frame each 10 ms
  made.play(0);
  let count = 0;
  let now = 0;
  while (made.playing) {
    now += 50;
    if (made.advance(now)) count += 1;
  }
  assert.equal(made.position, 100);
  assert.ok(now <= 1150 && count < 50, `${count} shown in ${now} ms`);
});

test("a round is as long as the server says, and lateness does not add up over rounds", () => {
  const made = new Playback({ count: 3, timeOf: (position) => [0, 1, 2][position], roundOf: () => 3 });
  made.loop = true;
  made.play(0);
  const seen = [];
  for (let now = 0; now < 9100; now += 70) if (made.advance(now)) seen.push([made.position, Math.round(now / 1000)]);
  assert.deepEqual(seen, [[1, 1], [2, 2], [0, 3], [1, 4], [2, 5], [0, 6], [1, 7], [2, 8], [0, 9]]);
});
