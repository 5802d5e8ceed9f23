// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IERC6372} from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {ProposalAdvisor} from "../../contracts/consumers/ProposalAdvisor.sol";
import {TextBinder} from "../../contracts/feeds/TextBinder.sol";
import {Kind, Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {IVoteHistory} from "../../contracts/interfaces/IVoteHistory.sol";
import {Port} from "../../contracts/verifiers/PublicValues.sol";
import {VM} from "../Vm.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {World} from "../support/World.sol";

/// @notice The inputs of the models in `examples/`, derived on chain, are those that `examples/` encodes: vectors that
/// `python3 -m artifacts.vectors write` makes.
contract ExampleInputsTest is World {
    /// @dev As in the vectors.
    struct Known {
        address governor;
        address payable treasury;
        uint256 balance;
        uint256 supply;
        uint256 votes;
        uint256 firstVotesAt;
        uint256 snapshot;
        uint256 deadline;
    }

    uint256 private constant PROPOSAL = 5;
    uint256 private constant PORT_WORDS = 5;
    address private constant PROPOSER = address(0x9e);
    address private constant VOTES = address(0x70e);

    string private _json;
    uint64 private _time;
    Port[] private _ports;
    MockFeed[] private _feeds;
    /// @dev Of each feed.
    uint256[][] private _times;

    function setUp() external {
        build();
        _json = VM.readFile("test/fixtures/inputs.json");
        _time = uint64(_number(".time"));
        VM.warp(_time + 5);
    }

    function test_roundsOfACollateral() external {
        _bindAll(".risk_scoring");
    }

    function test_roundsOfTwoPegs() external {
        _bindAll(".supply_adjustment");
    }

    function test_texts() external {
        TextBinder texts = new TextBinder();
        uint256 count = _number(".texts.count");
        yes(count > 10, "there are texts");
        for (uint256 i = 0; i < count; ++i) {
            string memory place = string.concat(".texts.cases", _index(i));
            bytes memory blanks = new bytes(_number(string.concat(place, ".blanks")));
            for (uint256 j = 0; j < blanks.length; ++j) {
                blanks[j] = " ";
            }
            bytes memory text = bytes.concat(blanks, _bytes(string.concat(place, ".text")));
            int256[] memory tokens = texts.bind(string(text), keccak256(text));
            _same(tokens, _numbers(string.concat(place, ".tokens")), place);
        }
    }

    function test_proposals() external {
        uint256 count = _number(".proposals.count");
        yes(count > 10, "there are proposals");
        for (uint256 i = 0; i < count; ++i) {
            string memory place = string.concat(".proposals.cases", _index(i));
            ProposalAdvisor advisor = _advisorOf(place);
            (address[] memory targets, uint256[] memory values, bytes[] memory calls) =
                abi.decode(_bytes(string.concat(place, ".calls")), (address[], uint256[], bytes[]));
            uint256[8] memory facts = advisor.factsOf(PROPOSAL, targets, values, calls);
            int256[] memory derived = new int256[](8);
            for (uint256 j = 0; j < 8; ++j) {
                derived[j] = int256(facts[j]);
            }
            _same(derived, _numbers(string.concat(place, ".facts")), place);
        }
    }

    /// @dev An advisor on a chain that is as a vector says: governor and votes are nothing but answers.
    function _advisorOf(string memory place) private returns (ProposalAdvisor advisor) {
        Known memory known;
        {
            int256[] memory chain = _numbers(string.concat(place, ".chain"));
            known.governor = address(uint160(uint256(chain[0])));
            known.treasury = payable(address(uint160(uint256(chain[1]))));
            (known.balance, known.supply, known.votes) = (uint256(chain[2]), uint256(chain[3]), uint256(chain[4]));
            (known.firstVotesAt, known.snapshot) = (uint256(chain[5]), uint256(chain[6]));
            known.deadline = uint256(chain[7]);
        }
        VM.clearMockedCalls();
        VM.deal(known.treasury, known.balance);
        _answer(known.governor, abi.encodeCall(IERC6372.CLOCK_MODE, ()), abi.encode("mode=timestamp"));
        _answer(known.governor, abi.encodeCall(IGovernor.proposalSnapshot, (PROPOSAL)), abi.encode(known.snapshot));
        _answer(known.governor, abi.encodeCall(IGovernor.proposalDeadline, (PROPOSAL)), abi.encode(known.deadline));
        _answer(known.governor, abi.encodeCall(IGovernor.proposalProposer, (PROPOSAL)), abi.encode(PROPOSER));
        _answer(VOTES, abi.encodeCall(IVotes.getPastTotalSupply, (known.snapshot)), abi.encode(known.supply));
        _answer(VOTES, abi.encodeCall(IVotes.getPastVotes, (PROPOSER, known.snapshot)), abi.encode(known.votes));
        uint256 points = known.firstVotesAt == 0 ? 0 : 1;
        _answer(VOTES, abi.encodeCall(IVoteHistory.numCheckpoints, (PROPOSER)), abi.encode(points));
        Checkpoints.Checkpoint208 memory first = Checkpoints.Checkpoint208(uint48(known.firstVotesAt), 1);
        _answer(VOTES, abi.encodeCall(IVoteHistory.checkpoints, (PROPOSER, 0)), abi.encode(first));
        advisor = new ProposalAdvisor(
            address(manager),
            gateway,
            IGovernor(known.governor),
            IVoteHistory(VOTES),
            known.treasury,
            TextBinder(address(0)),
            60
        );
        int256[] memory routine = _numbers(string.concat(place, ".known"));
        for (uint256 i = 0; i < routine.length; i += 2) {
            advisor.setKnownCall(address(uint160(uint256(routine[i]))), bytes4(uint32(uint256(routine[i + 1]))), true);
        }
    }

    function _answer(address place, bytes memory call_, bytes memory answer) private {
        VM.mockCall(place, call_, answer);
    }

    /// @dev All cases of a story whose inputs are rounds.
    function _bindAll(string memory story) private {
        int256[] memory ports = _numbers(string.concat(story, ".ports"));
        for (uint256 i = 0; i < ports.length; i += PORT_WORDS) {
            _ports.push(
                Port({
                    name: "x",
                    lo: int128(ports[i]),
                    hi: int128(ports[i + 1]),
                    num: uint128(uint256(ports[i + 2])),
                    den: uint128(uint256(ports[i + 3])),
                    zero: int64(ports[i + 4])
                })
            );
        }
        uint256 count = _number(string.concat(story, ".count"));
        yes(count > 10, "there are rounds");
        for (uint256 i = 0; i < count; ++i) {
            _bindOne(story, string.concat(story, ".cases", _index(i)));
        }
    }

    function _bindOne(string memory story, string memory place) private {
        _tell(_number(string.concat(story, ".feeds")), place);
        int256[] memory sources = _numbers(string.concat(story, ".sources"));
        (bytes32 set, uint80[] memory rounds) = _setOf(sources);
        bytes memory refusal = bytes(VM.parseJsonString(_json, string.concat(place, ".error")));
        if (refusal.length == 0) {
            _same(binder.bind(set, _time, rounds), _numbers(string.concat(place, ".inputs")), place);
        } else {
            VM.expectPartialRevert(_selectorOf(string(refusal)));
            binder.bind(set, _time, rounds);
        }
    }

    /// @dev New feeds, with a case's rounds.
    function _tell(uint256 count, string memory place) private {
        delete _feeds;
        delete _times;
        for (uint256 i = 0; i < count; ++i) {
            MockFeed feed = new MockFeed(8);
            int256[] memory times = _numbers(string.concat(place, ".times", _index(i)));
            int256[] memory answers = _numbers(string.concat(place, ".answers", _index(i)));
            _feeds.push(feed);
            _times.push();
            for (uint256 j = 0; j < times.length; ++j) {
                feed.push(int192(answers[j]), uint256(times[j]));
                _times[i].push(uint256(times[j]));
            }
        }
    }

    /// @dev The set, and the number of the last round that each source may take.
    function _setOf(int256[] memory pairs) private returns (bytes32 set, uint80[] memory rounds) {
        Source[] memory sources = new Source[](pairs.length / 2);
        rounds = new uint80[](sources.length);
        for (uint256 i = 0; i < sources.length; ++i) {
            uint256 feed = uint256(pairs[2 * i]);
            uint16 lag = uint16(uint256(pairs[2 * i + 1]));
            sources[i] = Source(Kind.Round, address(_feeds[feed]), 0, 0, 8, lag, 2 hours, 0, 1, type(int192).max);
            uint256 last;
            for (uint256 j = 0; j < _times[feed].length; ++j) {
                if (_times[feed][j] <= _time - lag * PERIOD) ++last;
            }
            rounds[i] = uint80((1 << 64) | last);
        }
        set = feedSet(sources, _ports);
    }

    function _selectorOf(string memory refusal) private pure returns (bytes4) {
        string[4] memory signatures = [
            "MissingRound(address,uint80)",
            "StaleValue(uint256,uint256,uint256)",
            "OutOfBand(uint256,int256,int256,int256)",
            "OutOfRange(int256,int256,int256)"
        ];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory signature = bytes(signatures[i]);
            uint256 length;
            while (signature[length] != "(") ++length;
            bytes memory name = new bytes(length);
            for (uint256 j = 0; j < length; ++j) {
                name[j] = signature[j];
            }
            if (keccak256(name) == keccak256(bytes(refusal))) return bytes4(keccak256(signature));
        }
        revert(refusal);
    }

    function _same(int256[] memory got, int256[] memory expected, string memory place) private view {
        string memory label = VM.parseJsonString(_json, string.concat(place, ".case"));
        eq(got.length, expected.length, label);
        for (uint256 i = 0; i < got.length; ++i) {
            eqInt(got[i], expected[i], label);
        }
    }

    function _number(string memory key) private view returns (uint256) {
        return VM.parseJsonUint(_json, key);
    }

    function _bytes(string memory key) private view returns (bytes memory) {
        return VM.parseJsonBytes(_json, key);
    }

    function _numbers(string memory key) private view returns (int256[] memory) {
        return abi.decode(_bytes(key), (int256[]));
    }

    function _index(uint256 i) private pure returns (string memory) {
        bytes memory digits = i < 10 ? bytes.concat(_digit(i)) : bytes.concat(_digit(i / 10), _digit(i % 10));
        return string.concat("[", string(digits), "]");
    }

    function _digit(uint256 i) private pure returns (bytes1) {
        return bytes1(uint8(48 + i));
    }
}
