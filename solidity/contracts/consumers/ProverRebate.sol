// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IDecisionGateway, Request} from "../interfaces/IDecisionGateway.sol";

interface IOpGasPriceOracle {
    /// @notice Upper bound of the data fee of an unsigned transaction of this many bytes, in wei.
    function getL1FeeUpperBound(uint256 unsignedTxSize) external view returns (uint256);
}

interface IArbGasInfo {
    /// @notice Wei per transaction, per byte of calldata on layer 1, per storage slot, and gas prices.
    function getPricesInWei() external view returns (uint256, uint256, uint256, uint256, uint256, uint256);
}

/// @title Repays who submits decisions for what that costs.
/// @notice Only for decisions that a listed consumer accepted, at the transaction's price and at most a tenth above the base
/// fee, with a cap for each decision and for each day. What is owed is drawn by its owner.
/// @dev Costs follow from the execution and from lengths that the model fixes, so that padding calldata earns nothing.
/// Decisions for their own sake earn no more than they cost, and consumers set how often they may come. Whoever copies a
/// proof from the mempool and is first gets the same back: no more than it paid, and the prover bears its own loss.
contract ProverRebate is AccessManaged, ReentrancyGuardTransient {
    using RateLimiter for RateLimiter.RefillingBucket;

    /// @notice Where data costs extra.
    enum DataFee {
        None,
        OpStack,
        Arbitrum
    }

    event ConsumerListed(address indexed consumer, bool listed);
    event Owed(address indexed prover, bytes32 indexed decision, uint256 amount);
    event Drawn(address indexed prover, uint256 amount);

    /// @notice Decisions for this consumer are not repaid.
    error NotListed(address consumer);
    /// @notice The prover's account refuses what it is owed.
    error TransferFailed();

    /// @notice Where OP-stack chains keep their oracle of gas prices, and Arbitrum its.
    address public constant OP_ORACLE = 0x420000000000000000000000000000000000000F;
    address public constant ARB_GAS_INFO = 0x000000000000000000000000000000000000006C;
    /// @notice Gas of a transaction's base, and of what is not measured here.
    uint256 public constant FIXED_GAS = 40_000;
    uint256 private constant GAS_PER_BYTE = 16;
    uint256 private constant HEAD_BYTES = 600;
    uint256 private constant WORD = 32;

    IDecisionGateway public immutable gateway;
    DataFee public immutable dataFee;
    /// @notice Most for one decision, in wei.
    uint256 public immutable maxEach;
    mapping(address consumer => bool) public isListed;
    mapping(address prover => uint256) public owed;
    /// @notice All that is owed, in wei.
    uint256 public totalOwed;
    RateLimiter.RefillingBucket private _day;

    /// @param perDay Most that a day sees, in wei: a bucket of half of it.
    constructor(address authority, IDecisionGateway gateway_, DataFee dataFee_, uint256 maxEach_, uint208 perDay)
        AccessManaged(authority)
    {
        (gateway, dataFee, maxEach) = (gateway_, dataFee_, maxEach_);
        _day.updateSettings(1 days, perDay / 2);
    }

    receive() external payable {}

    /// @notice Says whose decisions are repaid. By governance.
    function list(address consumer, bool listed) external restricted {
        isListed[consumer] = listed;
        emit ConsumerListed(consumer, listed);
    }

    /// @notice Submits a decision and notes what it cost. The decision is taken even where nothing is left to repay.
    function submit(Request calldata request, bytes calldata proof) external nonReentrant returns (bytes32 id) {
        uint256 before = gasleft();
        if (!isListed[request.consumer]) revert NotListed(request.consumer);
        id = gateway.submit(request, proof);
        uint256 size =
            HEAD_BYTES + WORD * (request.rounds.length + request.inputs.length + request.outputs.length) + proof.length;
        uint256 used = before - gasleft() + FIXED_GAS + GAS_PER_BYTE * size;
        uint256 amount = used * Math.min(tx.gasprice, block.basefee + block.basefee / 10) + _dataFeeOf(size);
        amount = Math.min(amount, maxEach);
        amount = Math.min(amount, _day.available(0));
        amount = Math.min(amount, Math.saturatingSub(address(this).balance, totalOwed));
        if (amount == 0) return id;
        _day.consume(0, amount);
        owed[msg.sender] += amount;
        totalOwed += amount;
        emit Owed(msg.sender, id, amount);
    }

    /// @notice Pays out what is owed to the caller.
    function draw() external nonReentrant returns (uint256 amount) {
        amount = owed[msg.sender];
        owed[msg.sender] = 0;
        totalOwed -= amount;
        (bool success,) = msg.sender.call{value: amount}("");
        if (!success) revert TransferFailed();
        emit Drawn(msg.sender, amount);
    }

    function _dataFeeOf(uint256 size) private view returns (uint256) {
        if (dataFee == DataFee.OpStack) return IOpGasPriceOracle(OP_ORACLE).getL1FeeUpperBound(size);
        if (dataFee == DataFee.Arbitrum) {
            (, uint256 perByte,,,,) = IArbGasInfo(ARB_GAS_INFO).getPricesInWei();
            return perByte * size;
        }
        return 0;
    }
}
