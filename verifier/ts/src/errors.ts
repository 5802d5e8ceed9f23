/**
 * What can be wrong. One class; `code` says which, with the names that the Rust library's variants have, so that both can be put
 * through one table.
 */

/** The key cannot be used. Nothing is said about any proof. */
export type KeyErrorCode =
  | "Key.Truncated"
  | "Key.TrailingBytes"
  | "Key.Magic"
  | "Key.Version"
  | "Key.Tag"
  | "Key.Limit"
  | "Key.TooFew"
  | "Key.Count"
  | "Key.NotCanonical"
  | "Key.NotOnCurve"
  | "Key.NotInSubgroup"
  | "Key.Identity"
  | "Key.Dangling"
  | "Key.Duplicate"
  | "Key.PermutationColumnNotQueried"
  | "Key.EmptyPhase"
  | "Key.GateDegree"
  | "Key.Layout"
  | "Key.UnsafeSrs"
  | "Key.Digest";

/** A file is not what it should be. */
export type FileErrorCode = "File.TooLong" | "File.Malformed" | "File.Version" | "File.Changed";

/** The proof is not accepted. `Rejected` is a well-formed proof that does not hold; the others name what is malformed. */
export type ProofErrorCode =
  | "OtherKey"
  | "InstanceCount"
  | "InstanceNotCanonical"
  | "ProofLength"
  | "ScalarNotCanonical"
  | "CoordinateNotCanonical"
  | "PointNotOnCurve"
  | "PointAtInfinity"
  | "DegenerateChallenge"
  | "Rejected"
  | "NothingDescribed"
  | "Context"
  | "PublicValue"
  | "OtherContext";

/** `Options`: the caller's own mistake. `Internal`: a defect of this library, or of the machine; the proof is not accepted. */
export type ErrorCode = KeyErrorCode | FileErrorCode | ProofErrorCode | "Options" | "Internal";

/** What an error is about. */
export interface ErrorParts {
  /** Which part, as "commitment to advice column 0" or a tensor's name, as it stands in the file. */
  readonly what?: string;
  readonly expected?: string | number | bigint;
  readonly got?: string | number | bigint;
}

/** Why something is refused. The only error that this library throws. */
export class VerifyError extends Error {
  readonly code: ErrorCode;
  /** Which part is wrong, as it stands in the file: quote it before it is shown. */
  readonly what: string | undefined;
  readonly expected: string | undefined;
  readonly got: string | undefined;

  constructor(code: ErrorCode, parts: ErrorParts = {}) {
    super(sentence(code, parts));
    this.name = "VerifyError";
    this.code = code;
    this.what = parts.what;
    this.expected = parts.expected?.toString();
    this.got = parts.got?.toString();
  }
}

/** Whatever stops a verification, the caller sees one kind of error, and no verdict. */
export function contained<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof VerifyError) throw error;
    throw new VerifyError("Internal", { what: error instanceof Error ? error.message : "an unknown error" });
  }
}

/** Text of strangers, fit to be shown: printable ASCII in quotes, not too much of it. */
export function quoted(text: string): string {
  const shown = text.slice(0, 64).replace(/[^\x20-\x7e]|["\\]/gu, (letter) => {
    return `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return `"${shown}${text.length > 64 ? ".." : ""}"`;
}

function sentence(code: ErrorCode, parts: ErrorParts): string {
  const what = parts.what ?? "";
  const { expected, got } = parts;
  switch (code) {
    case "Key.Truncated":
      return `the key ends in the middle of its ${what}: the file is truncated, export it again`;
    case "Key.TrailingBytes":
      return `${got} bytes follow the key: a key holds nothing else, export it again`;
    case "Key.Magic":
      return 'not a verifying key: it does not start with the bytes "APVK"';
    case "Key.Version":
      return `key format version ${got}, this build reads version ${expected}: export the key again`;
    case "Key.Tag":
      return `unknown tag ${got} for ${what}`;
    case "Key.Limit":
    case "Key.TooFew":
    case "Key.Count":
      return `${what}: expected ${expected}, got ${got}`;
    case "Key.NotCanonical":
      return `${what} is not canonical: a field element must be smaller than its modulus, text must be UTF-8`;
    case "Key.NotOnCurve":
      return `${what} is not on the curve`;
    case "Key.NotInSubgroup":
      return `${what} is not in the subgroup of prime order`;
    case "Key.Identity":
      return `${what} is the identity`;
    case "Key.Dangling":
      return `${what} ${got} does not exist: expected ${expected}`;
    case "Key.Duplicate":
      return `${what} ${got} repeats an earlier one`;
    case "Key.PermutationColumnNotQueried":
      return `column ${got} of the permutation argument is not queried at rotation 0`;
    case "Key.EmptyPhase":
      return `no advice column is committed in phase ${got}`;
    case "Key.GateDegree":
      return `${what} has degree ${got}, the shape is made for ${expected}`;
    case "Key.Layout":
      return `the layout of the public values is wrong at ${quoted(what)}: ${got}; export the key again`;
    case "Key.UnsafeSrs":
      return (
        `the structured reference string ${got} is UNSAFE: whoever made it may be able to forge proofs; ` +
        "pin the digest of a ceremony's, or allow unsafe ones for development"
      );
    case "Key.Digest":
      return `the key's digest is ${got}, not the pinned ${expected}: proofs under it mean something else`;
    case "File.TooLong":
      return `${what} has ${expected} bytes, this has ${got}`;
    case "File.Malformed":
      return `not ${what}: expected ${expected}, got ${got}`;
    case "File.Version":
      return `${what} of format version ${got}, this build reads version ${expected}: make it again, or use the build that made it`;
    case "File.Changed":
      return `the key's digest is ${got}, its file says ${expected}: the file was changed, export it again`;
    case "OtherKey":
      return `the proof is for the key ${got}, this is the key ${expected}: use the key that it was made for`;
    case "InstanceCount":
      return `the key is for ${expected} instances, got ${got}`;
    case "InstanceNotCanonical":
      return `${what} is not smaller than the scalar field's modulus`;
    case "ProofLength":
      return `a proof for this key has ${expected} bytes, got ${got}`;
    case "ScalarNotCanonical":
      return `${what}: the scalar is not smaller than the field's modulus`;
    case "CoordinateNotCanonical":
      return `${what}: a coordinate is not smaller than the field's modulus`;
    case "PointNotOnCurve":
      return `${what}: the point is not on the curve`;
    case "PointAtInfinity":
      return `${what}: the point is the identity`;
    case "DegenerateChallenge":
      return "a challenge fell into the evaluation domain: draw a new proof";
    case "Rejected":
      return "the proof does not hold for this key and these instances";
    case "NothingDescribed":
      return "the key does not say what its instances mean: of such a key, only verify the proof";
    case "Context":
      return "instance 0 or 1, half of the context, has more than 128 bits";
    case "PublicValue":
      return `the tensor ${quoted(what)}: expected integers ${expected}, got ${got}`;
    case "OtherContext":
      return `the proof is bound to the context ${got}, not to ${expected}`;
    case "Options":
      return `${what}: expected ${expected}, got ${got}`;
    case "Internal":
      return `verification stopped: ${quoted(what)}; the proof is not accepted`;
  }
}
