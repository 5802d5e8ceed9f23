/**
 * The key as bytes. Big-endian throughout, nothing optional, one spelling per key:
 *
 * ```text
 * "APVK"  version u16
 * circuit length u32
 * circuit
 * inputs, outputs                                              u16 count, tensor each
 * program digest 32
 *
 * circuit: k u8  num_instances u32  transcript_repr 32
 *          [1]_1 64  [s]_1 64  [1]_2 128  [s]_2 128
 *          shape
 *          fixed commitments 64 each  permutation commitments 64 each
 * shape:   fixed columns u16  instance columns u8  degree u8  blinding factors u16
 *          advice phases, challenge phases                     u16 count, u8 each
 *          advice, fixed, instance queries                     u16 count, (column u16, rotation i32) each
 *          permutation columns                                 u16 count, (kind u8, index u16) each
 *          gates                                               u16 count, expression each
 * expression, prefix order, a tag and its operands:
 *          0 constant 32   1 fixed u16   2 advice u16   3 instance u16   4 challenge u16
 *          5 negated e     6 sum e e     7 product e e  8 scaled e 32
 * tensor:  name u16 count, UTF-8   shape u16 count, u32 each   runs u32 count, (count u32, quantization) each
 * quantization: num u128  den u128  zero i64  lo i128  hi i128
 * ```
 */

import { type Hex, Reader, toHex, toNumber } from "./bytes.js";
import { checkedKey } from "./checked.js";
import { G1_BYTES, G2_BYTES, type G1, type G2, type PointFault, readG1, readG2 } from "./curve.js";
import { contained, type ErrorCode, VerifyError } from "./errors.js";
import { R } from "./field.js";
import type { Layout, Run, Tensor } from "./layout.js";
import type { VerifyingKey } from "./key.js";
import { limit, type Limits, MAX_CIRCUIT_BYTES, MAX_KEY_BYTES, maxValues } from "./limits.js";
import { readShape } from "./shape.js";

/** Version of the key's bytes. */
export const FORMAT_VERSION = 2;

/** Reads a key as the Rust library's `VerifyingKey::to_bytes` writes it, and validates it. */
export function keyFromBytes(bytes: Uint8Array, limits?: Limits): VerifyingKey {
  return contained(() => decodeKey(bytes, maxValues(limits)));
}

function decodeKey(bytes: Uint8Array, values: number): VerifyingKey {
  limit("bytes of a key", bytes.length, MAX_KEY_BYTES);
  if (bytes.length < 4 || toNumber(bytes.subarray(0, 4)) !== 0x4150564bn) throw new VerifyError("Key.Magic");
  const reader = new Reader(bytes.subarray(4));
  const version = reader.unsigned("version", 2);
  if (version !== FORMAT_VERSION) throw new VerifyError("Key.Version", { expected: FORMAT_VERSION, got: version });
  const length = reader.unsigned("length of the circuit", 4);
  limit("bytes of a circuit", length, MAX_CIRCUIT_BYTES);
  const circuit = reader.take("circuit", length);
  const layout: Layout = {
    inputs: reader.list("inputs", () => readTensor(reader)),
    outputs: reader.list("outputs", () => readTensor(reader)),
  };
  const programDigest = toHex(reader.take("digest of the program", 32));
  reader.finish();
  return keyFromCircuit(circuit, layout, programDigest, values);
}

/** Puts a key together from the bytes of its circuit and what its public values mean, and validates it. */
export function keyFromCircuit(circuit: Uint8Array, layout: Layout, programDigest: Hex, values: number): VerifyingKey {
  limit("bytes of a circuit", circuit.length, MAX_CIRCUIT_BYTES);
  const reader = new Reader(circuit);
  const k = reader.unsigned("k", 1);
  const numInstances = reader.unsigned("number of instances", 4);
  const transcriptRepr = readScalar(reader, "transcript representation");
  const srs = {
    g1: takeG1(reader, "[1]_1"),
    sG1: takeG1(reader, "[s]_1"),
    g2: takeG2(reader, "[1]_2"),
    sG2: takeG2(reader, "[s]_2"),
  };
  const shape = readShape(reader);
  const points = (what: string, count: number): G1[] => {
    const read: G1[] = [];
    while (read.length < count) read.push(takeG1(reader, what));
    return read;
  };
  const fixedCommitments = points("a fixed commitment", shape.numFixedColumns);
  const permutationCommitments = points("a permutation commitment", shape.permutationColumns.length);
  reader.finish();
  const key: VerifyingKey = {
    k,
    numInstances,
    transcriptRepr,
    srs,
    shape,
    fixedCommitments,
    permutationCommitments,
    layout,
    programDigest,
  };
  checkedKey(key, values);
  return key;
}

function readTensor(reader: Reader): Tensor {
  const bytes = reader.take("name of a tensor", reader.unsigned("name of a tensor", 2));
  const name = utf8(bytes);
  if (name === undefined) throw new VerifyError("Key.NotCanonical", { what: "the name of a tensor" });
  const shape = reader.list("shape of a tensor", () => reader.unsigned("shape of a tensor", 4));
  const count = reader.unsigned("runs of a tensor", 4);
  const runs: Run[] = [];
  while (runs.length < count) runs.push(readRun(reader));
  return { name, shape, runs };
}

function readRun(reader: Reader): Run {
  const what = "quantization of a tensor";
  return {
    count: reader.unsigned(what, 4),
    num: toNumber(reader.take(what, 16)),
    den: toNumber(reader.take(what, 16)),
    zero: reader.signed(what, 8),
    lo: reader.signed(what, 16),
    hi: reader.signed(what, 16),
  };
}

/** Text of bytes; `undefined` unless they are UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    // Nothing is left out, not even a mark of the byte order.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A scalar of 32 bytes, smaller than the modulus. */
export function readScalar(reader: Reader, what: string): bigint {
  const scalar = toNumber(reader.take(what, 32));
  if (scalar >= R) throw new VerifyError("Key.NotCanonical", { what });
  return scalar;
}

const FAULTS: Record<PointFault, ErrorCode> = {
  unreduced: "Key.NotCanonical",
  "off the curve": "Key.NotOnCurve",
  "outside the subgroup": "Key.NotInSubgroup",
};

function takeG1(reader: Reader, what: string): G1 {
  const point = readG1(reader.take(what, G1_BYTES));
  if (typeof point === "string") throw new VerifyError(FAULTS[point], { what });
  return point;
}

function takeG2(reader: Reader, what: string): G2 {
  const point = readG2(reader.take(what, G2_BYTES));
  if (typeof point === "string") throw new VerifyError(FAULTS[point], { what });
  return point;
}
