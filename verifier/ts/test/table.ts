/** One of the tables: every mutant must be refused with its error, or have another digest. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { keyDigest } from "../src/key.js";
import { keyFromBytes } from "../src/format.js";
import { Verifier } from "../src/verifier.js";
import { answer, bytes, changed, hex, spliced, table, verdict } from "./answers.js";

const ANYTHING = { keyDigest: "any-key", srs: "allow-unsafe" } as const;

export function testTable(name: string): void {
  const { key, instances, proof } = answer(name);
  const mutants = table(name);

  test(`${name}: the genuine key is the one that Rust reads`, () => {
    assert.deepEqual(changed(mutants.genuine.key, {}), key);
    assert.equal(keyDigest(key), mutants.genuine.digest);
    assert.deepEqual(mutants.genuine.instances.map(hex), instances.map((word) => new Uint8Array(word)));
    assert.equal(verdict(() => new Verifier(key, ANYTHING).verifyWords(instances, proof)), null);
  });

  test(`${name}: every mutated proof is refused with its error`, () => {
    const verifier = new Verifier(key, ANYTHING);
    assert.ok(mutants.proofs.length > 200);
    for (const mutant of mutants.proofs) {
      const words = [...instances];
      if (mutant.instances !== undefined) {
        const { at, remove, insert } = mutant.instances;
        words.splice(at, remove, ...insert.map(hex));
      }
      const spoilt = mutant.proof === undefined ? proof : spliced(proof, mutant.proof);
      assert.deepEqual(verdict(() => verifier.verifyWords(words, spoilt)), mutant.expected, mutant.name);
    }
  });

  test(`${name}: every mutated key refuses the proof or has another digest`, () => {
    assert.ok(mutants.keys.length > 80);
    for (const mutant of mutants.keys) {
      const spoilt = changed(mutants.genuine.key, mutant.changes);
      const got = verdict(() => new Verifier(spoilt, ANYTHING).verifyWords(instances, proof));
      assert.deepEqual(got, mutant.expected, mutant.name);
      if (mutant.digest === null) continue;
      assert.equal(keyDigest(spoilt), mutant.digest, mutant.name);
      assert.notEqual(mutant.digest, mutants.genuine.digest, mutant.name);
    }
  });

  if (mutants.bytes.length === 0) return;
  test(`${name}: every byte of a key is read as Rust reads it`, () => {
    const genuine = bytes(`${name}.key`);
    for (const { at, xor, length, digest, expected } of mutants.bytes) {
      const spoilt = genuine.slice(0, length ?? genuine.length);
      if (at !== undefined && xor !== undefined) spoilt[at] = (spoilt[at] ?? 0) ^ xor;
      let got: string | undefined;
      const refusal = verdict(() => (got = keyDigest(keyFromBytes(spoilt))));
      const message = `byte ${at} xor ${xor}, length ${length}`;
      assert.deepEqual(refusal, expected ?? null, message);
      assert.equal(got, digest, message);
    }
  });
}
