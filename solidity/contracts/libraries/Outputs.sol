// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {OutputRun} from "../interfaces/IModelRegistry.sol";
import {PublicValues, Rounding} from "../verifiers/PublicValues.sol";

/// @title A model's outputs, by the runs that the registry keeps.
/// @notice Signs and scales themselves are `PublicValues`'; this walks the runs.
library Outputs {
    /// @notice Some outputs as numbers, rounded down, as `PublicValues.toNumber` gives them.
    /// @param outputs In steps.
    /// @param from Where in `outputs` they begin, and `count`, how many they are.
    /// @param first Position of the first of them among the model's outputs.
    /// @param unit What 1.0 is.
    function toNumbers(
        int256[] memory outputs,
        uint256 from,
        uint256 count,
        uint256 first,
        OutputRun[] memory runs,
        uint256 unit
    ) internal pure returns (int256[] memory numbers) {
        numbers = new int256[](count);
        uint256 r;
        OutputRun memory run = runs[0];
        uint256 end = run.count;
        for (uint256 i = 0; i < count; ++i) {
            while (first + i >= end) {
                run = runs[++r];
                end += run.count;
            }
            // Both have 128 bits at most.
            unchecked {
                numbers[i] = PublicValues.scale(outputs[from + i] - run.zero, run.den * unit, run.num, Rounding.Down);
            }
        }
    }
}
