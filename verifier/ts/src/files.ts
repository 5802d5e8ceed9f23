/** `vk.json` and `proof.json`, which the command line writes: unknown and missing fields are refused, as is another version. */

import { fromHex, type Hex, toHex } from "./bytes.js";
import { checkedKey } from "./checked.js";
import { contained, VerifyError } from "./errors.js";
import { keyFromCircuit } from "./format.js";
import { type Json, malformed, parseJson } from "./json.js";
import type { VerifyingKey } from "./key.js";
import type { Layout, Run, Tensor } from "./layout.js";
import { type Limits, MAX_KEY_FILE_BYTES, MAX_PROOF_FILE_BYTES, maxFileBytes, maxValues } from "./limits.js";

/** Version of both files. */
export const FILE_VERSION = 2;

const KEY = "a verifying key";
const PROOF = "a proof";

/** What a `proof.json` holds. Whether the proof holds, only a verifier says. */
export interface ProofFile {
  /** Of the key that verifies it: says whether the wrong key was tried. */
  readonly keyDigest: Hex;
  /** 32 big-endian bytes each: context, inputs, outputs. */
  readonly instances: readonly Uint8Array[];
  /** The bytes of the transcript. */
  readonly proof: Uint8Array;
}

/** Reads the text or the bytes of a `vk.json`, and validates the key. Whose it is, it cannot say: pin its digest. */
export function parseKey(json: string | Uint8Array, limits?: Limits): VerifyingKey {
  return contained(() => keyOfFile(json, maxValues(limits)));
}

/** Reads the text or the bytes of a `proof.json`. */
export function parseProof(json: string | Uint8Array, limits?: Limits): ProofFile {
  return contained(() => proofOfFile(json, maxValues(limits)));
}

function keyOfFile(json: string | Uint8Array, values: number): VerifyingKey {
  const max = maxFileBytes(values, MAX_KEY_FILE_BYTES);
  const file = new Fields(KEY, header(KEY, "apodict-key", parseJson(KEY, json, max)));
  file.only("format", "version", "digest", "program_digest", "layout", "circuit");
  const stated = toHex(file.bytes("digest", 32));
  const programDigest = toHex(file.bytes("program_digest", 32));
  const parts = new Fields(KEY, file.get("layout"));
  parts.only("inputs", "outputs");
  const layout: Layout = { inputs: parts.list("inputs").map(tensor), outputs: parts.list("outputs").map(tensor) };
  const key = keyFromCircuit(file.bytes("circuit"), layout, programDigest, values);
  const got = checkedKey(key, values);
  if (got !== stated) throw new VerifyError("File.Changed", { what: KEY, expected: stated, got });
  return key;
}

function proofOfFile(json: string | Uint8Array, values: number): ProofFile {
  const max = maxFileBytes(values, MAX_PROOF_FILE_BYTES);
  const file = new Fields(PROOF, header(PROOF, "apodict-proof", parseJson(PROOF, json, max)));
  file.only("format", "version", "key_digest", "instances", "proof");
  return {
    keyDigest: toHex(file.bytes("key_digest", 32)),
    instances: file.list("instances").map((word) => bytes(PROOF, "instances", word, 32)),
    proof: file.bytes("proof"),
  };
}

/** Another version is named as such, not as a field that is missing. */
function header(what: string, format: string, json: Json): Json {
  if (!(json instanceof Map)) throw malformed(what, "an object", "another value");
  const version = json.get("version");
  if (typeof version === "bigint" && version >= 0n && version < 1n << 32n && version !== BigInt(FILE_VERSION)) {
    throw new VerifyError("File.Version", { what, expected: FILE_VERSION, got: version });
  }
  if (version !== BigInt(FILE_VERSION)) throw malformed(what, `version ${FILE_VERSION}`, "none");
  if (json.get("format") !== format) throw malformed(what, `format "${format}"`, "another");
  return json;
}

function tensor(json: Json): Tensor {
  const fields = new Fields(KEY, json);
  fields.only("name", "shape", "runs");
  const shape = fields.list("shape").map((extent) => integer("shape", extent, 0n, 1n << 64n));
  return { name: fields.text("name"), shape: shape.map(Number), runs: fields.list("runs").map(run) };
}

function run(json: Json): Run {
  const fields = new Fields(KEY, json);
  fields.only("count", "num", "den", "zero", "lo", "hi");
  return {
    count: Number(integer("count", fields.get("count"), 0n, 1n << 64n)),
    num: decimal(fields, "num", 0n, 1n << 128n),
    den: decimal(fields, "den", 0n, 1n << 128n),
    zero: integer("zero", fields.get("zero"), -(1n << 63n), 1n << 63n),
    lo: decimal(fields, "lo", -(1n << 127n), 1n << 127n),
    hi: decimal(fields, "hi", -(1n << 127n), 1n << 127n),
  };
}

/** From `lo` to below `hi`. */
function integer(name: string, json: Json | undefined, lo: bigint, hi: bigint): bigint {
  if (typeof json === "bigint" && json >= lo && json < hi) return json;
  throw malformed(KEY, `an integer in the field "${name}"`, typeof json === "bigint" ? "one out of range" : "another value");
}

/** As decimal digits in a string, in one spelling: numbers that a double does not hold. */
function decimal(fields: Fields, name: string, lo: bigint, hi: bigint): bigint {
  const text = fields.text(name);
  if (/^(?:0|-?[1-9][0-9]{0,38})$/.test(text)) return integer(name, BigInt(text), lo, hi);
  throw malformed(KEY, `an integer as decimal digits in a string in the field "${name}"`, "another text");
}

function bytes(what: string, name: string, json: Json | undefined, length?: number): Uint8Array {
  const read = typeof json === "string" ? fromHex(json) : undefined;
  if (read === undefined) throw malformed(what, `hexadecimal digits after 0x in the field "${name}"`, "another value");
  if (length !== undefined && read.length !== length) {
    throw malformed(what, `${length} bytes in the field "${name}"`, `${read.length}`);
  }
  return read;
}

/** An object whose fields are known. */
class Fields {
  readonly #what: string;
  readonly #fields: ReadonlyMap<string, Json>;

  constructor(what: string, json: Json | undefined) {
    if (!(json instanceof Map)) throw malformed(what, "an object", "another value");
    this.#what = what;
    this.#fields = json;
  }

  /** Refuses other fields than these; that each is there, reading it says. */
  only(...names: string[]): void {
    for (const name of this.#fields.keys()) {
      if (!names.includes(name)) throw malformed(this.#what, `the fields ${names.join(", ")}`, "another field");
    }
  }

  get(name: string): Json {
    const value = this.#fields.get(name);
    if (value === undefined) throw malformed(this.#what, `a field "${name}"`, "none");
    return value;
  }

  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== "string") throw malformed(this.#what, `a text in the field "${name}"`, "another value");
    return value;
  }

  list(name: string): readonly Json[] {
    const value = this.get(name);
    if (!Array.isArray(value)) throw malformed(this.#what, `a list in the field "${name}"`, "another value");
    return value;
  }

  bytes(name: string, length?: number): Uint8Array {
    return bytes(this.#what, name, this.get(name), length);
  }
}
