/**
 * How large the library is with all that it depends on, and how long it takes: `npm run measure`.
 *
 * *Loaded* is the bundle's own set-up. The other times are of `verify` from the texts of both files to the decision; *first* is
 * the first call in a new process or page, when nothing has been compiled or computed yet: what the reader of a page waits for. Chromium is the `chromium` of the path, or
 * $CHROMIUM.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { buildSync } from "esbuild";

const FILES = new URL("../../../tests/vectors/", import.meta.url);
const ENTRY = fileURLToPath(new URL("entry.js", import.meta.url));
const MODULE = new URL("../../dist/apodict-verifier.min.js", import.meta.url);
const DECISIONS = ["risk_scoring", "supply_adjustment", "governance_analysis"];
const RUNS = 21;
const PROCESSES = 5;
/** Goals: bytes after gzip, milliseconds of loading and the first verification in Chromium. */
const MAX_GZIPPED = 60_000;
const MAX_FIRST_MS = 300;

interface Times {
  readonly load: number;
  readonly first: number;
  readonly median: number;
}

/** Of some processes: the middle one, and the least of the first verifications, which other work on the machine disturbed least. */
interface Summary extends Times {
  readonly least: number;
}

/** Before the bundle, and after it: verifies again and again, in the page, too, so it needs nothing from here. */
const BEFORE = "const begun = performance.now();";
const PROGRAM = `
const load = performance.now() - begun;
function times(proof, key, runs) {
  const options = { keyDigest: JSON.parse(key).digest, srs: "allow-unsafe" };
  const taken = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    verify(proof, key, options);
    taken.push(performance.now() - start);
  }
  const first = taken[0];
  taken.sort((a, b) => a - b);
  return { load, first, median: taken[Math.floor(runs / 2)] };
}`;

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), "apodict-measure-"));
  try {
    const code = bundle();
    const module = readFileSync(MODULE);
    const gzipped = gzipSync(module, { level: 9 }).length;
    console.log(`module: ${module.length} bytes, ${gzipped} gzipped, ${brotliCompressSync(module).length} brotli`);
    let holds = goal("gzipped bytes", gzipped, MAX_GZIPPED);
    for (const name of DECISIONS) {
      const proof = readFileSync(new URL(`${name}.proof.json`, FILES), "utf8");
      const key = readFileSync(new URL(`${name}.vk.json`, FILES), "utf8");
      report(name, `Node.js ${process.version}`, several(() => inNode(folder, code, proof, key)));
      const browser = process.env["CHROMIUM"] ?? "chromium";
      const version = spawnSync(browser, ["--version"], { encoding: "utf8" });
      if (version.status !== 0) {
        console.log(`${name}: no Chromium, install the package chromium or set CHROMIUM`);
        continue;
      }
      const times = several(() => inChromium(browser, folder, code, proof, key));
      report(name, version.stdout.trim(), times);
      holds = goal("milliseconds", times.load + times.first, MAX_FIRST_MS) && holds;
    }
    process.exitCode = holds ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One script that sets `verify`, minified, so that a page can be measured without a server. */
function bundle(): Buffer {
  const built = buildSync({
    entryPoints: [ENTRY],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    write: false,
    legalComments: "none",
  });
  return Buffer.from(built.outputFiles[0]?.contents ?? []);
}

/** Some new processes, one after the other. */
function several(measure: () => Times): Summary {
  const all = Array.from({ length: PROCESSES }, measure);
  const middle = (of: (times: Times) => number): number => {
    return all.map(of).sort((a, b) => a - b)[Math.floor(PROCESSES / 2)] ?? Number.NaN;
  };
  return {
    load: middle(({ load }) => load),
    first: middle(({ first }) => first),
    median: middle(({ median }) => median),
    least: Math.min(...all.map(({ first }) => first)),
  };
}

function inNode(folder: string, code: Buffer, proof: string, key: string): Times {
  const script = join(folder, "measure.cjs");
  const call = `console.log(JSON.stringify(times(${literal(proof)}, ${literal(key)}, ${RUNS})))`;
  writeFileSync(script, `${BEFORE}\n${code.toString("utf8")}\n${PROGRAM}\n${call}`);
  const run = spawnSync(process.execPath, [script], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`Node.js failed:\n${run.stderr}`);
  return JSON.parse(run.stdout) as Times;
}

function inChromium(browser: string, folder: string, code: Buffer, proof: string, key: string): Times {
  const page = join(folder, "measure.html");
  const call = `document.title = JSON.stringify(times(${literal(proof)}, ${literal(key)}, ${RUNS}))`;
  const script = `${BEFORE}\n${code.toString("utf8")}\n${PROGRAM}\n${call}`.replaceAll("</script", "<\\/script");
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><script>${script}</script>`);
  const profile = mkdtempSync(join(folder, "profile-"));
  const options = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`, "--dump-dom", `file://${page}`];
  const run = spawnSync(browser, options, { encoding: "utf8", timeout: 120_000 });
  const title = /<title>(?<times>\{.*?\})<\/title>/.exec(run.stdout ?? "")?.groups?.["times"];
  if (title === undefined) throw new Error(`${browser} did not verify the proof:\n${run.stderr}`);
  return JSON.parse(title) as Times;
}

function literal(text: string): string {
  return JSON.stringify(text);
}

function report(name: string, where: string, { load, first, median, least }: Summary): void {
  const [loaded, begun, best, later] = [load, first, least, median].map((time) => `${time.toFixed(0)} ms`);
  console.log(`${name}: loaded in ${loaded}, first ${begun} (least ${best}), then ${later} (${where})`);
}

function goal(what: string, got: number, max: number): boolean {
  if (got > max) console.log(`  MISSED: ${got.toFixed(0)} ${what}, the goal is ${max}`);
  return got <= max;
}

main();
