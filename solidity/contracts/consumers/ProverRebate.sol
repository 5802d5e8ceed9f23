// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";
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
/// @notice Only for decisions that a listed consumer accepted, at the transaction's price and at most a tenth above the
/// base fee, with a cap for each decision and for each day. What is owed is drawn by its owner. Less is repaid than was
/// paid, so that nobody submits for its own sake.
/// @dev Execution is measured; bytes are counted by lengths that the model fixes, and as few as a sender can make them,
/// so that padding earns nothing and packing no more than it saves. A transaction's base is paid for its first decision
/// alone. Nothing is drawn within a transaction that submitted, since slots that it wrote would be given back. Other
/// refunds of gas are not seen: consumers that clear slots cost less than is repaid, by 4,800 gas a slot.
/// Whoever copies a proof from the mempool and is first gets the same back: no more than it paid, and the prover bears
/// its own loss.
contract ProverRebate is AccessManaged, ReentrancyGuardTransient {
    using RateLimiter for RateLimiter.RefillingBucket;
    using TransientSlot for TransientSlot.BooleanSlot;

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
    /// @notice The transaction submitted a decision: what is owed is drawn in another one.
    error SubmittedBefore();
    /// @notice The prover's account refuses what it is owed.
    error TransferFailed();

    /// @notice Where OP-stack chains keep their oracle of gas prices, and Arbitrum its.
    address public constant OP_ORACLE = 0x420000000000000000000000000000000000000F;
    address public constant ARB_GAS_INFO = 0x000000000000000000000000000000000000006C;
    /// @notice Gas of a transaction's base, for its first decision.
    uint256 public constant BASE_GAS = 21_000;
    /// @dev Gas of calldata for a byte of a proof, of which one in 256 is zero; for a word of the rest, as if it were
    /// zero; and words of a request without rounds, inputs and outputs.
    uint256 private constant GAS_PER_BYTE = 15;
    uint256 private constant GAS_PER_WORD = 4 * 32;
    uint256 private constant HEAD_WORDS = 14;
    /// @dev Bytes that a word takes on layer 1, compressed: chains charge by what is left then.
    uint256 private constant BYTES_PER_WORD = 2;
    /// @dev Gas after the last measurement, at least: slots that were written before within the transaction, and an
    /// event.
    uint256 private constant LAST_GAS = 4_000;
    /// @dev Whether the transaction's base is paid, so that something was noted in it.
    bytes32 private constant BASE_PAID = keccak256("apodict.ProverRebate.basePaid");

    /// @notice Where decisions are submitted.
    IDecisionGateway public immutable gateway;
    /// @notice Which chain's data fee is repaid.
    DataFee public immutable dataFee;
    /// @notice Most for one decision, in wei.
    uint256 public immutable maxEach;
    /// @notice Whether a consumer's decisions are repaid.
    mapping(address consumer => bool) public isListed;
    /// @notice What a prover may draw, in wei.
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
        uint256 price = Math.min(tx.gasprice, block.basefee + block.basefee / 10);
        if (price == 0) return id;
        uint256 words = HEAD_WORDS + request.rounds.length + request.inputs.length + request.outputs.length;
        uint256 unmeasured = _base() + GAS_PER_WORD * words + GAS_PER_BYTE * proof.length;
        uint256 dataCost = _dataFeeOf(BYTES_PER_WORD * words + proof.length);
        // What it costs to note it is known only afterwards: so it is noted, and then what that cost.
        uint256 amount = _note(0, (before - gasleft() + unmeasured) * price + dataCost);
        if (amount == 0) return id;
        amount = _note(amount, (before - gasleft() + unmeasured + LAST_GAS) * price + dataCost);
        emit Owed(msg.sender, id, amount);
    }

    /// @notice Pays out what is owed to the caller. Not within a transaction in which anyone submitted here.
    /// @return amount In wei.
    function draw() external nonReentrant returns (uint256 amount) {
        if (TransientSlot.asBoolean(BASE_PAID).tload()) revert SubmittedBefore();
        amount = owed[msg.sender];
        owed[msg.sender] = 0;
        totalOwed -= amount;
        (bool success,) = msg.sender.call{value: amount}("");
        if (!success) revert TransferFailed();
        emit Drawn(msg.sender, amount);
    }

    /// @dev Raises what is noted for this decision, as far as the caps and what is here admit. In wei.
    function _note(uint256 noted, uint256 wanted) private returns (uint256) {
        uint256 more = Math.saturatingSub(Math.min(wanted, maxEach), noted);
        more = Math.min(more, _day.available(0));
        more = Math.min(more, Math.saturatingSub(address(this).balance, totalOwed));
        if (more == 0) return noted;
        _day.consume(0, more);
        owed[msg.sender] += more;
        totalOwed += more;
        return noted + more;
    }

    /// @dev In gas; nothing from the second time on within a transaction.
    function _base() private returns (uint256) {
        TransientSlot.BooleanSlot paid = TransientSlot.asBoolean(BASE_PAID);
        if (paid.tload()) return 0;
        paid.tstore(true);
        return BASE_GAS;
    }

    /// @dev In wei, for this many bytes that cannot be compressed further.
    function _dataFeeOf(uint256 size) private view returns (uint256) {
        if (dataFee == DataFee.OpStack) return IOpGasPriceOracle(OP_ORACLE).getL1FeeUpperBound(size);
        if (dataFee == DataFee.Arbitrum) {
            (, uint256 perByte,,,,) = IArbGasInfo(ARB_GAS_INFO).getPricesInWei();
            return perByte * size;
        }
        return 0;
    }
}
