/** What the README says runs, in a project that has installed the package. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { VECTORS } from "./answers.js";

const PACKAGE = new URL("../../", import.meta.url);

test("the example runs and prints what it says", () => {
  const readme = readFileSync(new URL("README.md", PACKAGE), "utf8");
  const example = /```js\n(?<code>.*?)```/s.exec(readme)?.groups?.["code"] ?? "";
  const says = /values\); \/\/ (?<output>.*)/.exec(example)?.groups?.["output"];
  // Below the package's own folder its name means the package as it was built.
  const folder = mkdtempSync(fileURLToPath(new URL("build/example-", PACKAGE)));
  try {
    copyFileSync(new URL("risk_scoring.vk.json", VECTORS), join(folder, "vk.json"));
    copyFileSync(new URL("risk_scoring.proof.json", VECTORS), join(folder, "proof.json"));
    writeFileSync(join(folder, "example.mjs"), example);
    const run = spawnSync(process.execPath, ["example.mjs"], { cwd: folder, encoding: "utf8" });
    assert.equal(run.stderr, "");
    assert.equal(run.stdout.trim(), says);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
