import assert from "node:assert/strict";
import { test } from "node:test";

import { RecentCache } from "../../../services/api/web/js/pure/cache.js";
import { difference } from "../../../services/api/web/js/pure/difference.js";
import { place, toPicture, within } from "../../../services/api/web/js/pure/fit.js";
import { CLASSIC, GENTLE, flashesPerSecond, phaseAt } from "../../../services/api/web/js/pure/flicker.js";
import { date, duration, milliseconds, plural, size } from "../../../services/api/web/js/pure/format.js";
import { assess } from "../../../services/api/web/js/pure/health.js";
import { formatRoute, parseRoute } from "../../../services/api/web/js/pure/route.js";
import { NAMES, atPoint, neighbour, opposite, region } from "../../../services/api/web/js/pure/sectors.js";
import { scrollTo, visibleRange } from "../../../services/api/web/js/pure/virtual.js";

test("sectors: names, opposites and regions as the server has them", () => {
  assert.equal(atPoint(0, 0, 3), "TL");
  assert.equal(atPoint(1, 1, 3), "BR");
  assert.equal(atPoint(0.5, 0.99, 2), "BR");
  for (const name of NAMES[3].flat().filter((each) => each !== "MC")) {
    const across = opposite(name, 3);
    assert.ok(across && opposite(across, 3) === name);
  }
  assert.equal(opposite("MC", 3), null);
  assert.deepEqual(region("MC", 3, 100, 50), { left: 33, top: 16, right: 66, bottom: 33 });
  assert.equal(region("MC", 2, 100, 50), null);
  assert.equal(neighbour("TL", 3, -1, 0), "TL");
  assert.equal(neighbour("TL", 3, 1, 1), "MC");
});

test("virtual strip: what is in view and a little more, within its ends", () => {
  const strip = { view: 500, item: 100, count: 5000 };
  assert.deepEqual(visibleRange({ ...strip, scroll: 0 }), { first: 0, last: 5 });
  assert.deepEqual(visibleRange({ ...strip, scroll: 250, overscan: 2 }), { first: 0, last: 10 });
  assert.deepEqual(visibleRange({ ...strip, scroll: 499_500, overscan: 2 }), { first: 4993, last: 5000 });
  assert.deepEqual(visibleRange({ ...strip, scroll: -50, count: 0 }), { first: 0, last: 0 });
  assert.deepEqual(visibleRange({ ...strip, scroll: 9e9 }), { first: 5000, last: 5000 });
});

test("virtual strip: an item is brought into view with the least movement", () => {
  const strip = { view: 500, item: 100, count: 50 };
  assert.equal(scrollTo({ ...strip, index: 2, scroll: 0 }), 0);
  assert.equal(scrollTo({ ...strip, index: 5, scroll: 0 }), 100);
  assert.equal(scrollTo({ ...strip, index: 3, scroll: 500 }), 300);
  assert.equal(scrollTo({ ...strip, index: 30, scroll: 0 }), 2800);
  assert.equal(scrollTo({ ...strip, index: 49, scroll: 0 }), 4500);
});

test("flicker: original, blank, changed, blank", () => {
  const at = [0, 239, 240, 319, 320, 559, 560, 639, 640].map((ms) => phaseAt(ms, CLASSIC));
  assert.deepEqual(at, [
    ...["original", "original", "blank", "blank", "changed", "changed", "blank", "blank", "original"],
  ]);
  assert.ok(flashesPerSecond(GENTLE) < 1.5, "for those who asked for less motion");
});

test("fit: fills the view unless too much would be cut", () => {
  const view = { width: 1600, height: 900 };
  assert.deepEqual(place({ width: 3, height: 2 }, view, "auto").width, 1600);
  assert.ok(place({ width: 3, height: 2 }, view, "auto").height > 900);
  assert.equal(place({ width: 2, height: 3 }, view, "auto").height, 900);
  assert.equal(place({ width: 2, height: 3 }, view, "fill").width, 1600);
  const box = place({ width: 100, height: 100 }, view, "whole");
  assert.deepEqual(toPicture({ x: 350, y: 0 }, box), { x: 0, y: 0 });
  assert.deepEqual(toPicture({ x: 800, y: 450 }, box), { x: 0.5, y: 0.5 });
  assert.deepEqual(within({ width: 6000, height: 3000 }, 4096), { width: 4096, height: 2048, scaled: true });
  assert.deepEqual(within({ width: 100, height: 50 }, 4096), { width: 100, height: 50, scaled: false });
});

test("difference: equal pictures, and what one pixel makes", () => {
  const a = new Uint8ClampedArray([10, 20, 30, 255, 0, 0, 0, 255]);
  const b = new Uint8ClampedArray([10, 20, 33, 255, 0, 0, 0, 255]);
  assert.deepEqual(difference(a, a), { pixels: 2, changed: 0, mean: 0, psnr: Infinity });
  const map = new Uint8ClampedArray(8);
  const found = difference(a, b, map);
  assert.equal(found.changed, 1);
  assert.equal(found.mean, 0.5);
  assert.ok(Math.abs(found.psnr - 10 * Math.log10((255 * 255 * 6) / 9)) < 1e-9);
  assert.ok(map[0] > 48 && map[4] === 0 && map[7] === 255, "even a small difference is seen");
});

test("figures as people read them", () => {
  assert.deepEqual([0, 999, 1_440_000, 99_960_000, 5e12, null].map(size), ["0 B", "999 B", "1.4 MB", "100 MB", "5.0 TB", "–"]);
  assert.deepEqual([0, 125, 3725].map(duration), ["0:00", "2:05", "1:02:05"]);
  assert.match(date(1_763_800_000, "en-GB"), /^22 Nov 2025, /);
  for (const absurd of [null, undefined, Number.NaN, 1e300, -Infinity]) assert.equal(date(absurd), "–");
  assert.deepEqual([null, undefined, Number.NaN, Infinity].map(duration), ["–", "–", "–", "–"]);
  assert.deepEqual([12.4, 999.4, 2400, undefined].map(milliseconds), ["12 ms", "999 ms", "2.4 s", "–"]);
  assert.equal(plural(1, "frame"), "1 frame");
  assert.equal(plural(5000, "frame"), "5,000 frames");
});

test("addresses: there and back, and nonsense leads to the stage", () => {
  const made = formatRoute("replay", "a session/100%", { frame: 3 });
  const { name, id, query } = parseRoute(made);
  assert.deepEqual([name, id, query.get("frame")], ["replay", "a session/100%", "3"]);
  assert.equal(parseRoute("").name, "stage");
  assert.equal(parseRoute("#/nonsense").name, "stage");
  assert.equal(parseRoute("#/replay/100%").id, "100%");
});

test("cache: the oldest goes, and is told", () => {
  /** @type {string[]} */
  const gone = [];
  /** @type {RecentCache<string>} */
  const cache = new RecentCache(2, (value) => gone.push(value));
  cache.set("a", "A");
  cache.set("b", "B");
  cache.get("a");
  cache.set("c", "C");
  assert.deepEqual(gone, ["B"]);
  cache.set("a", "A2");
  assert.deepEqual(gone, ["B", "A"]);
  cache.clear();
  assert.deepEqual(gone, ["B", "A", "C", "A2"]);
  assert.equal(cache.size, 0);
});

/** @param {Record<string, string>} states @param {string} [status] @param {string[]} [reasons] */
function health(states, status = "ok", reasons = []) {
  const processes = Object.fromEntries(Object.entries(states).map(([name, state]) => [name, { state }]));
  return { status, reasons, processes };
}

test("health: well, starting, troubled, down, and nobody there", () => {
  const well = { api: "ok", gaze: "ok", generator: "ready", recorder: "ok", replayer: "ok" };
  assert.equal(assess(health(well)).level, "ok");
  const down = assess(health({ ...well, generator: "unreachable" }, "degraded", ["generator: x"]));
  assert.equal(down.level, "down");
  assert.match(down.summary, /generator is not running/);
  assert.match(down.advice, /services\.generator/);
  const blind = assess(health({ ...well, gaze: "unreachable" }, "degraded", ["gaze: x"]));
  assert.equal(blind.summary, "The gaze process is not running.");
  assert.match(blind.advice, /no picture changes.*services\.gaze/);
  assert.equal(assess(health({ ...well, generator: "loading" }, "starting")).level, "starting");
  assert.equal(assess(health({ ...well, recorder: "unreachable" }, "starting")).level, "starting");
  const newer = assess(health({ ...well, generator: "dreaming" }, "degraded", ["generator: dreaming"]));
  assert.deepEqual([newer.level, newer.summary], ["degraded", "Generator: dreaming."], "it lives, and is not ready");
  const low = assess(health(well, "degraded", ["disk: 1.20 GB are free"]));
  assert.deepEqual([low.level, low.summary], ["degraded", "Disk: 1.20 GB are free."]);
  assert.equal(assess(null).level, "down");
});
