/**
 * Points of BN254: their bytes in the EVM's way, sums of multiples, the pairing.
 *
 * Coordinates are read and checked here; the group's arithmetic and the pairing are `@noble/curves`'.
 */

import { interleavedMSMUnsafe, pippenger } from "@noble/curves/abstract/curve.js";
import { bn254 } from "@noble/curves/bn254.js";
import { concat, existing, toNumber, word } from "./bytes.js";

/** Order of the field of coordinates. */
export const P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47n;

/** A point of the first group, as coordinates; the identity is `(0, 0)`, which no curve equation has. */
export interface G1 {
  readonly x: bigint;
  readonly y: bigint;
}

/** An element `c0 + c1*u` of the quadratic extension. */
export interface Fp2 {
  readonly c0: bigint;
  readonly c1: bigint;
}

/** A point of the second group; the identity is all zeros. */
export interface G2 {
  readonly x: Fp2;
  readonly y: Fp2;
}

/** What is wrong with bytes, or with a point. */
export type PointFault = "unreduced" | "off the curve" | "outside the subgroup";

/** A point of the first group in noble's form. */
export type G1Element = ReturnType<typeof bn254.G1.Point.fromAffine>;
/** Of the second group, with the lines of its Miller loop. */
export type G2Element = ReturnType<typeof bn254.utils.calcPairingPrecomputes>;

export const G1_BYTES = 64;
export const G2_BYTES = 128;

export function isG1Identity(point: G1): boolean {
  return point.x === 0n && point.y === 0n;
}

export function isG2Identity({ x, y }: G2): boolean {
  return x.c0 === 0n && x.c1 === 0n && y.c0 === 0n && y.c1 === 0n;
}

/** `y^2 = x^3 + 3`. G1 has no cofactor: a point on the curve is in the group. */
export function isOnG1({ x, y }: G1): boolean {
  if (x < 0n || y < 0n || x >= P || y >= P) return false;
  return (x === 0n && y === 0n) || (y * y - x * x * x - 3n) % P === 0n;
}

/** Whether a point is in the second group. */
export function g2Fault(point: G2): PointFault | undefined {
  if ([point.x, point.y].some(({ c0, c1 }) => c0 < 0n || c1 < 0n || c0 >= P || c1 >= P)) return "unreduced";
  if (isG2Identity(point)) return undefined;
  const field = bn254.fields.Fp2;
  const right = field.add(field.mul(field.sqr(point.x), point.x), bn254.G2.Point.CURVE().b);
  if (!field.eql(field.sqr(point.y), right)) return "off the curve";
  if (inSubgroup.has(point)) return undefined;
  if (!g2Point(point).isTorsionFree()) return "outside the subgroup";
  Object.freeze(point.x);
  Object.freeze(point.y);
  inSubgroup.add(Object.freeze(point));
  return undefined;
}

/** Points that were found in the subgroup, which takes some milliseconds; frozen, so that they stay there. */
const inSubgroup = new WeakSet<G2>();

/** `x || y` */
export function g1Bytes({ x, y }: G1): Uint8Array {
  return concat([word(x), word(y)]);
}

/** `x_c1 || x_c0 || y_c1 || y_c0`, the order of the EVM's pairing precompile. */
export function g2Bytes({ x, y }: G2): Uint8Array {
  return concat([x.c1, x.c0, y.c1, y.c0].map(word));
}

/** The inverse of {@link g1Bytes}, for 64 bytes: one spelling for each point. */
export function readG1(bytes: Uint8Array): G1 | PointFault {
  const point = { x: toNumber(bytes.subarray(0, 32)), y: toNumber(bytes.subarray(32, 64)) };
  if (point.x >= P || point.y >= P) return "unreduced";
  return isOnG1(point) ? point : "off the curve";
}

/** The inverse of {@link g2Bytes}, for 128 bytes. */
export function readG2(bytes: Uint8Array): G2 | PointFault {
  const coordinate = (index: number): bigint => toNumber(bytes.subarray(32 * index, 32 * index + 32));
  const point = {
    x: { c1: coordinate(0), c0: coordinate(1) },
    y: { c1: coordinate(2), c0: coordinate(3) },
  };
  return g2Fault(point) ?? point;
}

/** Of a point that {@link isOnG1}. */
export function g1Element(point: G1): G1Element {
  return isG1Identity(point) ? bn254.G1.Point.ZERO : bn254.G1.Point.fromAffine(point);
}

/** Of a point in the second group that is not the identity. */
export function g2Element(point: G2): G2Element {
  return bn254.utils.calcPairingPrecomputes(g2Point(point));
}

/** Of a point whose coordinates are reduced. */
function g2Point({ x, y }: G2): ReturnType<typeof bn254.G2.Point.fromAffine> {
  return bn254.G2.Point.fromAffine({ x: { ...x }, y: { ...y } });
}

/** `sum_i scalar_i * point_i`, scalars from 0 to `R - 1`. */
export function sumOfMultiples(scalars: readonly bigint[], points: readonly G1Element[]): G1Element {
  const terms = points.map((point, index) => ({ point, scalar: existing(scalars[index]) }));
  const kept = terms.filter(({ point, scalar }) => scalar !== 0n && !point.is0());
  if (kept.length === 0) return bn254.G1.Point.ZERO;
  const bases = kept.map(({ point }) => point);
  const factors = kept.map(({ scalar }) => scalar);
  // Up to some hundred points one chain of doublings for all is faster than buckets.
  if (kept.length > INTERLEAVED) return pippenger(bn254.G1.Point, bases, factors);
  return interleavedMSMUnsafe(bn254.G1.Point, bases, WINDOW)(factors);
}

const INTERLEAVED = 512;
const WINDOW = 5;

/**
 * Whether `e(a, b) = e(c, d)`. Both of the second group were checked when they were prepared, which is why noble's Miller loop is
 * called, and not its `pairingBatch`, which would check them for every proof again.
 */
export function pairingsAreEqual(a: G1Element, b: G2Element, c: G1Element, d: G2Element): boolean {
  // The pairing of the identity is 1; that of a point of prime order with one that is not the identity is not.
  if (a.is0() || c.is0()) return a.is0() && c.is0();
  const left = a.toAffine();
  const right = c.negate().toAffine();
  const lines: Parameters<typeof bn254.millerLoopBatch>[0] = [
    [b, left.x, left.y],
    [d, right.x, right.y],
  ];
  const product = bn254.fields.Fp12.finalExponentiate(bn254.millerLoopBatch(lines));
  return bn254.fields.Fp12.eql(product, bn254.fields.Fp12.ONE);
}
