/** The verifying key: a shape together with one model's commitments, the structured reference string, what the values mean. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { concat, existing, fromHex, type Hex, toBytes, toHex, word } from "./bytes.js";
import { type G1, type G2, g1Bytes, g2Bytes } from "./curve.js";
import { type Layout, portsHash, shapesDigest } from "./layout.js";
import { limit, MAX_CIRCUIT_BYTES } from "./limits.js";
import { type Shape, shapeBytes } from "./shape.js";

/** What a verifier needs of the structured reference string. */
export interface Srs {
  /** `[1]_1` */
  readonly g1: G1;
  /** `[s]_1`: no equation needs it, the digest covers it. */
  readonly sG1: G1;
  /** `[1]_2` */
  readonly g2: G2;
  /** `[s]_2` */
  readonly sG2: G2;
}

/** Everything that says which statement a proof is about. Made by `parseKey` or `keyFromBytes`, which validate it. */
export interface VerifyingKey {
  /** log2 of the number of rows. */
  readonly k: number;
  readonly numInstances: number;
  /** What the transcript absorbs first: halo2's hash of the key. */
  readonly transcriptRepr: bigint;
  readonly srs: Srs;
  readonly shape: Shape;
  /** One for each fixed column; the identity if the column is all zeros. */
  readonly fixedCommitments: readonly G1[];
  /** One for each column of the permutation argument. */
  readonly permutationCommitments: readonly G1[];
  /** How the instances are read. Empty for a circuit that is no compiled model. */
  readonly layout: Layout;
  /** Keccak-256 of the program that the circuit was made of. */
  readonly programDigest: Hex;
}

const KEY_TYPE = "ApodictKey(bytes32 circuit,bytes32 srs,bytes32 ports,bytes32 shapes,bytes32 program)";

/**
 * The *key digest*, of a valid key: the one value to pin. It covers the circuit, the reference string, names, scales, offsets and
 * ranges of the public values, their tensors, and the program.
 */
export function keyDigest(key: VerifyingKey): Hex {
  const parts = [
    keccak_256(new TextEncoder().encode(KEY_TYPE)),
    keccak_256(circuitBytes(key)),
    srsHash(key.srs),
    portsHash(key.layout),
    shapesDigest(key.layout),
    existing(fromHex(key.programDigest)),
  ];
  return toHex(keccak_256(concat(parts)));
}

/** What identifies a reference string, the same for every size of it. */
export function srsDigest(srs: Srs): Hex {
  return toHex(srsHash(srs));
}

function srsHash({ g1, sG1, g2, sG2 }: Srs): Uint8Array {
  return keccak_256(concat([g1Bytes(g1), g1Bytes(sG1), g2Bytes(g2), g2Bytes(sG2)]));
}

/** Keccak-256 of the shape's bytes: equal for all keys that one verifier contract serves. */
export function shapeDigest(shape: Shape): Hex {
  return toHex(keccak_256(shapeBytes(shape)));
}

/** Which circuit and which reference string: the key without the meaning of its public values. */
function circuitBytes(key: VerifyingKey): Uint8Array {
  const bytes = concat([
    toBytes(BigInt(key.k), 1),
    toBytes(BigInt(key.numInstances), 4),
    word(key.transcriptRepr),
    g1Bytes(key.srs.g1),
    g1Bytes(key.srs.sG1),
    g2Bytes(key.srs.g2),
    g2Bytes(key.srs.sG2),
    shapeBytes(key.shape),
    ...key.fixedCommitments.map(g1Bytes),
    ...key.permutationCommitments.map(g1Bytes),
  ]);
  limit("bytes of a circuit", bytes.length, MAX_CIRCUIT_BYTES);
  return bytes;
}
