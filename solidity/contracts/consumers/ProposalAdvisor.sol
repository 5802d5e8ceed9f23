// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {TextBinder} from "../feeds/TextBinder.sol";
import {Decision, IDecisionConsumer, Policy} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IRiskDelay} from "../interfaces/IRiskDelay.sol";
import {IVoteHistory} from "../interfaces/IVoteHistory.sol";
import {InputHash} from "../libraries/InputHash.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title Publishes how risky a proposal is, by a proved reading of its text and calls.
/// @notice The whole input is derived on chain: 64 tokens of the description, then eight facts about the calls and the
/// proposer (`factsOf`). Outputs are three scores between 0 and 1 (1e-18): harmless, doubtful, harmful. The effect is what
/// is published, and one longer vote for a proposal above the threshold: it can block nothing.
/// @dev The governor's clock must count seconds. The policy of all proposals is the one of subject 0.
contract ProposalAdvisor is ConsumerBase {
    /// @notice `risk`: 0 to 100. `class`: 0 harmless, 1 doubtful, 2 harmful; ties to the worse. `confidence`: the first score's
    /// distance from the second, 1e-18. `time`: seconds.
    struct Opinion {
        uint8 risk;
        uint8 class;
        uint64 confidence;
        uint64 time;
    }

    event Prepared(uint256 indexed proposalId, int256[] inputs);
    event Rated(uint256 indexed proposalId, uint8 risk, uint8 class, uint64 confidence, bytes32 indexed decision);
    event KnownCallSet(address indexed target, bytes4 indexed selector, bool known);
    event ThresholdSet(uint8 threshold);

    /// @notice The governor's clock does not count seconds.
    error WrongClock();
    /// @notice The proposal is not being voted on.
    error NotActive(uint256 proposalId);
    /// @notice The proposal's inputs are fixed, or it is rated, already.
    error DoneBefore(uint256 proposalId);
    /// @notice The proposal is not rated as risky as the threshold, or the advisor does not delay.
    error NotRisky(uint256 proposalId, uint8 risk);

    uint256 private constant TOKENS = 64;
    uint256 private constant FACTS = 8;
    uint256 private constant BPS = 1e4;
    int256 private constant UNIT = 1e18;

    IGovernor public immutable governor;
    IVoteHistory public immutable token;
    /// @notice Whose balance a proposal's value is compared with; calls to it and to the governor count as governance.
    address public immutable treasury;
    TextBinder public immutable texts;

    /// @notice From which risk on a vote is made longer; above 100: never.
    uint8 public threshold;
    mapping(address target => mapping(bytes4 selector => bool)) public isKnownCall;
    mapping(uint256 proposalId => bytes32) public inputsHashOf;
    mapping(uint256 proposalId => Opinion) private _opinions;

    constructor(
        address authority,
        IDecisionGateway gateway,
        IGovernor governor_,
        IVoteHistory token_,
        address treasury_,
        TextBinder texts_,
        uint8 threshold_
    ) ConsumerBase(authority, gateway) {
        if (keccak256(bytes(governor_.CLOCK_MODE())) != keccak256("mode=timestamp")) {
            revert WrongClock();
        }
        (governor, token, treasury, texts) = (governor_, token_, treasury_, texts_);
        _setThreshold(threshold_);
    }

    /// @notice Says which calls are routine. By governance.
    function setKnownCall(address target, bytes4 selector, bool known) external restricted {
        isKnownCall[target][selector] = known;
        emit KnownCallSet(target, selector, known);
    }

    /// @notice Changes the threshold. By governance.
    function setThreshold(uint8 threshold_) external restricted {
        _setThreshold(threshold_);
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

    /// @notice The facts, in this order: calls (at most 64); calls that are not known; ether that is moved, in 1e-4 of the
    /// treasury's (at most 10,000); bytes of calldata (at most 65,535); calls to governor or treasury; the proposer's
    /// votes when voting began, in 1e-4 of all; days since the proposer first had votes (at most 3,650); hours of voting
    /// (at most 1,000).
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

    /// @notice What was decided about a proposal; `time` 0: nothing yet.
    function opinionOf(uint256 proposalId) external view returns (Opinion memory) {
        return _opinions[proposalId];
    }

    /// @notice Makes the vote on a risky proposal longer, where the decision came before voting began. Anyone may.
    function delay(uint256 proposalId) external {
        Opinion memory opinion = _opinions[proposalId];
        if (opinion.time == 0 || opinion.risk < threshold) revert NotRisky(proposalId, opinion.risk);
        IRiskDelay(address(governor)).delayForRisk(proposalId);
    }

    /// @notice The policy of all proposals, with a proposal's own inputs; empty where these are not prepared.
    /// @param subject The proposal's number.
    function policy(bytes32 subject) public view override returns (Policy memory policy_) {
        bytes32 inputsHash = inputsHashOf[uint256(subject)];
        if (inputsHash == 0) return policy_;
        policy_ = super.policy(0);
        policy_.inputsHash = inputsHash;
    }

    /// @inheritdoc IDecisionConsumer
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        (parameters, from, to, eta) = (new bytes32[](1), new uint256[](1), new uint256[](1), new uint48[](1));
        parameters[0] = decision.subject;
        from[0] = _opinions[uint256(decision.subject)].risk;
        to[0] = _opinionFrom(decision).risk;
    }

    function _decide(Decision calldata decision) internal override {
        uint256 proposalId = uint256(decision.subject);
        if (_opinions[proposalId].time != 0) revert DoneBefore(proposalId);
        Opinion memory opinion = _opinionFrom(decision);
        _opinions[proposalId] = opinion;
        emit Rated(proposalId, opinion.risk, opinion.class, opinion.confidence, decision.id);
        // Not caught: who submits could leave too little gas for it and nothing would be delayed.
        if (opinion.risk >= threshold && governor.state(proposalId) == IGovernor.ProposalState.Active) {
            IRiskDelay(address(governor)).delayForRisk(proposalId);
        }
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

    function _opinionFrom(Decision calldata decision) private view returns (Opinion memory opinion) {
        _requireOutputs(3, decision.outputs.length);
        (int256 first, int256 second, int256 sum) = (-1, -1, 0);
        for (uint256 i = 0; i < 3; ++i) {
            int256 score = decision.outputs[i];
            if (score < 0 || score > UNIT) revert UnusableOutput(i, score);
            sum += score;
            if (score >= first) {
                (second, first) = (first, score);
                opinion.class = uint8(i);
            } else if (score > second) {
                second = score;
            }
        }
        if (sum == 0) revert UnusableOutput(0, 0);
        // All of them are between 0 and 1e18.
        // forge-lint: disable-next-line(unsafe-typecast)
        opinion.confidence = uint64(uint256(first - second));
        // forge-lint: disable-next-line(unsafe-typecast)
        opinion.risk = uint8(uint256((100 * decision.outputs[2] + 50 * decision.outputs[1]) / sum));
        opinion.time = uint64(block.timestamp);
    }

    /// @dev Inputs are counts and token numbers as they are.
    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        _requireOutputs(3, ports.length - inputs);
        if (inputs != TOKENS + FACTS) revert BadPolicy();
        for (uint256 i = 0; i < inputs; ++i) {
            if (ports[i].num != ports[i].den || ports[i].zero != 0) revert BadPolicy();
        }
    }

    function _setThreshold(uint8 threshold_) private {
        threshold = threshold_;
        emit ThresholdSet(threshold_);
    }
}
