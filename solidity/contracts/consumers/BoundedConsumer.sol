// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {IFeedBinder} from "../interfaces/IFeedBinder.sol";
import {Bound, Live} from "../libraries/Bounds.sol";
import {Groups} from "../libraries/Groups.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title A consumer whose decisions move parameters within bounds.
/// @notice Parameters that one decision moves together are a *group*. What `Bounds` says moves at once does; the rest
/// waits in the open, is executed by anyone within 24 hours after its time, and can be vetoed by the guardian until
/// then. The guardian can put back what was before the last move that was not safe, or else before the day's safe ones,
/// once within 24 hours of a change, and can never set another value. A raise waits only while every decision asks for
/// one: the first that does not drops it. Cooldowns no shorter than 24 hours leave a guardian that long for each move
/// that is not safe.
/// @dev Events are those of `Groups`.
abstract contract BoundedConsumer is ConsumerBase {
    /// @notice One group and what a decision asks of its parameters, in their units.
    struct Move {
        bytes32 group;
        uint256[] targets;
    }

    Groups.State private _groups;

    /// @notice Sets the bounds of a group, and its values. By governance. What waits is dropped.
    /// @param values The parameters as they stand where they are used; none to leave those that the group has.
    function configure(bytes32 group, Bound[] calldata bounds, uint48[] calldata values) external restricted {
        Groups.configure(_groups, group, bounds, values);
    }

    /// @notice Applies what waits in a group, once its time has come. Anyone may, while the layer 2 whose sequencer the
    /// decision's feed set names has been up for its grace time: so long a veto was possible at least.
    /// @return done Whether something was: false where nothing waits, or it waited too long.
    function execute(bytes32 group) external returns (bool done) {
        if (paused) revert Paused();
        _requireInStep(group);
        Live[] memory live;
        Groups.Origin memory origin;
        (live, origin, done) = Groups.execute(_groups, group);
        if (!done) return false;
        // Whoever disables a model means what waits as well.
        registry.portsOf(origin.model);
        // The binder that its inputs came from: no gateway is needed, alive or not. Without a feed set there is none to
        // ask.
        if (origin.feedSet != 0) IFeedBinder(origin.binder).requireSequencer(origin.feedSet);
        _apply(group, live, origin);
    }

    /// @notice Drops what waits in a group. By the guardian.
    /// @return Whether something waited.
    function veto(bytes32 group) external restricted returns (bool) {
        return Groups.veto(_groups, group);
    }

    /// @notice Puts back what each parameter of a group was before its last move that was not safe, or, where there was
    /// none within a day of its last change, before the safe ones of that day: whoever adds a small safe move changes
    /// nothing by it. If its last change is at most 24 hours ago. By the guardian, with no delay, once.
    /// @return done Whether something was put back. What waits is then dropped, else it stays (`veto`).
    function restore(bytes32 group) external restricted returns (bool done) {
        _requireInStep(group);
        Live[] memory live;
        (live, done) = Groups.restore(_groups, group);
        if (done) _apply(group, live, Groups.Origin(0, 0, 0, address(0), uint64(block.timestamp)));
    }

    /// @notice What `restore` would put back now: each parameter's own value where nothing.
    function restorable(bytes32 group) external view returns (uint48[] memory) {
        return Groups.restorable(_groups, group);
    }

    /// @notice Values and bounds of a group, for people and for machines: what holds, what waits and until when, which
    /// limit applies.
    function parametersOf(bytes32 group) external view returns (Live[] memory live, Bound[] memory bounds) {
        return Groups.parametersOf(_groups, group);
    }

    /// @notice Which decision the waiting change of a group comes from.
    function originOf(bytes32 group) external view returns (Groups.Origin memory) {
        return _groups.origins[group];
    }

    /// @inheritdoc IDecisionConsumer
    /// @dev A parameter's name is `keccak256(abi.encode(group, index))`.
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        Move[] memory moves = _moves(decision);
        uint256 count;
        for (uint256 m = 0; m < moves.length; ++m) {
            count += moves[m].targets.length;
        }
        parameters = new bytes32[](count);
        (from, to, eta) = (new uint256[](count), new uint256[](count), new uint48[](count));
        count = 0;
        for (uint256 m = 0; m < moves.length; ++m) {
            (uint256[] memory a, uint256[] memory b, uint48[] memory t) =
                Groups.preview(_groups, moves[m].group, moves[m].targets);
            for (uint256 i = 0; i < a.length; ++i) {
                parameters[count] = keccak256(abi.encode(moves[m].group, i));
                (from[count], to[count], eta[count]) = (a[i], b[i], t[i]);
                ++count;
            }
        }
    }

    function _liveOf(bytes32 group) internal view returns (Live[] memory live) {
        (live,) = Groups.parametersOf(_groups, group);
    }

    function _decide(Decision calldata decision) internal virtual override {
        Move[] memory moves = _moves(decision);
        Groups.Origin memory origin =
            Groups.Origin(decision.id, decision.model, decision.feedSet, address(0), decision.observedAt);
        for (uint256 m = 0; m < moves.length; ++m) {
            (Live[] memory live, bool changed) = Groups.move(_groups, moves[m].group, moves[m].targets, origin, gateway);
            if (changed) _apply(moves[m].group, live, origin);
        }
    }

    /// @dev What a decision asks for. Reverts where its outputs are unusable.
    function _moves(Decision calldata decision) internal view virtual returns (Move[] memory);

    /// @dev Refuses to change values that somebody else has changed in between where they are used. Called before what
    /// waits is executed and before values are put back; a decision's `_moves` does it for its own.
    function _requireInStep(bytes32 group) internal view virtual {}

    /// @dev Hands changed values on to where they are used; reverts where they must not be.
    function _apply(bytes32 group, Live[] memory live, Groups.Origin memory origin) internal virtual;
}
