// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token that can take a fee, answer nothing, or call back while it moves.
contract MockToken is ERC20 {
    uint8 private immutable _decimals;
    uint256 public feeBps;
    address private _hooked;
    bytes private _call;

    constructor(uint8 decimals_) ERC20("mock", "MOCK") {
        _decimals = decimals_;
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    function give(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setFee(uint256 bps) external {
        feeBps = bps;
    }

    /// @dev What to call during the next transfer.
    function setHook(address hooked, bytes calldata call) external {
        (_hooked, _call) = (hooked, call);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (feeBps != 0 && from != address(0) && to != address(0)) {
            super._update(to, address(0), amount * feeBps / 1e4);
        }
        if (_hooked == address(0) || from == address(0)) return;
        (address hooked, bytes memory call) = (_hooked, _call);
        _hooked = address(0);
        (bool success, bytes memory data) = hooked.call(call);
        if (!success) {
            assembly {
                revert(add(data, 0x20), mload(data))
            }
        }
    }
}
