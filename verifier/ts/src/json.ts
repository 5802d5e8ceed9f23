/**
 * JSON of strangers. `JSON.parse` keeps the last of two fields of one name, rounds integers beyond 2^53 and makes objects whose
 * fields can be called `__proto__`; here a name stands once, integers are exact, objects are maps, and depth is bounded.
 */

import { utf8 } from "./format.js";
import { VerifyError } from "./errors.js";

/** A number that is no integer, or too long to be one of a file's. */
export class OtherNumber {}

/** Integers are `bigint`s. */
export type Json = null | boolean | string | bigint | OtherNumber | readonly Json[] | ReadonlyMap<string, Json>;

/** Nesting of arrays and objects; files of this project have 6. */
const MAX_NESTING = 16;
/** Digits of an integer: one of 128 bits has 39. */
const MAX_DIGITS = 40;

/** Reads JSON text, or its UTF-8 bytes, of at most `max` bytes. `what` it should be is for messages. */
export function parseJson(what: string, text: string | Uint8Array, max: number): Json {
  if (typeof text !== "string" && !(text instanceof Uint8Array)) {
    throw malformed(what, "JSON text, or its bytes", `a value of type ${typeof text}`);
  }
  if (text.length > max) throw new VerifyError("File.TooLong", { what, expected: `at most ${max}`, got: text.length });
  const decoded = typeof text === "string" ? text : utf8(text);
  // Half of a character has no bytes.
  if (decoded === undefined || /\p{Surrogate}/u.test(decoded)) throw malformed(what, "UTF-8", "other bytes");
  return new Parser(what, decoded).document();
}

export function malformed(what: string, expected: string, got: string): VerifyError {
  return new VerifyError("File.Malformed", { what, expected, got });
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?<rest>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y;
const LITERALS: readonly (readonly [string, null | boolean])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
];
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class Parser {
  readonly #what: string;
  readonly #text: string;
  #at = 0;

  constructor(what: string, text: string) {
    this.#what = what;
    this.#text = text;
  }

  document(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected("the end");
    return value;
  }

  #unexpected(expected: string): VerifyError {
    const got = this.#at < this.#text.length ? "another character" : "the end";
    return malformed(this.#what, expected, `${got} at position ${this.#at}`);
  }

  #space(): void {
    while (" \n\r\t".includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at++;
  }

  /** Whether `letter` comes next; then it is taken. */
  #takes(letter: string): boolean {
    this.#space();
    if (this.#text.charAt(this.#at) !== letter) return false;
    this.#at++;
    return true;
  }

  #expect(letter: string): void {
    if (!this.#takes(letter)) throw this.#unexpected(letter);
  }

  #value(depth: number): Json {
    if (depth > MAX_NESTING) throw malformed(this.#what, `at most ${MAX_NESTING} arrays and objects in each other`, "more");
    this.#space();
    const letter = this.#text.charAt(this.#at);
    if (letter === "{") return this.#object(depth);
    if (letter === "[") return this.#array(depth);
    if (letter === '"') return this.#string();
    for (const [word, value] of LITERALS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#number();
  }

  #array(depth: number): Json[] {
    const items: Json[] = [];
    this.#expect("[");
    if (this.#takes("]")) return items;
    do items.push(this.#value(depth + 1));
    while (this.#takes(","));
    this.#expect("]");
    return items;
  }

  #object(depth: number): Map<string, Json> {
    const fields = new Map<string, Json>();
    this.#expect("{");
    if (this.#takes("}")) return fields;
    do {
      this.#space();
      const name = this.#string();
      if (fields.has(name)) throw malformed(this.#what, "each field once", `one twice, before position ${this.#at}`);
      this.#expect(":");
      fields.set(name, this.#value(depth + 1));
    } while (this.#takes(","));
    this.#expect("}");
    return fields;
  }

  #number(): bigint | OtherNumber {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text);
    if (found === null) throw this.#unexpected("a value");
    this.#at += found[0].length;
    // -0 is no integer, as in other readers.
    const isInteger = found.groups?.["rest"] === "" && found[0].length <= MAX_DIGITS && found[0] !== "-0";
    return isInteger ? BigInt(found[0]) : new OtherNumber();
  }

  #string(): string {
    if (this.#text.charAt(this.#at) !== '"') throw this.#unexpected('"');
    const parts: string[] = [];
    let start = ++this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      // Past the end it is NaN.
      if (!(code >= 0x20)) throw this.#unexpected("the rest of a text");
      if (code === 0x22 || code === 0x5c) {
        parts.push(this.#text.slice(start, this.#at++));
        if (code === 0x22) break;
        parts.push(this.#escape());
        start = this.#at;
      } else {
        this.#at++;
      }
    }
    const text = parts.length === 1 ? (parts[0] ?? "") : parts.join("");
    if (parts.length > 1 && /\p{Surrogate}/u.test(text)) throw malformed(this.#what, "whole characters", "half of one");
    return text;
  }

  /** What follows a backslash. */
  #escape(): string {
    const letter = this.#text.charAt(this.#at++);
    if (letter === "u") {
      const digits = this.#text.slice(this.#at, this.#at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#unexpected("four hexadecimal digits");
      this.#at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const meant = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (meant === undefined) throw this.#unexpected("an escape");
    return meant;
  }
}
