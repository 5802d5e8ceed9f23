//! Models: a key's data on the chain, and its record in the registry.

use alloy_primitives::{Address, B256, keccak256};
use apodict_solidity::{key_code_hash, key_data};
use apodict_verifier::{SrsOrigin, SrsPolicy, VerifyingKey};

use crate::abi::{ModelRegistry, Registration, num_inputs, ports_of};
use crate::deploy::{check_origin, digest_of, key_name, verifier_of};
use crate::{Code, Core, Deployer, Error, Sender};

/// `statusOf` of a model that may be used.
const LIVE: u8 = 1;
/// Of one that never may be again.
const DISABLED: u8 = 2;

/// `[1]_1`, `[1]_2` and `-[s]_2`, at the end of a key's data: what `ModelRegistry.srsOf` hashes.
const SRS_BYTES: usize = 10 * 32;

/// How a model is registered.
#[derive(Clone, Copy, Debug)]
pub struct ModelOptions<'a> {
    /// Its key.
    pub key: &'a VerifyingKey,
    /// Which reference strings are ceremonies'.
    pub policy: SrsPolicy<'a>,
    /// Whether a key on another is registered: on test chains.
    pub allow_unsafe_srs: bool,
    /// Digest of an error report, for readers of the event; zeros for none.
    pub report_digest: [u8; 32],
    /// Where readers of the event find more.
    pub uri: &'a str,
}

/// A model on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The digest of its key, which is its number in the registry.
    pub model: B256,
    /// The key's data.
    pub key: Address,
    /// The verifier.
    pub verifier: Address,
}

impl Deployer<'_> {
    /// Deploys what a model needs, registers it, and reads it back. The reference string of a key that the policy vouches for is
    /// pinned as a ceremony's.
    ///
    /// # Errors
    /// [`Error::UnsafeSrs`], and what [`Self::contract`] and [`Self::call`] fail with.
    pub fn register(&mut self, core: &Core, options: &ModelOptions<'_>) -> Result<Registered, Error> {
        let ModelOptions { key, policy, allow_unsafe_srs, report_digest, uri } = *options;
        check_origin(key, policy, allow_unsafe_srs)?;
        let (contract, name) = verifier_of(key)?;
        let verifier_code = contract.code(&[], &[])?;
        let verifier = self.contract(&name, &verifier_code)?;
        let address = self.contract(&key_name(key)?, &Code::of_key(key)?)?;
        let model = digest_of(key)?;
        let key_hash = B256::from(key_code_hash(key)?);
        // Of what was compiled, not of what a node says: the registry itself compares it with what is there.
        let verifier_hash = verifier_code.hash().ok_or_else(|| Error::Artifact {
            name: "Halo2Verifier",
            reason: "its constructor fills in a part of its code".to_owned(),
        })?;
        let srs = self.srs_of(core.registry, key, address)?;
        let ports = ports_of(&key.layout);
        let inputs = u16::try_from(num_inputs(&key.layout)).map_err(|_| Error::Artifact {
            name: "ModelRegistry",
            reason: "a model has at most 65535 inputs there".to_owned(),
        })?;
        let registration = Registration {
            verifier,
            verifierCodeHash: verifier_hash,
            key: address,
            keyCodeHash: key_hash,
            inputs,
            programDigest: key.program_digest.into(),
            reportDigest: report_digest.into(),
            uri: uri.to_owned(),
        };
        let call = ModelRegistry::registerCall { registration, ports };
        let registry = core.registry;
        self.call(&format!("model {model}"), registry, &call, |sender| {
            match sender.client.read(registry, &ModelRegistry::statusOfCall { model })? {
                LIVE => (),
                DISABLED => return Err(Error::Disabled { model }),
                _ => return Ok(false),
            }
            let entry = sender.client.read(registry, &ModelRegistry::liveCall { model })?;
            let same =
                (entry.verifier, entry.key, entry.keyCodeHash, entry.inputs) == (verifier, address, key_hash, inputs);
            if same { Ok(true) } else { Err(Error::OtherRecord { model }) }
        })?;
        if policy.origin(&key.srs.digest()) == SrsOrigin::Ceremony {
            self.pin(core.registry, srs)?;
        }
        Ok(Registered { model, key: address, verifier })
    }

    /// The registry's number of a key's reference string, by the key at hand. What is pinned is never taken back, so it is never
    /// what a node says.
    fn srs_of(&self, registry: Address, key: &VerifyingKey, at: Address) -> Result<B256, Error> {
        let data = key_data(key)?;
        let srs = keccak256(data.get(data.len().saturating_sub(SRS_BYTES)..).unwrap_or_default());
        let client = self.sender().client;
        if client.code(registry)?.is_empty() || client.code(at)?.is_empty() {
            // Planned only.
            return Ok(srs);
        }
        let got = client.read(registry, &ModelRegistry::srsOfCall { key: at })?;
        if got == srs {
            return Ok(srs);
        }
        let reason = format!("it says {got}, the key at hand makes {srs}");
        Err(Error::Lied { what: format!("the reference string of the key at {at}"), reason })
    }

    /// Says on the chain that a reference string is a ceremony's.
    fn pin(&mut self, registry: Address, srs: B256) -> Result<(), Error> {
        let call = ModelRegistry::pinCeremonyCall { srs };
        let pinned = |sender: &Sender<'_>| sender.client.read(registry, &ModelRegistry::isCeremonyCall { srs });
        self.call(&format!("ceremony {srs}"), registry, &call, pinned)?;
        Ok(())
    }
}
