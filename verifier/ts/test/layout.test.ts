/** Descriptions of public values that no program has. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { numDescribed, type Run, type Tensor } from "../src/layout.js";
import { verdict } from "./answers.js";

const RUN: Run = { count: 1, num: 1n, den: 1n, zero: 0n, lo: 0n, hi: 1n };

function tensor(name: string, shape: readonly number[], ...runs: readonly Run[]): Tensor {
  return { name, shape, runs };
}

/** Of a scalar, or of so many elements. */
function plain(name: string, count?: number): Tensor {
  return count === undefined ? tensor(name, [], RUN) : tensor(name, [count], { ...RUN, count });
}

test("what a program has is counted", () => {
  assert.equal(numDescribed({ inputs: [], outputs: [] }), 2);
  assert.equal(numDescribed({ inputs: [plain("x", 3)], outputs: [plain("y")] }), 6);
  assert.equal(numDescribed({ inputs: [plain("x")], outputs: [plain("x")] }), 4, "an input and an output may share a name");
  assert.equal(numDescribed({ inputs: [plain("x", (1 << 20) - 2)], outputs: [] }), 1 << 20);
  assert.equal(numDescribed({ inputs: [tensor("x", new Array<number>(16).fill(1), RUN)], outputs: [] }), 3);
});

test("what no program has is refused", () => {
  const other = { ...RUN, zero: 1n };
  const shape = "no program has its shape";
  const runs = "its quantizations are not as many as its elements";
  const range = "a range is empty, or wider than 127 bits";
  const wrong: [Tensor, string][] = [
    [plain("y\0"), "its name contains a zero byte"],
    [plain("\0"), "its name contains a zero byte"],
    [plain("a\0b"), "its name contains a zero byte"],
    [tensor("x", [0]), shape],
    [tensor("x", [2, 0]), shape],
    [tensor("x", new Array<number>(17).fill(1), RUN), shape],
    [plain("x", (1 << 20) + 1), shape],
    [tensor("x", [2 ** 32, 2 ** 32], RUN), shape],
    [tensor("x", [Number.NaN], RUN), shape],
    [tensor("x", [2], RUN), runs],
    [tensor("x", [1], RUN, other), runs],
    [tensor("x", [1], RUN, { ...other, count: 0 }), runs],
    [tensor("x", [2], RUN, RUN), "two runs of its elements are one"],
    [tensor("x", [], { ...RUN, num: 0n }), "a scale is zero"],
    [tensor("x", [], { ...RUN, den: 0n }), "a scale is zero"],
    [tensor("x", [], { ...RUN, lo: 2n }), range],
    [tensor("x", [], { ...RUN, lo: -(1n << 126n) }), range],
    [tensor("x", [], { ...RUN, hi: 1n << 126n }), range],
  ];
  for (const [tensor, got] of wrong) {
    for (const layout of [{ inputs: [tensor], outputs: [] }, { inputs: [], outputs: [tensor] }]) {
      assert.deepEqual(verdict(() => numDescribed(layout)), { code: "Key.Layout", what: tensor.name, got });
    }
  }
  const half = plain("x", 1 << 19);
  const many = { code: "Key.Layout", what: "x", got: "there are more values than any program has" };
  assert.deepEqual(verdict(() => numDescribed({ inputs: [half], outputs: [half] })), many);
  const twice = { code: "Key.Layout", what: "x", got: "it is described twice" };
  for (const tensors of [[plain("x"), plain("x", 2)], [plain("x"), plain("y"), plain("x")]]) {
    assert.deepEqual(verdict(() => numDescribed({ inputs: tensors, outputs: [] })), twice);
    assert.deepEqual(verdict(() => numDescribed({ inputs: [], outputs: tensors })), twice);
  }
});

test("a name is as long as a key's bytes can count", () => {
  const described = (name: string) => verdict(() => numDescribed({ inputs: [plain(name)], outputs: [] }));
  assert.equal(described("n".repeat(0xffff)), null);
  assert.equal(described("é".repeat(0x7fff)), null);
  const expected = { code: "Key.Limit", what: "bytes of a name", expected: "at most 65535", got: "65536" };
  assert.deepEqual(described("n".repeat(0x10000)), expected);
  assert.deepEqual(described("é".repeat(0x8000)), expected);
});
