//! What stands on the chain before the story begins.

use apodict_chain::abi::demo::{
    AgentVoter, ElasticToken, Limits, MockFeed, MockToken, OverridableGovernor, ProposalAdvisor, ReferenceMarket,
    SupplyController, TestVotes,
};
use apodict_chain::abi::{Bound, BoundedConsumer, CollateralSteward, Consumer, FeedBinder, Policy, ports_of};
use apodict_chain::primitives::{
    Address, B256, U256,
    aliases::{U24, U48, U96},
    keccak256,
};
use apodict_chain::sol_types::{SolCall, SolConstructor, SolValue};
use apodict_chain::{Code, Contract, Core, CoreOptions, Deployer, Error, ModelOptions};
use apodict_verifier::SrsPolicy;

use super::feeds::{self, Feed, HOUR};
use super::models::{Model, Models};
use crate::failure::Failure;

/// Roles beside the guardian's.
const GUARDIAN_ROLE: u64 = 1;
const MINTER_ROLE: u64 = 9;
const STEWARD_ROLE: u64 = 11;
/// The market before the story, in 1e-4 and whole tokens.
const LTV: u64 = 7_500;
const THRESHOLD: u64 = 8_000;
const SUPPLY_CAP: u64 = 400;
const BORROW_CAP: u64 = 1_000_000;
/// Of `Bound::flags`.
const SAFE_DOWN: u8 = 1;
const RELATIVE: u8 = 4;
/// Kinds of groups of a steward.
pub(super) const COLLATERAL_GROUP: u8 = 0;
const CAPS: [(u8, u64); 2] = [(1, SUPPLY_CAP), (2, BORROW_CAP)];
const DAY: u32 = 24 * HOUR as u32;
/// Between two moves of a parameter that are not safe.
pub(super) const COOLDOWN_HOURS: u64 = 72;
/// Votes that the agent is given.
const VOTES: u64 = 10_000;

/// Where everything is.
pub(super) struct World {
    pub(super) core: Core,
    pub(super) ether: Feed,
    pub(super) pegs: [Feed; 2],
    pub(super) reserves: [Feed; 2],
    pub(super) market: Address,
    pub(super) steward: Address,
    pub(super) asset: Address,
    pub(super) market_subject: B256,
    pub(super) market_set: B256,
    pub(super) token: Address,
    pub(super) controller: Address,
    pub(super) supply_subject: B256,
    pub(super) supply_set: B256,
    pub(super) governor: Address,
    pub(super) advisor: Address,
    pub(super) voter: Address,
}

/// Deploys all of it, registers the models, gives roles, bounds and policies.
pub(super) fn build(deployer: &mut Deployer<'_>, models: &Models) -> Result<World, Failure> {
    let own = deployer.sender().address();
    let keys = models.keys();
    let options = CoreOptions {
        keys: &keys,
        policy: SrsPolicy::AllowUnsafe,
        allow_unsafe_srs: true,
        admin: own,
        guardian: Some(own),
    };
    let core = deployer.core(&options)?;
    let [market_model, supply_model, proposal_model] =
        [&models.market, &models.supply, &models.proposals].map(|model| registered(deployer, &core, model));
    let mut feed = |name: &'static str| {
        let arguments = MockFeed::constructorCall { decimals: feeds::DECIMALS }.abi_encode();
        let address = deployer.contract(&format!("feed {name}"), &Contract::MockFeed.code(&[], &arguments)?)?;
        Ok::<_, Error>(Feed::new(name, address))
    };
    let (ether, dollar) = (feed("ether")?, feed("dollar")?);
    let pegs = [feed("peg, first source")?, feed("peg, second source")?];
    let reserves = [feed("reserve, first source")?, feed("reserve, second source")?];

    let mut building = Building { deployer, core, own };
    let (market, steward, asset) = building.market(&ether, &dollar)?;
    let (token, controller) = building.token(&reserves)?;
    let (governor, advisor, voter) = building.governance()?;

    let market_subject =
        building.deployer.sender().client.read(steward, &CollateralSteward::subjectOfCall { asset })?;
    let supply_subject = keccak256("supply of the demonstration's token");
    let market_set = building.set("market", &models.market, &of_market(&ether))?;
    let supply_set = building.set("supply", &models.supply, &of_supply(&pegs))?;
    building.policy(steward, market_subject, market_model?, Some(market_set), &models.market)?;
    building.policy(controller, supply_subject, supply_model?, Some(supply_set), &models.supply)?;
    building.policy(advisor, B256::ZERO, proposal_model?, None, &models.proposals)?;
    building.bounds(steward, asset)?;
    Ok(World {
        core,
        ether,
        pegs,
        reserves,
        market,
        steward,
        asset,
        market_subject,
        market_set,
        token,
        controller,
        supply_subject,
        supply_set,
        governor,
        advisor,
        voter,
    })
}

/// The feeds by the names that the examples have for them.
pub(super) fn of_market(ether: &Feed) -> [(&'static str, &Feed); 1] {
    [("collateral", ether)]
}

/// As of the market.
pub(super) fn of_supply([first, second]: &[Feed; 2]) -> [(&'static str, &Feed); 2] {
    [("first", first), ("second", second)]
}

fn registered(deployer: &mut Deployer<'_>, core: &Core, model: &Model) -> Result<B256, Error> {
    let uri = format!("examples/{}", model.name);
    let options = ModelOptions {
        key: model.key(),
        policy: SrsPolicy::AllowUnsafe,
        allow_unsafe_srs: true,
        report_digest: [0; 32],
        uri: &uri,
    };
    Ok(deployer.register(core, &options)?.model)
}

struct Building<'a, 'b> {
    deployer: &'a mut Deployer<'b>,
    core: Core,
    own: Address,
}

impl Building<'_, '_> {
    fn made(&mut self, name: &str, contract: Contract, arguments: &[u8]) -> Result<Address, Error> {
        let code: Code = contract.code(&[(Contract::Groups, self.core.groups)], arguments)?;
        self.deployer.contract(name, &code)
    }

    /// A call that is made once: the record says so.
    fn once<C: SolCall>(&mut self, name: &str, to: Address, call: &C) -> Result<(), Error> {
        self.deployer.send(name, to, call)?;
        Ok(())
    }

    /// A lending market of one collateral, and its steward.
    fn market(&mut self, ether: &Feed, dollar: &Feed) -> Result<(Address, Address, Address), Error> {
        let authority = self.core.manager;
        let token = |decimals| MockToken::constructorCall { decimals }.abi_encode();
        let asset = self.made("token ether", Contract::MockToken, &token(18))?;
        let debt = self.made("token dollar", Contract::MockToken, &token(6))?;
        let arguments = ReferenceMarket::constructorCall {
            authority,
            collateral: asset,
            debtToken: debt,
            collateralFeed: ether.address,
            debtFeed: dollar.address,
        };
        let market = self.made("ReferenceMarket", Contract::ReferenceMarket, &arguments.abi_encode())?;
        let [ltv, threshold, supply, borrow] = [LTV, THRESHOLD, SUPPLY_CAP, BORROW_CAP].map(U256::from);
        let loan = ReferenceMarket::configureReserveAsCollateralCall { asset, ltv, liquidationThreshold: threshold };
        self.once("first loan to value", market, &loan)?;
        self.once("first supply cap", market, &ReferenceMarket::setSupplyCapCall { asset, cap: supply })?;
        self.once("first borrow cap", market, &ReferenceMarket::setBorrowCapCall { asset, cap: borrow })?;
        let steward = self.deployer.steward(&self.core, market)?;
        for selector in [
            ReferenceMarket::configureReserveAsCollateralCall::SELECTOR,
            ReferenceMarket::setSupplyCapCall::SELECTOR,
            ReferenceMarket::setBorrowCapCall::SELECTOR,
        ] {
            self.deployer.role(authority, market, selector, STEWARD_ROLE)?;
        }
        self.deployer.member(authority, STEWARD_ROLE, steward)?;
        Ok((market, steward, asset))
    }

    /// An elastic token, its controller, and a million of it against a reserve.
    fn token(&mut self, reserves: &[Feed; 2]) -> Result<(Address, Address), Error> {
        let (authority, gateway) = (self.core.manager, self.core.gateway);
        let names = |name: &str, symbol: &str| (name.to_owned(), symbol.to_owned());
        let (name, symbol) = names("elastic", "ELA");
        let arguments = ElasticToken::constructorCall { authority, name, symbol };
        let token = self.made("ElasticToken", Contract::ElasticToken, &arguments.abi_encode())?;
        let reserve = MockToken::constructorCall { decimals: 6 }.abi_encode();
        let reserve = self.made("token reserve", Contract::MockToken, &reserve)?;
        let limits = Limits {
            stepPpm: 5_000,
            weekPpm: 20_000,
            ratio: 900_000_000_000_000_000,
            ceiling: U96::from(50_000u128 * 10u128.pow(18)),
            maxPriceAge: 2 * HOUR as u32,
        };
        let [feed, second] = [&reserves[0], &reserves[1]].map(|feed| feed.address);
        let arguments =
            SupplyController::constructorCall { authority, gateway, token, reserve, feed, secondFeed: second, limits };
        let controller = self.made("SupplyController", Contract::SupplyController, &arguments.abi_encode())?;
        self.deployer.role(authority, token, ElasticToken::mintCall::SELECTOR, MINTER_ROLE)?;
        self.deployer.member(authority, MINTER_ROLE, controller)?;
        let million = U256::from(1_000_000_000_000u64);
        self.once("reserve", reserve, &MockToken::giveCall { to: self.own, amount: million })?;
        self.once("allowance", reserve, &MockToken::approveCall { spender: controller, amount: million })?;
        Ok((token, controller))
    }

    /// A governor, who rates its proposals, and an agent that votes as they are rated.
    fn governance(&mut self) -> Result<(Address, Address, Address), Error> {
        let (authority, gateway, texts) = (self.core.manager, self.core.gateway, self.core.texts);
        let votes = self.made("TestVotes", Contract::TestVotes, &[])?;
        let day = U48::from(DAY);
        let arguments = OverridableGovernor::constructorCall { token: votes, advisor: Address::ZERO, delay: day };
        let governor = self.made("OverridableGovernor", Contract::OverridableGovernor, &arguments.abi_encode())?;
        let arguments = ProposalAdvisor::constructorCall {
            authority,
            gateway,
            governor,
            token: votes,
            treasury: governor,
            texts,
            threshold: 60,
        };
        let advisor = self.made("ProposalAdvisor", Contract::ProposalAdvisor, &arguments.abi_encode())?;
        self.once("advisor of the governor", governor, &OverridableGovernor::setForTestCall { advisor, delay: day })?;
        let confidence = 100_000_000_000_000_000;
        let arguments = AgentVoter::constructorCall { authority, advisor, maxRisk: 30, minConfidence: confidence };
        let voter = self.made("AgentVoter", Contract::AgentVoter, &arguments.abi_encode())?;
        self.deployer.role(authority, voter, AgentVoter::vetoCall::SELECTOR, GUARDIAN_ROLE)?;
        let amount = U256::from(VOTES) * U256::from(10u64.pow(18));
        self.once("votes", votes, &TestVotes::giveCall { to: self.own, amount })?;
        self.once("delegation", votes, &TestVotes::delegateCall { to: voter })?;
        Ok((governor, advisor, voter))
    }

    /// A set whose integers are the model's inputs.
    fn set(&mut self, name: &str, model: &Model, of: &[(&str, &Feed)]) -> Result<B256, Failure> {
        let ports = ports_of(model.layout());
        let sources = feeds::sources(model, of)?;
        let set =
            feeds::set_of(sources, ports.get(..apodict_chain::abi::num_inputs(model.layout())).unwrap_or_default());
        let id = keccak256(set.abi_encode());
        self.once(&format!("feed set {name}"), self.core.binder, &FeedBinder::defineSetCall { set })?;
        Ok(id)
    }

    /// What decisions about a subject must be made of.
    fn policy(
        &mut self,
        consumer: Address,
        subject: B256,
        model: B256,
        set: Option<B256>,
        of: &Model,
    ) -> Result<(), Error> {
        let policy_ = Policy {
            model,
            feedSet: set.unwrap_or_default(),
            inputsHash: B256::ZERO,
            maxAge: 2 * HOUR as u32,
            minInterval: 0,
            ownInputs: if set.is_some() { 0 } else { apodict_chain::abi::num_inputs(of.layout()) as u16 },
            snapshots: false,
        };
        let call = Consumer::setPolicyCall { subject, policy_, ports: ports_of(of.layout()) };
        self.once(&format!("policy of {consumer}"), consumer, &call)
    }

    /// How far and how soon the market's parameters may move.
    fn bounds(&mut self, steward: Address, asset: Address) -> Result<(), Error> {
        let bound = |lo: u64, hi: u64, up, down, delays: (u32, u32), flags| Bound {
            lo: U48::from(lo),
            hi: U48::from(hi),
            stepUp: up,
            stepDown: down,
            delayUp: U24::from(delays.0),
            delayDown: U24::from(delays.1),
            cooldown: U24::from(COOLDOWN_HOURS * HOUR),
            flags,
        };
        let client = self.deployer.sender().client;
        let group = client.read(steward, &CollateralSteward::groupOfCall { asset, kind: COLLATERAL_GROUP })?;
        let bounds = vec![bound(0, 9_000, 50, 300, (DAY, 0), SAFE_DOWN), bound(1_000, 9_500, 25, 25, (DAY, DAY), 0)];
        let values = vec![U48::from(LTV), U48::from(THRESHOLD)];
        self.once("bounds of the collateral", steward, &BoundedConsumer::configureCall { group, bounds, values })?;
        for (kind, value) in CAPS {
            let group = client.read(steward, &CollateralSteward::groupOfCall { asset, kind })?;
            let bounds = vec![bound(1, 10_000_000, 5_000, 5_000, (DAY, 0), SAFE_DOWN | RELATIVE)];
            let values = vec![U48::from(value)];
            self.once(
                &format!("bounds of cap {kind}"),
                steward,
                &BoundedConsumer::configureCall { group, bounds, values },
            )?;
        }
        Ok(())
    }
}
