/** The proofs that the contracts are tested with: shapes without a permutation, without public values, with a single group. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type Hex, toHex } from "../src/bytes.js";
import { keyFromBytes } from "../src/format.js";
import { portsHash } from "../src/layout.js";
import { Verifier } from "../src/verifier.js";
import { hex, verdict } from "./answers.js";
import { randomFrom } from "./random.js";

const FIXTURES = new URL("../../../../solidity/test/fixtures/", import.meta.url);

interface Fixture {
  readonly key: Hex;
  readonly key_digest: Hex;
  readonly ports_hash: Hex;
  readonly proof: Hex;
  readonly instances: readonly Hex[];
}

// Beside them stand vectors without proofs: of contexts, which the gateway computes, and of inputs, which binders do.
const WITHOUT_PROOF = ["contexts.json", "inputs.json"];
const files = readdirSync(FIXTURES).filter((file) => !WITHOUT_PROOF.includes(file));
assert.ok(files.length >= 4);
for (const file of files) {
  test(`${file}: the contract's proof holds, and none that is tampered with`, () => {
    const fixture = JSON.parse(readFileSync(new URL(file, FIXTURES), "utf8")) as Fixture;
    const key = keyFromBytes(hex(fixture.key));
    const verifier = new Verifier(key, { keyDigest: fixture.key_digest, srs: "allow-unsafe" });
    assert.equal(toHex(portsHash(key.layout)), fixture.ports_hash);
    const [instances, proof] = [fixture.instances.map(hex), hex(fixture.proof)];
    verifier.verifyWords(instances, proof);
    const random = randomFrom(4);
    for (let round = 0; round < 60; round++) {
      const spoilt = proof.slice();
      const at = random(spoilt.length);
      spoilt[at] = (spoilt[at] ?? 0) ^ (1 + random(255));
      assert.notEqual(verdict(() => verifier.verifyWords(instances, spoilt)), null, `byte ${at}`);
    }
  });
}
