/** Keys that were checked. */

import type { Hex } from "./bytes.js";
import { keyDigest, type VerifyingKey } from "./key.js";
import { validateKey } from "./validate.js";

/** Each with its digest. What was checked is frozen, so that it stays what it was and is checked once. */
const checked = new WeakMap<VerifyingKey, Hex>();

/** Validates a key, freezes it and gives its digest. */
export function checkedKey(key: VerifyingKey): Hex {
  const known = checked.get(key);
  if (known !== undefined) return known;
  validateKey(key);
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
