/** What a verified proof says, in the model's units. */

import { existing, type Hex } from "./bytes.js";
import { contained, quoted, VerifyError } from "./errors.js";
import { parseKey, parseProof, type ProofFile } from "./files.js";
import type { Quantization, Tensor } from "./layout.js";
import type { Limits } from "./limits.js";
import { checkedDigest, type SrsOrigin, type Trust, Verifier } from "./verifier.js";

/** A tensor of verified values. */
export interface DecodedTensor {
  /** As in the ONNX model: the model's maker chose it, so quote it before it is shown. */
  readonly name: string;
  readonly shape: readonly number[];
  /** What was proved, row-major. */
  readonly integers: readonly bigint[];
  /**
   * `(integer - zero) * den / num` as doubles: exact where the scale is a power of two and the integer below 2^53, else rounded.
   */
  readonly values: readonly number[];
  /** How each integer is read. */
  readonly quantizations: readonly Quantization[];
}

/** What a proof says. */
export interface Decision {
  /** What the proof is bound to. Compute it yourself and compare, or pass it to `verify`. */
  readonly context: Hex;
  /** By name. Whether these are the inputs of the case at hand, the proof does not say. */
  readonly inputs: ReadonlyMap<string, DecodedTensor>;
  readonly outputs: ReadonlyMap<string, DecodedTensor>;
  readonly keyDigest: Hex;
  readonly programDigest: Hex;
  /** `unsafe` if nobody vouches for the reference string: its maker may be able to forge proofs. Show it. */
  readonly srs: { readonly digest: Hex; readonly origin: SrsOrigin };
}

/** What a proof must be bound to. */
export interface Binding {
  /** The context that the proof must have: 32 bytes. Leave it out to compare it yourself; `undefined` is refused. */
  readonly context?: Hex;
}

export interface VerifyOptions extends Trust, Limits, Binding {}

/**
 * Verifies a `proof.json` with a `vk.json`, each as text or bytes, and says what it proves. Throws a {@link VerifyError}, and
 * nothing else, for whatever is wrong with either. To verify more than one proof, keep a {@link Verifier} and {@link decide}.
 */
export function verify(proof: string | Uint8Array, key: string | Uint8Array, options: VerifyOptions): Decision {
  return contained(() => {
    onlyKnown(options, ["keyDigest", "srs", "context", "maxValues"]);
    const binding: Binding = Object.hasOwn(options, "context") ? { context: options.context as Hex } : {};
    const file = parseProof(proof, options);
    return decide(new Verifier(parseKey(key, options), options), file, binding);
  });
}

/** Verifies the proof of a file and decodes what it says. */
export function decide(verifier: Verifier, file: ProofFile, binding: Binding = {}): Decision {
  return contained(() => {
    onlyKnown(binding, ["context"]);
    // A context that got lost on the way is not one that nobody asked for.
    const bound = Object.hasOwn(binding, "context") ? checkedDigest("the option context", binding.context) : undefined;
    const { key, digest } = verifier;
    if (file.keyDigest !== digest) throw new VerifyError("OtherKey", { expected: digest, got: file.keyDigest });
    const statement = verifier.statement(file.instances, file.proof);
    if (bound !== undefined && bound !== statement.context) {
      throw new VerifyError("OtherContext", { expected: bound, got: statement.context });
    }
    return {
      context: statement.context,
      inputs: decodedTensors(key.layout.inputs, statement.inputs),
      outputs: decodedTensors(key.layout.outputs, statement.outputs),
      keyDigest: digest,
      programDigest: key.programDigest,
      srs: { digest: verifier.srsDigest, origin: verifier.srsOrigin },
    };
  });
}

/** An option that is misspelt would be a check that is left out. */
function onlyKnown(options: object, names: readonly string[]): void {
  const unknown = typeof options === "object" && options !== null ? Object.keys(options).find((name) => !names.includes(name)) : "";
  if (unknown === undefined) return;
  throw new VerifyError("Options", { what: "the options", expected: names.join(", "), got: quoted(unknown) });
}

/** Tensors by name, with the integers that were decoded for them. */
export function decodedTensors(
  tensors: readonly Tensor[],
  values: readonly (readonly bigint[])[],
): Map<string, DecodedTensor> {
  const decoded = tensors.map((tensor, index) => decodedTensor(tensor, existing(values[index])));
  return new Map(decoded.map((tensor) => [tensor.name, tensor]));
}

function decodedTensor({ name, shape, runs }: Tensor, integers: readonly bigint[]): DecodedTensor {
  const quantizations = runs.flatMap(({ count, num, den, zero, lo, hi }) => {
    return new Array<Quantization>(count).fill({ num, den, zero, lo, hi });
  });
  const values = integers.map((integer, index) => {
    const { num, den, zero } = existing(quantizations[index]);
    const steps = Number(integer - zero);
    return num === den ? steps : (steps * Number(den)) / Number(num);
  });
  return { name, shape, integers, values, quantizations };
}
