/** Keys that were checked. */

import type { Hex } from "./bytes.js";
import { keyDigest, type VerifyingKey } from "./key.js";
import { limit } from "./limits.js";
import { validateKey } from "./validate.js";

/** Each with its digest. What was checked is frozen, so that it stays what it was and is checked once. */
const checked = new WeakMap<VerifyingKey, Hex>();

/** Validates a key of at most so many public values, freezes it and gives its digest. */
export function checkedKey(key: VerifyingKey, maxValues: number): Hex {
  const known = checked.get(key);
  if (known !== undefined) return known;
  validateKey(key);
  // Before their meaning is hashed, which takes the most time.
  limit("public values", key.numInstances, maxValues);
  freeze(key);
  const digest = keyDigest(key);
  checked.set(key, digest);
  return digest;
}

/** Of a valid key: its depth is bounded. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  Object.freeze(value);
  Object.values(value).forEach(freeze);
}
