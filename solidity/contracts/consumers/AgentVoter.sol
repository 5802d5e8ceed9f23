// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IVoteHistory} from "../interfaces/IVoteHistory.sol";
import {ProposalAdvisor} from "./ProposalAdvisor.sol";

interface IQuorum {
    /// @notice Votes that a proposal needs, at a time in the past.
    function quorum(uint256 timepoint) external view returns (uint256);
}

/// @title Votes for those who delegate to it, as a proved opinion says, under their eyes.
/// @notice It votes late enough to be objected to (after 40 % of the voting time) and early enough to be overridden
/// (before the last 20 %). A guardian's veto, or objections of a tenth of its votes, make it abstain. It is *for* only
/// what is rated harmless, with little risk and much confidence, *against* only what is rated harmful with as much
/// confidence. Who abstains here casts nothing: governors count abstentions for the quorum, and with that of a large
/// bloc a handful of votes would pass what the bloc was held back from.
/// @dev On a governor whose delegators can override their delegate's vote it casts all votes it has; on one with
/// fractional votes a tenth of the quorum at most; on any other it cannot be made.
contract AgentVoter is AccessManaged {
    event VetoSet(uint256 indexed proposalId);
    event Objected(uint256 indexed proposalId, address indexed account, uint256 weight);
    /// @notice It is done with a proposal. `weight`: votes (1e-18) that were cast, none where it abstains.
    event Cast(uint256 indexed proposalId, uint8 support, uint256 weight);
    event PauseSet(bool paused);

    /// @notice No votes are cast.
    error Paused();
    /// @notice Delegators can neither override nor limit what is cast there.
    error UnsafeGovernor(string countingMode);
    /// @notice Too early, too late, or voted already. In seconds.
    error NotNow(uint256 from, uint256 to);
    /// @notice There is no opinion about the proposal.
    error NotRated(uint256 proposalId);
    /// @notice The account delegated nothing to this contract when voting began, or objected before.
    error NoObjection(address account);

    uint8 private constant AGAINST = 0;
    uint8 private constant FOR = 1;
    uint8 private constant ABSTAIN = 2;
    uint256 private constant PERCENT = 100;
    /// @notice Percent of the voting time from which, and until which, it votes.
    uint256 public constant FIRST_PERCENT = 40;
    uint256 public constant LAST_PERCENT = 80;
    /// @notice Percent of its votes that make it abstain when they object.
    uint256 public constant OBJECTION_PERCENT = 10;
    /// @notice Percent of the quorum that it casts where votes are fractional.
    uint256 public constant QUORUM_PERCENT = 10;

    /// @notice Where it votes, whose opinion it follows, and the token that gives votes.
    IGovernor public immutable governor;
    ProposalAdvisor public immutable advisor;
    IVoteHistory public immutable token;
    /// @notice Whether votes are fractional, and limited, rather than overridable.
    bool public immutable fractional;
    /// @notice Most risk (0 to 100), and least confidence (1e-18), of a vote in favour.
    uint8 public immutable maxRisk;
    uint64 public immutable minConfidence;

    /// @notice Whether no votes are cast.
    bool public paused;
    /// @notice Whether the guardian made it abstain.
    mapping(uint256 proposalId => bool) public isVetoed;
    /// @notice Whether it is done with a proposal, by a vote or by an abstention.
    mapping(uint256 proposalId => bool) public hasCast;
    /// @notice Votes that object, in 1e-18, and whether an account's are among them.
    mapping(uint256 proposalId => uint256) public objections;
    mapping(uint256 proposalId => mapping(address account => bool)) public hasObjected;

    constructor(address authority, ProposalAdvisor advisor_, uint8 maxRisk_, uint64 minConfidence_)
        AccessManaged(authority)
    {
        (advisor, governor, token) = (advisor_, advisor_.governor(), advisor_.token());
        (maxRisk, minConfidence) = (maxRisk_, minConfidence_);
        string memory mode = governor.COUNTING_MODE();
        fractional = _contains(mode, "params=fractional");
        if (!fractional && !_contains(mode, "overridable=true")) revert UnsafeGovernor(mode);
    }

    /// @notice Stops casting, and starts it again. By the guardian.
    function pause(bool paused_) external restricted {
        paused = paused_;
        emit PauseSet(paused_);
    }

    /// @notice Makes it abstain on a proposal. By the guardian.
    function veto(uint256 proposalId) external restricted {
        isVetoed[proposalId] = true;
        emit VetoSet(proposalId);
    }

    /// @notice Objects to voting on a proposal with the votes that the caller delegated here when voting began.
    function object(uint256 proposalId) external {
        uint256 snapshot = governor.proposalSnapshot(proposalId);
        bool delegated = token.getPastDelegate(msg.sender, snapshot) == address(this);
        if (!delegated || hasObjected[proposalId][msg.sender]) revert NoObjection(msg.sender);
        hasObjected[proposalId][msg.sender] = true;
        uint256 weight = token.getPastBalanceOf(msg.sender, snapshot);
        objections[proposalId] += weight;
        emit Objected(proposalId, msg.sender, weight);
    }

    /// @notice Casts the votes, or nothing where it abstains, and is done with the proposal. Anyone may, once a
    /// proposal, within the window.
    /// @return support 0 against, 1 for, 2 abstains.
    function cast(uint256 proposalId) external returns (uint8 support) {
        if (paused) revert Paused();
        (uint256 from, uint256 to) = windowOf(proposalId);
        if (block.timestamp < from || block.timestamp > to || hasCast[proposalId]) revert NotNow(from, to);
        hasCast[proposalId] = true;
        support = supportOf(proposalId);
        uint256 weight = support == ABSTAIN ? 0 : _cast(proposalId, support);
        emit Cast(proposalId, support, weight);
    }

    /// @notice What it would do now: 0 against, 1 for, 2 abstain, which casts nothing.
    function supportOf(uint256 proposalId) public view returns (uint8) {
        ProposalAdvisor.Opinion memory opinion = advisor.opinionOf(proposalId);
        if (opinion.time == 0) revert NotRated(proposalId);
        uint256 votes = token.getPastVotes(address(this), governor.proposalSnapshot(proposalId));
        if (isVetoed[proposalId] || objections[proposalId] * PERCENT >= votes * OBJECTION_PERCENT) return ABSTAIN;
        if (opinion.confidence < minConfidence) return ABSTAIN;
        if (opinion.class == 0 && opinion.risk <= maxRisk) return FOR;
        return opinion.class == 2 ? AGAINST : ABSTAIN;
    }

    /// @notice When votes are cast, ends included. In seconds.
    function windowOf(uint256 proposalId) public view returns (uint256 from, uint256 to) {
        uint256 snapshot = governor.proposalSnapshot(proposalId);
        uint256 period = governor.proposalDeadline(proposalId) - snapshot;
        return (snapshot + period * FIRST_PERCENT / PERCENT, snapshot + period * LAST_PERCENT / PERCENT);
    }

    function _cast(uint256 proposalId, uint8 support) private returns (uint256 weight) {
        uint256 snapshot = governor.proposalSnapshot(proposalId);
        weight = token.getPastVotes(address(this), snapshot);
        if (!fractional) {
            governor.castVote(proposalId, support);
            return weight;
        }
        weight = Math.min(weight, IQuorum(address(governor)).quorum(snapshot) * QUORUM_PERCENT / PERCENT);
        weight = Math.min(weight, type(uint128).max);
        // Against, for, abstain.
        uint128[3] memory parts;
        // forge-lint: disable-next-line(unsafe-typecast)
        parts[support] = uint128(weight);
        bytes memory params = abi.encodePacked(parts[0], parts[1], parts[2]);
        governor.castVoteWithReasonAndParams(proposalId, type(uint8).max, "", params);
    }

    function _contains(string memory text, string memory part) private pure returns (bool) {
        (bytes memory a, bytes memory b) = (bytes(text), bytes(part));
        for (uint256 i = 0; i + b.length <= a.length; ++i) {
            bool same = true;
            for (uint256 j = 0; j < b.length && same; ++j) {
                same = a[i + j] == b[j];
            }
            if (same) return true;
        }
        return false;
    }
}
