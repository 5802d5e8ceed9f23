/** How much of anything is accepted: what bounds the time and the memory that a key or a file of strangers can take. */

import { VerifyError } from "./errors.js";

/** Bytes of a key's circuit. */
export const MAX_CIRCUIT_BYTES = 1 << 20;
/** Bytes of a key. */
export const MAX_KEY_BYTES = 1 << 25;
/** Bytes of a `vk.json`, however many values. */
export const MAX_KEY_FILE_BYTES = 1 << 26;
/** Bytes of a `proof.json`, however many values. */
export const MAX_PROOF_FILE_BYTES = 1 << 27;
/** Columns of one kind, queries of one kind, challenges. */
export const MAX_COLUMNS = 1024;
export const MAX_GATES = 4096;
/** Nodes of all gates together: what one verification evaluates. */
export const MAX_NODES = 1 << 16;
/** Nesting of a gate's expression: decoding and evaluation recurse this deep. */
export const MAX_DEPTH = 256;
/** Degree of a constraint. */
export const MAX_DEGREE = 64;
/** Distance of a queried row. */
export const MAX_ROTATION = 1 << 16;
/** Dimensions of a tensor. */
export const MAX_RANK = 16;
export const MAX_NAME_BYTES = 0xffff;
/** Public values that a key describes. */
export const MAX_VALUES = 1 << 20;
/** Public values that are accepted without being asked for: hashing the meaning of a million takes a page many seconds. */
export const DEFAULT_VALUES = 1 << 16;
/** Magnitudes of public integers stay below this. */
export const MAX_INTEGER = 1n << 126n;

/** At most `max` of `what`. */
export function limit(what: string, got: number, max: number): void {
  if (got > max) throw new VerifyError("Key.Limit", { what, expected: `at most ${max}`, got });
}

/** What the caller is prepared to wait for. */
export interface Limits {
  /** Public values of a key: 65,536 unless said otherwise, at most 2^20. Bounds the length of files, too. */
  readonly maxValues?: number;
}

/** The number of public values that is accepted. */
export function maxValues(limits: Limits | undefined): number {
  const max = limits?.maxValues ?? DEFAULT_VALUES;
  if (Number.isSafeInteger(max) && max >= 0) return Math.min(max, MAX_VALUES);
  throw new VerifyError("Options", { what: "the option maxValues", expected: "an integer from 0", got: "another value" });
}

/** Bytes of a file with so many values: some megabytes for the rest, and for each value more than one takes. */
export function maxFileBytes(values: number, ever: number): number {
  return Math.min(ever, (1 << 22) + 256 * values);
}
