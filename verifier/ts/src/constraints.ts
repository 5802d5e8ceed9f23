/**
 * The value that the quotient must take at `x`, from the claimed evaluations:
 * `h(x) * (x^n - 1) = sum of all constraints`, combined by powers of `y`: the gates in order, then those of the permutation
 * argument. halo2's Horner scheme gives the first constraint the highest power.
 */

import { existing } from "./bytes.js";
import { challenge, type Conversation, evaluation } from "./conversation.js";
import { add, DELTA, type Domain, inverse, mul, neg, sub } from "./field.js";
import { type Column, type Expression, numPermutationProducts, permutationChunk, type Shape } from "./shape.js";

/** What gates and the permutation argument refer to, at the point `x`. */
export interface Cells {
  readonly advice: readonly bigint[];
  readonly fixed: readonly bigint[];
  readonly instance: readonly bigint[];
  readonly challenge: readonly bigint[];
}

/** `h(x)`; `undefined` if `x` lies in the domain. */
export function quotientEvaluation(
  shape: Shape,
  domain: Domain,
  instances: readonly bigint[],
  conversation: Conversation,
): bigint | undefined {
  const x = conversation.scalar(challenge.x);
  const y = conversation.scalar(challenge.y);
  const vanishing = inverse(sub(domain.power(x), 1n));
  if (vanishing === undefined) return undefined;

  // A column queried at rotation r has the value sum_j instance_j * l_(j - r)(x).
  const shifts = shape.instanceQueries.map(({ rotation }) => rotation);
  const last = -(shape.blindingFactors + 1);
  const lowest = Math.min(last, ...shifts.map((rotation) => -rotation));
  const highest = Math.max(0, ...shifts.map((rotation) => instances.length - rotation));
  const lagrange = domain.lagrange(x, lowest, highest);
  if (lagrange === undefined) return undefined;
  const row = (index: number): bigint => existing(lagrange[index - lowest]);
  let blind = 0n;
  for (let index = last + 1; index < 0; index++) blind = add(blind, row(index));

  const cells: Cells = {
    advice: shape.adviceQueries.map((_, query) => conversation.scalar(evaluation.advice(query))),
    fixed: shape.fixedQueries.map((_, query) => conversation.scalar(evaluation.fixed(query))),
    instance: shifts.map((rotation) => instances.reduce((sum, value, j) => add(sum, mul(value, row(j - rotation))), 0n)),
    challenge: shape.challengePhases.map((_, index) => conversation.scalar(challenge.circuit(index))),
  };
  let sum = 0n;
  const push = (constraint: bigint): void => void (sum = add(mul(sum, y), constraint));
  for (const gate of shape.gates) push(evaluate(gate, cells));
  for (const constraint of permutation(shape, conversation, cells, row(0), row(last), blind)) push(constraint);
  return mul(sum, vanishing);
}

function evaluate(expression: Expression, cells: Cells): bigint {
  switch (expression.node) {
    case "constant":
      return expression.value;
    case "fixed":
    case "advice":
    case "instance":
    case "challenge":
      return existing(cells[expression.node][expression.index]);
    case "negated":
      return neg(evaluate(expression.a, cells));
    case "sum":
      return add(evaluate(expression.a, cells), evaluate(expression.b, cells));
    case "product":
      return mul(evaluate(expression.a, cells), evaluate(expression.b, cells));
    case "scaled":
      return mul(evaluate(expression.a, cells), expression.factor);
  }
}

/** The constraints of the permutation argument, in halo2's order. `first`, `last`, `blind`: Lagrange polynomials at `x`. */
function permutation(
  shape: Shape,
  conversation: Conversation,
  cells: Cells,
  first: bigint,
  last: bigint,
  blind: bigint,
): bigint[] {
  const numProducts = numPermutationProducts(shape);
  if (numProducts === 0) return [];
  const [beta, gamma, x] = [challenge.beta, challenge.gamma, challenge.x].map((name) => conversation.scalar(name)) as [
    bigint,
    bigint,
    bigint,
  ];
  const here = (chunk: number): bigint => conversation.scalar(evaluation.product(chunk));
  const constraints: bigint[] = [];

  // l_0 * (1 - z_0) = 0
  constraints.push(mul(first, sub(1n, here(0))));
  // l_last * (z_l^2 - z_l) = 0
  const final = here(numProducts - 1);
  constraints.push(mul(last, sub(mul(final, final), final)));
  // l_0 * (z_i - z_(i-1)(omega^last X)) = 0
  for (let chunk = 1; chunk < numProducts; chunk++) {
    const before = conversation.scalar(evaluation.productLast(chunk - 1));
    constraints.push(mul(first, sub(here(chunk), before)));
  }
  // (1 - l_last - l_blind) * (z_i(omega X) prod (a_j + beta s_j + gamma) - z_i prod (a_j + delta^j beta X + gamma)) = 0
  const active = sub(sub(1n, last), blind);
  const size = permutationChunk(shape);
  let identity = mul(beta, x);
  for (let chunk = 0; chunk < numProducts; chunk++) {
    let left = conversation.scalar(evaluation.productNext(chunk));
    let right = here(chunk);
    shape.permutationColumns.slice(chunk * size, (chunk + 1) * size).forEach((column, offset) => {
      const cell = add(cellOf(shape, cells, column), gamma);
      const sigma = conversation.scalar(evaluation.permutation(chunk * size + offset));
      left = mul(left, add(cell, mul(beta, sigma)));
      right = mul(right, add(cell, identity));
      identity = mul(identity, DELTA);
    });
    constraints.push(mul(active, sub(left, right)));
  }
  return constraints;
}

/** The value of a column on the current row, which it may be read on after others. */
export function cellOf(shape: Shape, cells: Cells, { kind, index }: Column): bigint {
  const queries = { advice: shape.adviceQueries, fixed: shape.fixedQueries, instance: shape.instanceQueries }[kind];
  return existing(cells[kind][queries.findIndex(({ column, rotation }) => column === index && rotation === 0)]);
}
