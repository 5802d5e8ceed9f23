/** The vectors that the Rust library is tested with, and its table of mutants. */

import { readFileSync } from "node:fs";
import { fromHex, type Hex } from "../src/bytes.js";
import { readG1, readG2 } from "../src/curve.js";
import { type ErrorCode, VerifyError } from "../src/errors.js";
import { parseKey, parseProof } from "../src/files.js";
import { keyFromBytes } from "../src/format.js";
import type { VerifyingKey } from "../src/key.js";
import type { ColumnKind, Expression } from "../src/shape.js";
import type { Tensor } from "../src/layout.js";

export const VECTORS = new URL("../../../tests/vectors/", import.meta.url);

export const DECISIONS = ["risk_scoring", "supply_adjustment", "governance_analysis"] as const;

export interface Answer {
  readonly key: VerifyingKey;
  readonly instances: readonly Uint8Array[];
  readonly proof: Uint8Array;
}

export function text(file: string): string {
  return readFileSync(new URL(file, VECTORS), "utf8");
}

export function bytes(file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(file, VECTORS)));
}

/** A key, instances and a proof that belong together. */
export function answer(name: string): Answer {
  if ((DECISIONS as readonly string[]).includes(name)) {
    return { key: parseKey(text(`${name}.vk.json`)), ...parseProof(text(`${name}.proof.json`)) };
  }
  const words = bytes(`${name}.instances`);
  const instances = Array.from({ length: words.length / 32 }, (_, index) => words.slice(32 * index, 32 * index + 32));
  return { key: keyFromBytes(bytes(`${name}.key`)), instances, proof: bytes(`${name}.proof`) };
}

export function hex(text: string): Uint8Array {
  const read = fromHex(text);
  if (read === undefined) throw new Error(`not hexadecimal: ${text}`);
  return read;
}

/** What must be said of a mutant. */
export interface Expected {
  readonly code: ErrorCode;
  readonly what?: string;
  readonly expected?: string;
  readonly got?: string;
}

/** An error as the table writes it. */
export function told({ code, what, expected, got }: VerifyError): Expected {
  return {
    code,
    ...(what === undefined ? {} : { what }),
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
  };
}

/** What is said of a call: an error, or `null`. Anything else than the library's own error fails the test. */
export function verdict(call: () => unknown): Expected | null {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof VerifyError && error.code !== "Internal") return told(error);
    throw error;
  }
}

/** The replaced part of a list or of bytes. */
export interface Splice<T> {
  readonly at: number;
  readonly remove: number;
  readonly insert: T;
}

/** A key, field by field. */
export type Fields = Readonly<Record<string, unknown>>;
type Change = { readonly value: unknown } | Splice<readonly (readonly [number, unknown])[]>;

export interface Table {
  readonly genuine: { readonly digest: Hex; readonly instances: readonly string[]; readonly key: Fields };
  readonly proofs: readonly {
    readonly name: string;
    readonly proof?: Splice<string>;
    readonly instances?: Splice<readonly string[]>;
    readonly expected: Expected;
  }[];
  readonly keys: readonly {
    readonly name: string;
    readonly changes: Readonly<Record<string, Change>>;
    readonly digest: Hex | null;
    readonly expected: Expected | null;
  }[];
  readonly bytes: readonly {
    readonly at?: number;
    readonly xor?: number;
    readonly length?: number;
    readonly digest?: Hex;
    readonly expected?: Expected;
  }[];
}

export function table(name: string): Table {
  return JSON.parse(text(`mutants/${name}.json`)) as Table;
}

/** A mutant of a key. */
export function changed(genuine: Fields, changes: Readonly<Record<string, Change>>): VerifyingKey {
  const fields = { ...genuine };
  for (const [name, change] of Object.entries(changes)) {
    if ("value" in change) {
      fields[name] = change.value;
    } else {
      const list = [...(fields[name] as unknown[])];
      const inserted = change.insert.flatMap(([times, item]) => new Array<unknown>(times).fill(item));
      list.splice(change.at, change.remove, ...inserted);
      fields[name] = list;
    }
  }
  return keyOf(fields);
}

/** A key of its fields, valid or not. */
function keyOf(fields: Fields): VerifyingKey {
  const number = (name: string): number => fields[name] as number;
  const list = <T>(name: string): readonly T[] => fields[name] as readonly T[];
  const queries = (name: string) => list<[number, number]>(name).map(([column, rotation]) => ({ column, rotation }));
  const g1 = (text: string) => pointOf(text, 2) as VerifyingKey["srs"]["g1"];
  const g2 = (name: string) => pointOf(fields[name] as string, 4) as VerifyingKey["srs"]["g2"];
  return {
    k: number("k"),
    numInstances: number("num_instances"),
    transcriptRepr: BigInt(fields["transcript_repr"] as string),
    srs: { g1: g1(fields["g1"] as string), sG1: g1(fields["s_g1"] as string), g2: g2("g2"), sG2: g2("s_g2") },
    shape: {
      numFixedColumns: number("num_fixed_columns"),
      numInstanceColumns: number("num_instance_columns"),
      degree: number("degree"),
      blindingFactors: number("blinding_factors"),
      advicePhases: list("advice_phases"),
      challengePhases: list("challenge_phases"),
      adviceQueries: queries("advice_queries"),
      fixedQueries: queries("fixed_queries"),
      instanceQueries: queries("instance_queries"),
      permutationColumns: list<[ColumnKind, number]>("permutation_columns").map(([kind, index]) => ({ kind, index })),
      gates: list<string>("gates").map(gateOf),
    },
    fixedCommitments: list<string>("fixed_commitments").map(g1),
    permutationCommitments: list<string>("permutation_commitments").map(g1),
    layout: { inputs: list<Tensor>("inputs").map(tensorOf), outputs: list<Tensor>("outputs").map(tensorOf) },
    programDigest: fields["program_digest"] as Hex,
  };
}

/** Coordinates, on the curve or not. */
function pointOf(text: string, coordinates: 2 | 4): unknown {
  const [a = 0n, b = 0n, c = 0n, d = 0n] = Array.from({ length: coordinates }, (_, index) => {
    return BigInt(`0x${text.slice(2 + 64 * index, 66 + 64 * index)}`);
  });
  const read = coordinates === 2 ? readG1(hex(text)) : readG2(hex(text));
  const point = coordinates === 2 ? { x: a, y: b } : { x: { c1: a, c0: b }, y: { c1: c, c0: d } };
  return typeof read === "string" ? point : read;
}

export function tensorOf({ name, shape, runs }: Tensor): Tensor {
  const big = (number: unknown): bigint => BigInt(number as string | number);
  const read = runs.map(({ count, num, den, zero, lo, hi }) => {
    return { count, num: big(num), den: big(den), zero: big(zero), lo: big(lo), hi: big(hi) };
  });
  return { name, shape, runs: read };
}

/** A gate of its bytes, however deep. */
function gateOf(text: string): Expression {
  const data = hex(text);
  let at = 0;
  const take = (length: number): bigint => {
    const digits = text.slice(2 + 2 * at, 2 + 2 * (at + length));
    at += length;
    return BigInt(`0x${digits}`);
  };
  const node = (): Expression => {
    const tag = Number(take(1));
    switch (tag) {
      case 0:
        return { node: "constant", value: take(32) };
      case 1:
      case 2:
      case 3:
      case 4: {
        const nodes = ["fixed", "advice", "instance", "challenge"] as const;
        return { node: nodes[tag - 1] ?? "fixed", index: Number(take(2)) };
      }
      case 5:
        return { node: "negated", a: node() };
      case 6:
      case 7: {
        const a = node();
        return { node: tag === 6 ? "sum" : "product", a, b: node() };
      }
      case 8: {
        const a = node();
        return { node: "scaled", a, factor: take(32) };
      }
      default:
        throw new Error(`no node: ${tag}`);
    }
  };
  const gate = node();
  if (at !== data.length) throw new Error("bytes follow a gate");
  return gate;
}

/** Replaces a part of bytes. */
export function spliced(from: Uint8Array, { at, remove, insert }: Splice<string>): Uint8Array {
  return new Uint8Array([...from.slice(0, at), ...hex(insert), ...from.slice(at + remove)]);
}
