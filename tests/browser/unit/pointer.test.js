import assert from "node:assert/strict";
import { test } from "node:test";

import { PointerPlace, STALE_MS } from "../../../services/api/web/js/pure/pointer.js";

const PAGE = { left: 0, top: 0, width: 1000, height: 500 };
const VIEW = { page: PAGE, box: { left: -50, top: 0, width: 1100, height: 500 } };

test("a pointer that rests is sent again and again, until nobody is behind it", () => {
  const place = new PointerPlace();
  assert.deepEqual(place.toSend(0, VIEW), [[0, null, null]], "before it was seen nobody knows");
  place.move({ x: 250, y: 100 }, 10);
  assert.deepEqual(place.toSend(16, VIEW), [[16, 0.25, 0.2]]);
  assert.deepEqual(place.toSend(10 + STALE_MS, VIEW), [[10 + STALE_MS, 0.25, 0.2]]);
  assert.deepEqual(place.toSend(11 + STALE_MS, VIEW), [[11 + STALE_MS, null, null]]);
  assert.equal(place.at(11 + STALE_MS, VIEW), null);
});

test("one that left is beside page and picture, over the edge where it went", () => {
  const place = new PointerPlace();
  /** @type {[number, number, number, number][]} x and y where it left, and the shares that are sent */
  const ways = [
    [3, 200, -0.15, 0.4],
    [998, 200, 1.15, 0.4],
    [400, 1, 0.4, -0.1],
    [400, 507, 0.4, 1.1],
  ];
  for (const [index, [x, y, ...sent]] of ways.entries()) {
    place.move({ x, y }, index);
    place.leave({ x, y }, PAGE);
    assert.deepEqual(place.toSend(index, VIEW), [[index, ...sent]]);
  }
  place.move({ x: 500, y: 250 }, 9);
  assert.deepEqual(place.toSend(9, VIEW), [[9, 0.5, 0.5]], "back again");
});

test("what a busy page left out is sent, as the pointer was before", () => {
  const place = new PointerPlace();
  place.move({ x: 250, y: 100 }, 0);
  place.toSend(0, VIEW);
  place.move({ x: 500, y: 100 }, 99);
  const sent = place.toSend(100, VIEW);
  assert.deepEqual(sent.at(-1), [100, 0.5, 0.2]);
  assert.equal(sent.length, 6);
  assert.ok(sent.slice(0, -1).every(([, x]) => x === 0.25));
  assert.ok(sent.every(([at], index) => index === 0 || at > sent[index - 1][0]));
  assert.deepEqual(place.toSend(100, VIEW), [], "no time twice");
  assert.equal(place.toSend(1_200, VIEW).length, 1, "whoever was away for longer was not there");
});

test("of a page that was pinched larger shares are of what is seen", () => {
  const place = new PointerPlace();
  place.move({ x: 400, y: 300 }, 0);
  const page = { left: 300, top: 200, width: 200, height: 200 };
  assert.deepEqual(place.toSend(0, { ...VIEW, page }), [[0, 0.5, 0.5]]);
});
