//! The functions and events that are used here, as the contracts in `solidity/` declare them. A test compares every selector with
//! what the compiler says.

#![allow(missing_docs, reason = "the contracts' own comments document them")]
#![allow(clippy::too_many_arguments, reason = "a constructor is made for each struct, with as many as it has fields")]

use alloy_primitives::B256;
use alloy_sol_types::sol;
use apodict_verifier::Layout;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    struct Port { bytes32 name; int128 lo; int128 hi; uint128 num; uint128 den; int64 zero; }

    #[derive(Debug)]
    struct OutputRun { uint16 count; int128 lo; int128 hi; uint128 num; uint128 den; int64 zero; }

    #[derive(Debug)]
    struct Model {
        address verifier;
        bytes32 verifierCodeHash;
        address key;
        bytes32 keyCodeHash;
        bytes32 portsHash;
        uint16 inputs;
        uint16 outputs;
        bool unsafeSrs;
        uint64 addedAt;
        OutputRun[] runs;
    }

    #[derive(Debug)]
    struct Registration {
        address verifier;
        bytes32 verifierCodeHash;
        address key;
        bytes32 keyCodeHash;
        uint16 inputs;
        bytes32 programDigest;
        bytes32 reportDigest;
        string uri;
    }

    #[derive(Debug)]
    struct Source {
        uint8 kind;
        address target;
        bytes4 selector;
        bytes32 arg;
        uint8 decimals;
        uint16 lag;
        uint32 maxAge;
        uint16 maxMoveBps;
        int192 lo;
        int192 hi;
    }

    #[derive(Debug)]
    struct FeedSet { Source[] sources; Port[] ports; uint32 period; address sequencerFeed; uint32 grace; }

    #[derive(Debug)]
    struct Policy {
        bytes32 model;
        bytes32 feedSet;
        bytes32 inputsHash;
        uint32 maxAge;
        uint32 minInterval;
        uint16 ownInputs;
        bool snapshots;
    }

    #[derive(Debug)]
    struct DecisionRequest {
        address consumer;
        bytes32 subject;
        uint64 nonce;
        uint64 deadline;
        uint64 observed;
        uint80[] rounds;
        int256[] inputs;
        int256[] outputs;
    }

    #[derive(Debug)]
    struct Live { uint48 value; uint48 pending; uint48 previous; uint40 eta; uint40 changedAt; uint32 seq; }

    #[derive(Debug)]
    struct Bound {
        uint48 lo;
        uint48 hi;
        uint32 stepUp;
        uint32 stepDown;
        uint24 delayUp;
        uint24 delayDown;
        uint24 cooldown;
        uint8 flags;
    }

    interface AccessManager {
        constructor(address initialAdmin);
        function grantRole(uint64 roleId, address account, uint32 executionDelay);
        function hasRole(uint64 roleId, address account) returns (bool isMember, uint32 executionDelay);
        function setTargetFunctionRole(address target, bytes4[] selectors, uint64 roleId);
        function getTargetFunctionRole(address target, bytes4 selector) returns (uint64);
    }

    interface AccessManaged {
        function authority() returns (address);
    }

    interface ModelRegistry {
        constructor(address authority);
        function register(Registration registration, Port[] ports) returns (bytes32 model);
        function disable(bytes32 model);
        function pinCeremony(bytes32 srs);
        function isCeremony(bytes32 srs) returns (bool);
        function live(bytes32 model) returns (Model entry);
        function statusOf(bytes32 model) returns (uint8);
        function srsOf(address key) returns (bytes32);
    }

    interface FeedBinder {
        function defineSet(FeedSet set) returns (bytes32 setId);
        function setOf(bytes32 setId) returns (FeedSet set);
        function shapeOf(bytes32 setId) returns (bytes32 portsHash, uint256 inputs, uint32 period, bool views);
        function bind(bytes32 setId, uint64 time, uint80[] rounds) returns (int256[] inputs);
    }

    interface DecisionGateway {
        event DecisionAccepted(
            bytes32 indexed id,
            address indexed consumer,
            bytes32 indexed subject,
            bytes32 model,
            uint64 nonce,
            uint64 observedAt,
            address submitter,
            int256[] outputs
        );
        constructor(address registry, address binder, bool takesUnsafeModels);
        function submit(DecisionRequest request, bytes proof) returns (bytes32 id);
        function cursor(address consumer, bytes32 subject)
            returns (uint64 nextNonce, uint64 observedAt, uint64 acceptedAt);
        function contextOf(address consumer, bytes32 model, bytes32 subject, uint64 nonce, uint64 deadline)
            returns (uint256 low, uint256 high);
        function registry() returns (address);
        function binder() returns (address);
        function takesUnsafeModels() returns (bool);
    }

    interface Consumer {
        function policy(bytes32 subject) returns (Policy policy_);
        function setPolicy(bytes32 subject, Policy policy_, Port[] ports);
        function gateway() returns (address);
        function pause(bool paused);
    }

    interface BoundedConsumer {
        constructor(address authority, address gateway);
        event Clamped(bytes32 indexed group, uint256 index, uint256 asked, uint256 got);
        function configure(bytes32 group, Bound[] bounds, uint48[] values);
        function parametersOf(bytes32 group) returns (Live[] live, Bound[] bounds);
        function execute(bytes32 group) returns (bool done);
        function veto(bytes32 group) returns (bool);
    }

    interface TextBinder {
        function bind(string text, bytes32 textHash) returns (int256[] buckets);
    }

    interface CollateralSteward {
        constructor(address authority, address gateway, address market);
        function subjectOf(address asset) returns (bytes32);
        function groupOf(address asset, uint8 kind) returns (bytes32);
        function market() returns (address);
    }
}

pub mod demo;

/// The ports of a key's layout as the ABI has them.
pub fn ports_of(layout: &Layout) -> Vec<Port> {
    let port = |port: apodict_verifier::Port| {
        let apodict_verifier::Quantization { num, den, zero, lo, hi } = port.quantization;
        Port { name: B256::from(port.name), lo, hi, num, den, zero }
    };
    layout.ports().map(port).collect()
}

/// How many of a layout's ports are inputs.
pub fn num_inputs(layout: &Layout) -> usize {
    layout.inputs.iter().map(apodict_verifier::Tensor::num_elements).sum()
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::SolInterface;

    use super::*;
    use crate::Contract;

    /// Every function of an interface is one of the compiled contract.
    pub(super) fn declares<I: SolInterface>(contract: Contract) {
        let methods = contract.methods().unwrap();
        for selector in I::selectors() {
            let selector = hex::encode(selector);
            assert!(
                methods.values().any(|method| *method == selector),
                "{} has no function {selector}",
                contract.name()
            );
        }
    }

    #[test]
    fn the_functions_are_those_of_the_compiled_contracts() {
        declares::<AccessManager::AccessManagerCalls>(Contract::AccessManager);
        declares::<AccessManaged::AccessManagedCalls>(Contract::ModelRegistry);
        declares::<ModelRegistry::ModelRegistryCalls>(Contract::ModelRegistry);
        declares::<FeedBinder::FeedBinderCalls>(Contract::FeedBinder);
        declares::<DecisionGateway::DecisionGatewayCalls>(Contract::DecisionGateway);
        for consumer in [Contract::ProvenRiskOracle, Contract::CollateralSteward] {
            declares::<Consumer::ConsumerCalls>(consumer);
            declares::<BoundedConsumer::BoundedConsumerCalls>(consumer);
        }
        declares::<TextBinder::TextBinderCalls>(Contract::TextBinder);
        declares::<CollateralSteward::CollateralStewardCalls>(Contract::CollateralSteward);
    }
}
