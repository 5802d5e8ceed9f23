//! What demonstrations and tests use beside: consumers with more to set up, and the contracts of `solidity/test` around them.

use alloy_sol_types::sol;

sol! {
    #[derive(Debug)]
    struct Limits { uint32 stepPpm; uint32 weekPpm; uint64 ratio; uint96 ceiling; uint32 maxPriceAge; }

    #[derive(Debug)]
    struct Opinion { uint8 risk; uint8 class; uint64 confidence; uint64 time; }

    interface ReferenceMarket {
        constructor(
            address authority, address collateral, address debtToken, address collateralFeed, address debtFeed
        );
        function configureReserveAsCollateral(address asset, uint256 ltv, uint256 liquidationThreshold);
        function setSupplyCap(address asset, uint256 cap);
        function setBorrowCap(address asset, uint256 cap);
        function ltv() returns (uint256);
        function liquidationThreshold() returns (uint256);
        function supplyCap() returns (uint256);
        function borrowCap() returns (uint256);
    }

    interface ElasticToken {
        constructor(address authority, string name, string symbol);
        function mint(uint256 amount);
        function totalSupply() returns (uint256);
    }

    interface SupplyController {
        event SupplyMoved(bytes32 indexed decision, int256 asked, int256 got);
        constructor(
            address authority,
            address gateway,
            address token,
            address reserve,
            address feed,
            address secondFeed,
            Limits limits
        );
        function deposit(uint256 amount) returns (uint256 tokens);
    }

    interface ProposalAdvisor {
        event Prepared(uint256 indexed proposalId, int256[] inputs);
        constructor(
            address authority,
            address gateway,
            address governor,
            address token,
            address treasury,
            address texts,
            uint8 threshold
        );
        function prepare(address[] targets, uint256[] values, bytes[] calls, string description)
            returns (uint256 proposalId);
        function inputsHashOf(uint256 proposalId) returns (bytes32);
        function opinionOf(uint256 proposalId) returns (Opinion opinion);
    }

    interface AgentVoter {
        event Cast(uint256 indexed proposalId, uint8 support, uint256 weight);
        constructor(address authority, address advisor, uint8 maxRisk, uint64 minConfidence);
        function veto(uint256 proposalId);
        function isVetoed(uint256 proposalId) returns (bool);
        function hasCast(uint256 proposalId) returns (bool);
        function cast(uint256 proposalId) returns (uint8 support);
        function windowOf(uint256 proposalId) returns (uint256 from, uint256 to);
    }

    interface MockFeed {
        constructor(uint8 decimals);
        function push(int192 answer, uint256 updatedAt) returns (uint80);
        function latestRound() returns (uint80);
    }

    interface MockToken {
        constructor(uint8 decimals);
        function give(address to, uint256 amount);
        function approve(address spender, uint256 amount) returns (bool);
        function allowance(address owner, address spender) returns (uint256);
        function balanceOf(address account) returns (uint256);
    }

    interface TestVotes {
        function give(address to, uint256 amount);
        function delegate(address to);
        function delegates(address account) returns (address);
        function balanceOf(address account) returns (uint256);
    }

    interface OverridableGovernor {
        constructor(address token, address advisor, uint48 delay);
        function setForTest(address advisor, uint48 delay);
        function riskAdvisor() returns (address);
        function propose(address[] targets, uint256[] values, bytes[] calls, string description)
            returns (uint256 proposalId);
        function getProposalId(address[] targets, uint256[] values, bytes[] calls, bytes32 descriptionHash)
            returns (uint256);
        function proposalSnapshot(uint256 proposalId) returns (uint256);
        function proposalDeadline(uint256 proposalId) returns (uint256);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::declares;
    use super::*;
    use crate::Contract;

    #[test]
    fn the_functions_are_those_of_the_compiled_contracts() {
        declares::<ReferenceMarket::ReferenceMarketCalls>(Contract::ReferenceMarket);
        declares::<ElasticToken::ElasticTokenCalls>(Contract::ElasticToken);
        declares::<SupplyController::SupplyControllerCalls>(Contract::SupplyController);
        declares::<ProposalAdvisor::ProposalAdvisorCalls>(Contract::ProposalAdvisor);
        declares::<AgentVoter::AgentVoterCalls>(Contract::AgentVoter);
        declares::<MockFeed::MockFeedCalls>(Contract::MockFeed);
        declares::<MockToken::MockTokenCalls>(Contract::MockToken);
        declares::<TestVotes::TestVotesCalls>(Contract::TestVotes);
        declares::<OverridableGovernor::OverridableGovernorCalls>(Contract::OverridableGovernor);
    }
}
