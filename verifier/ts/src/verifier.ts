/** Verification of proofs under one key. */

import { existing, fromHex, type Hex, toHex, toNumber } from "./bytes.js";
import { checkedKey } from "./checked.js";
import { quotientEvaluation } from "./constraints.js";
import { challenge, conversationSteps, element, proofLength, readProof, type Step } from "./conversation.js";
import { type G1, type G1Element, type G2Element, g1Element, g2Element, pairingsAreEqual, sumOfMultiples } from "./curve.js";
import { contained, VerifyError } from "./errors.js";
import { Domain, mul, R } from "./field.js";
import { srsDigest, type VerifyingKey } from "./key.js";
import { decode, type Statement } from "./layout.js";
import { MAX_VALUES } from "./limits.js";
import { combine, type OpeningGroup, openingGroups, type Polynomial } from "./shplonk.js";

/**
 * Digests of reference strings that are known to come from ceremonies. None is built in until one has been imported and checked:
 * name yours in {@link Trust.srs}.
 */
export const CEREMONIES: readonly Hex[] = [];

/** What the caller trusts, from elsewhere than the files that are verified. */
export interface Trust {
  /** The digest of the one key that is accepted, or `"any-key"`: a key from elsewhere can be made to accept anything. */
  readonly keyDigest: Hex | "any-key";
  /** Digests of ceremonies' strings, or `"allow-unsafe"` for development: whoever made a string may be able to forge every proof. */
  readonly srs: readonly Hex[] | "allow-unsafe";
}

/** Where a reference string comes from, as far as the caller said. */
export type SrsOrigin = "ceremony" | "unsafe";

/** A checked key with all that does not depend on the proof. Make it once, verify many proofs with it. */
export class Verifier {
  readonly key: VerifyingKey;
  /** Pin this. */
  readonly digest: Hex;
  readonly srsDigest: Hex;
  readonly srsOrigin: SrsOrigin;
  /** Length of a proof in bytes. */
  readonly proofLength: number;
  readonly #domain: Domain;
  readonly #steps: readonly Step[];
  readonly #groups: readonly OpeningGroup[];
  readonly #g1: G1Element;
  readonly #g2: G2Element;
  readonly #sG2: G2Element;
  readonly #points: ReadonlyMap<string, G1Element>;

  /** Refuses a key that is not valid or not trusted: {@link VerifyError}. */
  constructor(key: VerifyingKey, trust: Trust) {
    const trusted = contained(() => trustedKey(key, trust));
    this.key = key;
    this.digest = trusted.digest;
    this.srsDigest = trusted.srsDigest;
    this.srsOrigin = trusted.srsOrigin;
    this.#domain = new Domain(key.k);
    this.#steps = conversationSteps(key.shape);
    this.#groups = openingGroups(key.shape);
    this.proofLength = proofLength(this.#steps);
    this.#g1 = g1Element(key.srs.g1);
    this.#g2 = g2Element(key.srs.g2);
    this.#sG2 = g2Element(key.srs.sG2);
    const points = new Map<string, G1Element>();
    key.fixedCommitments.forEach((point, index) => points.set(`fixed ${index}`, g1Element(point)));
    key.permutationCommitments.forEach((point, index) => points.set(`permutation ${index}`, g1Element(point)));
    this.#points = points;
    Object.freeze(this);
  }

  /** Throws a {@link VerifyError} unless `proof` proves `instances`, 32 big-endian bytes each. */
  verifyWords(instances: readonly Uint8Array[], proof: Uint8Array): void {
    contained(() => this.#verify(copies(instances), copied("the proof", proof)));
  }

  /** What a proof says: as {@link verifyWords}, then the context, inputs and outputs that the instances spell. */
  statement(instances: readonly Uint8Array[], proof: Uint8Array): Statement {
    return contained(() => {
      // What is decoded is what was verified, whoever else can write to the caller's memory.
      const words = copies(instances);
      this.#verify(words, copied("the proof", proof));
      return decode(this.key.layout, words);
    });
  }

  #verify(instances: readonly Uint8Array[], proof: Uint8Array): void {
    const { key } = this;
    const expected = key.numInstances;
    if (instances.length !== expected) throw new VerifyError("InstanceCount", { expected, got: instances.length });
    const scalars = instances.map((word, index) => {
      const scalar = toNumber(word);
      // It would be an alias of another instance.
      if (word.length !== 32 || scalar >= R) throw new VerifyError("InstanceNotCanonical", { what: `instance ${index}` });
      return scalar;
    });
    const conversation = readProof(this.#steps, key.transcriptRepr, instances, proof);
    const quotient = quotientEvaluation(key.shape, this.#domain, scalars, conversation);
    if (quotient === undefined) throw new VerifyError("DegenerateChallenge");
    const combination = combine(this.#groups, conversation, quotient, (rotation) => this.#domain.row(rotation));
    if (combination === undefined) throw new VerifyError("DegenerateChallenge");

    const factors: bigint[] = [];
    const points: G1Element[] = [];
    const term = (factor: bigint, point: G1 | G1Element): void => {
      factors.push(factor);
      points.push("toAffine" in point ? point : g1Element(point));
    };
    for (const { polynomial, factor } of combination.polynomials) {
      if (polynomial.kind === "quotient") {
        // [h] = sum_i x^(n*i) * [h_i]
        const xn = this.#domain.power(conversation.scalar(challenge.x));
        for (let piece = 0, power = factor; piece < key.shape.degree - 1; piece++, power = mul(power, xn)) {
          term(power, conversation.point(element.quotient(piece)));
        }
      } else {
        const name = nameOf(polynomial);
        term(factor, name === undefined ? this.#committed(polynomial) : conversation.point(name));
      }
    }
    const openingProof = g1Element(conversation.point(element.openingProof));
    term(combination.openingQuotient, conversation.point(element.openingQuotient));
    term(conversation.scalar(challenge.openingU), openingProof);
    term(combination.g1, this.#g1);
    const right = sumOfMultiples(factors, points);
    if (!pairingsAreEqual(openingProof, this.#sG2, right, this.#g2)) throw new VerifyError("Rejected");
  }

  #committed({ kind, index }: Polynomial): G1Element {
    return existing(this.#points.get(`${kind} ${index}`));
  }
}

function copies(words: readonly Uint8Array[]): Uint8Array[] {
  return words.map((word, index) => copied(`instance ${index}`, word));
}

/** A number would be read as a length. */
function copied(what: string, bytes: unknown): Uint8Array {
  if (bytes instanceof Uint8Array) return new Uint8Array(bytes);
  throw new VerifyError("Options", { what, expected: "a Uint8Array", got: `a value of type ${typeof bytes}` });
}

/** What is known of a key that is valid and trusted. */
function trustedKey(key: VerifyingKey, trust: Trust): { digest: Hex; srsDigest: Hex; srsOrigin: SrsOrigin } {
  const { pinned, ceremonies } = checkedTrust(trust);
  const srs = srsDigest(key.srs);
  const srsOrigin = ceremonies?.includes(srs) === true ? "ceremony" : "unsafe";
  if (ceremonies !== undefined && srsOrigin === "unsafe") throw new VerifyError("Key.UnsafeSrs", { got: srs });
  const digest = checkedKey(key, MAX_VALUES);
  if (pinned !== undefined && pinned !== digest) throw new VerifyError("Key.Digest", { expected: pinned, got: digest });
  return { digest, srsDigest: srs, srsOrigin };
}

/** The name of a commitment that comes with the proof; `undefined` for one of the key. */
function nameOf({ kind, index }: Polynomial): string | undefined {
  if (kind === "advice") return element.advice(index);
  if (kind === "product") return element.product(index);
  return kind === "random" ? element.random : undefined;
}

/** 32 bytes as hexadecimal digits, in lower case. */
export function checkedDigest(what: string, digest: unknown): Hex {
  const bytes = typeof digest === "string" ? fromHex(digest) : undefined;
  if (bytes?.length !== 32) throw new VerifyError("Options", { what, expected: "0x and 64 hexadecimal digits", got: "another value" });
  return toHex(bytes);
}

function checkedTrust(trust: Trust): { pinned: Hex | undefined; ceremonies: readonly Hex[] | undefined } {
  // Callers in JavaScript can leave either out. Neither has a default that says yes, nor one that some object inherits.
  const own = (name: keyof Trust): unknown => (Object.hasOwn(trust ?? {}, name) ? trust[name] : undefined);
  const [keyDigest, srs] = [own("keyDigest"), own("srs")];
  const pinned = keyDigest === "any-key" ? undefined : checkedDigest("the option keyDigest", keyDigest);
  if (srs === "allow-unsafe") return { pinned, ceremonies: undefined };
  if (!Array.isArray(srs)) {
    const expected = 'digests of ceremonies\' strings, or "allow-unsafe"';
    throw new VerifyError("Options", { what: "the option srs", expected, got: "another value" });
  }
  return { pinned, ceremonies: [...CEREMONIES, ...srs.map((digest) => checkedDigest("the option srs", digest))] };
}
