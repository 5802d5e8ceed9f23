// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {OutputRun} from "../interfaces/IModelRegistry.sol";
import {Port, PublicValues, Rounding} from "../verifiers/PublicValues.sol";

/// @title A model's outputs, by the runs that the registry keeps.
/// @notice Signs and scales themselves are `PublicValues`'; this walks the runs.
library Outputs {
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
