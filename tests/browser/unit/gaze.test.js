import assert from "node:assert/strict";
import { test } from "node:test";

import { NEAR, mayShow, sectorsNear } from "../../../services/api/web/js/pure/gaze.js";
import { NAMES } from "../../../services/api/web/js/pure/sectors.js";

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
        const place = { x: x * BOX.width, y: y * BOX.height };
        const may = mayShow(target, place, { box: BOX, gridSize });
        assert.equal(may, looked !== target, `${target} while looking at ${looked}`);
      }
    }
  }
});

test("what is looked at follows the picture: letterboxed, cut at its edges, moved", () => {
  const place = { x: 850, y: 550 };
  const at = (/** @type {import("../../../services/api/web/js/pure/fit.js").Box} */ box) =>
    ["TL", "MC", "BR"].filter((target) => !mayShow(target, place, { box, gridSize: 3 }));
  assert.deepEqual(at(BOX), ["BR"]);
  assert.deepEqual(at({ left: 300, top: 0, width: 300, height: 600 }), [], "in the dark beside it");
  assert.deepEqual(at({ left: 800, top: 500, width: 900, height: 600 }), ["TL"]);
  assert.deepEqual(at({ left: -50, top: -50, width: 1800, height: 1200 }), ["MC"]);
});

test("where nobody knows where the viewer looks, nothing is shown", () => {
  const view = { box: BOX, gridSize: /** @type {GridSize} */ (3) };
  assert.equal(mayShow("BR", null, view), false);
  assert.equal(mayShow("BR", { x: 10, y: 10 }, view), true);
  assert.equal(mayShow("", { x: 10, y: 10 }, view), false, "and what changes has to be known as well");
});
