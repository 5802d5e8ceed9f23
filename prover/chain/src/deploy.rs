//! Contracts on a chain: what is there already is compared and kept, what is not is deployed.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolConstructor};
use apodict_solidity::artifacts;
use apodict_verifier::{SrsOrigin, SrsPolicy, VerifyingKey};

use crate::abi::{
    AccessManaged, AccessManager, BoundedConsumer, CollateralSteward, Consumer, DecisionGateway, ModelRegistry,
};
use crate::{Client, Code, Contract, Error, Receipt, Record, Sender, Sent};

/// The role that disables models: the guardian's.
const GUARDIAN_ROLE: u64 = 1;
/// The role that gives all others, as `AccessManager` has it.
const ADMIN_ROLE: u64 = 0;

/// Whether anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything is estimated, nothing is sent and nothing written.
    DryRun,
    /// What is not there is sent.
    Send,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// As in the record.
    pub name: String,
    /// The contract, of steps that make one.
    pub address: Option<Address>,
    /// What was done.
    pub state: StepState,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepState {
    /// It was there, and is what it should be.
    Kept,
    /// It was sent, is in a block and is what it should be.
    Done {
        /// That the transaction took.
        gas: u64,
        /// What it cost, in wei.
        cost: U256,
    },
    /// It would be sent, with this much gas; `None` where what it needs is not there yet.
    Planned {
        /// The estimate, with a fifth in reserve.
        gas: Option<u64>,
    },
}

/// Does steps, one after the other.
pub struct Deployer<'a> {
    sender: Sender<'a>,
    record: &'a mut Record,
    mode: Mode,
    told: &'a mut dyn FnMut(&Step),
    /// Creations that were planned and not sent.
    planned: u64,
}

/// What the shared contracts are deployed with.
#[derive(Clone, Copy, Debug)]
pub struct CoreOptions<'a> {
    /// Keys whose verifiers and data are deployed.
    pub keys: &'a [VerifyingKey],
    /// Which reference strings are ceremonies'.
    pub policy: SrsPolicy<'a>,
    /// Whether keys on others are deployed, and the gateway takes such models: on test chains.
    pub allow_unsafe_srs: bool,
    /// Who administers the `AccessManager`: at first, whoever deploys.
    pub admin: Address,
    /// Who may disable models.
    pub guardian: Option<Address>,
}

/// The shared contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// `AccessManager`.
    pub manager: Address,
    /// `ModelRegistry`.
    pub registry: Address,
    /// `FeedBinder`.
    pub binder: Address,
    /// `DecisionGateway`.
    pub gateway: Address,
    /// The library.
    pub groups: Address,
    /// `TextBinder`.
    pub texts: Address,
}

impl Core {
    /// The names in a record.
    pub const MANAGER: &'static str = "AccessManager";
    /// See [`Self::MANAGER`].
    pub const REGISTRY: &'static str = "ModelRegistry";
    /// See [`Self::MANAGER`].
    pub const BINDER: &'static str = "FeedBinder";
    /// See [`Self::MANAGER`].
    pub const GATEWAY: &'static str = "DecisionGateway";
    /// See [`Self::MANAGER`].
    pub const GROUPS: &'static str = "Groups";
    /// See [`Self::MANAGER`].
    pub const TEXTS: &'static str = "TextBinder";

    /// Those of a record, whose code and references to each other are read back from the chain: a record proves nothing.
    ///
    /// # Errors
    /// [`Error::NotDeployed`]; [`Error::Lied`] if the chain has others; what [`Client::read`] fails with.
    pub fn of(record: &Record, client: &Client) -> Result<Self, Error> {
        let core = Self {
            manager: record.address(Self::MANAGER)?,
            registry: record.address(Self::REGISTRY)?,
            binder: record.address(Self::BINDER)?,
            gateway: record.address(Self::GATEWAY)?,
            groups: record.address(Self::GROUPS)?,
            texts: record.address(Self::TEXTS)?,
        };
        for (contract, at) in [
            (Contract::AccessManager, core.manager),
            (Contract::ModelRegistry, core.registry),
            (Contract::FeedBinder, core.binder),
            (Contract::DecisionGateway, core.gateway),
            (Contract::Groups, core.groups),
            (Contract::TextBinder, core.texts),
        ] {
            contract.code(&[], &[])?.check(at, &client.code(at)?)?;
        }
        core.expect_references(client)?;
        Ok(core)
    }

    /// Reads back what constructors were given.
    fn expect_references(&self, client: &Client) -> Result<(), Error> {
        let Self { manager, registry, binder, gateway, .. } = *self;
        expect(client, "the registry's authority", registry, &AccessManaged::authorityCall {}, &manager)?;
        expect(client, "the gateway's registry", gateway, &DecisionGateway::registryCall {}, &registry)?;
        expect(client, "the gateway's binder", gateway, &DecisionGateway::binderCall {}, &binder)
    }
}

/// The verifier of a key's shape, and its name in a record.
pub(crate) fn verifier_of(key: &VerifyingKey) -> Result<(Contract, String), Error> {
    let shape = artifacts::for_shape(&key.constraint_system)?.shape;
    let contract = match shape {
        "lean" => Contract::Halo2VerifierLean,
        "wide" => Contract::Halo2VerifierWide,
        other => {
            return Err(Error::Artifact {
                name: "Halo2Verifier",
                reason: format!("the shape {other} is not deployed"),
            });
        }
    };
    Ok((contract, format!("verifier {shape}")))
}

/// A key's name in a record.
pub(crate) fn key_name(key: &VerifyingKey) -> Result<String, Error> {
    Ok(format!("key 0x{}", hex::encode(key.digest()?)))
}

/// Refuses a key whose string nobody vouches for, unless that is allowed.
pub(crate) fn check_origin(key: &VerifyingKey, policy: SrsPolicy<'_>, allow_unsafe: bool) -> Result<(), Error> {
    let srs = key.srs.digest();
    match policy.origin(&srs) {
        SrsOrigin::Unsafe if !allow_unsafe => Err(Error::UnsafeSrs { model: key.digest()?.into(), srs: srs.into() }),
        _ => Ok(()),
    }
}

impl<'a> Deployer<'a> {
    /// Sends, or only plans, and tells of each step.
    pub fn new(sender: Sender<'a>, record: &'a mut Record, mode: Mode, told: &'a mut dyn FnMut(&Step)) -> Self {
        Self { sender, record, mode, told, planned: 0 }
    }

    /// Who deploys.
    pub fn sender(&self) -> Sender<'a> {
        self.sender
    }

    /// What was sent so far.
    pub fn record(&self) -> &Record {
        self.record
    }

    /// The shared contracts: verifiers of the keys' shapes, the keys' data, `AccessManager`, `ModelRegistry`, `FeedBinder`,
    /// `DecisionGateway`, `Groups`, `TextBinder`. Their code and what they refer to is read back from the chain.
    ///
    /// # Errors
    /// [`Error::UnsafeSrs`] before anything is sent; what [`Self::contract`] and [`Self::call`] fail with.
    pub fn core(&mut self, options: &CoreOptions<'_>) -> Result<Core, Error> {
        for key in options.keys {
            check_origin(key, options.policy, options.allow_unsafe_srs)?;
        }
        let verifiers: Vec<_> = options.keys.iter().map(verifier_of).collect::<Result<_, _>>()?;
        let mut names = BTreeSet::new();
        for (verifier, name) in verifiers {
            if names.insert(name.clone()) {
                self.contract(&name, &verifier.code(&[], &[])?)?;
            }
        }
        for key in options.keys {
            self.contract(&key_name(key)?, &Code::of_key(key)?)?;
        }
        let arguments = AccessManager::constructorCall { initialAdmin: options.admin }.abi_encode();
        let manager = self.contract(Core::MANAGER, &Contract::AccessManager.code(&[], &arguments)?)?;
        let arguments = ModelRegistry::constructorCall { authority: manager }.abi_encode();
        let registry = self.contract(Core::REGISTRY, &Contract::ModelRegistry.code(&[], &arguments)?)?;
        let binder = self.contract(Core::BINDER, &Contract::FeedBinder.code(&[], &[])?)?;
        let takes = options.allow_unsafe_srs;
        let arguments = DecisionGateway::constructorCall { registry, binder, takesUnsafeModels: takes }.abi_encode();
        let gateway = self.contract(Core::GATEWAY, &Contract::DecisionGateway.code(&[], &arguments)?)?;
        let groups = self.contract(Core::GROUPS, &Contract::Groups.code(&[], &[])?)?;
        let texts = self.contract(Core::TEXTS, &Contract::TextBinder.code(&[], &[])?)?;

        let core = Core { manager, registry, binder, gateway, groups, texts };
        if self.exists(gateway)? {
            core.expect_references(self.sender.client)?;
            self.administers(manager, options.admin)?;
            let what = "whether the gateway takes unsafe models";
            expect(self.sender.client, what, gateway, &DecisionGateway::takesUnsafeModelsCall {}, &takes)?;
        }
        if let Some(guardian) = options.guardian {
            self.role(manager, registry, ModelRegistry::disableCall::SELECTOR, GUARDIAN_ROLE)?;
            self.member(manager, GUARDIAN_ROLE, guardian)?;
        }
        Ok(core)
    }

    /// `ProvenRiskOracle`.
    ///
    /// # Errors
    /// As [`Self::contract`].
    pub fn risk_oracle(&mut self, core: &Core) -> Result<Address, Error> {
        let Core { manager: authority, gateway, .. } = *core;
        let arguments = BoundedConsumer::constructorCall { authority, gateway }.abi_encode();
        let code = Contract::ProvenRiskOracle.code(&[(Contract::Groups, core.groups)], &arguments)?;
        let oracle = self.contract("ProvenRiskOracle", &code)?;
        self.expect_consumer("the oracle", oracle, core)?;
        Ok(oracle)
    }

    /// `CollateralSteward` of a market.
    ///
    /// # Errors
    /// As [`Self::contract`].
    pub fn steward(&mut self, core: &Core, market: Address) -> Result<Address, Error> {
        let Core { manager: authority, gateway, .. } = *core;
        let arguments = CollateralSteward::constructorCall { authority, gateway, market }.abi_encode();
        let code = Contract::CollateralSteward.code(&[(Contract::Groups, core.groups)], &arguments)?;
        let steward = self.contract(&format!("CollateralSteward of {market}"), &code)?;
        self.expect_consumer("the steward", steward, core)?;
        if self.exists(steward)? {
            expect(self.sender.client, "the steward's market", steward, &CollateralSteward::marketCall {}, &market)?;
        }
        Ok(steward)
    }

    /// A contract under a name: kept if the record has one whose code is on the chain, else deployed.
    ///
    /// # Errors
    /// [`Error::Lied`] if the code on the chain is another one, and what sending fails with.
    pub fn contract(&mut self, name: &str, code: &Code) -> Result<Address, Error> {
        if let Some((sent, address)) =
            self.record.sent(name).cloned().and_then(|sent| Some((sent.clone(), sent.address?)))
        {
            let mut there = !self.sender.client.code(address)?.is_empty();
            if !there && self.mode == Mode::Send {
                there = self.sender.resumed(self.record, name, code.name, None)?.is_some();
            }
            if there {
                return self.settle(name, code, sent, address, StepState::Kept);
            }
        }
        if self.mode == Mode::DryRun {
            return self.plan(name, code);
        }
        let receipt = self.sender.send(self.record, name, code.name, None, &code.creation)?;
        let sent = self.record.sent(name).cloned();
        let (Some(sent), Some(address)) = (sent, receipt.contract_address) else {
            let reason = "its receipt names no contract".to_owned();
            return Err(Error::Lied { what: format!("the creation of {}", code.name), reason });
        };
        self.settle(name, code, sent, address, StepState::Done { gas: receipt.gas_used.to(), cost: receipt.cost() })
    }

    /// Compares the code on the chain, and keeps its hash.
    fn settle(
        &mut self,
        name: &str,
        code: &Code,
        sent: Sent,
        address: Address,
        state: StepState,
    ) -> Result<Address, Error> {
        let code_hash = Some(code.check(address, &self.sender.client.code(address)?)?);
        if sent.code_hash != code_hash {
            self.record.put(name, Sent { code_hash, ..sent })?;
        }
        (self.told)(&Step { name: name.to_owned(), address: Some(address), state });
        Ok(address)
    }

    fn plan(&mut self, name: &str, code: &Code) -> Result<Address, Error> {
        let (client, from) = (self.sender.client, self.sender.address());
        let address = from.create(client.nonce(from)?.saturating_add(self.planned));
        // A constructor may call what is only planned.
        let gas = match client.estimate(from, None, &code.creation, code.name) {
            Ok(gas) => Some(gas),
            Err(Error::Refused { .. }) if self.planned > 0 => None,
            Err(error) => return Err(error),
        };
        self.planned += 1;
        (self.told)(&Step { name: name.to_owned(), address: Some(address), state: StepState::Planned { gas } });
        Ok(address)
    }

    /// Calls a function that changes something, under a name, unless `done` says that there is no need; and asks it again afterwards.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Lied`] if it is not done although the node says that the call succeeded, and what sending fails
    /// with.
    pub fn call<C: SolCall>(
        &mut self,
        name: &str,
        to: Address,
        call: &C,
        done: impl Fn(&Sender<'_>) -> Result<bool, Error>,
    ) -> Result<Option<Receipt>, Error> {
        // Of a contract that is only planned nothing can be asked.
        let exists = self.exists(to)?;
        let mut told = |state| (self.told)(&Step { name: name.to_owned(), address: None, state });
        if exists && done(&self.sender)? {
            told(StepState::Kept);
            return Ok(None);
        }
        if self.mode == Mode::DryRun {
            let (client, from) = (self.sender.client, self.sender.address());
            let gas = match exists.then(|| client.estimate(from, Some(to), &call.abi_encode(), C::SIGNATURE)) {
                // It may need what is only planned.
                Some(Err(Error::Refused { .. })) if self.planned > 0 => None,
                estimate => estimate.transpose()?,
            };
            self.planned += 1;
            told(StepState::Planned { gas });
            return Ok(None);
        }
        let resumed = self.sender.resumed(self.record, name, C::SIGNATURE, Some(to))?;
        let receipt = match resumed {
            Some(receipt) if done(&self.sender)? => {
                told(StepState::Done { gas: receipt.gas_used.to(), cost: receipt.cost() });
                return Ok(Some(receipt));
            }
            // What was done and undone since is done again.
            _ => self.sender.call_anew(self.record, name, to, call)?,
        };
        if !done(&self.sender)? {
            let reason = "it says that the call succeeded, and nothing has changed".to_owned();
            return Err(Error::Lied { what: C::SIGNATURE.to_owned(), reason });
        }
        told(StepState::Done { gas: receipt.gas_used.to(), cost: receipt.cost() });
        Ok(Some(receipt))
    }

    /// Calls a function that changes something, under a name, without a step of its own to tell. Nothing is planned of it.
    ///
    /// # Errors
    /// As [`Sender::call`].
    pub fn send<C: SolCall>(&mut self, name: &str, to: Address, call: &C) -> Result<Receipt, Error> {
        self.sender.call(self.record, name, to, call)
    }

    /// Leaves a function to a role.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn role(&mut self, manager: Address, target: Address, selector: [u8; 4], role: u64) -> Result<(), Error> {
        let selectors = vec![selector.into()];
        let call = AccessManager::setTargetFunctionRoleCall { target, selectors, roleId: role };
        let name = format!("role {role} for 0x{} of {target}", hex::encode(selector));
        self.call(&name, manager, &call, |sender| {
            let asked = AccessManager::getTargetFunctionRoleCall { target, selector: selector.into() };
            Ok(sender.client.read(manager, &asked)? == role)
        })?;
        Ok(())
    }

    /// Gives a role to an account, without delay.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn member(&mut self, manager: Address, role: u64, account: Address) -> Result<(), Error> {
        let call = AccessManager::grantRoleCall { roleId: role, account, executionDelay: 0 };
        self.call(&format!("role {role} to {account}"), manager, &call, |sender| {
            let asked = AccessManager::hasRoleCall { roleId: role, account };
            Ok(sender.client.read(manager, &asked)?.isMember)
        })?;
        Ok(())
    }

    /// Reads back who administers: that is storage, of which the code says nothing. Who deploys for somebody else keeps no right.
    fn administers(&self, manager: Address, admin: Address) -> Result<(), Error> {
        let is_admin = |account| {
            let asked = AccessManager::hasRoleCall { roleId: ADMIN_ROLE, account };
            Ok::<_, Error>(self.sender.client.read(manager, &asked)?.isMember)
        };
        if !is_admin(admin)? {
            return Err(Error::NotAdmin { manager, account: admin });
        }
        let deployer = self.sender.address();
        if deployer != admin && is_admin(deployer)? {
            return Err(Error::AlsoAdmin { manager, account: deployer, admin });
        }
        Ok(())
    }

    /// Reads back what a consumer's constructor was given.
    fn expect_consumer(&self, what: &str, consumer: Address, core: &Core) -> Result<(), Error> {
        if !self.exists(consumer)? {
            return Ok(());
        }
        let Core { manager, gateway, .. } = core;
        let client = self.sender.client;
        expect(client, &format!("{what}'s authority"), consumer, &AccessManaged::authorityCall {}, manager)?;
        expect(client, &format!("{what}'s gateway"), consumer, &Consumer::gatewayCall {}, gateway)
    }

    /// Whether anything can be asked of a contract, which of one that is only planned it cannot.
    fn exists(&self, contract: Address) -> Result<bool, Error> {
        Ok(self.mode == Mode::Send || !self.sender.client.code(contract)?.is_empty())
    }
}

/// Reads back what a constructor was given.
fn expect<C: SolCall>(client: &Client, what: &str, of: Address, call: &C, expected: &C::Return) -> Result<(), Error>
where
    C::Return: PartialEq + std::fmt::Debug,
{
    let got = client.read(of, call)?;
    if got == *expected {
        return Ok(());
    }
    let reason = format!(
        "it is {got:?}, deployed with {expected:?}: the record is of contracts with other settings, or the node errs"
    );
    Err(Error::Lied { what: what.to_owned(), reason })
}

/// A digest as the ABI has it.
pub(crate) fn digest_of(key: &VerifyingKey) -> Result<B256, Error> {
    Ok(key.digest()?.into())
}
