//! The compiled contracts, and whether code on a chain is theirs.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, keccak256};
use apodict_solidity::{key_creation_code, key_data};
use apodict_verifier::VerifyingKey;
use serde::Deserialize;

use crate::Error;

macro_rules! contracts {
    ($(#[doc = $doc:literal] $name:ident: $path:literal,)*) => {
        /// A contract whose bytecode is committed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Contract {
            $(#[doc = $doc] $name,)*
        }

        impl Contract {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As in its source.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            fn files(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => (
                        include_str!(concat!("../../../solidity/artifacts/", $path, ".hex")),
                        include_str!(concat!("../../../solidity/artifacts/", $path, ".json")),
                    ),)*
                }
            }
        }
    };
}

contracts! {
    /// The verifier of the lean shape.
    Halo2VerifierLean: "Halo2VerifierLean",
    /// The verifier of the wide shape.
    Halo2VerifierWide: "Halo2VerifierWide",
    /// OpenZeppelin's, who may do what.
    AccessManager: "AccessManager",
    /// Which models exist.
    ModelRegistry: "ModelRegistry",
    /// Inputs from feeds.
    FeedBinder: "FeedBinder",
    /// Takes decisions to their consumers.
    DecisionGateway: "DecisionGateway",
    /// The library of bounded parameters, which consumers are linked with.
    Groups: "Groups",
    /// A text as tokens.
    TextBinder: "TextBinder",
    /// Risk parameters, as others read them.
    ProvenRiskOracle: "ProvenRiskOracle",
    /// A lending market's parameters.
    CollateralSteward: "CollateralSteward",
    /// A token whose supply a controller moves.
    ElasticToken: "ElasticToken",
    /// Moves a supply by decisions.
    SupplyController: "SupplyController",
    /// Rates proposals.
    ProposalAdvisor: "ProposalAdvisor",
    /// Votes as proposals are rated.
    AgentVoter: "AgentVoter",
    /// A market for demonstrations.
    ReferenceMarket: "ReferenceMarket",
    /// A feed that anyone can push to: for tests and demonstrations.
    MockFeed: "demo/MockFeed",
    /// A token that anyone can mint: for tests and demonstrations.
    MockToken: "demo/MockToken",
    /// Votes that anyone can mint: for tests and demonstrations.
    TestVotes: "demo/TestVotes",
    /// A governor whose delegators can override their delegate: for tests and demonstrations.
    OverridableGovernor: "demo/OverridableGovernor",
}

/// What the compiler says about a contract beside its bytecode.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// Where the code that stays stands in the creation code, in bytes.
    runtime: [usize; 2],
    /// Places in the code that stays that its constructor fills: begin and length.
    immutables: Vec<[usize; 2]>,
    /// Begins of the 20 bytes in the creation code that a library's address takes.
    links: BTreeMap<String, Vec<usize>>,
    /// Selectors by signature.
    methods: BTreeMap<String, String>,
}

/// Code to deploy, and what must then be on the chain.
#[derive(Clone, Debug)]
pub struct Code {
    /// What it is, for messages.
    pub name: &'static str,
    /// Creation code with the constructor's arguments.
    pub creation: Vec<u8>,
    /// The code that stays, zeros where the constructor fills in.
    runtime: Vec<u8>,
    /// Those places.
    immutables: Vec<[usize; 2]>,
}

impl Contract {
    /// Its code, linked with libraries, with ABI-encoded arguments of the constructor.
    ///
    /// # Errors
    /// [`Error::Artifact`] if a library is missing or what is committed does not fit together.
    pub fn code(self, libraries: &[(Self, Address)], arguments: &[u8]) -> Result<Code, Error> {
        let name = self.name();
        let bad = |reason: &str| Error::Artifact { name, reason: reason.to_owned() };
        let (text, _) = self.files();
        let Description { runtime: [begin, length], immutables, links, .. } = self.description()?;
        // Placeholders of libraries are no digits.
        let mut text = text.trim().to_owned();
        for (library, places) in &links {
            let found = libraries.iter().find(|(contract, _)| contract.name() == library);
            let (_, address) = found.ok_or_else(|| bad(&format!("its library {library} is not deployed")))?;
            for place in places {
                let digits = 2 * place..2 * (place + 20);
                if text.get(digits.clone()).is_none() {
                    return Err(bad("a library's place lies outside of it"));
                }
                text.replace_range(digits, &hex::encode(address));
            }
        }
        let mut creation = hex::decode(&text).map_err(|_| bad("its bytecode is not hexadecimal"))?;
        let runtime = begin.checked_add(length).and_then(|end| creation.get(begin..end));
        let runtime = runtime.ok_or_else(|| bad("its code lies outside of its bytecode"))?.to_vec();
        creation.extend(arguments);
        Ok(Code { name, creation, runtime, immutables })
    }

    /// The selectors of its functions, by their signatures.
    ///
    /// # Errors
    /// [`Error::Artifact`].
    pub fn methods(self) -> Result<BTreeMap<String, String>, Error> {
        Ok(self.description()?.methods)
    }

    fn description(self) -> Result<Description, Error> {
        let bad = |error: serde_json::Error| Error::Artifact { name: self.name(), reason: error.to_string() };
        serde_json::from_str(self.files().1).map_err(bad)
    }
}

impl Code {
    /// The data contract of a key.
    ///
    /// # Errors
    /// [`Error::Contract`].
    pub fn of_key(key: &VerifyingKey) -> Result<Self, Error> {
        let (creation, runtime) = (key_creation_code(key)?, key_data(key)?);
        Ok(Self { name: "key", creation, runtime, immutables: Vec::new() })
    }

    /// Keccak-256 of the code that stays; `None` where the constructor fills a part of it in.
    pub fn hash(&self) -> Option<B256> {
        self.immutables.is_empty().then(|| keccak256(&self.runtime))
    }

    /// Keccak-256 of the code on a chain, if it is this one's, whatever the constructor filled in.
    ///
    /// # Errors
    /// [`Error::Lied`] if it is none or another one's.
    pub fn check(&self, address: Address, on_chain: &[u8]) -> Result<B256, Error> {
        let lied = |reason: String| Error::Lied { what: format!("the code of {} at {address}", self.name), reason };
        if on_chain.is_empty() {
            return Err(lied("it says that the contract was created, and there is no code".to_owned()));
        }
        let mut masked = on_chain.to_vec();
        for [begin, length] in &self.immutables {
            if let Some(place) = begin.checked_add(*length).and_then(|end| masked.get_mut(*begin..end)) {
                place.fill(0);
            }
        }
        if masked != self.runtime {
            let at = masked
                .iter()
                .zip(&self.runtime)
                .position(|(a, b)| a != b)
                .unwrap_or(masked.len().min(self.runtime.len()));
            let sizes = format!("{} bytes on the chain, {} compiled", on_chain.len(), self.runtime.len());
            return Err(lied(format!("it is another code, from byte {at} on ({sizes})")));
        }
        Ok(keccak256(on_chain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_is_whole_and_fits_a_chain() {
        let groups = (Contract::Groups, Address::repeat_byte(0x11));
        for contract in Contract::ALL {
            let code = contract.code(&[groups], &[]).unwrap();
            assert!((100..=24_576).contains(&code.runtime.len()), "{}", code.name);
            assert!(code.creation.len() <= 49_152, "{}", code.name);
            let on_chain = code.runtime.clone();
            code.check(Address::ZERO, &on_chain).unwrap();
            let mut filled = on_chain.clone();
            for [begin, length] in &code.immutables {
                filled[*begin..begin + length].fill(7);
            }
            code.check(Address::ZERO, &filled).unwrap();
            for other in [&[][..], &on_chain[1..], &[&on_chain[..], &[0]].concat()] {
                assert!(matches!(code.check(Address::ZERO, other), Err(Error::Lied { .. })), "{}", code.name);
            }
        }
    }

    #[test]
    fn a_changed_byte_shows_wherever_the_constructor_fills_nothing_in() {
        let code = Contract::DecisionGateway.code(&[], &[]).unwrap();
        assert!(!code.immutables.is_empty());
        for at in (0..code.runtime.len()).step_by(501) {
            let mut changed = code.runtime.clone();
            changed[at] ^= 1;
            let filled_in = code.immutables.iter().any(|[begin, length]| (*begin..begin + length).contains(&at));
            assert_eq!(code.check(Address::ZERO, &changed).is_ok(), filled_in, "byte {at}");
        }
    }

    #[test]
    fn a_consumer_needs_its_library() {
        let error = Contract::CollateralSteward.code(&[], &[]).unwrap_err();
        assert!(error.to_string().contains("Groups"), "{error}");
        let linked = |byte| {
            let groups = (Contract::Groups, Address::repeat_byte(byte));
            Contract::CollateralSteward.code(&[groups], &[]).unwrap()
        };
        let one = linked(1);
        assert!(matches!(one.check(Address::ZERO, &linked(2).runtime), Err(Error::Lied { .. })), "another library");
    }
}
