/**
 * What a proof consists of, in which order, and between which elements challenges are drawn: halo2's order of messages, from the
 * first phase to SHPLONK's last point. Elements and challenges go by their names.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { concat, existing, toNumber, word } from "./bytes.js";
import { G1_BYTES, type G1, isG1Identity, type PointFault, readG1 } from "./curve.js";
import { type ErrorCode, VerifyError } from "./errors.js";
import { R } from "./field.js";
import { numPermutationProducts, type Shape } from "./shape.js";

/** Names of the elements of a proof, as errors call them. */
export const element = {
  advice: (column: number) => `commitment to advice column ${column}`,
  product: (chunk: number) => `commitment to permutation product ${chunk}`,
  random: "commitment to the random polynomial",
  quotient: (piece: number) => `commitment to quotient piece ${piece}`,
  openingQuotient: "opening quotient W",
  openingProof: "opening proof W'",
};

/** Names of claimed evaluations. That of the quotient is not in the proof: the verifier computes it from the gates. */
export const evaluation = {
  advice: (query: number) => `evaluation of advice query ${query}`,
  fixed: (query: number) => `evaluation of fixed query ${query}`,
  random: "evaluation of the random polynomial",
  permutation: (column: number) => `evaluation of permutation polynomial ${column}`,
  product: (chunk: number) => `evaluation of permutation product ${chunk} at x`,
  productNext: (chunk: number) => `evaluation of permutation product ${chunk} at the next row`,
  productLast: (chunk: number) => `evaluation of permutation product ${chunk} at the last row`,
  quotient: "evaluation of the quotient",
};

/** Names of challenges. */
export const challenge = {
  circuit: (index: number) => `challenge ${index} of the circuit`,
  theta: "theta",
  beta: "beta",
  gamma: "gamma",
  y: "y",
  x: "x",
  openingY: "y of the opening",
  openingV: "v of the opening",
  openingU: "u of the opening",
};

/** The prover sends a point or a scalar, or the verifier draws a challenge. */
export type Step =
  | { readonly kind: "point"; readonly name: string }
  | { readonly kind: "scalar"; readonly name: string }
  | { readonly kind: "squeeze"; readonly name: string };

/** The conversation after the key and the instances are absorbed. The elements sent, in order, are the proof. */
export function conversationSteps(shape: Shape): Step[] {
  const steps: Step[] = [];
  const point = (name: string): void => void steps.push({ kind: "point", name });
  const scalar = (name: string): void => void steps.push({ kind: "scalar", name });
  const squeeze = (name: string): void => void steps.push({ kind: "squeeze", name });
  const numProducts = numPermutationProducts(shape);

  const lastPhase = shape.advicePhases.reduce((high, phase) => Math.max(high, phase), 0);
  for (let phase = 0; phase <= lastPhase; phase++) {
    shape.advicePhases.forEach((of, column) => of === phase && point(element.advice(column)));
    shape.challengePhases.forEach((after, index) => after === phase && squeeze(challenge.circuit(index)));
  }
  // Of halo2's lookups, which no shape here has; drawn because it is part of the transcript.
  squeeze(challenge.theta);
  squeeze(challenge.beta);
  squeeze(challenge.gamma);
  for (let chunk = 0; chunk < numProducts; chunk++) point(element.product(chunk));
  point(element.random);
  squeeze(challenge.y);
  for (let piece = 0; piece < shape.degree - 1; piece++) point(element.quotient(piece));
  squeeze(challenge.x);

  shape.adviceQueries.forEach((_, query) => scalar(evaluation.advice(query)));
  shape.fixedQueries.forEach((_, query) => scalar(evaluation.fixed(query)));
  scalar(evaluation.random);
  shape.permutationColumns.forEach((_, column) => scalar(evaluation.permutation(column)));
  for (let chunk = 0; chunk < numProducts; chunk++) {
    scalar(evaluation.product(chunk));
    scalar(evaluation.productNext(chunk));
    if (chunk + 1 < numProducts) scalar(evaluation.productLast(chunk));
  }
  squeeze(challenge.openingY);
  squeeze(challenge.openingV);
  point(element.openingQuotient);
  squeeze(challenge.openingU);
  point(element.openingProof);
  return steps;
}

/** Length in bytes of a proof that takes these steps. */
export function proofLength(steps: readonly Step[]): number {
  const bytes = { point: G1_BYTES, scalar: 32, squeeze: 0 };
  return steps.reduce((sum, { kind }) => sum + bytes[kind], 0);
}

/** A proof that was read, and the challenges that were drawn on the way. */
export class Conversation {
  readonly points: ReadonlyMap<string, G1>;
  readonly scalars: ReadonlyMap<string, bigint>;

  constructor(points: ReadonlyMap<string, G1>, scalars: ReadonlyMap<string, bigint>) {
    this.points = points;
    this.scalars = scalars;
  }

  point(name: string): G1 {
    return existing(this.points.get(name));
  }

  /** A claimed evaluation or a challenge. */
  scalar(name: string): bigint {
    return existing(this.scalars.get(name));
  }
}

/**
 * The Fiat-Shamir transcript: a challenge is `keccak256(buffer) mod r`, and the hash becomes the new buffer; if nothing was
 * absorbed since the last challenge, a byte 1 follows it, so that two challenges in a row differ.
 */
class Transcript {
  #buffer: Uint8Array[] = [];
  #length = 0;

  absorb(bytes: Uint8Array): void {
    this.#buffer.push(bytes);
    this.#length += bytes.length;
  }

  squeeze(): bigint {
    if (this.#length === 32) this.absorb(Uint8Array.of(1));
    const hash = keccak_256(concat(this.#buffer));
    this.#buffer = [];
    this.#length = 0;
    this.absorb(hash);
    return toNumber(hash) % R;
  }
}

const FAULTS: Record<PointFault, ErrorCode> = {
  unreduced: "CoordinateNotCanonical",
  "off the curve": "PointNotOnCurve",
  // Of the second group alone, which no proof has.
  "outside the subgroup": "Internal",
};

/** Reads a proof, absorbing each element; scalars and coordinates have one spelling each, so its bytes are what is absorbed. */
export function readProof(
  steps: readonly Step[],
  transcriptRepr: bigint,
  instances: readonly Uint8Array[],
  proof: Uint8Array,
): Conversation {
  const expected = proofLength(steps);
  if (proof.length !== expected) throw new VerifyError("ProofLength", { expected, got: proof.length });
  const transcript = new Transcript();
  transcript.absorb(word(transcriptRepr));
  for (const instance of instances) transcript.absorb(instance);
  const points = new Map<string, G1>();
  const scalars = new Map<string, bigint>();
  let at = 0;
  for (const { kind, name } of steps) {
    if (kind === "squeeze") {
      scalars.set(name, transcript.squeeze());
      continue;
    }
    const bytes = proof.subarray(at, at + (kind === "point" ? G1_BYTES : 32));
    at += bytes.length;
    transcript.absorb(bytes);
    if (kind === "scalar") {
      const scalar = toNumber(bytes);
      if (scalar >= R) throw new VerifyError("ScalarNotCanonical", { what: name });
      scalars.set(name, scalar);
    } else {
      const point = readG1(bytes);
      if (typeof point === "string") throw new VerifyError(FAULTS[point], { what: name });
      if (isG1Identity(point)) throw new VerifyError("PointAtInfinity", { what: name });
      points.set(name, point);
    }
  }
  return new Conversation(points, scalars);
}
