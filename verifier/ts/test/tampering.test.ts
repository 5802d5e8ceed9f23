/** Random tampering: nothing that differs from a genuine proof, key or instance is accepted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { verify } from "../src/decision.js";
import { parseKey, parseProof } from "../src/files.js";
import { keyDigest } from "../src/key.js";
import { Verifier } from "../src/verifier.js";
import { answer, DECISIONS, text, verdict } from "./answers.js";
import { randomFrom } from "./random.js";

/** Text with some letters replaced, dropped or doubled. */
function spoilt(text: string, random: (bound: number) => number): string {
  const letters = [...text];
  for (let changes = 1 + random(2); changes > 0; changes--) {
    const at = random(letters.length);
    const others = '0123456789abcdef"{}[],:-. x\\';
    const other = others.charAt(random(others.length));
    letters.splice(at, random(3) === 0 ? 0 : 1, ...(random(4) === 0 ? [] : [other]));
  }
  return letters.join("");
}

for (const name of DECISIONS) {
  const { key, instances, proof } = answer(name);
  const verifier = new Verifier(key, { keyDigest: "any-key", srs: "allow-unsafe" });

  test(`${name}: no flipped bit of a proof or an instance is accepted`, () => {
    const random = randomFrom(1);
    for (let round = 0; round < 150; round++) {
      const bytes = proof.slice();
      const words = instances.map((word) => word.slice());
      const target = round % 3 === 0 ? words[random(words.length)] : bytes;
      assert.ok(target !== undefined);
      const at = random(target.length);
      target[at] = (target[at] ?? 0) ^ (1 << random(8));
      assert.notEqual(verdict(() => verifier.verifyWords(words, bytes)), null, `round ${round}`);
    }
  });

  test(`${name}: no spoilt file is accepted, but one that says the same`, () => {
    const random = randomFrom(2);
    const [keyFile, proofFile] = [text(`${name}.vk.json`), text(`${name}.proof.json`)];
    const options = { keyDigest: keyDigest(key), srs: "allow-unsafe" } as const;
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      const [otherKey, otherProof] = round % 2 === 0 ? [spoilt(keyFile, random), proofFile] : [keyFile, spoilt(proofFile, random)];
      if (verdict(() => verify(otherProof, otherKey, options)) !== null) {
        refused++;
        continue;
      }
      assert.deepEqual(parseProof(otherProof), parseProof(proofFile), `round ${round}`);
      assert.deepEqual(parseKey(otherKey), parseKey(keyFile), `round ${round}`);
    }
    assert.ok(refused > 100, `${refused}`);
  });
}

test("no proof is accepted under another model's key", () => {
  for (const name of DECISIONS) {
    for (const other of DECISIONS) {
      const [proof, key] = [text(`${name}.proof.json`), text(`${other}.vk.json`)];
      const refusal = verdict(() => verify(proof, key, { keyDigest: "any-key", srs: "allow-unsafe" }));
      assert.equal(refusal?.code, name === other ? undefined : "OtherKey");
      // Without the digest that tells them apart.
      const { instances, proof: bytes } = answer(name);
      const verifier = new Verifier(answer(other).key, { keyDigest: "any-key", srs: "allow-unsafe" });
      assert.equal(verdict(() => verifier.verifyWords(instances, bytes)) === null, name === other);
    }
  }
});
