// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Decision, IDecisionConsumer, Policy} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IValidationRegistry} from "../interfaces/IValidationRegistry.sol";
import {InputHash} from "../libraries/InputHash.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title Answers ERC-8004 validation requests with a proof: 100, once, or nothing.
/// @notice A request says that a model gave these outputs for these inputs. Its hash is `requestHashOf`; whoever proves
/// it makes this validator answer 100, and never anything afterwards. It says that the computation is right, and
/// nothing about the inputs.
contract ValidationAdapter is ConsumerBase {
    struct Claim {
        bytes32 model;
        bytes32 inputsHash;
        bytes32 outputsHash;
        uint16 inputs;
        bool answered;
    }

    event Claimed(bytes32 indexed requestHash, bytes32 indexed model, int256[] inputs, int256[] outputs);

    /// @notice Nobody has claimed this.
    error NoClaim(bytes32 requestHash);
    /// @notice The request has its answer.
    error Answered(bytes32 requestHash);
    /// @notice What was proved is not what was claimed. Hashes of the outputs in 1e-18.
    error OtherOutputs(bytes32 claimed, bytes32 proved);

    /// @notice Seconds that a proof of a claim has.
    uint32 public constant MAX_AGE = 1 days;

    /// @notice The registry that is answered.
    IValidationRegistry public immutable validations;
    mapping(bytes32 requestHash => Claim) private _claims;

    constructor(address authority, IDecisionGateway gateway_, IValidationRegistry validations_)
        ConsumerBase(authority, gateway_)
    {
        validations = validations_;
    }

    /// @notice A request's hash, and subject: of the model, its inputs in steps and its outputs in 1e-18.
    function requestHashOf(bytes32 model, int256[] memory inputs, int256[] memory outputs)
        public
        pure
        returns (bytes32)
    {
        return keccak256(
            abi.encode("ApodictValidation", model, inputs.length, InputHash.ofAll(inputs), InputHash.ofAll(outputs))
        );
    }

    /// @notice Makes a request provable. Anyone may; a repeat changes nothing.
    function claim(bytes32 model, int256[] calldata inputs, int256[] calldata outputs)
        external
        returns (bytes32 requestHash)
    {
        requestHash = requestHashOf(model, inputs, outputs);
        Claim storage entry = _claims[requestHash];
        if (entry.model != 0) return requestHash;
        (, uint16 count) = registry.portsOf(model);
        if (count != inputs.length) revert BadPolicy();
        (entry.model, entry.inputs) = (model, count);
        (entry.inputsHash, entry.outputsHash) = (InputHash.ofAll(inputs), InputHash.ofAll(outputs));
        emit Claimed(requestHash, model, inputs, outputs);
    }

    /// @inheritdoc IDecisionConsumer
    function policy(bytes32 subject) public view override returns (Policy memory) {
        Claim memory entry = _claims[subject];
        if (entry.model == 0) revert NoClaim(subject);
        return Policy(entry.model, 0, entry.inputsHash, MAX_AGE, 0, entry.inputs, false);
    }

    /// @inheritdoc IDecisionConsumer
    function preview(Decision calldata decision)
        external
        pure
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        (parameters, from, to, eta) = (new bytes32[](1), new uint256[](1), new uint256[](1), new uint48[](1));
        parameters[0] = decision.subject;
        to[0] = 100;
    }

    function _decide(Decision calldata decision) internal override {
        Claim storage entry = _claims[decision.subject];
        if (entry.answered) revert Answered(decision.subject);
        bytes32 proved = InputHash.ofAll(decision.outputs);
        if (proved != entry.outputsHash) revert OtherOutputs(entry.outputsHash, proved);
        entry.answered = true;
        validations.validationResponse(decision.subject, 100, "", decision.id, "apodict");
    }

    /// @dev Policies are made of claims.
    function _checkPorts(bytes32, Port[] calldata, uint256) internal pure override {
        revert BadPolicy();
    }
}
