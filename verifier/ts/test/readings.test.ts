/** What keys and instances say, as the Rust library says it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Hex, toHex } from "../src/bytes.js";
import { type Decision, type DecodedTensor, decodedTensors, verify } from "../src/decision.js";
import { shapeDigest } from "../src/key.js";
import { decode, portsHash, shapesDigest, type Tensor } from "../src/layout.js";
import { parseKey } from "../src/files.js";
import { hex, tensorOf, text } from "./answers.js";

interface Shown {
  readonly context: string;
  readonly inputs: object;
  readonly outputs: object;
}

interface Readings {
  readonly decisions: readonly {
    readonly name: string;
    readonly key_digest: Hex;
    readonly srs_digest: Hex;
    readonly shape_digest: Hex;
    readonly decision: Shown;
  }[];
  readonly layouts: readonly {
    readonly inputs: readonly Tensor[];
    readonly outputs: readonly Tensor[];
    readonly ports_hash: Hex;
    readonly shapes_digest: Hex;
    readonly instances: readonly string[];
    readonly decision: Shown;
  }[];
}

const readings = JSON.parse(text("readings.json")) as Readings;

/** As the Rust library shows values: nested arrays by name. */
function shown(tensors: ReadonlyMap<string, DecodedTensor>): [string, unknown][] {
  const nest = (values: readonly number[], [extent, ...inner]: readonly number[]): unknown => {
    if (extent === undefined) return values[0];
    const size = values.length / extent;
    return Array.from({ length: extent }, (_, index) => nest(values.slice(index * size, (index + 1) * size), inner));
  };
  return sorted([...tensors.values()].map(({ name, shape, values }) => [name, nest(values, shape)]));
}

/** Objects compare by their fields: `{"__proto__": ..}` has one of its own. */
function fields(object: object): [string, unknown][] {
  return sorted(Object.entries(object));
}

function sorted(entries: [string, unknown][]): [string, unknown][] {
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}

for (const { name, key_digest, srs_digest, shape_digest, decision } of readings.decisions) {
  test(`${name}: the decision is what Rust says`, () => {
    const key = text(`${name}.vk.json`);
    const got: Decision = verify(text(`${name}.proof.json`), key, { keyDigest: key_digest, srs: [srs_digest] });
    assert.equal(got.context, decision.context);
    assert.deepEqual(shown(got.inputs), fields(decision.inputs));
    assert.deepEqual(shown(got.outputs), fields(decision.outputs));
    assert.equal(got.keyDigest, key_digest);
    assert.deepEqual(got.srs, { digest: srs_digest, origin: "ceremony" });
    assert.equal(shapeDigest(parseKey(key).shape), shape_digest);
  });
}

test("layouts have the hashes and say what Rust says", () => {
  assert.ok(readings.layouts.length > 10);
  for (const reading of readings.layouts) {
    const layout = { inputs: reading.inputs.map(tensorOf), outputs: reading.outputs.map(tensorOf) };
    assert.equal(toHex(portsHash(layout)), reading.ports_hash);
    assert.equal(toHex(shapesDigest(layout)), reading.shapes_digest);
    const statement = decode(layout, reading.instances.map(hex));
    assert.equal(statement.context, reading.decision.context);
    assert.deepEqual(shown(decodedTensors(layout.inputs, statement.inputs)), fields(reading.decision.inputs));
    assert.deepEqual(shown(decodedTensors(layout.outputs, statement.outputs)), fields(reading.decision.outputs));
  }
});
