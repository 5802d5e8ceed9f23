/**
 * The shape of a circuit: its columns, gates, queries and copy-constrained columns, without any value. The order of every list
 * matters: it is the order of the proof's bytes and of the terms that challenges combine.
 */

import { concat, type Reader, toBytes, word } from "./bytes.js";
import { VerifyError } from "./errors.js";
import { readScalar } from "./format.js";
import { limit, MAX_DEPTH } from "./limits.js";

export type ColumnKind = "fixed" | "advice" | "instance";

/** A column: its kind, and its position among the columns of that kind. */
export interface Column {
  readonly kind: ColumnKind;
  readonly index: number;
}

/** A column opened `rotation` rows ahead. */
export interface Query {
  readonly column: number;
  readonly rotation: number;
}

/** A polynomial in the queried cells and the challenges; cells are indices into the list of queries of their kind. */
export type Expression =
  | { readonly node: "constant"; readonly value: bigint }
  | { readonly node: ColumnKind | "challenge"; readonly index: number }
  | { readonly node: "negated"; readonly a: Expression }
  | { readonly node: "sum" | "product"; readonly a: Expression; readonly b: Expression }
  | { readonly node: "scaled"; readonly a: Expression; readonly factor: bigint };

export interface Shape {
  readonly numFixedColumns: number;
  /** 0 or 1. */
  readonly numInstanceColumns: number;
  /** Largest degree of a constraint: the quotient has `degree - 1` pieces, a permutation product covers `degree - 2` columns. */
  readonly degree: number;
  /** Rows at the end of each column that hold randomness. */
  readonly blindingFactors: number;
  /** For each advice column, the phase in which it is committed. */
  readonly advicePhases: readonly number[];
  /** For each challenge, the phase after whose commitments it is drawn. */
  readonly challengePhases: readonly number[];
  readonly adviceQueries: readonly Query[];
  readonly fixedQueries: readonly Query[];
  readonly instanceQueries: readonly Query[];
  /** Columns of the permutation argument (copy constraints). */
  readonly permutationColumns: readonly Column[];
  /** Polynomials that vanish on every row. */
  readonly gates: readonly Expression[];
}

/** How many columns one permutation product covers. */
export function permutationChunk(shape: Shape): number {
  return shape.degree - 2;
}

export function numPermutationProducts(shape: Shape): number {
  return Math.ceil(shape.permutationColumns.length / permutationChunk(shape));
}

/** In the order of their bytes. */
const KINDS: readonly ColumnKind[] = ["fixed", "advice", "instance"];

/** Reads a shape; `format.ts` has the layout. */
export function readShape(reader: Reader): Shape {
  const query = (): Query => {
    const column = reader.unsigned("query", 2);
    return { column, rotation: Number(reader.signed("query", 4)) };
  };
  const column = (): Column => {
    const got = reader.unsigned("permutation columns", 1);
    const kind = KINDS[got];
    if (kind === undefined) throw new VerifyError("Key.Tag", { what: "the kind of a column", got });
    return { kind, index: reader.unsigned("permutation columns", 2) };
  };
  // The order of the properties is the order of the bytes.
  return {
    numFixedColumns: reader.unsigned("number of fixed columns", 2),
    numInstanceColumns: reader.unsigned("number of instance columns", 1),
    degree: reader.unsigned("degree", 1),
    blindingFactors: reader.unsigned("number of blinding factors", 2),
    advicePhases: reader.list("advice phases", () => reader.unsigned("advice phases", 1)),
    challengePhases: reader.list("challenge phases", () => reader.unsigned("challenge phases", 1)),
    adviceQueries: reader.list("advice queries", query),
    fixedQueries: reader.list("fixed queries", query),
    instanceQueries: reader.list("instance queries", query),
    permutationColumns: reader.list("permutation columns", column),
    gates: reader.list("gates", () => readExpression(reader, 1)),
  };
}

/** Each node takes at least a byte, so the input bounds the work; the root stands at depth 1. */
function readExpression(reader: Reader, depth: number): Expression {
  limit("nesting of a gate", depth, MAX_DEPTH);
  const operand = (): Expression => readExpression(reader, depth + 1);
  const index = (): number => reader.unsigned("expression", 2);
  const scalar = (): bigint => readScalar(reader, "constant of a gate");
  const got = reader.unsigned("expression", 1);
  switch (got) {
    case 0:
      return { node: "constant", value: scalar() };
    case 1:
      return { node: "fixed", index: index() };
    case 2:
      return { node: "advice", index: index() };
    case 3:
      return { node: "instance", index: index() };
    case 4:
      return { node: "challenge", index: index() };
    case 5:
      return { node: "negated", a: operand() };
    case 6:
      return { node: "sum", a: operand(), b: operand() };
    case 7:
      return { node: "product", a: operand(), b: operand() };
    case 8:
      return { node: "scaled", a: operand(), factor: scalar() };
    default:
      throw new VerifyError("Key.Tag", { what: "a node of a gate", got });
  }
}

/** The inverse of {@link readShape}, for a shape that is valid. */
export function shapeBytes(shape: Shape): Uint8Array {
  const parts: Uint8Array[] = [];
  const put = (number: number, length: number): void => void parts.push(toBytes(BigInt(number), length));
  put(shape.numFixedColumns, 2);
  put(shape.numInstanceColumns, 1);
  put(shape.degree, 1);
  put(shape.blindingFactors, 2);
  for (const phases of [shape.advicePhases, shape.challengePhases]) {
    put(phases.length, 2);
    for (const phase of phases) put(phase, 1);
  }
  for (const queries of [shape.adviceQueries, shape.fixedQueries, shape.instanceQueries]) {
    put(queries.length, 2);
    for (const { column, rotation } of queries) {
      put(column, 2);
      put(rotation, 4);
    }
  }
  put(shape.permutationColumns.length, 2);
  for (const { kind, index } of shape.permutationColumns) {
    put(KINDS.indexOf(kind), 1);
    put(index, 2);
  }
  put(shape.gates.length, 2);
  for (const gate of shape.gates) putExpression(parts, gate);
  return concat(parts);
}

const TAGS = { constant: 0, fixed: 1, advice: 2, instance: 3, challenge: 4, negated: 5, sum: 6, product: 7, scaled: 8 } as const;

function putExpression(parts: Uint8Array[], expression: Expression): void {
  parts.push(Uint8Array.of(TAGS[expression.node]));
  switch (expression.node) {
    case "constant":
      parts.push(word(expression.value));
      return;
    case "fixed":
    case "advice":
    case "instance":
    case "challenge":
      parts.push(toBytes(BigInt(expression.index), 2));
      return;
    case "negated":
      putExpression(parts, expression.a);
      return;
    case "sum":
    case "product":
      putExpression(parts, expression.a);
      putExpression(parts, expression.b);
      return;
    case "scaled":
      putExpression(parts, expression.a);
      parts.push(word(expression.factor));
      return;
  }
}
