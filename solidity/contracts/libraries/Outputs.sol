// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {OutputRun} from "../interfaces/IModelRegistry.sol";
import {Port, PublicValues, Rounding} from "../verifiers/PublicValues.sol";

/// @title A model's outputs, by the runs that the registry keeps.
/// @notice Ranges, signs and scales themselves are `PublicValues`'; this walks the runs.
library Outputs {
    /// @notice Checks each output against its range and writes the instances.
    /// @param outputs In steps, as many as the runs hold.
    /// @param start Where in `instances` they begin.
    function encode(int256[] memory outputs, OutputRun[] memory runs, uint256[] memory instances, uint256 start)
        internal
        pure
    {
        // A registry's runs hold as many outputs as the model has; with others the arrays would be left.
        if (start + countOf(runs) != instances.length || outputs.length != countOf(runs)) {
            revert IDecisionGateway.WrongLength(countOf(runs), outputs.length);
        }
        uint256 i;
        for (uint256 r = 0; r < runs.length; ++r) {
            OutputRun memory run = runs[r];
            (int256 lo, int256 hi) = (run.lo, run.hi);
            for (uint256 end = i + run.count; i < end;) {
                int256 output;
                // Within the arrays, whose lengths were compared.
                assembly ("memory-safe") {
                    output := mload(add(add(outputs, 0x20), mul(i, 0x20)))
                }
                if (output < lo || output > hi) revert IDecisionGateway.OutputOutOfRange(i, lo, hi, output);
                uint256 instance = PublicValues.fromInt256(output);
                assembly ("memory-safe") {
                    mstore(add(add(instances, 0x20), mul(add(start, i), 0x20)), instance)
                }
                unchecked {
                    ++i;
                }
            }
        }
    }

    /// @notice How many outputs the runs hold.
    function countOf(OutputRun[] memory runs) internal pure returns (uint256 count) {
        for (uint256 r = 0; r < runs.length; ++r) {
            count += runs[r].count;
        }
    }

    /// @notice The outputs as numbers, rounded down.
    /// @param outputs In steps; some in a row of the model's.
    /// @param first Position of the first of them among the model's outputs.
    /// @param unit What 1.0 is.
    function toNumbers(int256[] memory outputs, uint256 first, OutputRun[] memory runs, uint256 unit)
        internal
        pure
        returns (int256[] memory numbers)
    {
        numbers = new int256[](outputs.length);
        uint256 r;
        uint256 end = runs[0].count;
        Port memory port = _portOf(runs[0]);
        for (uint256 i = 0; i < outputs.length; ++i) {
            while (first + i >= end) {
                port = _portOf(runs[++r]);
                end += runs[r].count;
            }
            numbers[i] = PublicValues.toNumber(outputs[i], port, unit, Rounding.Down);
        }
    }

    function _portOf(OutputRun memory run) private pure returns (Port memory) {
        return Port({name: 0, lo: run.lo, hi: run.hi, num: run.num, den: run.den, zero: run.zero});
    }
}
