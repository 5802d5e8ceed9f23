/** Verifies proofs of decisions: halo2 proofs over BN254 with KZG commitments, SHPLONK openings and a Keccak-256 transcript. */

export type { Hex } from "./bytes.js";
export { fromHex, toHex } from "./bytes.js";
export { type Binding, decide, type DecodedTensor, type Decision, verify, type VerifyOptions } from "./decision.js";
export { type ErrorCode, type FileErrorCode, type KeyErrorCode, type ProofErrorCode, quoted, VerifyError } from "./errors.js";
export { FILE_VERSION, parseKey, parseProof, type ProofFile } from "./files.js";
export { FORMAT_VERSION, keyFromBytes } from "./format.js";
export { keyDigest, shapeDigest, type Srs, srsDigest, type VerifyingKey } from "./key.js";
export type { Layout, Quantization, Run, Statement, Tensor } from "./layout.js";
export type { Limits } from "./limits.js";
export type { Column, ColumnKind, Expression, Query, Shape } from "./shape.js";
export { CEREMONIES, type SrsOrigin, type Trust, Verifier } from "./verifier.js";
