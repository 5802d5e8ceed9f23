/** How the instances of a key are read: context, inputs, outputs, with names, shapes, scales, offsets and ranges. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { concat, existing, type Hex, toBytes, toHex, toNumber, word } from "./bytes.js";
import { VerifyError } from "./errors.js";
import { R } from "./field.js";
import { limit, MAX_INTEGER, MAX_NAME_BYTES, MAX_RANK, MAX_VALUES } from "./limits.js";

/** Instances before the inputs: the lower and the upper half of the context. */
export const CONTEXT_INSTANCES = 2;

/** What an integer stands for: `x` becomes `q = round(x * num / den) + zero`, half to even, and `lo <= q <= hi`. */
export interface Quantization {
  readonly num: bigint;
  readonly den: bigint;
  /** The integer that stands for 0. */
  readonly zero: bigint;
  /** The least that the circuit lets the integer be. */
  readonly lo: bigint;
  /** The greatest. */
  readonly hi: bigint;
}

/** Neighbouring elements that are read alike. */
export interface Run extends Quantization {
  readonly count: number;
}

/** A tensor among the instances. */
export interface Tensor {
  /** As in the ONNX model: the model's maker chose it, so quote it before it is shown. */
  readonly name: string;
  /** Row-major. */
  readonly shape: readonly number[];
  readonly runs: readonly Run[];
}

/** What the instances mean, in their order after the context. */
export interface Layout {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** What verified instances say. */
export interface Statement {
  /** What the proof is bound to: 32 bytes. */
  readonly context: Hex;
  /** The integers of each input, row-major. */
  readonly inputs: readonly (readonly bigint[])[];
  readonly outputs: readonly (readonly bigint[])[];
}

/** As of a circuit that is no compiled model. */
export function isEmptyLayout({ inputs, outputs }: Layout): boolean {
  return inputs.length === 0 && outputs.length === 0;
}

/** How many instances a layout describes, the context's among them; refuses what no program has. */
export function numDescribed({ inputs, outputs }: Layout): number {
  let sum = CONTEXT_INSTANCES;
  for (const tensors of [inputs, outputs]) {
    const names = new Set<string>();
    for (const tensor of tensors) {
      sum += validateTensor(tensor);
      if (sum > MAX_VALUES) throw wrong(tensor, "there are more values than any program has");
      if (names.has(tensor.name)) throw wrong(tensor, "it is described twice");
      names.add(tensor.name);
    }
  }
  return sum;
}

function wrong(tensor: Tensor, got: string): VerifyError {
  return new VerifyError("Key.Layout", { what: tensor.name, got });
}

/** How many elements it has; `undefined` for a shape that no program has. */
function numElements(shape: readonly number[]): number | undefined {
  if (shape.length > MAX_RANK) return undefined;
  let product = 1;
  for (const extent of shape) {
    product *= extent;
    if (!(product >= 1 && product <= MAX_VALUES)) return undefined;
  }
  return product;
}

function validateTensor(tensor: Tensor): number {
  limit("bytes of a name", encoded(tensor.name).length, MAX_NAME_BYTES);
  // Zeros pad names in the ports: `y` and `y\0` would be one scalar.
  if (tensor.name.includes("\0")) throw wrong(tensor, "its name contains a zero byte");
  const length = numElements(tensor.shape);
  if (length === undefined) throw wrong(tensor, "no program has its shape");
  const described = tensor.runs.reduce((sum, { count }) => sum + count, 0);
  if (described !== length || tensor.runs.some(({ count }) => count === 0)) {
    throw wrong(tensor, "its quantizations are not as many as its elements");
  }
  tensor.runs.forEach((run, index) => {
    const before = tensor.runs[index - 1];
    if (before !== undefined && isReadAlike(before, run)) throw wrong(tensor, "two runs of its elements are one");
  });
  for (const { num, den, lo, hi } of tensor.runs) {
    if (num === 0n || den === 0n) throw wrong(tensor, "a scale is zero");
    if (lo > hi || lo <= -MAX_INTEGER || hi >= MAX_INTEGER) {
      throw wrong(tensor, "a range is empty, or wider than 127 bits");
    }
  }
  return length;
}

function isReadAlike(a: Quantization, b: Quantization): boolean {
  return a.num === b.num && a.den === b.den && a.zero === b.zero && a.lo === b.lo && a.hi === b.hi;
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * `keccak256(abi.encode(ports))` for
 * `struct Port { bytes32 name; int128 lo; int128 hi; uint128 num; uint128 den; int64 zero; }[]`, inputs' elements first.
 */
export function portsHash({ inputs, outputs }: Layout): Uint8Array {
  const tensors = [...inputs, ...outputs];
  const hash = keccak_256.create();
  const count = tensors.reduce((sum, { shape }) => sum + (numElements(shape) ?? 0), 0);
  hash.update(word(32n)).update(word(BigInt(count)));
  for (const tensor of tensors) {
    const name = encoded(tensor.name);
    // Once for all elements: each of a million may have 65,535 bytes of name.
    const hashed = keccak_256.create().update(name);
    const index = tensor.shape.map(() => 0);
    for (const { count, lo, hi, num, den, zero } of tensor.runs) {
      const meaning = concat([lo, hi, num, den, zero].map(word));
      for (let element = 0; element < count; element++) {
        hash.update(portName(name, hashed, index)).update(meaning);
        advance(index, tensor.shape);
      }
    }
  }
  return hash.digest();
}

/** The next element's place, row-major. */
function advance(index: number[], shape: readonly number[]): void {
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const next = existing(index[axis]) + 1;
    index[axis] = next < existing(shape[axis]) ? next : 0;
    if (next < existing(shape[axis])) return;
  }
}

/** `x[0,3]`, or `x` for a scalar, padded with zeros; from 32 bytes on its hash. `hashed` has taken in the tensor's name. */
function portName(name: Uint8Array, hashed: ReturnType<typeof keccak_256.create>, index: readonly number[]): Uint8Array {
  const place = encoded(index.length === 0 ? "" : `[${index.join(",")}]`);
  if (name.length + place.length >= 32) return hashed.clone().update(place).digest();
  const padded = new Uint8Array(32);
  padded.set(name);
  padded.set(place, name.length);
  return padded;
}

/** Keccak-256 of how the elements are tensors: for inputs, then outputs, their number, and for each its rank and extents. */
export function shapesDigest({ inputs, outputs }: Layout): Uint8Array {
  const hash = keccak_256.create();
  const put = (number: number): void => void hash.update(toBytes(BigInt(number), 8));
  for (const tensors of [inputs, outputs]) {
    put(tensors.length);
    for (const { shape } of tensors) {
      put(shape.length);
      shape.forEach(put);
    }
  }
  return hash.digest();
}

/** Decodes instances, 32 big-endian bytes each. Say what they state of verified instances only. */
export function decode(layout: Layout, instances: readonly Uint8Array[]): Statement {
  if (isEmptyLayout(layout)) throw new VerifyError("NothingDescribed");
  const expected = numDescribed(layout);
  if (instances.length !== expected) throw new VerifyError("InstanceCount", { expected, got: instances.length });
  const halves = instances.slice(0, CONTEXT_INSTANCES).reverse();
  if (halves.some((half) => half.subarray(0, 16).some((byte) => byte !== 0))) throw new VerifyError("Context");
  const context = toHex(concat(halves.map((half) => half.subarray(16))));
  let next = CONTEXT_INSTANCES;
  const integers = (tensor: Tensor): bigint[] => {
    const decoded: bigint[] = [];
    for (const { count, lo, hi } of tensor.runs) {
      for (let element = 0; element < count; element++) {
        const integer = signedInteger(existing(instances[next++]));
        if (integer < lo || integer > hi) {
          const got = `${integer} in element ${decoded.length}`;
          throw new VerifyError("PublicValue", { what: tensor.name, expected: `from ${lo} to ${hi}`, got });
        }
        decoded.push(integer);
      }
    }
    return decoded;
  };
  const inputs = layout.inputs.map(integers);
  return { context, inputs, outputs: layout.outputs.map(integers) };
}

/** `x`, or `-x` for `R - x`: of a canonical element, the integer of least magnitude. Ranges are far narrower than the field. */
function signedInteger(instance: Uint8Array): bigint {
  const scalar = toNumber(instance);
  return scalar > R / 2n ? scalar - R : scalar;
}
