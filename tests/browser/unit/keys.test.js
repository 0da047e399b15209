import assert from "node:assert/strict";
import { test } from "node:test";

import { isSpace, letterOf } from "../../../services/api/web/js/pure/keys.js";

test("the letter that is printed counts where it is a Latin one: QWERTY, AZERTY, Dvorak", () => {
  assert.equal(letterOf({ key: "d", code: "KeyD" }), "d");
  assert.equal(letterOf({ key: "D", code: "KeyD", shiftKey: true }), "d");
  assert.equal(letterOf({ key: "m", code: "Semicolon" }), "m", "AZERTY");
  assert.equal(letterOf({ key: ",", code: "KeyM" }), "", "AZERTY has a comma there");
  assert.equal(letterOf({ key: "f", code: "KeyY" }), "f", "Dvorak");
  assert.equal(letterOf({ key: "p", code: "KeyR" }), "p", "Dvorak: not R");
});

test("on a keyboard of another script the place counts", () => {
  for (const [key, code, letter] of [
    ["в", "KeyD", "d"],
    ["К", "KeyR", "r"],
    ["δ", "KeyD", "d"],
    ["φ", "KeyF", "f"],
    ["כ", "KeyF", "f"],
    ["ق", "KeyR", "r"],
    ["ㅇ", "KeyD", "d"],
    ["Process", "KeyM", "m"],
  ]) {
    assert.equal(letterOf({ key, code }), letter, key);
  }
});

test("a letter with an accent is itself, and named keys are no letters", () => {
  assert.equal(letterOf({ key: "ş", code: "KeyR" }), "");
  for (const key of ["Enter", "F5", "Escape", "Control", "ArrowLeft"]) assert.equal(letterOf({ key, code: "KeyR" }), "");
});

test("digits: printed, or in the upper row without shift", () => {
  assert.equal(letterOf({ key: "1", code: "Digit1", shiftKey: true }), "1", "AZERTY");
  assert.equal(letterOf({ key: "&", code: "Digit1" }), "1", "AZERTY");
  assert.equal(letterOf({ key: "!", code: "Digit1", shiftKey: true }), "");
  assert.equal(letterOf({ key: "١", code: "Digit1" }), "1");
});

test("the space bar, whatever it writes", () => {
  assert.ok(isSpace({ key: " ", code: "Space" }) && isSpace({ key: "\u3000", code: "Space" }) && isSpace({ key: "Process", code: "Space" }));
  assert.ok(!isSpace({ key: "Enter", code: "Enter" }));
});
