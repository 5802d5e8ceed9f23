// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IModelRegistry, Model, OutputRun} from "../interfaces/IModelRegistry.sol";

/// @title A model as its registry answers, read in place.
/// @notice `IModelRegistry.live`, without the compiler's decoder, which copies each field and looks at it again: the
/// registry has done so when it wrote the record. Only for a registry that is trusted with all that a record says: which
/// verifier is called, for instance.
library RegistryCall {
    /// @dev Words of a record in front of the runs' offset, and of a run.
    uint256 private constant RUNS_AT = 288;
    uint256 private constant RUN_BYTES = 192;
    /// @dev Of a record's answer without a run: its offset, ten words, the number of runs.
    uint256 private constant LEAST_BYTES = 384;

    /// @notice The record of a model that may be used; reverts as the registry does.
    function live(IModelRegistry registry, bytes32 id) internal view returns (Model memory model) {
        (bool success, bytes memory answer) = address(registry).staticcall(abi.encodeCall(registry.live, (id)));
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        // No registry at this address, or something else.
        if (answer.length < LEAST_BYTES) revert IModelRegistry.UnknownModel(id);
        uint256 runs;
        assembly ("memory-safe") {
            // Behind the offset of the struct.
            model := add(answer, 0x40)
            runs := add(model, mload(add(model, RUNS_AT)))
        }
        model.runs = _runs(runs);
    }

    /// @dev The runs that are at a place, as the ABI has them: in memory an array of structs is one of their addresses.
    function _runs(uint256 place) private pure returns (OutputRun[] memory runs) {
        assembly ("memory-safe") {
            let count := mload(place)
            runs := mload(0x40)
            mstore(runs, count)
            let to := add(runs, 0x20)
            let end := add(to, shl(5, count))
            let from := add(place, 0x20)
            for {} lt(to, end) { to := add(to, 0x20) } {
                mstore(to, from)
                from := add(from, RUN_BYTES)
            }
            mstore(0x40, end)
        }
    }
}
