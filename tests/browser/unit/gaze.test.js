import assert from "node:assert/strict";
import { test } from "node:test";

import { Chain, OUTWAITED_MS } from "../../../services/api/web/js/pure/chain.js";
import { NEAR, chooseTarget, mayShow, sectorsNear } from "../../../services/api/web/js/pure/gaze.js";
import { NAMES, opposite } from "../../../services/api/web/js/pure/sectors.js";

/** @typedef {2 | 3} GridSize */

/** @type {GridSize[]} */
const GRIDS = [2, 3];
const BOX = { left: 0, top: 0, width: 900, height: 600 };

/** @param {GridSize} gridSize @param {string} name */
function middle(gridSize, name) {
  const row = NAMES[gridSize].findIndex((names) => names.includes(name));
  return { x: (NAMES[gridSize][row].indexOf(name) + 0.5) / gridSize, y: (row + 0.5) / gridSize };
}

test("in the middle of a sector that one is looked at, and no other", () => {
  for (const gridSize of GRIDS) {
    for (const name of NAMES[gridSize].flat()) assert.deepEqual([...sectorsNear(middle(gridSize, name), gridSize)], [name]);
  }
});

test("on a border both sides are looked at, on a corner all that meet there", () => {
  assert.deepEqual([...sectorsNear({ x: 1 / 3, y: 1 / 6 }, 3)].sort(), ["TC", "TL"]);
  assert.deepEqual([...sectorsNear({ x: 0.5, y: 0.5 }, 2)].sort(), ["BL", "BR", "TL", "TR"]);
  assert.ok(sectorsNear({ x: 2 / 3 - NEAR / 2, y: 5 / 6 }, 3).has("BR"), "a little before the border it is seen already");
  assert.ok(!sectorsNear({ x: 2 / 3 - 2 * NEAR, y: 5 / 6 }, 3).has("BR"));
});

test("just beside the picture its edge is seen, far from it nothing is", () => {
  assert.deepEqual([...sectorsNear({ x: 1.01, y: 0.9 }, 3)], ["BR"]);
  assert.equal(sectorsNear({ x: 1.3, y: 0.9 }, 3).size, 0);
  assert.equal(sectorsNear({ x: 0.9, y: -0.5 }, 2).size, 0);
});

test("each sector may change while the gaze is in another one, and not while it is there", () => {
  for (const gridSize of GRIDS) {
    for (const target of NAMES[gridSize].flat()) {
      for (const looked of NAMES[gridSize].flat()) {
        const { x, y } = middle(gridSize, looked);
        const sample = { x: x * BOX.width, y: y * BOX.height, at: 0 };
        const may = mayShow(target, sample, { box: BOX, gridSize, now: 0, staleMs: Infinity });
        assert.equal(may, looked !== target, `${target} while looking at ${looked}`);
      }
    }
  }
});

test("what is looked at follows the picture: letterboxed, cut at its edges, moved", () => {
  const sample = { x: 850, y: 550, at: 0 };
  const at = (/** @type {import("../../../services/api/web/js/pure/fit.js").Box} */ box) =>
    ["TL", "MC", "BR"].filter((target) => !mayShow(target, sample, { box, gridSize: 3, now: 0, staleMs: Infinity }));
  assert.deepEqual(at(BOX), ["BR"]);
  assert.deepEqual(at({ left: 300, top: 0, width: 300, height: 600 }), [], "in the dark beside it");
  assert.deepEqual(at({ left: 800, top: 500, width: 900, height: 600 }), ["TL"]);
  assert.deepEqual(at({ left: -50, top: -50, width: 1800, height: 1200 }), ["MC"]);
});

test("where nobody knows where the viewer looks, nothing is shown", () => {
  const view = { box: BOX, gridSize: /** @type {GridSize} */ (3), now: 2000, staleMs: 1000 };
  assert.equal(mayShow("BR", null, view), false);
  assert.equal(mayShow("BR", { x: 10, y: 10, at: 999 }, view), false, "a tracker that has fallen silent");
  assert.equal(mayShow("BR", { x: 10, y: 10, at: 1000 }, view), true);
  assert.equal(mayShow("", { x: 10, y: 10, at: 2000 }, view), false, "and what changes has to be known as well");
});

test("what is asked for lies opposite, and never where it would be seen", () => {
  for (const gridSize of GRIDS) {
    for (const sector of NAMES[gridSize].flat()) {
      const choice = chooseTarget({ sector, ...middle(gridSize, sector) }, gridSize);
      assert.deepEqual(choice, { target: opposite(sector, gridSize), isOurs: false });
    }
  }
  for (let n = 0; n < 100; n += 1) {
    const place = { x: 0.35, y: 0.35 }; // in the centre, close to the top left
    const choice = chooseTarget({ sector: "MC", ...place }, 3, () => n / 100);
    assert.ok(choice?.isOurs && ["TR", "BL", "BR"].includes(choice.target ?? ""));
  }
  assert.equal(chooseTarget({ sector: "TL", x: 0.49, y: 0.49 }, 2), null, "in the middle of four all would be seen");
});

/** A chain that is waiting with a change of BR, made while TL was looked at. */
async function waiting() {
  let now = 0;
  /** @type {{sector: string, target: string | null}[]} */
  const asked = [];
  /** @type {Chain<string>} */
  const chain = new Chain({
    generate: async (_picture, { sector }, _signal, target) => {
      asked.push({ sector, target });
      return { picture: "made", target: opposite(sector, 3) ?? "TL" };
    },
    onChange: () => {},
    onError: () => {},
    now: () => now,
  });
  chain.begin("a");
  chain.fixated({ sector: "TL", ...middle(3, "TL"), duration: 500 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(chain.state, "waiting");
  return { chain, asked, later: (/** @type {number} */ ms) => (now += ms) };
}

test("whoever stays where the waiting picture changes gets another one after a while", async () => {
  const { chain, asked, later } = await waiting();
  const there = { sector: "BR", ...middle(3, "BR"), duration: 500 };
  chain.fixated(there);
  assert.equal(asked.length, 1, "not at once: most look away again");
  later(OUTWAITED_MS - 501);
  chain.fixated(there);
  assert.equal(asked.length, 1);
  later(1);
  chain.fixated(there);
  assert.equal(asked.length, 2);
  assert.equal(chain.target, "TL");
});

test("a look away begins the patience anew, and a gaze at the border counts as there", async () => {
  const { chain, asked, later } = await waiting();
  const atBorder = { sector: "MR", x: 5 / 6, y: 2 / 3 - 0.01, duration: 500 };
  chain.fixated(atBorder);
  later(OUTWAITED_MS - 600);
  chain.fixated({ sector: "TL", ...middle(3, "TL"), duration: 500 });
  later(600);
  chain.fixated(atBorder);
  assert.equal(asked.length, 1);
  later(OUTWAITED_MS);
  chain.fixated(atBorder);
  assert.equal(asked.length, 2);
});
