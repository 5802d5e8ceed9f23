/** Fields, curves, the pairing, and the arithmetic of a verification. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { bn254 } from "@noble/curves/bn254.js";
import { word } from "../src/bytes.js";
import { cellOf } from "../src/constraints.js";
import { challenge, conversationSteps, readProof } from "../src/conversation.js";
import { g1Bytes, g2Bytes, g2Element, g2Fault, P, pairingsAreEqual, readG1, readG2, sumOfMultiples } from "../src/curve.js";
import { DELTA, Domain, inverse, inverses, mul, R } from "../src/field.js";
import { Verifier } from "../src/verifier.js";
import { answer, verdict } from "./answers.js";
import { randomFrom } from "./random.js";

const ANYTHING = { keyDigest: "any-key", srs: "allow-unsafe" } as const;

/** Both take a preimage of the hash, so here the rows are moved instead. */
test("a challenge among the rows is refused", () => {
  const { instances, proof, key } = answer("ladder");
  const verifier = new Verifier(key, ANYTHING);
  const conversation = readProof(conversationSteps(key.shape), key.transcriptRepr, instances, proof);
  const { row, power } = Domain.prototype;
  const degenerate = { code: "DegenerateChallenge" };
  try {
    Domain.prototype.power = () => 1n;
    assert.deepEqual(verdict(() => verifier.verifyWords(instances, proof)), degenerate, "x in the domain");
    Domain.prototype.power = power;
    // Row 1 times x is where the next row's cells are opened.
    const u = conversation.scalar(challenge.openingU);
    const moved = mul(u, inverse(conversation.scalar(challenge.x)) ?? 0n);
    Domain.prototype.row = function (index: number) {
      return index === 1 ? moved : row.call(this, index);
    };
    assert.deepEqual(verdict(() => verifier.verifyWords(instances, proof)), degenerate, "u among the points");
  } finally {
    Object.assign(Domain.prototype, { row, power });
  }
  verifier.verifyWords(instances, proof);
});

/** A column may be read on other rows before it is read on its own. */
test("copied cells are of the current row", () => {
  const queries = [
    { column: 1, rotation: 0 },
    { column: 0, rotation: 1 },
    { column: 0, rotation: -1 },
    { column: 0, rotation: 0 },
  ];
  const shape = { ...answer("square").key.shape, adviceQueries: queries, fixedQueries: queries, instanceQueries: queries };
  const cells = { advice: [10n, 11n, 12n, 13n], fixed: [20n, 21n, 22n, 23n], instance: [30n, 31n, 32n, 33n], challenge: [] };
  for (const kind of ["advice", "fixed", "instance"] as const) {
    assert.equal(cellOf(shape, cells, { kind, index: 0 }), cells[kind][3]);
    assert.equal(cellOf(shape, cells, { kind, index: 1 }), cells[kind][0]);
    assert.throws(() => cellOf(shape, cells, { kind, index: 2 }), { code: "Internal" });
  }
});

test("the field's constants follow from the generator 7", () => {
  const odd = (R - 1n) >> 28n;
  assert.equal(odd & 1n, 1n);
  assert.equal(R, bn254.fields.Fr.ORDER);
  assert.equal(P, bn254.fields.Fp.ORDER);
  assert.equal(DELTA, bn254.fields.Fr.pow(7n, 1n << 28n));
  assert.equal(new Domain(28).omega, bn254.fields.Fr.pow(7n, odd));
  assert.equal(new Domain(0).omega, 1n);
});

/** The definition of a Lagrange polynomial, tried outside and inside the domain. */
test("Lagrange polynomials interpolate the rows", () => {
  const domain = new Domain(3);
  const x = 12345n;
  const basis = domain.lagrange(x, 0, 7) ?? [];
  const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => (a + b) % R, 0n);
  assert.equal(sum(basis), 1n);
  assert.equal(sum(basis.map((value, row) => mul(value, domain.row(row)))), x);
  assert.deepEqual(domain.lagrange(x, -2, -1), basis.slice(6));
  assert.equal(domain.lagrange(domain.row(2), 0, 7), undefined);
});

test("inverses are inverses, and zero has none", () => {
  const elements = [1n, 2n, R - 1n, 123456789n];
  assert.deepEqual(inverses(elements), elements.map(inverse));
  assert.ok(elements.every((element) => mul(element, inverse(element) ?? 0n) === 1n));
  for (let at = 0; at < 4; at++) assert.equal(inverses(elements.with(at, 0n)), undefined);
  assert.deepEqual(inverses([]), []);
});

test("sums of multiples are those of one multiplication after the other", () => {
  const random = randomFrom(3);
  const { BASE, ZERO } = bn254.G1.Point;
  const scalar = (): bigint => BigInt(random(2 ** 32)) ** 8n % R;
  for (const length of [0, 1, 2, 5, 600]) {
    const points = Array.from({ length }, (_, index) => (index % 5 === 3 ? ZERO : BASE.multiplyUnsafe(BigInt(index + 1))));
    const scalars = points.map((_, index) => [0n, 1n, R - 1n, scalar()][index % 4] ?? scalar());
    const expected = points.reduce((sum, point, index) => sum.add(point.multiplyUnsafe(scalars[index] ?? 0n)), ZERO);
    assert.ok(sumOfMultiples(scalars, points).equals(expected), `${length}`);
  }
});

test("pairings of the identity are equal to no other", () => {
  const { BASE, ZERO } = bn254.G1.Point;
  const { x, y } = bn254.G2.Point.BASE.toAffine();
  const g2 = g2Element({ x, y });
  const twice = g2Element(bn254.G2.Point.BASE.double().toAffine());
  assert.ok(pairingsAreEqual(BASE, twice, BASE.double(), g2));
  assert.ok(!pairingsAreEqual(BASE, twice, BASE, g2));
  assert.ok(!pairingsAreEqual(BASE, twice, BASE.double().negate(), g2));
  assert.ok(pairingsAreEqual(ZERO, twice, ZERO, g2));
  assert.ok(!pairingsAreEqual(BASE, twice, ZERO, g2));
  assert.ok(!pairingsAreEqual(ZERO, twice, BASE, g2));
});

test("points have one spelling, and are in their groups", () => {
  const { BASE } = bn254.G1.Point;
  const g1 = BASE.toAffine();
  assert.deepEqual(readG1(g1Bytes(g1)), { x: 1n, y: 2n });
  assert.deepEqual(readG1(new Uint8Array(64)), { x: 0n, y: 0n });
  assert.equal(readG1(g1Bytes({ x: 1n, y: 3n })), "off the curve");
  assert.equal(readG1(g1Bytes({ x: P + 1n, y: 2n })), "unreduced");
  assert.equal(readG1(g1Bytes({ x: 1n, y: P + 2n })), "unreduced");
  const g2 = bn254.G2.Point.BASE.toAffine();
  const bytes = g2Bytes(g2);
  assert.deepEqual(readG2(bytes), { x: { ...g2.x }, y: { ...g2.y } });
  for (let coordinate = 0; coordinate < 4; coordinate++) {
    const at = 32 * coordinate;
    const more = bytes.slice();
    more.set(word(BigInt(`0x${Buffer.from(bytes.slice(at, at + 32)).toString("hex")}`) + P), at);
    assert.equal(readG2(more), "unreduced", `coordinate ${coordinate}`);
    const off = bytes.slice();
    off[at + 31] = (off[at + 31] ?? 0) ^ 1;
    assert.equal(readG2(off), "off the curve", `coordinate ${coordinate}`);
  }
  assert.equal(g2Fault({ x: { c0: -1n, c1: 0n }, y: g2.y }), "unreduced");
});
