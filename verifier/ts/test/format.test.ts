/** A key's bytes: nothing accepted that is not one, nothing that makes decoding expensive. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { concat, fromHex, toBytes, toHex, toNumber } from "../src/bytes.js";
import { parseKey } from "../src/files.js";
import { keyFromBytes } from "../src/format.js";
import { keyDigest } from "../src/key.js";
import { MAX_CIRCUIT_BYTES, MAX_KEY_BYTES } from "../src/limits.js";
import { bytes, type Expected, hex, text, verdict } from "./answers.js";

const SQUARE = bytes("square.key");
/** After magic, version and the circuit's length. */
const CIRCUIT = 4 + 2 + 4;
/** After k, number of instances, transcript representation and the reference string. */
const SHAPE = CIRCUIT + 1 + 4 + 32 + 64 + 64 + 128 + 128;

function refusal(key: Uint8Array): Expected | null {
  return verdict(() => keyFromBytes(key));
}

/** A key whose shape and what follows are these bytes, that describes nothing. */
function withShape(...shape: Uint8Array[]): Uint8Array {
  const circuit = concat([SQUARE.slice(CIRCUIT, SHAPE), ...shape]);
  return concat([SQUARE.slice(0, CIRCUIT - 4), toBytes(BigInt(circuit.length), 4), circuit, new Uint8Array(2 + 2 + 32)]);
}

test("nothing follows a key, nor its circuit", () => {
  assert.equal(refusal(SQUARE), null);
  assert.deepEqual(refusal(concat([SQUARE, Uint8Array.of(0)])), { code: "Key.TrailingBytes", expected: "0", got: "1" });
  const length = SQUARE.length - CIRCUIT - 36;
  const longer = concat([SQUARE.slice(0, CIRCUIT - 4), toBytes(BigInt(length + 3), 4), SQUARE.slice(CIRCUIT, -36), new Uint8Array(39)]);
  assert.deepEqual(refusal(longer), { code: "Key.TrailingBytes", expected: "0", got: "3" });
});

test("oversized input is refused before it is read", () => {
  const limit = (what: string, max: number) => ({ code: "Key.Limit", what, expected: `at most ${max}`, got: `${max + 1}` });
  assert.deepEqual(refusal(new Uint8Array(MAX_KEY_BYTES + 1)), limit("bytes of a key", MAX_KEY_BYTES));
  const file = JSON.parse(text("risk_scoring.vk.json")) as { circuit: string };
  file.circuit = `0x${"00".repeat(MAX_CIRCUIT_BYTES + 1)}`;
  assert.deepEqual(verdict(() => parseKey(JSON.stringify(file))), limit("bytes of a circuit", MAX_CIRCUIT_BYTES));
});

/** A count in front of nothing costs nothing. */
test("counts that lie are refused", () => {
  const shape = Uint8Array.of(0xff, 0xff, 1, 5, 0, 5, 0xff, 0xff);
  assert.deepEqual(refusal(withShape(shape)), { code: "Key.Truncated", what: "advice phases" });
});

/** A gate of a million negations is refused at the depth limit, before the stack ends. */
test("deep gates are refused", () => {
  // One advice column, no challenges, no queries, no permutation, one gate.
  const head = Uint8Array.of(0, 0, 0, 3, 0, 5, 0, 1, 0, 0, 0, ...new Uint8Array(8), 0, 1);
  const nested = (depth: number) => refusal(withShape(head, new Uint8Array(depth).fill(5)));
  const deep = { code: "Key.Limit", what: "nesting of a gate", expected: "at most 256", got: "257" };
  assert.deepEqual(nested(1_000_000), deep);
  assert.deepEqual(nested(256), deep);
  assert.deepEqual(nested(255), { code: "Key.Truncated", what: "expression" });
  for (const got of [9, 10, 127, 128, 255]) {
    const gate = Uint8Array.of(got);
    assert.deepEqual(refusal(withShape(head, gate)), { code: "Key.Tag", what: "a node of a gate", got: `${got}` });
  }
});

test("names are UTF-8, and all of it counts", () => {
  const fixture = new URL("../../../../solidity/test/fixtures/lean.json", import.meta.url);
  const genuine = hex((JSON.parse(readFileSync(fixture, "utf8")) as { key: string }).key);
  const digest = keyDigest(keyFromBytes(genuine));
  const [input] = keyFromBytes(genuine).layout.inputs;
  // After the circuit, how many inputs, and how long the first one's name is, which is a letter.
  const at = CIRCUIT + Number(toNumber(genuine.slice(CIRCUIT - 4, CIRCUIT))) + 4;
  assert.deepEqual(genuine[at], input?.name.charCodeAt(0));
  const renamed = (...name: number[]): Uint8Array => {
    return concat([genuine.slice(0, at - 2), toBytes(BigInt(name.length), 2), Uint8Array.from(name), genuine.slice(at + 1)]);
  };
  for (const wrong of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe9]]) {
    assert.deepEqual(refusal(renamed(...wrong)), { code: "Key.NotCanonical", what: "the name of a tensor" });
  }
  // A mark of the byte order is three bytes of the name.
  const marked = keyFromBytes(renamed(0xef, 0xbb, 0xbf, genuine[at] ?? 0));
  assert.equal(marked.layout.inputs[0]?.name, `\ufeff${input?.name}`);
  assert.notEqual(keyDigest(marked), digest);
  const file = Buffer.from(text("risk_scoring.vk.json"));
  assert.equal(verdict(() => parseKey(file)), null);
  assert.equal(verdict(() => parseKey(Buffer.concat([Uint8Array.of(0xef, 0xbb, 0xbf), file])))?.code, "File.Malformed");
});

test("hexadecimal digits come in pairs after 0x", () => {
  assert.deepEqual(fromHex("0x"), new Uint8Array());
  assert.deepEqual(fromHex("0x09afAF"), Uint8Array.of(0x09, 0xaf, 0xaf));
  assert.equal(toHex(Uint8Array.of(0, 0x0a, 0xff)), "0x000aff");
  for (const wrong of ["", "0", "x", "00", "0X00", "0x0", "0x000", "0x0g", "0xg0", "0x 0", "0x0:", "0x/0", "0x@@", "0x``", " 0x00", "1x00"]) {
    assert.equal(fromHex(wrong), undefined, wrong);
  }
});
