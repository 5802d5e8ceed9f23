// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Takes tokens in and counts what arrived.
/// @notice For contracts that keep their own books: a token that takes a fee is refused, a donation counts for nothing,
/// and nobody gives something for nothing because of rounding.
library Intake {
    /// @notice Another amount arrived than was sent. In units of the token.
    error WrongAmountReceived(uint256 expected, uint256 got);
    /// @notice What is given is worth less than one unit of what is to be got for it.
    error NothingForIt();

    /// @notice Takes an amount (in units of the token) from who has allowed it, whole or not at all.
    function take(IERC20 token, address from, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        SafeERC20.safeTransferFrom(token, from, address(this), amount);
        uint256 got = token.balanceOf(address(this)) - before;
        if (got != amount) revert WrongAmountReceived(amount, got);
    }

    /// @notice Refuses an exchange that gives nothing.
    /// @param got In units of what is to be got.
    function requireSome(uint256 got) internal pure {
        if (got == 0) revert NothingForIt();
    }
}
