/**
 * What every key must satisfy before a proof is verified with it. Decoding and verification both come through here, so that the
 * arithmetic behind may rely on it: indices exist, queries differ, rotations are distinct points, sizes are bounded.
 */

import { g2Fault, type G1, type G2, isG1Identity, isG2Identity, isOnG1 } from "./curve.js";
import { VerifyError } from "./errors.js";
import { TWO_ADICITY } from "./field.js";
import type { Srs, VerifyingKey } from "./key.js";
import { isEmptyLayout, numDescribed } from "./layout.js";
import { limit, MAX_COLUMNS, MAX_DEGREE, MAX_DEPTH, MAX_GATES, MAX_NODES, MAX_ROTATION } from "./limits.js";
import type { Column, ColumnKind, Expression, Query, Shape } from "./shape.js";
import { openingGroups } from "./shplonk.js";

function exists(what: string, got: number, length: number): void {
  if (got >= length) throw new VerifyError("Key.Dangling", { what, expected: `less than ${length}`, got });
}

function count(what: string, got: number, expected: number): void {
  if (got !== expected) throw new VerifyError("Key.Count", { what, expected, got });
}

function least(what: string, got: number, min: number): void {
  if (got < min) throw new VerifyError("Key.TooFew", { what, expected: `at least ${min}`, got });
}

/** Refuses a key whose parts do not fit each other. Whose key it is, it cannot say: pin its digest. */
export function validateKey(key: VerifyingKey): void {
  const { shape } = key;
  validateShape(shape);
  limit("k", key.k, TWO_ADICITY);
  validateRows(key);
  count("fixed commitments", key.fixedCommitments.length, shape.numFixedColumns);
  count("permutation commitments", key.permutationCommitments.length, shape.permutationColumns.length);
  // A column of zeros commits to the identity. A permutation polynomial takes 2^k nonzero values: its commitment is the
  // identity only if the secret is a root of a known polynomial.
  for (const point of key.fixedCommitments) onG1("a fixed commitment", point);
  for (const point of key.permutationCommitments) onG1AndNotIdentity("a permutation commitment", point);
  validateSrs(key.srs);
  const described = numDescribed(key.layout);
  if (!isEmptyLayout(key.layout)) count("described instances", described, key.numInstances);
}

function validateShape(shape: Shape): void {
  limit("fixed columns", shape.numFixedColumns, MAX_COLUMNS);
  limit("instance columns", shape.numInstanceColumns, 1);
  limit("advice columns", shape.advicePhases.length, MAX_COLUMNS);
  limit("challenges", shape.challengePhases.length, MAX_COLUMNS);
  limit("columns of the permutation argument", shape.permutationColumns.length, MAX_COLUMNS);
  limit("gates", shape.gates.length, MAX_GATES);
  limit("degree", shape.degree, MAX_DEGREE);
  least("degree", shape.degree, 3);
  validatePhases(shape);
  validateQueries("advice", shape.adviceQueries, shape.advicePhases.length);
  validateQueries("fixed", shape.fixedQueries, shape.numFixedColumns);
  validateQueries("instance", shape.instanceQueries, shape.numInstanceColumns);
  count("blinding factors", shape.blindingFactors, requiredBlindingFactors(shape));
  validatePermutation(shape);
  validateGates(shape);
}

function validatePhases(shape: Shape): void {
  const last = shape.advicePhases.reduce((high, phase) => Math.max(high, phase), 0);
  limit("phase", last, 2);
  // The transcript's rule for an empty buffer relies on something being absorbed before each phase's challenges.
  for (let phase = 0; phase <= last; phase++) {
    if (!shape.advicePhases.includes(phase)) throw new VerifyError("Key.EmptyPhase", { got: phase });
  }
  for (const phase of shape.challengePhases) limit("phase of a challenge", phase, last);
}

function validateQueries(kind: ColumnKind, queries: readonly Query[], numColumns: number): void {
  const what = `${kind} query`;
  limit(what, queries.length, MAX_COLUMNS);
  const earlier = new Set<string>();
  queries.forEach(({ column, rotation }, index) => {
    exists(`${kind} column`, column, numColumns);
    limit("distance of a queried row", Math.abs(rotation), MAX_ROTATION);
    const query = `${column} ${rotation}`;
    // A polynomial that is opened twice at one point: two claims would be averaged instead of compared.
    if (earlier.has(query)) throw new VerifyError("Key.Duplicate", { what, got: index });
    earlier.add(query);
  });
}

/** halo2's rule: the most openings of an advice column, at least three, one for the opening argument, one for safety. */
function requiredBlindingFactors(shape: Shape): number {
  const openings = new Map<number, number>();
  for (const { column } of shape.adviceQueries) openings.set(column, (openings.get(column) ?? 0) + 1);
  return Math.max(3, ...openings.values()) + 2;
}

function validatePermutation(shape: Shape): void {
  const kinds = {
    advice: { length: shape.advicePhases.length, queries: shape.adviceQueries },
    fixed: { length: shape.numFixedColumns, queries: shape.fixedQueries },
    instance: { length: shape.numInstanceColumns, queries: shape.instanceQueries },
  };
  const earlier: Column[] = [];
  shape.permutationColumns.forEach((column, index) => {
    const { length, queries } = kinds[column.kind];
    exists(`${column.kind} column`, column.index, length);
    if (earlier.some(({ kind, index }) => kind === column.kind && index === column.index)) {
      throw new VerifyError("Key.Duplicate", { what: "column of the permutation argument", got: index });
    }
    if (!queries.some((query) => query.column === column.index && query.rotation === 0)) {
      throw new VerifyError("Key.PermutationColumnNotQueried", { got: index });
    }
    earlier.push(column);
  });
}

function validateGates(shape: Shape): void {
  let nodes = 0;
  shape.gates.forEach((gate, index) => {
    // By an explicit stack: how deep a key goes that was built by hand is not known yet.
    const stack: { node: Expression; depth: number }[] = [{ node: gate, depth: 1 }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { node, depth } = top;
      limit("nodes of all gates", ++nodes, MAX_NODES);
      limit("nesting of a gate", depth, MAX_DEPTH);
      switch (node.node) {
        case "constant":
          break;
        case "fixed":
          exists("fixed query", node.index, shape.fixedQueries.length);
          break;
        case "advice":
          exists("advice query", node.index, shape.adviceQueries.length);
          break;
        case "instance":
          exists("instance query", node.index, shape.instanceQueries.length);
          break;
        case "challenge":
          exists("challenge", node.index, shape.challengePhases.length);
          break;
        case "negated":
        case "scaled":
          stack.push({ node: node.a, depth: depth + 1 });
          break;
        case "sum":
        case "product":
          stack.push({ node: node.a, depth: depth + 1 }, { node: node.b, depth: depth + 1 });
          break;
      }
    }
    const got = degree(gate);
    const expected = `at most ${shape.degree}`;
    if (got > shape.degree) throw new VerifyError("Key.GateDegree", { what: `gate ${index}`, expected, got });
  });
}

/** As a polynomial in the columns. */
function degree(expression: Expression): number {
  switch (expression.node) {
    case "constant":
    case "challenge":
      return 0;
    case "fixed":
    case "advice":
    case "instance":
      return 1;
    case "negated":
    case "scaled":
      return degree(expression.a);
    case "sum":
      return Math.max(degree(expression.a), degree(expression.b));
    case "product":
      return degree(expression.a) + degree(expression.b);
  }
}

function validateRows({ k, numInstances, shape }: VerifyingKey): void {
  const rows = 2 ** k;
  // The rows that hold randomness, the last usable one, row 0 and one more.
  least("rows", rows, shape.blindingFactors + 3);
  // Two rotations that are equal modulo the number of rows would be one point with two claims.
  let [lowest, highest] = [0, 0];
  const see = (rotation: number): void => {
    lowest = Math.min(lowest, rotation);
    highest = Math.max(highest, rotation);
  };
  for (const queries of [shape.adviceQueries, shape.fixedQueries, shape.instanceQueries]) {
    for (const { rotation } of queries) see(rotation);
  }
  for (const { rotations } of openingGroups(shape)) rotations.forEach(see);
  limit("distance of two queried rows", highest - lowest, rows - 1);
  limit("instances", numInstances, shape.numInstanceColumns === 0 ? 0 : rows - shape.blindingFactors - 1);
}

/** That its points belong to one secret, a digest says that somebody pinned. */
function validateSrs(srs: Srs): void {
  onG1AndNotIdentity("[1]_1", srs.g1);
  onG1AndNotIdentity("[s]_1", srs.sG1);
  inG2AndNotIdentity("[1]_2", srs.g2);
  inG2AndNotIdentity("[s]_2", srs.sG2);
}

function onG1(what: string, point: G1): void {
  if (!isOnG1(point)) throw new VerifyError("Key.NotOnCurve", { what });
}

function onG1AndNotIdentity(what: string, point: G1): void {
  onG1(what, point);
  if (isG1Identity(point)) throw new VerifyError("Key.Identity", { what });
}

function inG2AndNotIdentity(what: string, point: G2): void {
  const fault = g2Fault(point);
  if (fault === "outside the subgroup") throw new VerifyError("Key.NotInSubgroup", { what });
  if (fault !== undefined) throw new VerifyError("Key.NotOnCurve", { what });
  if (isG2Identity(point)) throw new VerifyError("Key.Identity", { what });
}
