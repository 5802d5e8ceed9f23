// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {AgentVoter} from "../../contracts/consumers/AgentVoter.sol";
import {ConsumerBase} from "../../contracts/consumers/ConsumerBase.sol";
import {GovernorRiskDelay} from "../../contracts/consumers/GovernorRiskDelay.sol";
import {ProposalAdvisor} from "../../contracts/consumers/ProposalAdvisor.sol";
import {ProposalInputs} from "../../contracts/consumers/ProposalInputs.sol";
import {TextBinder} from "../../contracts/feeds/TextBinder.sol";
import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {IDecisionGateway, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IVoteHistory} from "../../contracts/interfaces/IVoteHistory.sol";
import {Port} from "../../contracts/verifiers/PublicValues.sol";
import {Log, VM} from "../Vm.sol";
import {
    BlockGovernor,
    FractionalGovernor,
    OverridableGovernor,
    SimpleGovernor,
    TestVotes
} from "../support/TestGovernors.sol";
import {World} from "../support/World.sol";

/// @notice Proposals are rated, and votes cast under the eyes of those who delegated them.
contract GovernanceTest is World {
    error Suppressed(uint256 gas);
    error Delayed(uint256 gas);

    address private constant HOLDER = address(0x101);
    address private constant SECOND = address(0x102);
    address private constant SMALL = address(0x103);
    string private constant TEXT = "Move 500 ETH to the Treasury, NOW: urgent!";

    TestVotes private _token;
    OverridableGovernor private _governor;
    TextBinder private _texts;
    ProposalAdvisor private _advisor;
    AgentVoter private _voter;
    uint256 private _proposal;
    address[] private _targets;
    uint256[] private _values;
    bytes[] private _calls;
    int256[] private _inputs;

    function setUp() external {
        build();
        _token = new TestVotes();
        _texts = new TextBinder();
        _governor = new OverridableGovernor(_token, address(0), 1 days);
        _advisor = _newAdvisor(IGovernor(address(_governor)));
        _governor.setForTest(address(_advisor), 1 days);
        guard(address(_advisor), ConsumerBase.pause.selector);
        _voter = new AgentVoter(address(manager), _advisor, 30, 0.2e18);
        guard(address(_voter), AgentVoter.veto.selector);
        guard(address(_voter), AgentVoter.pause.selector);
        _token.give(HOLDER, 900e18);
        _token.give(SECOND, 100e18);
        _token.give(address(this), 9_000e18);
        VM.prank(HOLDER);
        _token.delegate(address(_voter));
        VM.prank(SECOND);
        _token.delegate(address(_voter));
        _token.delegate(address(this));
        VM.warp(block.timestamp + 20 days);
        VM.deal(address(_governor), 1_000 ether);
        _targets.push(address(0x7e));
        _values.push(500 ether);
        _calls.push(hex"12345678");
        _proposal = _governor.propose(_targets, _values, _calls, TEXT);
        VM.warp(block.timestamp + 1 days + 1);
    }

    function _newAdvisor(IGovernor governor) private returns (ProposalAdvisor advisor) {
        advisor = new ProposalAdvisor(
            address(manager), gateway, governor, IVoteHistory(address(_token)), address(governor), _texts, 60
        );
        Port[] memory all = joined(repeated(port(0, 1 << 20, 1), 72), repeated(port(0, 1 << 20, 1 << 20), 3));
        advisor.setPolicy(0, Policy(register(all, 72), 0, 0, 1 hours, 0, 72, false), all);
    }

    function _prepare() private {
        VM.recordLogs();
        VM.prank(KEEPER);
        _advisor.prepare(_targets, _values, _calls, TEXT);
        Log[] memory logs = VM.getRecordedLogs();
        _inputs = abi.decode(logs[logs.length - 1].data, (int256[]));
    }

    /// @dev Scores in 1e-2.
    function _request(int256 harmless, int256 doubtful, int256 harmful) private view returns (Request memory) {
        int256[] memory outputs = new int256[](3);
        (outputs[0], outputs[1], outputs[2]) =
        (harmless * (1 << 20) / 100, doubtful * (1 << 20) / 100, harmful * (1 << 20) / 100);
        return nextRequest(address(_advisor), bytes32(_proposal), 0, new uint80[](0), _inputs, outputs);
    }

    function _rate(int256 harmless, int256 doubtful, int256 harmful) private {
        if (_inputs.length == 0) _prepare();
        Request memory made = _request(harmless, doubtful, harmful);
        gateway.submit(made, prove(made));
    }

    function rateLater(int256 harmless, int256 doubtful, int256 harmful) external {
        _rate(harmless, doubtful, harmful);
    }

    /// @dev Another proposal, for which `SMALL` votes with so many votes, and nobody else.
    function _proposeAgain(IGovernor governor, uint256 votes) private {
        _token.give(SMALL, votes);
        VM.prank(SMALL);
        _token.delegate(SMALL);
        VM.warp(block.timestamp + 1);
        _values[0] = 1;
        _proposal = governor.propose(_targets, _values, _calls, TEXT);
        VM.warp(block.timestamp + 1 days + 1);
        VM.prank(SMALL);
        governor.castVote(_proposal, 1);
    }

    /// @dev A governor with fractional votes, and an agent with all that the two holders delegate.
    function _onFractional() private returns (FractionalGovernor governor) {
        governor = new FractionalGovernor(_token);
        _advisor = _newAdvisor(IGovernor(address(governor)));
        _voter = new AgentVoter(address(manager), _advisor, 30, 0.2e18);
        guard(address(_voter), AgentVoter.veto.selector);
        VM.prank(HOLDER);
        _token.delegate(address(_voter));
        VM.prank(SECOND);
        _token.delegate(address(_voter));
    }

    /// @dev Abstains in the window; afterwards the proposal has no quorum.
    function _abstainsAndIsDefeated(IGovernor governor) private {
        _toWindow();
        eq(_voter.cast(_proposal), 2, "abstains");
        yes(_voter.hasCast(_proposal), "is done");
        yes(!governor.hasVoted(_proposal, address(_voter)), "nothing is cast");
        (uint256 from, uint256 to) = _voter.windowOf(_proposal);
        VM.expectRevert(abi.encodeWithSelector(AgentVoter.NotNow.selector, from, to));
        _voter.cast(_proposal);
        VM.warp(governor.proposalDeadline(_proposal) + 1);
        yes(governor.state(_proposal) == IGovernor.ProposalState.Defeated, "defeated");
    }

    function _toWindow() private {
        (uint256 from,) = _voter.windowOf(_proposal);
        VM.warp(from);
    }

    function test_derivesTheWholeInputOnChain() external {
        _prepare();
        eq(_inputs.length, 72, "64 tokens and 8 facts");
        eqInt(_inputs[8], 0, "eight tokens: move # eth to the treasury now urgent");
        yes(_inputs[7] != 0, "and no fewer");
        eqInt(_inputs[64], 1, "calls");
        eqInt(_inputs[65], 1, "not known");
        eqInt(_inputs[66], 5_000, "half of the treasury");
        eqInt(_inputs[67], 4, "bytes");
        eqInt(_inputs[68], 0, "none to governance");
        eqInt(_inputs[69], 9_000, "the proposer's votes");
        eqInt(_inputs[70], 21, "days since it has votes");
        eqInt(_inputs[71], 240, "hours of voting");
        VM.expectRevert(abi.encodeWithSelector(ProposalInputs.DoneBefore.selector, _proposal));
        _advisor.prepare(_targets, _values, _calls, TEXT);
    }

    function test_longAndEmptyTexts() external {
        string memory long;
        for (uint256 i = 0; i < 100; ++i) {
            long = string.concat(long, "a1-");
        }
        int256[] memory tokens = _texts.bind(long, keccak256(bytes(long)));
        yes(tokens.length == 64 && tokens[63] == tokens[1] && tokens[0] != tokens[1], "64 of 200");
        eqInt(_texts.bind("", keccak256(""))[0], 0, "none");
        string memory late = string.concat(string(new bytes(16_383)), "ab");
        eqInt(
            _texts.bind(late, keccak256(bytes(late)))[0], _texts.bind("a", keccak256("a"))[0], "16,384 bytes are read"
        );
        eqInt(_texts.bind(unicode"\u00e9", keccak256(unicode"\u00e9"))[0], 0, "no ASCII letter");
        VM.expectRevert(abi.encodeWithSelector(TextBinder.OtherText.selector, bytes32(0), keccak256("x")));
        _texts.bind("x", 0);
    }

    function test_callsToGovernanceAndKnownCalls() external {
        _targets[0] = address(_governor);
        _calls[0] = "";
        _advisor.setKnownCall(address(_governor), 0, true);
        uint256[8] memory facts = _advisor.factsOf(_proposal, _targets, _values, _calls);
        yes(facts[1] == 0 && facts[4] == 1, "known, and to governance");
        _values[0] = type(uint256).max;
        _values.push(1);
        _targets.push(KEEPER);
        _calls.push(new bytes(70_000));
        facts = _advisor.factsOf(_proposal, _targets, _values, _calls);
        yes(facts[2] == 10_000 && facts[3] == 65_535, "capped");
    }

    function test_publishesAnOpinionOnce() external {
        _rate(80, 15, 5);
        ProposalAdvisor.Opinion memory opinion = _advisor.opinionOf(_proposal);
        yes(opinion.class == 0 && opinion.risk == 12, "harmless, 12 of 100");
        yes(opinion.confidence / 1e15 == 650 || opinion.confidence / 1e15 == 649, "the distance to the second");
        eq(_governor.proposalDeadline(_proposal), _governor.proposalSnapshot(_proposal) + 10 days, "no delay");
        VM.warp(block.timestamp + 1);
        VM.expectRevert(abi.encodeWithSelector(ProposalInputs.DoneBefore.selector, _proposal));
        this.rateLater(80, 15, 5);
        VM.expectRevert(abi.encodeWithSelector(ProposalAdvisor.NotRisky.selector, _proposal, 12));
        _advisor.delay(_proposal);
    }

    function test_tiesGoToTheWorse() external {
        _rate(40, 20, 40);
        yes(_advisor.opinionOf(_proposal).class == 2, "harmful");
        eq(_advisor.opinionOf(_proposal).confidence, 0, "without confidence");
    }

    function test_aRiskyProposalIsVotedOnForLongerOnce() external {
        uint256 deadline = _governor.proposalDeadline(_proposal);
        _rate(5, 15, 80);
        eq(_governor.proposalDeadline(_proposal), deadline + 1 days, "a day more");
        VM.expectRevert(abi.encodeWithSelector(GovernorRiskDelay.DelayedBefore.selector, _proposal));
        _advisor.delay(_proposal);
        VM.expectRevert(abi.encodeWithSelector(GovernorRiskDelay.NotAdvisor.selector, address(this)));
        _governor.delayForRisk(_proposal);
        VM.expectRevert(abi.encodeWithSelector(GovernorRiskDelay.DelayTooLong.selector, 2 days + 1));
        _governor.setForTest(address(_advisor), 2 days + 1);
        VM.expectRevert();
        _governor.setRiskAdvisor(address(this), 0);
    }

    /// @dev What is known of a proposal is published, whoever the governor listens to.
    function test_aRatingIsRecordedWhereAnotherAdvisorDelays() external {
        uint256 deadline = _governor.proposalDeadline(_proposal);
        _governor.setForTest(KEEPER, 1 days);
        _rate(5, 15, 80);
        yes(_advisor.opinionOf(_proposal).risk == 87, "recorded");
        eq(_governor.proposalDeadline(_proposal), deadline, "not delayed");
        VM.expectRevert(abi.encodeWithSelector(GovernorRiskDelay.NotAdvisor.selector, address(_advisor)));
        _advisor.delay(_proposal);
        _governor.setForTest(address(_advisor), 1 days);
        VM.prank(GUARDIAN);
        _advisor.pause(true);
        VM.expectRevert(ConsumerBase.Paused.selector);
        _advisor.delay(_proposal);
        VM.prank(GUARDIAN);
        _advisor.pause(false);
        _advisor.delay(_proposal);
        eq(_governor.proposalDeadline(_proposal), deadline + 1 days, "delayed later");
    }

    function test_aRatingIsRecordedWhereTheVoteWasDelayedBefore() external {
        _governor.setForTest(address(this), 1 days);
        _governor.delayForRisk(_proposal);
        _governor.setForTest(address(_advisor), 1 days);
        _rate(5, 15, 80);
        yes(_advisor.opinionOf(_proposal).risk == 87, "recorded");
    }

    function test_aRatingIsRecordedWhereTheGovernorDelaysNothing() external {
        IGovernor governor = IGovernor(address(_onFractional()));
        _proposeAgain(governor, 1e18);
        _rate(2, 8, 90);
        _toWindow();
        eq(_voter.cast(_proposal), 0, "and is voted against");
    }

    function submitWith(uint256 gas_, Request memory made, bytes memory proof) external returns (bool success) {
        (success,) = address(gateway).call{gas: gas_}(abi.encodeCall(gateway.submit, (made, proof)));
        if (success && _governor.proposalDeadline(_proposal) == _governor.proposalSnapshot(_proposal) + 10 days) {
            revert Suppressed(gas_);
        }
        if (success) revert Delayed(gas_);
    }

    /// @dev Who submits chooses how much gas there is: no amount of it records a rating and leaves out its delay.
    /// forge-config: default.isolate = false
    function test_gasDoesNotSuppressTheDelay() external {
        _prepare();
        Request memory made = _request(5, 15, 80);
        bytes memory proof = prove(made);
        uint256 delayed;
        for (uint256 gas_ = 150_000; gas_ < 900_000; gas_ += 2_500) {
            try this.submitWith(gas_, made, proof) returns (bool success) {
                yes(!success, "reverted as a whole");
            } catch (bytes memory reason) {
                if (bytes4(reason) == Suppressed.selector) revert Suppressed(gas_);
                ++delayed;
            }
        }
        yes(delayed > 20, "with enough of it, delayed");
    }

    /// @dev A governor that takes whatever gas it is given, and gives no longer vote, still gets no say in what is
    /// published.
    function test_aRatingIsRecordedWhereTheGovernorTakesAllGas() external {
        _prepare();
        Request memory made = _request(5, 15, 80);
        bytes memory proof = prove(made);
        VM.etch(address(_governor), hex"fe");
        gateway.submit(made, proof);
        yes(_advisor.opinionOf(_proposal).risk == 87, "recorded");
    }

    /// @dev Compound 289, July 2024: a transfer out of the treasury, pushed through in a quiet week. A high risk is
    /// published, the vote takes longer, and the agent's bloc votes against.
    function test_incident_compound289() external {
        _rate(2, 8, 90);
        _toWindow();
        yes(_voter.cast(_proposal) == 0, "against");
        yes(_governor.proposalDeadline(_proposal) == _governor.proposalSnapshot(_proposal) + 11 days, "longer");
    }

    function test_unusableScores() external {
        _prepare();
        VM.expectRevert();
        this.rateLater(101, 0, 0);
        VM.expectRevert(abi.encodeWithSelector(ConsumerBase.UnusableOutput.selector, 0, 0));
        this.rateLater(0, 0, 0);
    }

    /// @dev Nobody who submits chooses an input: they are the ones that were derived.
    function test_otherInputsAreRefused() external {
        _prepare();
        _inputs[66] = 0;
        Request memory made = _request(100, 0, 0);
        bytes memory proof = prove(made);
        VM.expectRevert(IDecisionGateway.InputMismatch.selector);
        gateway.submit(made, proof);
    }

    function test_proposalsThatAreNotPrepared() external {
        _inputs = new int256[](72);
        Request memory made = _request(100, 0, 0);
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32(0)));
        gateway.submit(made, "");
        string memory other = "another";
        uint256 id = _governor.propose(_targets, _values, _calls, other);
        VM.expectRevert(abi.encodeWithSelector(ProposalInputs.NotActive.selector, id));
        _advisor.prepare(_targets, _values, _calls, other);
    }

    function test_votesInItsWindowAsRated() external {
        VM.expectRevert(abi.encodeWithSelector(AgentVoter.NotRated.selector, _proposal));
        _voter.supportOf(_proposal);
        _rate(80, 15, 5);
        (uint256 from, uint256 to) = _voter.windowOf(_proposal);
        VM.warp(from - 1);
        VM.expectRevert(abi.encodeWithSelector(AgentVoter.NotNow.selector, from, to));
        _voter.cast(_proposal);
        VM.warp(to + 1);
        VM.expectRevert(abi.encodeWithSelector(AgentVoter.NotNow.selector, from, to));
        _voter.cast(_proposal);
        VM.warp(from);
        VM.prank(KEEPER);
        eq(_voter.cast(_proposal), 1, "for");
        (, uint256 inFavour,) = _governor.proposalVotes(_proposal);
        eq(inFavour, 1_000e18, "with all that is delegated");
        VM.expectRevert(abi.encodeWithSelector(AgentVoter.NotNow.selector, from, to));
        _voter.cast(_proposal);
    }

    function test_delegatorsOverrideBeforeAndAfter() external {
        _rate(80, 15, 5);
        VM.prank(HOLDER);
        _governor.castOverrideVote(_proposal, 0, "");
        _toWindow();
        _voter.cast(_proposal);
        VM.prank(SECOND);
        _governor.castOverrideVote(_proposal, 0, "");
        (uint256 against, uint256 inFavour,) = _governor.proposalVotes(_proposal);
        yes(against == 1_000e18 && inFavour == 0, "what is left is what was not overridden");
    }

    function test_objectionsAndVetoesMakeItAbstain() external {
        _rate(80, 15, 5);
        VM.prank(KEEPER);
        VM.expectRevert(abi.encodeWithSelector(AgentVoter.NoObjection.selector, KEEPER));
        _voter.object(_proposal);
        eq(_voter.supportOf(_proposal), 1, "for");
        VM.prank(SECOND);
        _voter.object(_proposal);
        eq(_voter.supportOf(_proposal), 2, "a tenth objects");
        VM.prank(SECOND);
        VM.expectRevert(abi.encodeWithSelector(AgentVoter.NoObjection.selector, SECOND));
        _voter.object(_proposal);
    }

    function test_aVetoedVoteAbstains() external {
        _rate(80, 15, 5);
        VM.prank(GUARDIAN);
        _voter.veto(_proposal);
        _toWindow();
        eq(_voter.cast(_proposal), 2, "abstains");
    }

    /// @dev OpenZeppelin counts abstentions for the quorum. The agent has all of it: 0.1 % in favour and an abstention
    /// would pass what hardly anybody wants, with the help of a veto.
    function test_aVetoBringsNoQuorum() external {
        _proposeAgain(IGovernor(address(_governor)), 10e18);
        _rate(80, 15, 5);
        VM.prank(GUARDIAN);
        _voter.veto(_proposal);
        _abstainsAndIsDefeated(IGovernor(address(_governor)));
    }

    function test_objectionsBringNoQuorum() external {
        _proposeAgain(IGovernor(address(_governor)), 10e18);
        _rate(80, 15, 5);
        VM.prank(SECOND);
        _voter.object(_proposal);
        _abstainsAndIsDefeated(IGovernor(address(_governor)));
    }

    function test_littleConfidenceBringsNoQuorum() external {
        _proposeAgain(IGovernor(address(_governor)), 10e18);
        _rate(45, 35, 20);
        _abstainsAndIsDefeated(IGovernor(address(_governor)));
    }

    function test_doubtBringsNoQuorumOnFractionalGovernors() external {
        IGovernor governor = IGovernor(address(_onFractional()));
        _proposeAgain(governor, 950e18);
        _rate(10, 80, 10);
        _abstainsAndIsDefeated(governor);
    }

    function test_aVetoBringsNoQuorumOnFractionalGovernors() external {
        IGovernor governor = IGovernor(address(_onFractional()));
        _proposeAgain(governor, 950e18);
        _rate(80, 15, 5);
        VM.prank(GUARDIAN);
        _voter.veto(_proposal);
        _abstainsAndIsDefeated(governor);
    }

    function test_withoutConfidenceItAbstains() external {
        _rate(45, 35, 20);
        eq(_voter.supportOf(_proposal), 2, "a distance of 0.1");
    }

    function test_doubtfulIsAbstained() external {
        _rate(10, 80, 10);
        eq(_voter.supportOf(_proposal), 2, "doubtful");
    }

    function test_pausedItDoesNotVote() external {
        _rate(80, 15, 5);
        _toWindow();
        VM.prank(GUARDIAN);
        _voter.pause(true);
        VM.expectRevert(AgentVoter.Paused.selector);
        _voter.cast(_proposal);
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, KEEPER);
        VM.startPrank(KEEPER);
        VM.expectRevert(refused);
        _voter.pause(false);
        VM.expectRevert(refused);
        _voter.veto(_proposal);
        VM.stopPrank();
    }

    function test_survivesADeadGateway() external {
        _rate(80, 15, 5);
        VM.etch(address(gateway), hex"fe");
        _toWindow();
        eq(_voter.cast(_proposal), 1, "an opinion that was published holds");
        VM.warp(block.timestamp + 20 days);
        yes(_governor.state(_proposal) == IGovernor.ProposalState.Succeeded, "governance goes on");
    }

    function test_onFractionalGovernorsItCastsLittle() external {
        FractionalGovernor governor = _onFractional();
        VM.warp(block.timestamp + 1);
        _proposal = governor.propose(_targets, _values, _calls, TEXT);
        VM.warp(block.timestamp + 1 days + 1);
        _rate(80, 15, 5);
        _toWindow();
        _voter.cast(_proposal);
        (, uint256 inFavour,) = governor.proposalVotes(_proposal);
        eq(inFavour, 100e18, "a tenth of the quorum of 1,000");
    }

    function test_governorsThatAreNotFitAreRefused() external {
        ProposalAdvisor advisor = _newAdvisor(IGovernor(address(new SimpleGovernor(_token))));
        VM.expectRevert(abi.encodeWithSelector(AgentVoter.UnsafeGovernor.selector, "support=bravo&quorum=for,abstain"));
        new AgentVoter(address(manager), advisor, 30, 0);
        IGovernor blocks = IGovernor(address(new BlockGovernor(_token)));
        VM.expectRevert(ProposalInputs.WrongClock.selector);
        new ProposalAdvisor(address(manager), gateway, blocks, IVoteHistory(address(_token)), address(0), _texts, 60);
    }

    function test_policiesWithAScaleAreRefused() external {
        Port[] memory all = joined(repeated(port(0, 1 << 20, 2), 72), repeated(port(0, 1 << 20, 1), 3));
        Policy memory policy = Policy(register(all, 72), 0, 0, 1 hours, 0, 72, false);
        VM.expectRevert(ConsumerBase.BadPolicy.selector);
        _advisor.setPolicy(0, policy, all);
    }
}
