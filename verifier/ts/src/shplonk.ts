/**
 * SHPLONK: many polynomials opened at many points with two group elements (Boneh, Drake, Fisch, Gabizon, eprint 2020/081,
 * section 4). Polynomials that are opened at the same points form a group. What is left to check, with `Z_i` the vanishing
 * polynomial of group `i` and `r_ij` the interpolation of the claimed evaluations of `C_ij`, is
 *
 * `e(W', [s]_2) = e(sum_i v^i (Z_0/Z_i)(u) sum_j y^j (C_ij - r_ij(u)) - Z_0(u) W + u W', [1]_2)`
 *
 * A commitment must not be opened twice at one point: two claims would then be averaged instead of compared. Claims are grouped by
 * which polynomial they are about, never by the value of its commitment, and a valid shape has distinct queries.
 */

import { existing } from "./bytes.js";
import { challenge, type Conversation, evaluation } from "./conversation.js";
import { add, inverses, mul, neg, sub } from "./field.js";
import { numPermutationProducts, type Shape } from "./shape.js";

export type PolynomialKind = "advice" | "product" | "fixed" | "permutation" | "quotient" | "random";

/** A committed polynomial that is opened. */
export interface Polynomial {
  readonly kind: PolynomialKind;
  readonly index: number;
}

/** A polynomial and the names of its claimed values, at the points of its group in their order. */
export interface Opening extends Polynomial {
  readonly claims: readonly string[];
}

/** Polynomials that are opened at the same points `x * omega^rotation`, ascending. */
export interface OpeningGroup {
  readonly rotations: readonly number[];
  readonly openings: readonly Opening[];
}

interface Claim {
  readonly rotation: number;
  readonly name: string;
}

/**
 * In halo2's order, which is that of the powers of `v`: polynomials in the order of their first query, groups in the order of their
 * first polynomial.
 */
export function openingGroups(shape: Shape): OpeningGroup[] {
  const polynomials = new Map<string, { polynomial: Polynomial; claims: Claim[] }>();
  const open = (kind: PolynomialKind, index: number, rotation: number, name: string): void => {
    const id = `${kind} ${index}`;
    const known = polynomials.get(id);
    if (known !== undefined) known.claims.push({ rotation, name });
    else polynomials.set(id, { polynomial: { kind, index }, claims: [{ rotation, name }] });
  };
  shape.adviceQueries.forEach(({ column, rotation }, query) => open("advice", column, rotation, evaluation.advice(query)));
  const numProducts = numPermutationProducts(shape);
  for (let chunk = 0; chunk < numProducts; chunk++) {
    open("product", chunk, 0, evaluation.product(chunk));
    open("product", chunk, 1, evaluation.productNext(chunk));
    // The last usable row, seen from row 0.
    const last = -(shape.blindingFactors + 1);
    if (chunk + 1 < numProducts) open("product", chunk, last, evaluation.productLast(chunk));
  }
  shape.fixedQueries.forEach(({ column, rotation }, query) => open("fixed", column, rotation, evaluation.fixed(query)));
  shape.permutationColumns.forEach((_, column) => open("permutation", column, 0, evaluation.permutation(column)));
  open("quotient", 0, 0, evaluation.quotient);
  open("random", 0, 0, evaluation.random);

  const groups = new Map<string, { rotations: number[]; openings: Opening[] }>();
  for (const { polynomial, claims } of polynomials.values()) {
    claims.sort((a, b) => a.rotation - b.rotation);
    const rotations = claims.map(({ rotation }) => rotation);
    const opening = { ...polynomial, claims: claims.map(({ name }) => name) };
    const known = groups.get(rotations.join());
    if (known !== undefined) known.openings.push(opening);
    else groups.set(rotations.join(), { rotations, openings: [opening] });
  }
  return [...groups.values()];
}

/** The right side of the check, as multiples of the commitments. That of `W'` is `u`. */
export interface Combination {
  readonly polynomials: readonly { readonly polynomial: Polynomial; readonly factor: bigint }[];
  /** Of `[1]_1`. */
  readonly g1: bigint;
  /** Of `W`. */
  readonly openingQuotient: bigint;
}

/** Combines all groups; `row` maps a rotation to `omega^rotation`. `undefined` if `u` is one of the points. */
export function combine(
  groups: readonly OpeningGroup[],
  conversation: Conversation,
  quotient: bigint,
  row: (rotation: number) => bigint,
): Combination | undefined {
  const x = conversation.scalar(challenge.x);
  const y = conversation.scalar(challenge.openingY);
  const v = conversation.scalar(challenge.openingV);
  const u = conversation.scalar(challenge.openingU);
  const claimed = (name: string): bigint => (name === evaluation.quotient ? quotient : conversation.scalar(name));

  const polynomials: { polynomial: Polynomial; factor: bigint }[] = [];
  let g1 = 0n;
  let powerOfV = 1n;
  let first: bigint | undefined;
  for (const { rotations, openings } of groups) {
    const points = rotations.map((rotation) => mul(x, row(rotation)));
    const vanishing = points.reduce((product, point) => mul(product, sub(u, point)), 1n);
    first ??= vanishing;
    // L_l(u) = Z(u) / ((u - p_l) * prod_{m != l} (p_l - p_m))
    const denominators = points.map((here, l) =>
      points.reduce((product, other, m) => (m === l ? product : mul(product, sub(here, other))), sub(u, here)),
    );
    const reciprocals = inverses([...denominators, vanishing]);
    if (reciprocals === undefined) return undefined;
    const basis = points.map((_, l) => mul(vanishing, existing(reciprocals[l])));
    const groupFactor = mul(powerOfV, mul(first, existing(reciprocals[points.length])));
    let interpolated = 0n;
    let powerOfY = 1n;
    for (const { kind, index, claims } of openings) {
      const value = claims.reduce((sum, name, l) => add(sum, mul(claimed(name), existing(basis[l]))), 0n);
      interpolated = add(interpolated, mul(powerOfY, value));
      polynomials.push({ polynomial: { kind, index }, factor: mul(groupFactor, powerOfY) });
      powerOfY = mul(powerOfY, y);
    }
    g1 = sub(g1, mul(groupFactor, interpolated));
    powerOfV = mul(powerOfV, v);
  }
  return { polynomials, g1, openingQuotient: neg(existing(first)) };
}
