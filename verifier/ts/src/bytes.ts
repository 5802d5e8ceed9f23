/** Bytes, their hexadecimal spelling, and reading them from the front. */

import { VerifyError } from "./errors.js";

/** `0x` and an even number of hexadecimal digits. */
export type Hex = `0x${string}`;

/** A value that exists because of what was checked before. */
export function existing<T>(value: T | undefined): T {
  if (value === undefined) throw new VerifyError("Internal", { what: "a reference leads nowhere" });
  return value;
}

/** `0x..`, in lower case. */
export function toHex(bytes: Uint8Array): Hex {
  let digits = "";
  for (const byte of bytes) digits += byte.toString(16).padStart(2, "0");
  return `0x${digits}`;
}

/** The bytes of `0x..`; `undefined` for any other text. */
export function fromHex(text: string): Uint8Array | undefined {
  if (!text.startsWith("0x") || text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let index = 0; index < bytes.length; index++) {
    const high = digit(text.charCodeAt(2 * index + 2));
    const low = digit(text.charCodeAt(2 * index + 3));
    if (high < 0 || low < 0) return undefined;
    bytes[index] = 16 * high + low;
  }
  return bytes;
}

function digit(letter: number): number {
  if (letter >= 0x30 && letter <= 0x39) return letter - 0x30;
  const lower = letter | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** Big-endian bytes as an unsigned number. */
export function toNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(toHex(bytes));
}

/** A number from 0 as `length` big-endian bytes; of a negative one, two's complement. */
export function toBytes(number: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const digits = BigInt.asUintN(8 * length, number).toString(16).padStart(2 * length, "0");
  for (let index = 0; index < length; index++) bytes[index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  return bytes;
}

/** 32 bytes, the EVM's word. */
export function word(number: bigint): Uint8Array {
  return toBytes(number, 32);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Takes a key from the front; whatever is missing is an error that names what was being read. */
export class Reader {
  #rest: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#rest = bytes;
  }

  take(what: string, length: number): Uint8Array {
    if (this.#rest.length < length) throw new VerifyError("Key.Truncated", { what });
    const head = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return head;
  }

  /** An unsigned number. */
  unsigned(what: string, length: 1 | 2 | 4): number {
    let number = 0;
    for (const byte of this.take(what, length)) number = number * 256 + byte;
    return number;
  }

  /** A number in two's complement. */
  signed(what: string, length: number): bigint {
    return BigInt.asIntN(8 * length, toNumber(this.take(what, length)));
  }

  /** As many as the count in front says. Nothing is allocated for what has not been read. */
  list<T>(what: string, item: () => T): T[] {
    const count = this.unsigned(what, 2);
    const items: T[] = [];
    for (let index = 0; index < count; index++) items.push(item());
    return items;
  }

  /** Refuses what is left over. */
  finish(): void {
    const got = this.#rest.length;
    if (got > 0) throw new VerifyError("Key.TrailingBytes", { expected: 0, got });
  }
}
