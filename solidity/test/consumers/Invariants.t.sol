// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BoundedConsumer} from "../../contracts/consumers/BoundedConsumer.sol";
import {ElasticToken} from "../../contracts/consumers/ElasticToken.sol";
import {ProvenRiskOracle} from "../../contracts/consumers/ProvenRiskOracle.sol";
import {SupplyController} from "../../contracts/consumers/SupplyController.sol";
import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {Bound, Bounds, Live} from "../../contracts/libraries/Bounds.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {MockToken} from "../support/MockToken.sol";

/// @notice Anyone's moves against a bounded parameter and a supply, in any order. Checks what must hold after each.
contract Handler is FedWorld {
    uint256 private constant COOLDOWN = 36 hours;
    uint32 private constant STEP = 50;

    ProvenRiskOracle public oracle;
    SupplyController public controller;
    ElasticToken public token;
    MockToken private _reserve;
    MockFeed private _price;
    Policy private _policy;
    bytes32 private constant GROUP = "group";

    uint48 public value = 1_000;
    uint256 public lastRaise;
    uint48 public beforeRaise;
    mapping(uint48 value => bool) private _held;
    uint256 public minted;
    uint256 public deposited;
    bool public disabled;
    Request[] private _made;
    bytes[] private _proofs;

    constructor() {
        buildFed();
        oracle = new ProvenRiskOracle(address(manager), gateway);
        guard(address(oracle), BoundedConsumer.veto.selector);
        guard(address(oracle), BoundedConsumer.restore.selector);
        Bound[] memory bounds = new Bound[](1);
        bounds[0] = Bound(100, 5_000, STEP, 300, 24 hours, 0, uint24(COOLDOWN), Bounds.SAFE_DOWN);
        uint48[] memory values = new uint48[](1);
        values[0] = value;
        _policy = fedPolicy(1, 1 << 60, false);
        oracle.setPolicy(GROUP, _policy, ports);
        oracle.configure(GROUP, bounds, values);
        lastRaise = block.timestamp;
        _held[value] = true;

        token = new ElasticToken(address(manager), "elastic", "ELA");
        (_reserve, _price) = (new MockToken(6), new MockFeed(8));
        controller = new SupplyController(
            address(manager),
            gateway,
            token,
            _reserve,
            _price,
            _price,
            SupplyController.Limits(5_000, 20_000, 0.9e18, 50_000e18, 2 hours)
        );
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = ElasticToken.mint.selector;
        manager.setTargetFunctionRole(address(token), selectors, 9);
        manager.grantRole(9, address(controller), 0);
        controller.setPolicy("supply", fedPolicy(1, 1 << 60, false), ports);
        _price.push(1e8, block.timestamp);
        _reserve.give(address(this), 1e15);
        _reserve.approve(address(controller), type(uint256).max);
        token.approve(address(controller), type(uint256).max);
        controller.deposit(1_000_000e6);
    }

    function _now() private view returns (Live memory) {
        (Live[] memory live,) = oracle.parametersOf(GROUP);
        return live[0];
    }

    /// @dev No sequence raises it faster than a step each cooldown, by other than a decision that waited.
    function _afterMove(bool restored) private {
        uint48 next = _now().value;
        yes(next >= 100 && next <= 5_000, "in range");
        if (next > value && !restored) {
            yes(next - value <= STEP, "a step up");
            yes(block.timestamp >= lastRaise + COOLDOWN, "a cooldown apart");
            (lastRaise, beforeRaise) = (block.timestamp, value);
        }
        if (next < value) yes(value - next <= 300, "a step down");
        value = next;
        _held[next] = true;
    }

    function decideParameter(uint16 target) external {
        warpToNextPeriod(int192(PRICE));
        Request memory made = request(address(oracle), GROUP, ints(int256(uint256(target)) << 20));
        bytes memory proof = disabled ? bytes("") : prove(made);
        try gateway.submit(made, proof) {
            yes(!disabled, "a disabled model decides nothing");
            _made.push(made);
            _proofs.push(proof);
        } catch {}
        _afterMove(false);
    }

    function execute(uint32 wait) external {
        VM.warp(block.timestamp + wait % 3 days);
        uint256 eta = _now().eta;
        try oracle.execute(GROUP) returns (bool done) {
            if (done) yes(eta != 0 && block.timestamp >= eta && block.timestamp <= eta + 24 hours, "in its time");
            if (done) yes(!disabled, "a disabled model's does not take effect");
        } catch {}
        _afterMove(false);
    }

    function veto() external {
        VM.prank(GUARDIAN);
        oracle.veto(GROUP);
        _afterMove(false);
        eq(_now().eta, 0, "nothing waits");
    }

    function restore() external {
        VM.prank(GUARDIAN);
        oracle.restore(GROUP);
        yes(_held[_now().value], "a value that held before");
        if (beforeRaise != 0 && block.timestamp <= lastRaise + 24 hours) {
            eq(_now().value, beforeRaise, "whatever came after a raise, the value before it");
        }
        beforeRaise = 0;
        _afterMove(true);
    }

    function disableOrEnable(uint8 choice) external {
        if (choice % 8 != 0 || disabled) return;
        VM.prank(GUARDIAN);
        registry.disable(_policy.model);
        disabled = true;
    }

    function replay(uint256 which) external {
        if (_made.length == 0) return;
        which %= _made.length;
        try gateway.submit(_made[which], _proofs[which]) {
            revert("replayed");
        } catch {}
        _afterMove(false);
    }

    function decideSupply(int32 change, uint32 price) external {
        warpToNextPeriod(int192(PRICE));
        _price.push(int192(int256(limit(price, 0.5e8, 1.5e8))), block.timestamp);
        uint256 before = token.totalSupply();
        int256 output = int256(change) % (1 << 20);
        Request memory made = request(address(controller), "supply", ints(output));
        bytes memory proof = prove(made);
        try gateway.submit(made, proof) {
            uint256 supply = token.totalSupply();
            if (supply > before) {
                yes((supply - before) * 1e6 <= before * 5_000, "a step");
                yes(controller.assets() * 1e12 * controller.price() / 1e18 >= supply * 9 / 10 - 1e12, "backed");
                minted += supply - before;
            }
        } catch {}
    }

    function redeem(uint256 amount) external {
        uint256 held = token.balanceOf(address(this));
        // Something always stays, so that shares of nothing are not asked for.
        if (held < 2e18) return;
        controller.redeem(limit(amount, 1e12, held - 1e18));
    }

    function deposit(uint40 amount) external {
        VM.warp(block.timestamp + 1);
        _price.push(1e8, block.timestamp);
        controller.deposit(limit(amount, 1, 10_000e6));
    }
}

contract InvariantsTest is FedWorld {
    Handler private _handler;

    function setUp() external {
        _handler = new Handler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_parametersAndSupplyStayWithinTheirBounds() external view {
        SupplyController controller = _handler.controller();
        yes(controller.outstanding() <= 50_000e18, "never above the ceiling");
        yes(
            controller.outstanding() >= _handler.token().balanceOf(address(controller)),
            "what it holds is what it minted"
        );
        (Live[] memory live,) = _handler.oracle().parametersOf("group");
        eq(live[0].value, _handler.value(), "no move that was not seen");
    }
}
