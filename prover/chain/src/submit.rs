//! Decisions: what a proof must be bound to, and its way to the consumer.

use alloy_primitives::{Address, B256, I256, U256, Uint, keccak256};
use alloy_sol_types::SolEvent;
use apodict_verifier::{SrsPolicy, Statement, Verifier, VerifyingKey};

use crate::abi::{Consumer, DecisionGateway, DecisionRequest, ModelRegistry, Policy};
use crate::deploy::digest_of;
use crate::{Client, Core, Error, Receipt, Record, Sender};

/// Where a decision's inputs come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// By rounds, the time in seconds; by snapshot, its index; without feeds, 0.
    pub observed: u64,
    /// The rounds of the feeds, in the set's order; none by snapshot.
    pub rounds: Vec<u128>,
}

/// The next decision about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who acts on it.
    pub consumer: Address,
    /// What it is about.
    pub subject: B256,
    /// Its number among those about the subject.
    pub nonce: u64,
    /// Seconds.
    pub deadline: u64,
    /// The model that the consumer asks for.
    pub model: B256,
    /// What the proof must be bound to.
    pub context: B256,
}

/// A decision that a consumer took.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Hash of context, inputs and outputs.
    pub id: B256,
    /// The transaction, with what it took and what the contracts said.
    pub receipt: Receipt,
}

/// What the next decision about a subject must be bound to.
///
/// # Errors
/// What [`Client::read`] fails with; [`Error::Lied`] if the gateway computes another context.
pub fn context(
    client: &Client,
    core: &Core,
    consumer: Address,
    subject: B256,
    deadline: u64,
) -> Result<Request, Error> {
    let policy: Policy = client.read(consumer, &Consumer::policyCall { subject })?;
    let nonce = client.read(core.gateway, &DecisionGateway::cursorCall { consumer, subject })?.nextNonce;
    let call = DecisionGateway::contextOfCall { consumer, model: policy.model, subject, nonce, deadline };
    let halves = client.read(core.gateway, &call)?;
    let got = B256::from(halves.high << 128 | halves.low);
    let request = Request { consumer, subject, nonce, deadline, model: policy.model, context: B256::ZERO };
    let request = request.numbered(client.chain_id(), core, nonce);
    if request.context == got {
        return Ok(request);
    }
    let reason = format!("it says {got}, chain, gateway and request make {}", request.context);
    Err(Error::Lied { what: "the decision's context".to_owned(), reason })
}

/// What the chain itself says of the string that a decision's model is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// Whether the gateway takes models on a string that nobody vouches for.
    pub takes_unsafe: bool,
    /// Whether the model is on one; `None` if it may not be used at all.
    pub is_unsafe: Option<bool>,
}

/// Asks the gateway and the registry whether a string that nobody vouches for would do.
///
/// # Errors
/// What [`Client::read`] fails with.
pub fn guarded(client: &Client, core: &Core, model: B256) -> Result<Guarded, Error> {
    let takes_unsafe = client.read(core.gateway, &DecisionGateway::takesUnsafeModelsCall {})?;
    let is_unsafe = match client.read(core.registry, &ModelRegistry::liveCall { model }) {
        Ok(entry) => Some(entry.unsafeSrs),
        Err(Error::Refused { .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(Guarded { takes_unsafe, is_unsafe })
}

impl Request {
    /// The same about the subject's last decision, if a proof is bound to that: it may have been submitted before.
    #[must_use]
    pub fn or_the_last(self, client: &Client, core: &Core, proved: B256) -> Self {
        let last = self.nonce.checked_sub(1).map(|nonce| self.numbered(client.chain_id(), core, nonce));
        last.filter(|last| last.context == proved).unwrap_or(self)
    }

    /// The same on a chain with another number: what a proof for that one is bound to.
    #[must_use]
    pub fn on_chain(self, chain_id: u64, core: &Core) -> Self {
        self.numbered(chain_id, core, self.nonce)
    }

    /// The call that hands a decision in, with integers in steps and whatever proof: nothing of it is checked here.
    pub fn submission(
        &self,
        sources: &Sources,
        inputs: &[i128],
        outputs: &[i128],
        proof: &[u8],
    ) -> DecisionGateway::submitCall {
        let integers = |list: &[i128]| list.iter().copied().map(integer).collect();
        let request = DecisionRequest {
            consumer: self.consumer,
            subject: self.subject,
            nonce: self.nonce,
            deadline: self.deadline,
            observed: sources.observed,
            rounds: sources.rounds.iter().map(|round| Uint::<80, 2>::from(*round)).collect(),
            inputs: integers(inputs),
            outputs: integers(outputs),
        };
        DecisionGateway::submitCall { request, proof: proof.to_vec().into() }
    }

    fn numbered(self, chain_id: u64, core: &Core, nonce: u64) -> Self {
        let Self { consumer, subject, deadline, model, .. } = self;
        let call = DecisionGateway::contextOfCall { consumer, model, subject, nonce, deadline };
        Self { nonce, context: context_of(chain_id, core.gateway, &call), ..self }
    }
}

/// As `Contexts.hash` computes it.
fn context_of(chain_id: u64, gateway: Address, request: &DecisionGateway::contextOfCall) -> B256 {
    const TYPE: &str = "ApodictDecision(uint256 chainId,address gateway,address consumer,bytes32 model,bytes32 subject,uint64 nonce,uint64 deadline)";
    let number = |number: u64| B256::from(U256::from(number));
    let words = [
        keccak256(TYPE),
        number(chain_id),
        gateway.into_word(),
        request.consumer.into_word(),
        request.model,
        request.subject,
        number(request.nonce),
        number(request.deadline),
    ];
    keccak256(words.concat())
}

impl Sender<'_> {
    /// Submits the decision that a proof proves, and reads back that the subject's cursor has moved. One that the record has and the
    /// chain took is told again.
    ///
    /// # Errors
    /// Before anything is sent: [`Error::Proof`] if the proof does not hold, [`Error::OtherModel`], [`Error::OtherContext`],
    /// [`Error::Refused`] with the contract's error. Then what sending fails with, and [`Error::Lied`].
    pub fn submit(
        &self,
        record: &mut Record,
        core: &Core,
        request: &Request,
        sources: &Sources,
        key: &VerifyingKey,
        proof: (&[[u8; 32]], &[u8]),
    ) -> Result<Accepted, Error> {
        let (call, id) = self.submission(request, sources, key, proof)?;
        let Request { consumer, subject, nonce, .. } = *request;
        // Of those before the last one nothing is asked any more: the record does not grow with each decision.
        let about = format!("decision of {consumer} about {subject} ");
        record.retain(|name| is_needed(name, &about, nonce));
        let name = format!("{about}{nonce} {id}");
        let receipt = self.call(record, &name, core.gateway, &call)?;
        let told = receipt.logs.iter().any(|log| {
            let event = log.topics.first() == Some(&DecisionGateway::DecisionAccepted::SIGNATURE_HASH);
            event && log.address == core.gateway && log.topics.get(1) == Some(&id)
        });
        let next = self.client.read(core.gateway, &DecisionGateway::cursorCall { consumer, subject })?.nextNonce;
        if !told || next <= nonce {
            let reason =
                format!("it says that the decision {id} was accepted, and the subject's next number is {next}");
            return Err(Error::Lied { what: "the submission".to_owned(), reason });
        }
        Ok(Accepted { id, receipt })
    }

    /// Tries the same without sending it: its gas, with a fifth in reserve.
    ///
    /// # Errors
    /// As [`Self::submit`] before anything is sent.
    pub fn try_submit(
        &self,
        core: &Core,
        request: &Request,
        sources: &Sources,
        key: &VerifyingKey,
        proof: (&[[u8; 32]], &[u8]),
    ) -> Result<(B256, u64), Error> {
        use alloy_sol_types::SolCall;
        let (call, id) = self.submission(request, sources, key, proof)?;
        let data = call.abi_encode();
        self.client.try_call(Some(self.address()), core.gateway, &data, DecisionGateway::submitCall::SIGNATURE)?;
        let gas =
            self.client.estimate(self.address(), Some(core.gateway), &data, DecisionGateway::submitCall::SIGNATURE)?;
        Ok((id, gas))
    }

    /// The call, and the decision's number.
    fn submission(
        &self,
        request: &Request,
        sources: &Sources,
        key: &VerifyingKey,
        (instances, proof): (&[[u8; 32]], &[u8]),
    ) -> Result<(DecisionGateway::submitCall, B256), Error> {
        let model = digest_of(key)?;
        if model != request.model {
            return Err(Error::OtherModel { expected: request.model, got: model });
        }
        let verifier = Verifier::new(key.clone(), SrsPolicy::AllowUnsafe)?;
        let Statement { context, inputs, outputs } = verifier.statement(instances, proof)?;
        if request.context != B256::from(context) {
            return Err(Error::OtherContext { expected: request.context, got: context.into() });
        }
        let call = request.submission(sources, &inputs.concat(), &outputs.concat(), proof);
        let hash = |integers: &[I256]| {
            let words: Vec<u8> = integers.iter().flat_map(|integer| integer.to_be_bytes::<32>()).collect();
            keccak256(words)
        };
        let id = keccak256([request.context, hash(&call.request.inputs), hash(&call.request.outputs)].concat());
        Ok((call, id))
    }
}

/// Whether what a record has under a name may be asked for once a subject's next decision has this number.
fn is_needed(name: &str, about: &str, nonce: u64) -> bool {
    let number =
        name.strip_prefix(about).and_then(|rest| rest.split_once(' ')).map(|(number, _)| number.parse::<u64>());
    number.is_none_or(|number| number.is_ok_and(|number| number.saturating_add(1) >= nonce))
}

fn integer(integer: i128) -> I256 {
    let magnitude = I256::from_raw(U256::from(integer.unsigned_abs()));
    if integer < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_subjects_decisions_the_last_ones_are_kept() {
        let about = "decision of 0x1 about 0x2 ";
        for (name, needed) in [
            ("decision of 0x1 about 0x2 4 0xab", false),
            ("decision of 0x1 about 0x2 5 0xab", true),
            ("decision of 0x1 about 0x2 6 0xab", true),
            ("decision of 0x1 about 0x3 4 0xab", true),
            ("DecisionGateway", true),
        ] {
            assert_eq!(is_needed(name, about, 6), needed, "{name}");
        }
    }
}
