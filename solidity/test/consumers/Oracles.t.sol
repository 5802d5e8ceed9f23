// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BoundedConsumer} from "../../contracts/consumers/BoundedConsumer.sol";
import {ConsumerBase} from "../../contracts/consumers/ConsumerBase.sol";
import {InferenceVerifier} from "../../contracts/consumers/InferenceVerifier.sol";
import {ProvenFeed} from "../../contracts/consumers/ProvenFeed.sol";
import {ProvenRiskOracle} from "../../contracts/consumers/ProvenRiskOracle.sol";
import {RiskOracleView} from "../../contracts/consumers/RiskOracleView.sol";
import {ValidationAdapter} from "../../contracts/consumers/ValidationAdapter.sol";
import {DecisionGateway} from "../../contracts/gateway/DecisionGateway.sol";
import {Decision, Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {IDecisionGateway, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {IRiskOracle} from "../../contracts/interfaces/IRiskOracle.sol";
import {IValidationRegistry} from "../../contracts/interfaces/IValidationRegistry.sol";
import {Bound, Bounds} from "../../contracts/libraries/Bounds.sol";
import {InputHash} from "../../contracts/libraries/InputHash.sol";
import {IHalo2Verifier} from "../../contracts/verifiers/IHalo2Verifier.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";

contract Validations is IValidationRegistry {
    mapping(bytes32 request => uint256) public answers;
    mapping(bytes32 request => uint8) public response;

    function validationResponse(bytes32 request, uint8 value, string calldata, bytes32, string calldata) external {
        ++answers[request];
        response[request] = value;
    }
}

/// @notice A feed that is proved, views and adapters.
contract OraclesTest is FedWorld {
    ProvenFeed private _feed;
    Validations private _validations;
    ValidationAdapter private _adapter;
    Policy private _policy;

    function setUp() external {
        buildFed();
        _feed = new ProvenFeed(address(manager), gateway, "ETH / USD", 8, 1, 500, 0.9e18);
        guard(address(_feed), ConsumerBase.pause.selector);
        _feed.setPolicy("price", fedPolicy(2, 1 << 60, false), ports);
        _validations = new Validations();
        _adapter = new ValidationAdapter(address(manager), gateway, _validations);
        _policy = fedPolicy(1, 1 << 40, false);
    }

    /// @dev Price in whole units and confidence in 1e-2; both become steps of 2^-20.
    function _decide(int192 source, int256 price, int256 confidence) private {
        warpToNextPeriod(source);
        int256[] memory outputs = new int256[](2);
        (outputs[0], outputs[1]) = (price << 20, (confidence << 20) / 100 + 1);
        decide(address(_feed), "price", outputs);
    }

    function _latest() private view returns (uint80 id, int256 answer, uint256 updatedAt) {
        (id, answer,, updatedAt,) = _feed.latestRoundData();
    }

    function test_answersAsAFeed() external {
        VM.expectRevert(abi.encodeWithSelector(ProvenFeed.NoRound.selector, 0));
        _feed.latestRoundData();
        _decide(2_000e8, 2_000, 95);
        (uint80 id, int256 answer, uint256 updatedAt) = _latest();
        yes(id == 1 && answer == 2_000e8 && updatedAt == block.timestamp, "a round");
        _decide(2_050e8, 2_050, 95);
        (, answer,,,) = _feed.getRoundData(1);
        eqInt(answer, 2_000e8, "history");
        VM.expectRevert(abi.encodeWithSelector(ProvenFeed.NoRound.selector, 3));
        _feed.getRoundData(3);
    }

    function test_keepsTheLastRoundWhereItIsNotSure() external {
        _decide(2_000e8, 2_000, 95);
        _decide(2_050e8, 2_050, 80);
        _decide(2_050e8, 2_051, 99);
        _decide(2_050e8, 2_049, 99);
        (uint80 id, int256 answer,) = _latest();
        yes(id == 1 && answer == 2_000e8, "little confidence, above, below: none");
        _decide(2_401e8, 2_401, 99);
        (id,,) = _latest();
        eq(id, 1, "more than four steps of 5 % in four hours: none");
        _decide(2_500e8, 2_500, 99);
        (id,,) = _latest();
        eq(id, 2, "five in five");
    }

    function test_aStepUpOrDownIsTheLargestWithinAnHour() external {
        _decide(2_000e8, 2_000, 95);
        _decide(2_101e8, 2_101, 99);
        (uint80 id,,) = _latest();
        eq(id, 1, "more than 5 %");
        _decide(2_000e8, 2_000, 99);
        _decide(1_899e8, 1_899, 99);
        (id,,) = _latest();
        eq(id, 2, "more than 5 % down");
        _decide(2_000e8, 2_000, 99);
        _decide(1_900e8, 1_900, 99);
        (, int256 answer,) = _latest();
        eqInt(answer, 1_900e8, "a step");
    }

    /// @dev 15 % at once and for good, where a round may move 5 %: the feed stands still for three hours, and goes on.
    function test_aLastingJumpIsFollowedInTime() external {
        _decide(2_000e8, 2_000, 95);
        _decide(2_300e8, 2_300, 99);
        _decide(2_300e8, 2_300, 99);
        (uint80 id, int256 answer,) = _latest();
        yes(id == 1 && answer == 2_000e8, "5 % after an hour, 10 % after two");
        _decide(2_300e8, 2_300, 99);
        (id, answer,) = _latest();
        yes(id == 2 && answer == 2_300e8, "15 % after three");
    }

    /// @dev Whoever binds this feed at a time finds one last round there, now and later.
    function test_aRoundBeginsWhenItIsWritten() external {
        _decide(2_000e8, 2_000, 95);
        Source[] memory sources = new Source[](1);
        sources[0] = source(address(_feed));
        bytes32 downstream = feedSet(sources, repeated(inputPort(), 1));
        warpToNextPeriod(2_050e8);
        uint64 time_ = lastTime();
        VM.warp(block.timestamp + 5 minutes);
        eqInt(binder.bind(downstream, time_, ids(1))[0], 200_000, "the first is the last one");
        int256[] memory outputs = new int256[](2);
        (outputs[0], outputs[1]) = (2_050 << 20, 1 << 20);
        decide(address(_feed), "price", outputs);
        eqInt(binder.bind(downstream, time_, ids(1))[0], 200_000, "and stays so");
        (,, uint256 startedAt, uint256 updatedAt,) = _feed.getRoundData(2);
        yes(startedAt == time_ && updatedAt == block.timestamp, "observed then, written now");
    }

    function test_survivesADeadGateway() external {
        _decide(2_000e8, 2_000, 95);
        VM.etch(address(gateway), hex"fe");
        (, int256 answer,) = _latest();
        eqInt(answer, 2_000e8, "readers are served");
    }

    function test_previewIsWhatHappens() external {
        Decision memory decision;
        decision.subject = "price";
        decision.inputs = ints(200_000);
        decision.outputs = new int256[](2);
        (decision.outputs[0], decision.outputs[1]) = (2_000e18, 1e18);
        (,, uint256[] memory to,) = _feed.preview(decision);
        eq(to[0], 2_000e8, "a round");
        decision.subject = "other";
        VM.expectRevert(abi.encodeWithSelector(ConsumerBase.UnusableOutput.selector, 0, 0));
        _feed.preview(decision);
    }

    function test_feedsThatMakeNoSense() external {
        VM.expectRevert(ConsumerBase.BadPolicy.selector);
        new ProvenFeed(address(manager), gateway, "", 19, 1, 500, 0);
        Policy memory policy = fedPolicy(2, 1, false);
        VM.expectRevert(ConsumerBase.BadPolicy.selector);
        _feed.setPolicy("other", policy, ports);
    }

    function test_aViewOfAnyConsumersParameters() external {
        ProvenRiskOracle oracle = new ProvenRiskOracle(address(manager), gateway);
        RiskOracleView view_ = new RiskOracleView(address(manager));
        Bound[] memory bounds = new Bound[](1);
        bounds[0] = Bound(0, 100, 100, 100, 0, 0, 0, Bounds.SAFE_DOWN);
        uint48[] memory values = new uint48[](1);
        values[0] = 10;
        oracle.configure("s", bounds, values);
        oracle.setPolicy("s", _policy, ports);
        VM.expectRevert(abi.encodeWithSelector(RiskOracleView.NoParameter.selector, bytes32("s"), 1));
        view_.give("Cap", KEEPER, BoundedConsumer(address(oracle)), "s", 1);
        view_.give("Cap", KEEPER, BoundedConsumer(address(oracle)), "s", 0);
        VM.expectRevert(abi.encodeWithSelector(RiskOracleView.NamedBefore.selector, "Cap", KEEPER));
        view_.give("Cap", KEEPER, BoundedConsumer(address(oracle)), "s", 0);
        VM.expectRevert(abi.encodeWithSelector(RiskOracleView.NoUpdate.selector, "Cap", KEEPER));
        view_.getLatestUpdateByParameterAndMarket("Cap", KEEPER);
        VM.expectRevert(abi.encodeWithSelector(RiskOracleView.NoUpdate.selector, "Other", KEEPER));
        view_.getLatestUpdateByParameterAndMarket("Other", KEEPER);
        warpToNextPeriod(int192(PRICE));
        decide(address(oracle), "s", ints(7 << 20));
        IRiskOracle.RiskParameterUpdate memory update = view_.getLatestUpdateByParameterAndMarket("Cap", KEEPER);
        yes(abi.decode(update.newValue, (uint256)) == 7 && update.updateId == 1, "the parameter");
        yes(update.timestamp == block.timestamp && abi.decode(update.previousValue, (uint256)) == 10, "its change");
        VM.etch(address(gateway), hex"fe");
        eq(view_.getLatestUpdateByParameterAndMarket("Cap", KEEPER).updateId, 1, "no gateway is needed to read it");
    }

    function test_answersAValidationRequestOnce() external {
        bytes32 request_ = _adapter.claim(_policy.model, ints(5), ints(2e18));
        yes(_adapter.claim(_policy.model, ints(5), ints(2e18)) == request_, "the same claim");
        Request memory made = nextRequest(address(_adapter), request_, 0, new uint80[](0), ints(5), ints(2 << 20));
        gateway.submit(made, prove(made));
        yes(_validations.response(request_) == 100 && _validations.answers(request_) == 1, "100");
        VM.warp(block.timestamp + 1);
        made = nextRequest(address(_adapter), request_, 0, new uint80[](0), ints(5), ints(2 << 20));
        bytes memory proof = prove(made);
        VM.expectRevert(abi.encodeWithSelector(ValidationAdapter.Answered.selector, request_));
        gateway.submit(made, proof);
    }

    /// @dev Answers stand, and claims wait for a gateway that lives.
    function test_claimsSurviveADeadGateway() external {
        bytes32 request_ = _adapter.claim(_policy.model, ints(5), ints(2e18));
        Request memory made = nextRequest(address(_adapter), request_, 0, new uint80[](0), ints(5), ints(2 << 20));
        gateway.submit(made, prove(made));
        VM.etch(address(gateway), hex"fe");
        yes(_validations.response(request_) == 100, "it stands");
        request_ = _adapter.claim(_policy.model, ints(6), ints(2e18));
        VM.etch(address(gateway), "");
        gateway = new DecisionGateway(registry, binder, true);
        _adapter.setGateway(gateway);
        made = nextRequest(address(_adapter), request_, 0, new uint80[](0), ints(6), ints(2 << 20));
        gateway.submit(made, prove(made));
        yes(_validations.response(request_) == 100, "by the next gateway");
    }

    function test_whatWasNotClaimedIsNotAnswered() external {
        bytes32 request_ = _adapter.claim(_policy.model, ints(5), ints(2e18));
        Request memory made = nextRequest(address(_adapter), request_, 0, new uint80[](0), ints(5), ints(3 << 20));
        bytes memory proof = prove(made);
        int256[] memory proved = ints(3e18);
        int256[] memory claimed = ints(2e18);
        VM.expectRevert(
            abi.encodeWithSelector(
                ValidationAdapter.OtherOutputs.selector, InputHash.ofAll(claimed), InputHash.ofAll(proved)
            )
        );
        gateway.submit(made, proof);
        made.subject = "unknown";
        VM.expectRevert(abi.encodeWithSelector(ValidationAdapter.NoClaim.selector, bytes32("unknown")));
        gateway.submit(made, proof);
        VM.expectRevert(ConsumerBase.BadPolicy.selector);
        _adapter.claim(_policy.model, new int256[](2), ints(2e18));
        VM.expectRevert(ConsumerBase.BadPolicy.selector);
        _adapter.setPolicy(0, _policy, ports);
    }

    function test_verifiesAnInferenceByItself() external {
        InferenceVerifier verifier_ = new InferenceVerifier(registry, true);
        bytes memory proof = proofOf(_policy.model, 2, 1, ints(5), ints(-3));
        bytes32 context = bytes32((uint256(1) << 128) | 2);
        yes(verifier_.verifyInference(_policy.model, context, ints(5), ints(-3), proof), "true");
        VM.expectRevert(IHalo2Verifier.ProofRejected.selector);
        verifier_.verifyInference(_policy.model, context, ints(5), ints(3), proof);
        VM.expectRevert(abi.encodeWithSelector(InferenceVerifier.WrongLength.selector, 1, 2));
        verifier_.verifyInference(_policy.model, context, new int256[](2), ints(3), proof);
        VM.expectRevert(abi.encodeWithSelector(InferenceVerifier.WrongLength.selector, 1, 2));
        verifier_.verifyInference(_policy.model, context, ints(5), new int256[](2), proof);
        VM.expectRevert();
        verifier_.verifyInference(_policy.model, context, ints(5), ints(1 << 41), proof);
    }

    /// @dev Whoever made the reference string makes proofs of anything: only for tests.
    function test_verifiesNoUnsafeModelWhereItIsNotTold() external {
        InferenceVerifier verifier_ = new InferenceVerifier(registry, false);
        bytes memory proof = proofOf(_policy.model, 2, 1, ints(5), ints(-3));
        bytes32 context = bytes32((uint256(1) << 128) | 2);
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.UnsafeModel.selector, _policy.model));
        verifier_.verifyInference(_policy.model, context, ints(5), ints(-3), proof);
        bytes32 model = _pinnedModel();
        proof = proofOf(model, 2, 1, ints(5), ints(-3));
        yes(verifier_.verifyInference(model, context, ints(5), ints(-3), proof), "of a ceremony");
    }

    /// @dev The same ports, registered after the string of the test keys was pinned.
    function _pinnedModel() private returns (bytes32 model) {
        registry.pinCeremony(registry.srsOf(registry.live(_policy.model).key));
        return register(ports, 1);
    }
}
