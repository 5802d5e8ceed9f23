// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Decision} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {ICollateralPort} from "../interfaces/ICollateralPort.sol";
import {Live} from "../libraries/Bounds.sol";
import {Groups} from "../libraries/Groups.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {BoundedConsumer} from "./BoundedConsumer.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title Sets a lending market's collateral parameters and caps by proved decisions.
/// @notice A subject is a reserve. Outputs, in 1e-18: loan to value and liquidation threshold as shares, supply and
/// borrow cap in whole tokens. Loan to value and threshold are one group: of a decision that moves both, neither is
/// held back alone, save that a lower loan to value is safe by itself. A threshold has no safe direction: lowered it
/// liquidates.
/// @dev Groups: `(asset << 8) | kind`, kinds below. Bounds are governance's; as meant: loan to value up 50 a decision
/// after 24 h, 72 h apart, down 300 at once; threshold 25 either way, always after 24 h; caps up by half after 24 h, 36
/// h apart, down by half at once.
contract CollateralSteward is BoundedConsumer {
    /// @notice The market has other values than this contract set: governance changed them, and must say so by
    /// `configure`. Of any group where a decision comes; of the group itself where what waits is executed or what was
    /// before is put back.
    error OutOfStep(address asset);
    /// @notice Loan to value and threshold are closer than `GAP`. In 1e-4.
    error GapTooSmall(uint256 ltv, uint256 liquidationThreshold);

    /// @notice Kinds of groups.
    uint8 public constant COLLATERAL = 0;
    uint8 public constant SUPPLY_CAP = 1;
    uint8 public constant BORROW_CAP = 2;
    /// @notice Least distance of the threshold from the loan to value. In 1e-4.
    uint256 public constant GAP = 200;
    /// @dev Both are rounded towards their old values when a coupled move is shortened.
    uint256 private constant ROUNDING = 1;
    uint256 private constant UNIT = 1e18;
    uint256 private constant BPS = 1e4;

    /// @notice The market, or an adapter to it.
    ICollateralPort public immutable market;

    constructor(address authority, IDecisionGateway gateway, ICollateralPort market_) ConsumerBase(authority, gateway) {
        market = market_;
    }

    /// @notice The subject of decisions about a reserve.
    function subjectOf(address asset) public pure returns (bytes32) {
        return bytes32(uint256(uint160(asset)));
    }

    /// @notice The group of a reserve's parameters of a kind.
    function groupOf(address asset, uint8 kind) public pure returns (bytes32) {
        return bytes32((uint256(uint160(asset)) << 8) | kind);
    }

    function _moves(Decision calldata decision) internal view override returns (Move[] memory moves) {
        _requireOutputs(4, decision.outputs.length);
        for (uint256 i = 0; i < 4; ++i) {
            if (decision.outputs[i] < 0) revert UnusableOutput(i, decision.outputs[i]);
        }
        address asset = address(uint160(uint256(decision.subject)));
        moves = new Move[](3);
        moves[0] = Move(groupOf(asset, COLLATERAL), new uint256[](2));
        moves[0].targets[0] = _scaled(decision.outputs[0], BPS);
        moves[0].targets[1] = _scaled(decision.outputs[1], BPS);
        if (moves[0].targets[0] + GAP > moves[0].targets[1]) {
            revert GapTooSmall(moves[0].targets[0], moves[0].targets[1]);
        }
        moves[1] = _capMove(groupOf(asset, SUPPLY_CAP), decision.outputs[2]);
        moves[2] = _capMove(groupOf(asset, BORROW_CAP), decision.outputs[3]);

        // All three: who changed one of them by hand means the market as it is.
        for (uint256 i = 0; i < moves.length; ++i) {
            _requireInStep(moves[i].group);
        }
    }

    /// @dev Of one kind: a cap that somebody lowers by hand keeps nobody from putting back a loan to value.
    function _requireInStep(bytes32 group) internal view override {
        address asset = address(uint160(uint256(group) >> 8));
        uint8 kind = uint8(uint256(group));
        ICollateralPort.Reserve memory reserve = market.reserveOf(asset);
        Live[] memory live = _liveOf(group);
        bool same;
        if (kind == COLLATERAL) {
            same = live[0].value == reserve.ltv && live[1].value == reserve.liquidationThreshold;
        } else {
            same = live[0].value == (kind == SUPPLY_CAP ? reserve.supplyCap : reserve.borrowCap);
        }
        if (!same) revert OutOfStep(asset);
    }

    function _apply(bytes32 group, Live[] memory live, Groups.Origin memory) internal override {
        address asset = address(uint160(uint256(group) >> 8));
        uint8 kind = uint8(uint256(group));
        if (kind == COLLATERAL) {
            if (live[0].value + GAP > uint256(live[1].value) + 2 * ROUNDING) {
                revert GapTooSmall(live[0].value, live[1].value);
            }
            market.configureReserveAsCollateral(asset, live[0].value, live[1].value);
        } else if (kind == SUPPLY_CAP) {
            market.setSupplyCap(asset, live[0].value);
        } else {
            market.setBorrowCap(asset, live[0].value);
        }
    }

    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        _requireOutputs(4, ports.length - inputs);
    }

    /// @dev A cap may go below what is used: it stops who comes, not who leaves or repays. A floor at the use of this
    /// moment would be lifted by a deposit that is gone after the decision.
    function _capMove(bytes32 group, int256 output) private pure returns (Move memory move) {
        move = Move(group, new uint256[](1));
        move.targets[0] = _scaled(output, 1);
    }

    function _scaled(int256 output, uint256 unit) private pure returns (uint256) {
        // Not negative. Outputs are below 2^127 times 1e18: this does not overflow.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint256(output) / (UNIT / unit);
    }
}
