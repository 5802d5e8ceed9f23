/** `vk.json` and `proof.json` of strangers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { verify } from "../src/decision.js";
import type { ErrorCode } from "../src/errors.js";
import { parseKey, parseProof } from "../src/files.js";
import { MAX_KEY_FILE_BYTES, MAX_PROOF_FILE_BYTES } from "../src/limits.js";
import { text, verdict } from "./answers.js";

type Object = Record<string, unknown>;
const KEY = text("risk_scoring.vk.json");
const PROOF = text("risk_scoring.proof.json");
const OPTIONS = { keyDigest: "any-key", srs: "allow-unsafe" } as const;

function codeOf(call: () => unknown): ErrorCode | undefined {
  return verdict(call)?.code;
}

/** The file with one thing changed; `path` goes down from the root. */
function edited(file: string, path: readonly (string | number)[], value: unknown): string {
  const root = JSON.parse(file) as Object;
  let place: Object = root;
  for (const step of path.slice(0, -1)) place = place[step] as Object;
  const last = path.at(-1) ?? "";
  if (value === undefined) delete place[last];
  else Object.defineProperty(place, last, { value, enumerable: true, configurable: true });
  return JSON.stringify(root);
}

/** All places of a file: fields, and the first item of each list. */
function places(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [];
  const steps = Array.isArray(value) ? [0] : Object.keys(value);
  return steps.flatMap((step) => [[...path, step], ...places((value as Object)[step], [...path, step])]);
}

test("both files are read from text and from bytes", () => {
  const bytes = new TextEncoder().encode(PROOF);
  assert.deepEqual(parseProof(bytes), parseProof(PROOF));
  assert.deepEqual(parseKey(new TextEncoder().encode(KEY)), parseKey(KEY));
  assert.equal(codeOf(() => verify(PROOF, KEY, OPTIONS)), undefined);
});

for (const [name, file, parse] of [
  ["vk.json", KEY, parseKey],
  ["proof.json", PROOF, parseProof],
] as const) {
  test(`${name}: a value of another kind is refused in every place`, () => {
    const values = [null, true, 0.5, 7, -1, 1e300, "", "0x", "0xzz", "text", [], {}, [[]], { __proto__: null }, undefined];
    const all = places(JSON.parse(file));
    assert.ok(all.length > 4);
    for (const path of all) {
      for (const value of values) {
        const changed = edited(file, path, value);
        if (changed === JSON.stringify(JSON.parse(file))) continue;
        // A list may have another length, and a proof: that is for the verifier to say.
        const code = codeOf(() => parse(changed)) ?? codeOf(() => verify(changed, KEY, OPTIONS));
        assert.ok(code !== undefined, `${path.join(".")}: ${JSON.stringify(value)}`);
      }
    }
  });

  test(`${name}: a field more is refused in every object, whatever its name`, () => {
    for (const path of [[], ...places(JSON.parse(file))]) {
      let place: unknown = JSON.parse(file);
      for (const step of path) place = (place as Object)[step];
      if (typeof place !== "object" || Array.isArray(place)) continue;
      for (const field of ["__proto__", "constructor", "toString", "hex_proof", ""]) {
        const changed = edited(file, [...path, field], { version: 2 });
        assert.equal(codeOf(() => parse(changed)), "File.Malformed", `${path.join(".")}.${field}`);
      }
    }
    assert.equal(({} as Object)["version"], undefined, "nothing was inherited");
  });

  test(`${name}: a field twice is refused`, () => {
    for (const field of Object.keys(JSON.parse(file) as Object)) {
      const value = JSON.stringify((JSON.parse(file) as Object)[field]);
      const twice = `${file.trimEnd().slice(0, -1)}, "${field}": ${value}}`;
      assert.equal(codeOf(() => parse(twice)), "File.Malformed", field);
    }
  });

  test(`${name}: what is cut off anywhere is refused`, () => {
    const length = file.trimEnd().length;
    for (let end = 0; end < length; end++) assert.equal(codeOf(() => parse(file.slice(0, end))), "File.Malformed", `${end}`);
  });

  test(`${name}: another version is named`, () => {
    for (const version of [0, 1, 3, 2 ** 32 - 1]) {
      const expected = { code: "File.Version", expected: "2", got: `${version}` };
      const refusal = verdict(() => parse(edited(file, ["version"], version)));
      assert.deepEqual({ ...refusal, what: undefined }, { ...expected, what: undefined });
    }
    for (const version of [-1, 2.5, 2 ** 32, "2", null]) {
      assert.equal(codeOf(() => parse(edited(file, ["version"], version))), "File.Malformed");
    }
    for (const spelling of ["2.0", "2e0", "02", "+2", "0x2", "-0"]) {
      const changed = file.replace(/"version": 2/, `"version": ${spelling}`);
      assert.notEqual(changed, file);
      assert.equal(codeOf(() => parse(changed)), "File.Malformed", spelling);
    }
  });

  test(`${name}: what is no text is refused`, () => {
    for (const value of [undefined, null, 1, {}, [], JSON.parse(file), () => file, Symbol("x"), 1n]) {
      assert.equal(codeOf(() => parse(value as string)), "File.Malformed");
    }
    assert.equal(codeOf(() => parse(`\uFEFF${file}`)), "File.Malformed", "a mark of the byte order");
    assert.equal(codeOf(() => parse(file.replace("apodict", "\ud800"))), "File.Malformed", "half of a character");
    // Not only where another text would be wrong anyway.
    for (const half of ["\ud800", "\udc00", "a\ud800b", "\\ud800", "\\udc00\\ud800", "\\ud800x"]) {
      const changed = file.replace("features", half).replace('"apodict-proof"', `"apodict-proof", "${half}": 1`);
      assert.notEqual(changed, file);
      const refusal = verdict(() => parse(changed));
      assert.equal(refusal?.code, "File.Malformed");
      assert.match(`${refusal?.expected}`, /UTF-8|whole characters/);
    }
    // Control characters stand in no text as they are; escaped they are another text.
    for (const control of ["\0", "\n", "\t", "\u001f"]) {
      const field = (text: string): string => file.replace('"version"', `"${text}": 1, "version"`);
      assert.match(`${verdict(() => parse(field(control)))?.expected}`, /the rest of a text/);
      const escaped = JSON.stringify(control).slice(1, -1);
      assert.match(`${verdict(() => parse(field(escaped)))?.expected}`, /the fields/);
    }
    for (const escape of ["\\x41", "\\u12", "\\u00g0", "\\", "\\'"]) {
      assert.equal(codeOf(() => parse(file.replace("version", escape))), "File.Malformed");
    }
    assert.deepEqual(parse(file.replace("version", "\\u0076ersion").replace("0x", "\\u0030x")), parse(file));
    assert.equal(codeOf(() => parse(Uint8Array.of(0xff, 0xfe))), "File.Malformed");
    assert.equal(codeOf(() => parse(`${file}${file}`)), "File.Malformed");
    assert.equal(codeOf(() => parse(`[${file}]`)), "File.Malformed");
  });

  test(`${name}: what is deep or long takes no long time`, () => {
    const start = process.cpuUsage();
    const long = 1 << 22;
    const depth = ["[", '{"a":', '{"layout":', '[{"a":'];
    for (const open of depth) assert.equal(codeOf(() => parse(open.repeat(long / open.length))), "File.Malformed");
    for (const body of ["9".repeat(long), `"${"a".repeat(long)}`, `"${"\\u0061".repeat(long / 6)}"`, " ".repeat(long)]) {
      assert.equal(codeOf(() => parse(body)), "File.Malformed");
    }
    assert.equal(codeOf(() => parse(edited(file, ["version"], "9".repeat(long)))), "File.Malformed");
    const digits = file.replace(/"version": 2/, `"version": ${"9".repeat(long)}`);
    assert.equal(codeOf(() => parse(digits)), "File.Malformed");
    // Of this process: other work on the machine takes nothing from it.
    const taken = process.cpuUsage(start).user / 1000;
    assert.ok(taken < 20_000, `${taken} ms`);
  });
}

test("a longer file than any proof's is refused before it is read", () => {
  for (const length of [(1 << 22) + 256 * (1 << 16) + 1, MAX_PROOF_FILE_BYTES + 1]) {
    assert.equal(codeOf(() => parseProof(new Uint8Array(length))), "File.TooLong");
  }
  const all = { maxValues: 1 << 20 };
  assert.equal(codeOf(() => parseProof(new Uint8Array(MAX_PROOF_FILE_BYTES + 1), all)), "File.TooLong");
  assert.equal(codeOf(() => parseKey(new Uint8Array(MAX_KEY_FILE_BYTES + 1), all)), "File.TooLong");
});

test("a long proof or many instances are refused by their number", () => {
  const proof = edited(PROOF, ["proof"], `0x${"00".repeat(1 << 22)}`);
  assert.equal(codeOf(() => verify(proof, KEY, OPTIONS)), "ProofLength");
  const instances = edited(PROOF, ["instances"], new Array(1 << 16).fill(`0x${"00".repeat(32)}`));
  assert.equal(codeOf(() => verify(instances, KEY, OPTIONS)), "InstanceCount");
});

test("digests, instances and programs have 32 bytes", () => {
  const fields: [string, (json: string) => unknown, (string | number)[]][] = [
    [PROOF, parseProof, ["key_digest"]],
    [PROOF, parseProof, ["instances", 3]],
    [KEY, parseKey, ["digest"]],
    [KEY, parseKey, ["program_digest"]],
  ];
  for (const [file, parse, path] of fields) {
    for (const length of [0, 31, 33, 64]) {
      const refusal = verdict(() => parse(edited(file, path, `0x${"00".repeat(length)}`)));
      assert.deepEqual([refusal?.code, refusal?.got], ["File.Malformed", `${length}`], path.join("."));
    }
  }
});

/** Whoever edits a scale, a name or a range in the file has another key, and the digest in the file says so. */
test("an edited key file is refused", () => {
  const output = ["layout", "outputs", 0];
  const other = `0x${"11".repeat(32)}`;
  const changes: [(string | number)[], unknown][] = [
    [["program_digest"], other],
    [["digest"], other],
    [[...output, "name"], "good_debt_probability"],
    [[...output, "shape"], [1]],
    [[...output, "runs", 0, "num"], "1"],
    [[...output, "runs", 0, "den"], "3"],
    [[...output, "runs", 0, "zero"], 1],
    [[...output, "runs", 0, "lo"], "-1000000"],
    [[...output, "runs", 0, "hi"], "1000000"],
  ];
  for (const [path, value] of changes) {
    assert.equal(codeOf(() => parseKey(edited(KEY, path, value))), "File.Changed", path.join("."));
  }
});

test("numbers in key files have one spelling", () => {
  const path = ["layout", "outputs", 0, "runs", 0, "num"];
  const genuine = (JSON.parse(KEY) as { layout: { outputs: { runs: { num: string }[] }[] } }).layout.outputs[0]?.runs[0]?.num;
  for (const wrong of [`0${genuine}`, `+${genuine}`, "", " 16", "1e3", "-1", "-0", "0x10", `${1n << 128n}`, "9".repeat(5000)]) {
    assert.equal(codeOf(() => parseKey(edited(KEY, path, wrong))), "File.Malformed", wrong.slice(0, 50));
  }
  assert.equal(codeOf(() => parseKey(edited(KEY, path, `${(1n << 128n) - 1n}`))), "File.Changed");
});
