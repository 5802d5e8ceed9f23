/** Trust, context, ranges, and what no file can provoke. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Hex, toBytes, word } from "../src/bytes.js";
import { decide, verify } from "../src/decision.js";
import { quoted, VerifyError } from "../src/errors.js";
import { R } from "../src/field.js";
import { parseKey, parseProof } from "../src/files.js";
import { keyDigest, srsDigest } from "../src/key.js";
import { decode, type Layout } from "../src/layout.js";
import { Verifier } from "../src/verifier.js";
import { answer, text, verdict } from "./answers.js";

const KEY = text("risk_scoring.vk.json");
const PROOF = text("risk_scoring.proof.json");
const ANYTHING = { keyDigest: "any-key", srs: "allow-unsafe" } as const;
const ONES: Hex = `0x${"11".repeat(32)}`;

test("policies and pins are kept", () => {
  const { key } = answer("risk_scoring");
  const [digest, srs] = [keyDigest(key), srsDigest(key.srs)];
  const refusal = (keyDigest: Hex | "any-key", strings: readonly Hex[] | "allow-unsafe") => {
    return verdict(() => verify(PROOF, KEY, { keyDigest, srs: strings }));
  };
  for (const strings of [[], [ONES]]) {
    for (const pinned of ["any-key", digest] as const) {
      assert.deepEqual(refusal(pinned, strings), { code: "Key.UnsafeSrs", got: srs });
    }
  }
  for (const strings of [[ONES, srs], "allow-unsafe"] as const) {
    assert.deepEqual(refusal(ONES, strings), { code: "Key.Digest", expected: ONES, got: digest });
    assert.equal(refusal(digest, strings), null);
    assert.equal(refusal(`0x${digest.slice(2).toUpperCase()}`, strings), null);
  }
  assert.equal(verify(PROOF, KEY, { keyDigest: digest, srs: [srs] }).srs.origin, "ceremony");
  assert.equal(verify(PROOF, KEY, ANYTHING).srs.origin, "unsafe");
});

test("trust has no default, and none that is misspelt", () => {
  const srs = "allow-unsafe";
  const wrong = [undefined, null, {}, { srs }, { keyDigest: "any-key" }, { keyDigest: "", srs }, { keyDigest: ONES.slice(2), srs }];
  const more = [true, "any", ["0x"], [1], [undefined]].map((srs) => ({ keyDigest: "any-key", srs }));
  for (const options of [...wrong, ...more, { keyDigest: [ONES], srs }, Object.create(ANYTHING) as object]) {
    const refusal = verdict(() => verify(PROOF, KEY, options as never));
    assert.equal(refusal?.code, "Options", JSON.stringify(options));
  }
});

test("the context is compared", () => {
  const context: Hex = `0x${"a7".repeat(31)}01`;
  assert.equal(verify(PROOF, KEY, { ...ANYTHING, context }).context, context);
  const refusal = verdict(() => verify(PROOF, KEY, { ...ANYTHING, context: ONES }));
  assert.deepEqual(refusal, { code: "OtherContext", expected: ONES, got: context });
  // A check that is asked for and cannot be made is not left out.
  for (const context of ["0x01", "", undefined, null, 1]) {
    assert.equal(verdict(() => verify(PROOF, KEY, { ...ANYTHING, context } as never))?.code, "Options");
    const verifier = new Verifier(answer("risk_scoring").key, ANYTHING);
    assert.equal(verdict(() => decide(verifier, parseProof(PROOF), { context } as never))?.code, "Options");
  }
  assert.equal(verdict(() => verify(PROOF, KEY, { ...ANYTHING, Context: ONES } as never))?.code, "Options");
});

/** A key of a million values fits into a kilobyte, and its digest takes seconds. */
test("no more values are accepted than the caller asks for", () => {
  const many = (values: number): string => {
    const file = JSON.parse(KEY) as { circuit: string; layout: { inputs: object[] } };
    const numInstances = values.toString(16).padStart(8, "0");
    file.circuit = `0x15${numInstances}${file.circuit.slice(12)}`;
    const input = { name: "n".repeat(1000), shape: [values - 3], runs: [{ count: values - 3, num: "1", den: "1", zero: 0, lo: "0", hi: "1" }] };
    file.layout.inputs = [input];
    return JSON.stringify(file);
  };
  const refusal = (values: number, maxValues?: number) => {
    return verdict(() => parseKey(many(values), maxValues === undefined ? {} : { maxValues }));
  };
  const limit = (max: number, got: number) => ({ code: "Key.Limit", what: "public values", expected: `at most ${max}`, got: `${got}` });
  const start = process.cpuUsage();
  assert.deepEqual(refusal(1 << 20), limit(65536, 1 << 20));
  assert.deepEqual(refusal(65537), limit(65536, 65537));
  assert.deepEqual(refusal(101, 100), limit(100, 101));
  assert.ok(process.cpuUsage(start).user < 5_000_000, "microseconds");
  assert.equal(refusal(1000, 1000)?.code, "File.Changed");
  assert.equal(refusal(66000, 1 << 30)?.code, "File.Changed");
  for (const wrong of [Number.NaN, -1, 0.5, "9", 1n, Infinity]) assert.equal(refusal(1000, wrong as never)?.code, "Options");
  const long = " ".repeat((1 << 22) + 256 * 100 + 1);
  assert.equal(verdict(() => parseProof(long, { maxValues: 100 }))?.code, "File.TooLong");
  assert.equal(verdict(() => parseKey(long, { maxValues: 100 }))?.code, "File.TooLong");
  assert.equal(verdict(() => parseProof(long, { maxValues: 101 }))?.code, "File.Malformed");
});

test("a key that was checked cannot be changed", () => {
  const { key } = answer("risk_scoring");
  const verifier = new Verifier(key, ANYTHING);
  const changes: (() => void)[] = [
    () => Object.assign(verifier.key, { k: 3 }),
    () => (verifier.key.shape.gates as unknown[]).pop(),
    () => Object.assign(verifier.key.layout.outputs[0]?.runs[0] ?? {}, { num: 1n }),
    () => Object.assign(key.srs.sG2.x, { c0: 1n }),
    () => Object.assign(key.fixedCommitments[0] ?? {}, { x: 1n }),
  ];
  for (const change of changes) assert.throws(change, TypeError);
});

test("a key that describes nothing verifies and is not decoded", () => {
  const { key, instances, proof } = answer("square");
  const verifier = new Verifier(key, ANYTHING);
  verifier.verifyWords(instances, proof);
  assert.deepEqual(verdict(() => verifier.statement(instances, proof)), { code: "NothingDescribed" });
  const file = { keyDigest: verifier.digest, instances, proof };
  assert.deepEqual(verdict(() => decide(verifier, file)), { code: "NothingDescribed" });
});

test("instances have 32 bytes", () => {
  const { key, instances, proof } = answer("risk_scoring");
  const verifier = new Verifier(key, ANYTHING);
  for (const [index, wrong] of [new Uint8Array(), new Uint8Array(31), new Uint8Array(33), new Uint8Array(64)].entries()) {
    const words = instances.with(index, wrong);
    const expected = { code: "InstanceNotCanonical", what: `instance ${index}` };
    assert.deepEqual(verdict(() => verifier.verifyWords(words, proof)), expected);
  }
});

/** Two readings of the caller's memory could be of two values: one that is proved, and one that is shown. */
test("what is decoded is what was verified", () => {
  const { key, instances, proof } = answer("risk_scoring");
  const verifier = new Verifier(key, ANYTHING);
  const honest = verifier.statement(instances, proof);
  const words = [...instances];
  let readings = 0;
  Object.defineProperty(words, words.length - 1, { get: () => (readings++ === 0 ? instances.at(-1) : word(0n)) });
  assert.deepEqual(verifier.statement(words, proof), honest);
  assert.equal(readings, 1);
});

test("decodes every integer of its range and no other", () => {
  const any = (1n << 126n) - 1n;
  const layout = (lo: bigint, hi: bigint): Layout => {
    return { inputs: [{ name: "x", shape: [1], runs: [{ count: 1, num: 1n, den: 1n, zero: 0n, lo, hi }] }], outputs: [] };
  };
  const instance = (value: bigint): Uint8Array => word(value < 0n ? R + value : value);
  for (const value of [0n, 1n, -1n, any, -any, 1n << 64n, -(1n << 64n)]) {
    assert.deepEqual(decode(layout(-any, any), [0n, 0n, value].map(instance)).inputs, [[value]]);
  }
  for (const value of [-6n, 10n, any, -any, 1n << 128n, R / 2n, R - 1n - any]) {
    const got = value > R / 2n ? value - R : value;
    const expected = { code: "PublicValue", what: "x", expected: "from -5 to 9", got: `${got} in element 0` };
    assert.deepEqual(verdict(() => decode(layout(-5n, 9n), [0n, 0n, value].map(instance))), expected);
  }
  for (const half of [0, 1]) {
    const words = [0n, 0n, 0n].map(instance).with(half, toBytes(1n << 128n, 32));
    assert.deepEqual(verdict(() => decode(layout(0n, 1n), words)), { code: "Context" });
  }
  const missing = verdict(() => decode(layout(0n, 1n), [0n, 0n].map(instance)));
  assert.deepEqual(missing, { code: "InstanceCount", expected: "3", got: "2" });
});

test("names of strangers are quoted in messages", () => {
  assert.equal(quoted('a"<b>\n\u202e\\'), '"a\\u{22}<b>\\u{a}\\u{202e}\\u{5c}"');
  assert.equal(quoted("n".repeat(1000)).length, 68);
  assert.ok(new VerifyError("PublicValue", { what: "\u001b[31m" }).message.includes("\\u{1b}"));
});

test("errors say what was expected and what came", () => {
  const { key, instances, proof } = answer("risk_scoring");
  const verifier = new Verifier(key, ANYTHING);
  assert.throws(() => verifier.verifyWords(instances, proof.slice(1)), {
    name: "VerifyError",
    message: "a proof for this key has 1568 bytes, got 1567",
    code: "ProofLength",
  });
  assert.throws(() => verifier.verifyWords(null as never, proof), { code: "Internal" });
  assert.throws(() => new Verifier(JSON.parse(KEY) as never, ANYTHING), { code: "Internal" });
  // A number is no word, though an array of so many zeros can be made of it.
  for (const wrong of [32, "0x00", [1], undefined, new ArrayBuffer(32)]) {
    assert.throws(() => verifier.verifyWords(instances.with(0, wrong as never), proof), { code: "Options" });
    assert.throws(() => verifier.statement(instances, wrong as never), { code: "Options" });
  }
  assert.throws(() => Object.assign(verifier, { digest: ONES }), TypeError);
  assert.equal(parseProof(PROOF).proof.length, verifier.proofLength);
});
