import assert from "node:assert/strict";
import { test } from "node:test";

import { Chain } from "../../../services/api/web/js/pure/chain.js";

const TL = { sector: "TL", x: 0.1, y: 0.1, duration: 500 };
const BR = { sector: "BR", x: 0.9, y: 0.9, duration: 500 };
const MC = { sector: "MC", x: 0.5, y: 0.5, duration: 500 };

/** A chain whose pictures are text, and whose server answers when told to. */
function setUp() {
  /** @type {{picture: string, sector: string, signal: AbortSignal, answer: (made: {picture: string, target: string}) => void, fail: (error: Error) => void}[]} */
  const asked = [];
  let now = 0;
  /** @type {Error[]} */
  const errors = [];
  /** @type {Chain<string>} */
  const chain = new Chain({
    generate: (picture, { sector }, signal) =>
      new Promise((answer, fail) => {
        asked.push({ picture, sector, signal, answer, fail });
      }),
    onChange: () => {},
    onError: (error) => {
      errors.push(/** @type {Error} */ (error));
      return 1000;
    },
    now: () => now,
  });
  return { chain, asked, errors, later: (/** @type {number} */ ms) => (now += ms) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a fixation asks; the picture waits for the blink; the next change starts from it", async () => {
  const { chain, asked } = setUp();
  chain.begin("a");
  chain.fixated(TL);
  assert.equal(chain.state, "asking");
  assert.equal(chain.target, "BR");
  asked[0].answer({ picture: "b", target: "BR" });
  await settled();
  assert.equal(chain.state, "waiting");
  assert.equal(chain.picture, "a", "nothing changes in view");
  assert.deepEqual(chain.take(), { picture: "b", target: "BR", focus: "TL" });
  assert.equal(chain.state, "resting");
  chain.fixated(BR);
  assert.equal(asked[1].picture, "b");
});

test("a blink without a finished picture takes nothing", () => {
  const { chain } = setUp();
  chain.begin("a");
  assert.equal(chain.take(), null);
  chain.fixated(TL);
  assert.equal(chain.take(), null);
});

test("while one is asked for or waits, fixations ask for nothing more", async () => {
  const { chain, asked } = setUp();
  chain.begin("a");
  chain.fixated(TL);
  chain.fixated(TL);
  chain.fixated(MC);
  assert.equal(asked.length, 1);
  asked[0].answer({ picture: "b", target: "BR" });
  await settled();
  chain.fixated(BR);
  assert.equal(asked.length, 1);
});

test("whoever looks where the change is being made gets another one instead", async () => {
  const { chain, asked } = setUp();
  chain.begin("a");
  chain.fixated(TL);
  chain.fixated(BR);
  assert.equal(asked.length, 2);
  assert.ok(asked[0].signal.aborted);
  asked[0].answer({ picture: "late", target: "BR" });
  await settled();
  assert.equal(chain.state, "asking", "a late answer is nobody's");
  asked[1].answer({ picture: "b", target: "TL" });
  await settled();
  assert.equal(chain.finished?.target, "TL");
});

test("another photograph ends what was under way", async () => {
  const { chain, asked } = setUp();
  chain.begin("a");
  chain.fixated(TL);
  chain.begin("z");
  assert.ok(asked[0].signal.aborted);
  asked[0].fail(new Error("aborted"));
  await settled();
  assert.equal(chain.state, "resting");
  assert.equal(chain.picture, "z");
});

test("after an error it rests for as long as it was told, then goes on", async () => {
  const { chain, asked, errors, later } = setUp();
  chain.begin("a");
  chain.fixated(TL);
  asked[0].fail(new Error("full"));
  await settled();
  assert.equal(chain.state, "refused");
  assert.equal(errors[0].message, "full");
  chain.fixated(TL);
  assert.equal(asked.length, 1);
  later(1000);
  chain.fixated(TL);
  assert.equal(asked.length, 2);
});

test("the centre has no opposite of its own: the server's word says where the change is", async () => {
  const { chain, asked } = setUp();
  chain.begin("a");
  chain.fixated(MC);
  assert.equal(chain.target, null);
  asked[0].answer({ picture: "b", target: "TR" });
  await settled();
  assert.equal(chain.target, "TR");
});
