// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Rendered verifiers import their interface from beside them: this one is for those that only tests have.
// solhint-disable-next-line no-unused-import
import {IHalo2Verifier} from "../../contracts/verifiers/IHalo2Verifier.sol";
