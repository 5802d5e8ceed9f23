// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A token whose supply a controller moves.
/// @notice Who has the minter's role mints to itself alone, and burns its own alone. The role is meant for one
/// contract, `SupplyController`, and for nobody else: a key that can mint is what such tokens have been emptied by.
contract ElasticToken is ERC20, ERC20Permit, AccessManaged {
    constructor(address authority, string memory name_, string memory symbol_)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
        AccessManaged(authority)
    {}

    /// @notice Mints to the caller. In units of the token (1e-18). By the minter's role.
    function mint(uint256 amount) external restricted {
        _mint(msg.sender, amount);
    }

    /// @notice Burns the caller's own. In units of the token (1e-18). Anyone may.
    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }
}
