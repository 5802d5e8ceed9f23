#!/usr/bin/env node
// What other projects import must compile with the oldest solc that its pragma admits, with and without the optimizer, and
// with the newest one through the IR as well: their settings are not ours.
"use strict";

const fs = require("fs");
const path = require("path");

const folder = path.join(__dirname, "../contracts/verifiers");
const files = ["IHalo2Verifier.sol", "PublicValues.sol", "RevertData.sol"];
const sources = Object.fromEntries(files.map((file) => [file, { content: fs.readFileSync(path.join(folder, file), "utf8") }]));
// A library's internal functions are compiled where they are used.
sources["Use.sol"] = {
  content: `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.4;
import {IHalo2Verifier} from "./IHalo2Verifier.sol";
import {Port, PublicValues, Rounding} from "./PublicValues.sol";
import {RevertData} from "./RevertData.sol";
contract Use {
    function use(IHalo2Verifier verifier, uint256[] calldata values, Port[] memory ports) external view returns (int256) {
        try verifier.verifyProof(address(this), PublicValues.hashPorts(ports), "", values) returns (bool) {}
        catch (bytes memory data) { require(!RevertData.isRejection(data)); }
        (uint256 low,) = PublicValues.contextOf(bytes32(values[0]));
        int256 number = PublicValues.toNumber(PublicValues.decode(values[1], ports[0]), ports[0], 1e18, Rounding.Down);
        return number + int256(PublicValues.encode(int256(low), 1e8, ports[1])) + PublicValues.toNumber(number, 12, 1, Rounding.Up);
    }
}`,
};

function check(solc, settings) {
  const input = { language: "Solidity", sources, settings: { ...settings, outputSelection: { "*": { "*": ["evm.bytecode.object"] } } } };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const what = `solc ${solc.version()} with ${JSON.stringify(settings)}`;
  const errors = (output.errors || []).filter((error) => error.severity === "error");
  if (errors.length > 0) {
    process.stderr.write(`${what}:\n${errors.map((error) => error.formattedMessage).join("\n")}\n`);
    process.exit(1);
  }
  if (!output.contracts["Use.sol"].Use.evm.bytecode.object) throw new Error(`${what}: no bytecode`);
  process.stdout.write(`${what}: compiles\n`);
}

const oldest = require("solc-oldest");
check(oldest, { optimizer: { enabled: false } });
check(oldest, { optimizer: { enabled: true, runs: 200 } });
const newest = require("solc");
check(newest, { optimizer: { enabled: false } });
check(newest, { viaIR: true, optimizer: { enabled: true, runs: 200 } });
