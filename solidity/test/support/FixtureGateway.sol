// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DecisionGateway} from "../../contracts/gateway/DecisionGateway.sol";
import {IFeedBinder} from "../../contracts/interfaces/IFeedBinder.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";

/// @notice The gateway with one line changed: its context is the one that the fixture's genuine proof was made for. That a
/// context is computed from chain, gateway, consumer, model, subject, nonce and deadline is tested elsewhere.
contract FixtureGateway is DecisionGateway {
    bytes32 private constant CONTEXT = hex"a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7";

    constructor(IModelRegistry registry, IFeedBinder binder) DecisionGateway(registry, binder, true) {}

    function _contextOf(bytes32, address, bytes32, bytes32, uint64, uint64) internal pure override returns (bytes32) {
        return CONTEXT;
    }
}
