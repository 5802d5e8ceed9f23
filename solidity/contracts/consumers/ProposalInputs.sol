// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {TextBinder} from "../feeds/TextBinder.sol";
import {Policy} from "../interfaces/IDecisionConsumer.sol";
import {IVoteHistory} from "../interfaces/IVoteHistory.sol";
import {InputHash} from "../libraries/InputHash.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title Derives what a model reads of a proposal, on chain and whole: nobody who submits chooses an input.
/// @notice 64 tokens of the description, then eight facts about the calls and the proposer (`factsOf`).
/// @dev The governor's clock must count seconds. The policy of all proposals is the one of subject 0.
abstract contract ProposalInputs is ConsumerBase {
    event Prepared(uint256 indexed proposalId, int256[] inputs);
    event KnownCallSet(address indexed target, bytes4 indexed selector, bool known);

    /// @notice The governor's clock does not count seconds.
    error WrongClock();
    /// @notice The proposal is not being voted on.
    error NotActive(uint256 proposalId);
    /// @notice The proposal's inputs are fixed, or it is rated, already.
    error DoneBefore(uint256 proposalId);

    uint256 private constant TOKENS = 64;
    uint256 private constant FACTS = 8;
    uint256 private constant BPS = 1e4;

    /// @notice Where proposals are voted on, and the token that gives votes.
    IGovernor public immutable governor;
    IVoteHistory public immutable token;
    /// @notice Whose balance a proposal's value is compared with; calls to it and to the governor count as governance.
    address public immutable treasury;
    /// @notice What makes tokens of a text.
    TextBinder public immutable texts;

    /// @notice Which calls are routine.
    mapping(address target => mapping(bytes4 selector => bool)) public isKnownCall;
    /// @notice `InputHash.ofAll` of a proposal's inputs; 0: not prepared.
    mapping(uint256 proposalId => bytes32) public inputsHashOf;

    constructor(IGovernor governor_, IVoteHistory token_, address treasury_, TextBinder texts_) {
        if (keccak256(bytes(governor_.CLOCK_MODE())) != keccak256("mode=timestamp")) revert WrongClock();
        (governor, token, treasury, texts) = (governor_, token_, treasury_, texts_);
    }

    /// @notice Says which calls are routine. By governance.
    function setKnownCall(address target, bytes4 selector, bool known) external restricted {
        isKnownCall[target][selector] = known;
        emit KnownCallSet(target, selector, known);
    }

    /// @notice Derives a proposal's inputs and fixes them, while it is voted on. Anyone may, once; some 150,000 gas.
    function prepare(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata calls,
        string calldata description
    ) external returns (uint256 proposalId) {
        bytes32 descriptionHash = keccak256(bytes(description));
        proposalId = governor.getProposalId(targets, values, calls, descriptionHash);
        if (governor.state(proposalId) != IGovernor.ProposalState.Active) revert NotActive(proposalId);
        if (inputsHashOf[proposalId] != 0) revert DoneBefore(proposalId);
        int256[] memory inputs = new int256[](TOKENS + FACTS);
        int256[] memory tokens = texts.bind(description, descriptionHash);
        for (uint256 i = 0; i < TOKENS; ++i) {
            inputs[i] = tokens[i];
        }
        uint256[FACTS] memory facts = factsOf(proposalId, targets, values, calls);
        for (uint256 i = 0; i < FACTS; ++i) {
            // Each is capped.
            // forge-lint: disable-next-line(unsafe-typecast)
            inputs[TOKENS + i] = int256(facts[i]);
        }
        inputsHashOf[proposalId] = InputHash.ofAll(inputs);
        emit Prepared(proposalId, inputs);
    }

    /// @notice The facts, in this order: calls (at most 64); calls that are not known; ether that is moved, in 1e-4 of
    /// the treasury's (at most 10,000); bytes of calldata (at most 65,535); calls to governor or treasury; the
    /// proposer's votes when voting began, in 1e-4 of all; days since the proposer first had votes (at most 3,650);
    /// hours of voting (at most 1,000).
    function factsOf(uint256 proposalId, address[] calldata targets, uint256[] calldata values, bytes[] calldata calls)
        public
        view
        returns (uint256[FACTS] memory facts)
    {
        _callFacts(facts, targets, values, calls);
        uint256 snapshot = governor.proposalSnapshot(proposalId);
        address proposer = governor.proposalProposer(proposalId);
        uint256 supply = token.getPastTotalSupply(snapshot);
        if (supply != 0) facts[5] = token.getPastVotes(proposer, snapshot) * BPS / supply;
        if (token.numCheckpoints(proposer) != 0) {
            facts[6] = Math.min(Math.saturatingSub(snapshot, token.checkpoints(proposer, 0)._key) / 1 days, 3_650);
        }
        facts[7] = Math.min((governor.proposalDeadline(proposalId) - snapshot) / 1 hours, 1_000);
    }

    /// @notice The policy of all proposals, with a proposal's own inputs; empty where these are not prepared.
    /// @param subject The proposal's number.
    function policy(bytes32 subject) public view override returns (Policy memory policy_) {
        bytes32 inputsHash = inputsHashOf[uint256(subject)];
        if (inputsHash == 0) return policy_;
        policy_ = super.policy(0);
        policy_.inputsHash = inputsHash;
    }

    function _callFacts(
        uint256[FACTS] memory facts,
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata calls
    ) private view {
        uint256 value;
        for (uint256 i = 0; i < targets.length; ++i) {
            bytes4 selector = calls[i].length < 4 ? bytes4(0) : bytes4(calls[i]);
            if (!isKnownCall[targets[i]][selector]) ++facts[1];
            if (targets[i] == address(governor) || targets[i] == treasury) ++facts[4];
            facts[3] += calls[i].length;
            // A proposal may name any number; more than there is counts as all.
            value = Math.saturatingAdd(value, values[i]);
        }
        facts[0] = Math.min(targets.length, 64);
        facts[1] = Math.min(facts[1], 64);
        facts[3] = Math.min(facts[3], 65_535);
        facts[4] = Math.min(facts[4], 64);
        if (value != 0) facts[2] = value >= treasury.balance ? BPS : value * BPS / treasury.balance;
    }

    /// @dev Inputs are counts and token numbers as they are.
    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure virtual override {
        if (inputs != TOKENS + FACTS) revert BadPolicy();
        for (uint256 i = 0; i < inputs; ++i) {
            if (ports[i].num != ports[i].den || ports[i].zero != 0) revert BadPolicy();
        }
    }
}
