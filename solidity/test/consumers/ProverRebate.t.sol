// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ProverRebate} from "../../contracts/consumers/ProverRebate.sol";
import {Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockConsumer} from "../support/MockConsumer.sol";

/// @notice Stands at the addresses of an L2's price contracts.
contract DataPrices {
    function getL1FeeUpperBound(uint256 size) external pure returns (uint256) {
        return size * 1e9;
    }

    function getPricesInWei() external pure returns (uint256, uint256, uint256, uint256, uint256, uint256) {
        return (0, 2e9, 0, 0, 0, 0);
    }
}

/// @dev Not isolated: in a transaction of its own the base fee is zero.
/// forge-config: default.isolate = false
contract ProverRebateTest is FedWorld {
    MockConsumer private _consumer;
    ProverRebate private _rebate;

    function setUp() external {
        buildFed();
        _consumer = new MockConsumer();
        _consumer.set(fedPolicy(1, 1 << 40, false));
        _rebate = _new(ProverRebate.DataFee.None, 1 ether);
        DataPrices prices = new DataPrices();
        VM.etch(0x420000000000000000000000000000000000000F, address(prices).code);
        VM.etch(0x000000000000000000000000000000000000006C, address(prices).code);
        VM.fee(10 gwei);
        VM.txGasPrice(100 gwei);
    }

    function _new(ProverRebate.DataFee fee, uint256 maxEach) private returns (ProverRebate made) {
        made = new ProverRebate(address(manager), gateway, fee, maxEach, 2 ether);
        made.list(address(_consumer), true);
        VM.deal(address(made), 10 ether);
    }

    function _submit(ProverRebate rebate) private returns (uint256) {
        warpToNextPeriod(int192(PRICE));
        Request memory made = request(address(_consumer), "s", ints(0));
        bytes memory proof = prove(made);
        VM.prank(KEEPER, KEEPER);
        rebate.submit(made, proof);
        return rebate.owed(KEEPER);
    }

    function test_repaysTheExecutionAtABoundedPrice() external {
        uint256 owed = _submit(_rebate);
        yes(owed > 100_000 * 11 gwei && owed < 1_000_000 * 11 gwei, "at the base fee and a tenth, not at 100 gwei");
    }

    /// @dev What a transaction costs: execution, and its calldata by bytes. `first`: with the base.
    function _costOf(ProverRebate rebate, bool first) private returns (uint256 cost) {
        warpToNextPeriod(int192(PRICE));
        Request memory made = request(address(_consumer), "s", ints(0));
        bytes memory call = abi.encodeCall(ProverRebate.submit, (made, prove(made)));
        VM.prank(KEEPER, KEEPER);
        (bool success,) = address(rebate).call(call);
        yes(success, "submitted");
        cost = VM.lastCallGas().gasTotalUsed + (first ? 21_000 : 0);
        for (uint256 i = 0; i < call.length; ++i) {
            cost += call[i] == 0 ? 4 : 16;
        }
    }

    /// @dev Nobody earns by submitting: neither once nor by several decisions in one transaction, which has one base.
    /// This test is one transaction.
    function test_paysNoProfit() external {
        uint256 cost = _costOf(_rebate, true) * 11 gwei;
        uint256 first = _rebate.owed(KEEPER);
        yes(first <= cost, "no more than it cost");
        yes(first >= cost * 9 / 10, "and not much less");
        for (uint256 i = 0; i < 4; ++i) {
            uint256 before = _rebate.owed(KEEPER);
            cost = _costOf(_rebate, false) * 11 gwei;
            yes(_rebate.owed(KEEPER) - before <= cost, "no base again");
            yes(_rebate.owed(KEEPER) - before >= cost * 85 / 100, "but the rest");
        }
    }

    /// @dev Where gas costs nothing, data costs nothing either: deposits from layer 1 pay neither.
    function test_paysNoDataFeeWithoutAGasPrice() external {
        VM.txGasPrice(0);
        eq(_submit(_new(ProverRebate.DataFee.OpStack, 1 ether)), 0, "nothing");
        eq(_submit(_new(ProverRebate.DataFee.Arbitrum, 1 ether)), 0, "nothing");
    }

    function test_addsWhatDataCosts() external {
        uint256 op = _submit(_new(ProverRebate.DataFee.OpStack, 1 ether));
        uint256 arbitrum = _submit(_new(ProverRebate.DataFee.Arbitrum, 1 ether));
        // Head, a round, an input, an output, the stub's proof of 32 bytes: 728 bytes, a gwei a byte more. Later
        // decisions write no new slots, which is why only the order of magnitude is compared.
        yes(op > 0 && arbitrum > 0, "both");
    }

    function test_isCappedForEachAndForADay() external {
        eq(_submit(_new(ProverRebate.DataFee.None, 5)), 5, "each");
        VM.txGasPrice(0.01 ether);
        VM.fee(0.01 ether);
        uint256 first = _submit(_rebate);
        eq(first, 1 ether, "half of a day's at once");
        uint256 second = _submit(_rebate);
        yes(second < 1.1 ether, "then as it refills");
    }

    function test_takesTheDecisionWhereNothingIsLeft() external {
        VM.deal(address(_rebate), 0);
        eq(_submit(_rebate), 0, "nothing owed");
        eq(_consumer.count(), 1, "and taken");
    }

    function test_onlyListedConsumers() external {
        _rebate.list(address(_consumer), false);
        Request memory made = request(address(_consumer), "s", ints(0));
        bytes memory proof = prove(made);
        VM.expectRevert(abi.encodeWithSelector(ProverRebate.NotListed.selector, address(_consumer)));
        _rebate.submit(made, proof);
        VM.prank(KEEPER);
        VM.expectRevert();
        _rebate.list(KEEPER, true);
    }

    function test_refusedDecisionsAreNotRepaid() external {
        _consumer.setMood(MockConsumer.Mood.Reverts);
        Request memory made = request(address(_consumer), "s", ints(0));
        bytes memory proof = prove(made);
        VM.expectRevert(MockConsumer.Refused.selector);
        _rebate.submit(made, proof);
    }

    /// @dev Slots that are written and cleared within one transaction are given back, which is not seen here.
    function test_nothingIsDrawnInATransactionThatSubmitted() external {
        _submit(_rebate);
        VM.prank(KEEPER);
        VM.expectRevert(ProverRebate.SubmittedBefore.selector);
        _rebate.draw();
    }
}

/// @dev What was submitted in another transaction, the setup.
/// forge-config: default.isolate = false
contract ProverRebateDrawTest is FedWorld {
    ProverRebate private _rebate;

    function setUp() external {
        buildFed();
        MockConsumer consumer = new MockConsumer();
        consumer.set(fedPolicy(1, 1 << 40, false));
        _rebate = new ProverRebate(address(manager), gateway, ProverRebate.DataFee.None, 1 ether, 2 ether);
        _rebate.list(address(consumer), true);
        VM.deal(address(_rebate), 10 ether);
        VM.fee(10 gwei);
        VM.txGasPrice(100 gwei);
        for (uint256 i = 0; i < 2; ++i) {
            warpToNextPeriod(int192(PRICE));
            Request memory made = request(address(consumer), "s", ints(0));
            bytes memory proof = prove(made);
            if (i == 0) VM.prank(KEEPER, KEEPER);
            _rebate.submit(made, proof);
        }
    }

    function test_whatIsOwedIsDrawnLater() external {
        (uint256 owed, uint256 all) = (_rebate.owed(KEEPER), _rebate.totalOwed());
        yes(owed > 0, "owed");
        VM.prank(KEEPER);
        eq(_rebate.draw(), owed, "drawn");
        eq(KEEPER.balance, owed, "paid");
        eq(_rebate.totalOwed(), all - owed, "settled");
    }

    function test_survivesADeadGateway() external {
        VM.etch(address(gateway), hex"fe");
        VM.prank(KEEPER);
        eq(_rebate.draw(), KEEPER.balance, "what is owed is drawn");
        yes(KEEPER.balance > 0, "all of it");
    }

    function test_aProverThatTakesNothing() external {
        VM.expectRevert(ProverRebate.TransferFailed.selector);
        _rebate.draw();
    }
}
