//! A chain as seen through one node: reads, and transactions that are tried before they are sent and looked at afterwards.

use std::cmp::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U64, U128, U256};
use alloy_sol_types::SolCall;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::transaction::{Signed, Transaction};
use crate::{Error, Record, Rpc, Sent, Wallet};

/// Gas that a transaction may use (EIP-7825).
const MAX_GAS: u64 = 1 << 24;
/// What a node without an opinion on tips is told. In wei.
const DEFAULT_TIP: u128 = 1_000_000_000;
/// What a node is believed of prices where nobody says a limit, in wei: a tip is paid in full, whatever the base fee turns out to be.
const USUAL_TIP: u128 = 5_000_000_000;
const USUAL_FEE: u128 = 200_000_000_000;
/// Far beyond what any account reaches, and far below where numbers end.
const MAX_NONCE: U64 = U64::from_limbs([1 << 48]);
/// Between two looks for a receipt.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// A node, and the chain that it must be on.
#[derive(Debug)]
pub struct Client {
    rpc: Rpc,
    chain_id: u64,
    genesis: B256,
    wait_seconds: u64,
    max_fee: Option<u128>,
}

/// What a unit of gas is paid. In wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// At most, tip included: twice the base fee of the last block, and the tip, as far as is admitted.
    pub max: u128,
    /// To who makes the block.
    pub tip: u128,
}

/// A transaction in a block, as the node tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Its hash.
    pub transaction_hash: B256,
    /// 1 done, 0 reverted.
    pub status: U64,
    /// Who sent it.
    pub from: Address,
    /// Whom it called.
    pub to: Option<Address>,
    /// What it created.
    pub contract_address: Option<Address>,
    /// What it took.
    pub gas_used: U64,
    /// What a unit of it cost, in wei.
    pub effective_gas_price: U128,
    /// What contracts said.
    pub logs: Vec<Log>,
}

/// What a contract said.
#[derive(Clone, Debug, Deserialize)]
pub struct Log {
    /// The contract.
    pub address: Address,
    /// The event, and what of it is indexed.
    pub topics: Vec<B256>,
    /// The rest of it.
    pub data: Bytes,
}

/// The part of a block that is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    hash: B256,
    timestamp: U64,
    base_fee_per_gas: Option<U128>,
}

impl Receipt {
    /// In wei.
    pub fn cost(&self) -> U256 {
        U256::from(self.gas_used) * U256::from(self.effective_gas_price)
    }
}

impl Fees {
    /// At least an eighth above what is to be replaced, as nodes ask for, as far as that is admitted.
    fn above(self, before: Self, admitted: Self) -> Self {
        let more = |now: u128, before: u128, most: u128| now.max(before.saturating_add(before / 8 + 1)).min(most);
        let max = more(self.max, before.max, admitted.max);
        Self { max, tip: more(self.tip, before.tip, admitted.tip).min(max) }
    }
}

impl Client {
    /// Asks the node which chain it is on.
    ///
    /// # Errors
    /// [`Error::ChainId`] if it is another one than `chain_id`, [`Error::NoChainId`] if none is said, and what [`Rpc::ask`] fails
    /// with.
    pub fn connect(rpc: Rpc, chain_id: Option<u64>) -> Result<Self, Error> {
        let got: U64 = rpc.ask("eth_chainId", json!([]))?;
        let got = got.to::<u64>();
        match chain_id {
            None => return Err(Error::NoChainId { got }),
            Some(expected) if expected != got => return Err(Error::ChainId { expected, got }),
            Some(_) => (),
        }
        let first: Block = rpc.ask("eth_getBlockByNumber", json!(["0x0", false]))?;
        Ok(Self { rpc, chain_id: got, genesis: first.hash, wait_seconds: 300, max_fee: None })
    }

    /// Seconds that a transaction may take into a block.
    #[must_use]
    pub fn waiting(self, seconds: u64) -> Self {
        Self { wait_seconds: seconds, ..self }
    }

    /// The most that a unit of gas may cost, in wei, however much of it is tip. Without it, 200 gwei, of which 5 are tip.
    #[must_use]
    pub fn paying(self, max_fee: Option<u128>) -> Self {
        Self { max_fee, ..self }
    }

    /// The chain's number.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The hash of its first block.
    pub fn genesis(&self) -> B256 {
        self.genesis
    }

    /// The node.
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// The code of an account.
    ///
    /// # Errors
    /// What [`Rpc::ask`] fails with.
    pub fn code(&self, of: Address) -> Result<Bytes, Error> {
        self.rpc.ask("eth_getCode", json!([of, "latest"]))
    }

    /// How many transactions of an account are in blocks: the number of its next one.
    ///
    /// # Errors
    /// What [`Rpc::ask`] fails with.
    pub fn nonce(&self, of: Address) -> Result<u64, Error> {
        let nonce: U64 = self.rpc.ask("eth_getTransactionCount", json!([of, "latest"]))?;
        if nonce >= MAX_NONCE {
            let (host, method) = (self.rpc.host().to_owned(), "eth_getTransactionCount");
            let reason = "no account has as many".to_owned();
            return Err(Error::Garbage { host, method, reason });
        }
        Ok(nonce.to())
    }

    /// Seconds of the latest block.
    ///
    /// # Errors
    /// What [`Rpc::ask`] fails with.
    pub fn time(&self) -> Result<u64, Error> {
        Ok(self.latest()?.timestamp.to())
    }

    fn latest(&self) -> Result<Block, Error> {
        self.rpc.ask("eth_getBlockByNumber", json!(["latest", false]))
    }

    /// Calls a function that changes nothing.
    ///
    /// # Errors
    /// [`Error::Refused`] if it reverts, [`Error::Lied`] for an answer of another type, and what [`Rpc::ask`] fails with.
    pub fn read<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, Error> {
        let answer = self.try_call(None, to, &call.abi_encode(), C::SIGNATURE)?;
        C::abi_decode_returns(&answer).map_err(|error| Error::Lied {
            what: format!("{} of {to}", C::SIGNATURE),
            reason: format!("its answer of {} bytes is of another type ({error})", answer.len()),
        })
    }

    /// What a call would return now, made by `from`.
    ///
    /// # Errors
    /// [`Error::Refused`] if it reverts, and what [`Rpc::ask`] fails with.
    pub fn try_call(&self, from: Option<Address>, to: Address, data: &[u8], what: &str) -> Result<Bytes, Error> {
        let mut call = json!({ "to": to, "data": hexadecimal(data) });
        if let Some(from) = from {
            call["from"] = json!(from);
        }
        named(what, self.rpc.ask("eth_call", json!([call, "latest"])))
    }

    /// Gas of a transaction, with a fifth in reserve.
    ///
    /// # Errors
    /// [`Error::Refused`] if it reverts, [`Error::TooMuchGas`], and what [`Rpc::ask`] fails with.
    pub fn estimate(&self, from: Address, to: Option<Address>, data: &[u8], what: &str) -> Result<u64, Error> {
        let mut call = json!({ "from": from, "data": hexadecimal(data) });
        if let Some(to) = to {
            call["to"] = json!(to);
        }
        let gas: U64 = named(what, self.rpc.ask("eth_estimateGas", json!([call])))?;
        let gas = gas.to::<u64>();
        if gas > MAX_GAS {
            return Err(Error::TooMuchGas { what: what.to_owned(), gas, max: MAX_GAS });
        }
        Ok((gas + gas / 5).min(MAX_GAS))
    }

    /// What gas costs now.
    ///
    /// # Errors
    /// [`Error::GasPrice`], [`Error::Tip`] if that is more than was admitted, or than is usual where nobody said; [`Error::Garbage`]
    /// of a chain without a base fee; and what [`Rpc::ask`] fails with.
    pub fn fees(&self) -> Result<Fees, Error> {
        let base = self.base_fee()?;
        let tip = match self.rpc.ask::<U128>("eth_maxPriorityFeePerGas", json!([])) {
            Ok(tip) => tip.to(),
            Err(Error::Node { .. }) => DEFAULT_TIP,
            Err(error) => return Err(error),
        };
        let most = self.admitted();
        if self.max_fee.is_none() && tip > most.tip {
            return Err(Error::Tip { got: tip, max: most.tip });
        }
        let got = base.saturating_add(tip);
        if got > most.max {
            return Err(Error::GasPrice { got, max: most.max });
        }
        Ok(Fees { max: got.saturating_add(base).min(most.max), tip })
    }

    fn admitted(&self) -> Fees {
        self.max_fee.map_or(Fees { max: USUAL_FEE, tip: USUAL_TIP }, |max| Fees { max, tip: max })
    }

    fn base_fee(&self) -> Result<u128, Error> {
        let base = self.latest()?.base_fee_per_gas.ok_or_else(|| Error::Garbage {
            host: self.rpc.host().to_owned(),
            method: "eth_getBlockByNumber",
            reason: "its blocks have no base fee (EIP-1559)".to_owned(),
        })?;
        Ok(base.to())
    }

    /// The receipt of a transaction that is in a block.
    ///
    /// # Errors
    /// [`Error::Lied`] for the receipt of another one, and what [`Rpc::ask`] fails with.
    pub fn receipt(&self, hash: B256) -> Result<Option<Receipt>, Error> {
        let receipt: Option<Receipt> = self.rpc.ask("eth_getTransactionReceipt", json!([hash]))?;
        if let Some(other) = receipt.as_ref().map(|receipt| receipt.transaction_hash).filter(|other| *other != hash) {
            return Err(Error::Lied {
                what: format!("transaction {hash}"),
                reason: format!("its receipt is that of {other}"),
            });
        }
        Ok(receipt)
    }

    /// Whether the node knows a transaction, in a block or not.
    fn knows(&self, hash: B256) -> Result<bool, Error> {
        let found: Value = self.rpc.ask("eth_getTransactionByHash", json!([hash]))?;
        Ok(!found.is_null())
    }

    /// The receipt of the one of several transactions that is in a block.
    fn receipt_of_any(&self, hashes: impl Iterator<Item = B256>) -> Result<Option<Receipt>, Error> {
        for hash in hashes {
            if let Some(receipt) = self.receipt(hash)? {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    /// Waits until one of the transactions in one place is in a block. What fails meanwhile is asked again.
    fn wait(&self, sent: &Sent, what: &str) -> Result<Receipt, Error> {
        let deadline = Instant::now() + Duration::from_secs(self.wait_seconds);
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match self.receipt_of_any(sent.hashes()) {
                Ok(Some(receipt)) => return Ok(receipt),
                Err(error @ Error::Lied { .. }) => return Err(error),
                Err(error) => error,
                Ok(None) => {
                    Error::NotMined { what: what.to_owned(), hash: sent.transaction, seconds: self.wait_seconds }
                }
            };
            if Instant::now() >= deadline {
                return Err(failure);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }
}

/// Names what was refused.
fn named<T>(what: &str, result: Result<T, Error>) -> Result<T, Error> {
    result.map_err(|error| match error {
        Error::Refused { refusal, .. } => Error::Refused { what: what.to_owned(), refusal },
        other => other,
    })
}

fn hexadecimal(data: &[u8]) -> String {
    format!("0x{}", hex::encode(data))
}

/// Who sends transactions.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Through this node.
    pub client: &'a Client,
    /// With this key.
    pub wallet: &'a Wallet,
}

impl Sender<'_> {
    /// The account.
    pub fn address(&self) -> Address {
        self.wallet.address()
    }

    /// Calls a function that changes something, and waits until that is in a block. A call of this name that the record has, and
    /// that is in a block or on its way there, is not sent again.
    ///
    /// # Errors
    /// [`Error::Refused`] before anything is sent; [`Error::NoFunds`], [`Error::NotMined`], [`Error::Failed`], [`Error::Lied`], and
    /// what [`Rpc::ask`] fails with.
    pub fn call<C: SolCall>(&self, record: &mut Record, name: &str, to: Address, call: &C) -> Result<Receipt, Error> {
        match self.resumed(record, name, C::SIGNATURE, Some(to))? {
            Some(receipt) => Ok(receipt),
            None => self.call_anew(record, name, to, call),
        }
    }

    /// The same, whatever the record has: of what was done and undone since.
    pub(crate) fn call_anew<C: SolCall>(
        &self,
        record: &mut Record,
        name: &str,
        to: Address,
        call: &C,
    ) -> Result<Receipt, Error> {
        let data = call.abi_encode();
        self.client.try_call(Some(self.address()), to, &data, C::SIGNATURE)?;
        self.send(record, name, C::SIGNATURE, Some(to), &data)
    }

    /// The receipt of what the record has under a name, if that was done or is about to be.
    pub(crate) fn resumed(
        &self,
        record: &Record,
        name: &str,
        what: &str,
        to: Option<Address>,
    ) -> Result<Option<Receipt>, Error> {
        let Some(sent) = record.sent(name) else { return Ok(None) };
        let mut found = self.client.receipt_of_any(sent.hashes())?;
        if found.is_none() && self.is_on_its_way(sent)? {
            found = Some(self.client.wait(sent, what)?);
        }
        // One that failed is tried anew, and what refuses it now is told.
        let done = found.filter(|receipt| receipt.status == U64::from(1));
        done.map(|receipt| fitting(receipt, sent, to)).transpose()
    }

    /// Whether there is something to wait for. What pays less than a block asks for is replaced by who sent it.
    fn is_on_its_way(&self, sent: &Sent) -> Result<bool, Error> {
        for hash in sent.hashes() {
            if self.client.knows(hash)? {
                return Ok(sent.from != self.address() || sent.max_fee >= self.client.base_fee()?);
            }
        }
        Ok(false)
    }

    /// The place for what is sent under a name: that of what was sent and got lost, so that of the two, one at most is ever in a
    /// block, and a contract keeps its address.
    fn place(&self, record: &Record, name: &str, what: &str) -> Result<u64, Error> {
        let account = self.address();
        let next = self.client.nonce(account)?;
        let Some(nonce) = record.sent(name).filter(|sent| sent.from == account).map(|sent| sent.nonce) else {
            return Ok(next);
        };
        let what = what.to_owned();
        match nonce.cmp(&next) {
            Ordering::Equal => Ok(next),
            Ordering::Greater => Err(Error::NonceAhead { what, account, nonce, next }),
            // By what the record has: it failed, was undone since, or another step took the place of what was never sent.
            Ordering::Less if self.client.receipt_of_any(record.hashes_at(account, nonce))?.is_some() => Ok(next),
            Ordering::Less => Err(Error::NonceTaken { what, account, nonce, name: name.to_owned() }),
        }
    }

    /// Sends a transaction and waits until it is in a block.
    pub(crate) fn send(
        &self,
        record: &mut Record,
        name: &str,
        what: &str,
        to: Option<Address>,
        data: &[u8],
    ) -> Result<Receipt, Error> {
        let (client, from) = (self.client, self.address());
        let nonce = self.place(record, name, what)?;
        let before = record.sent(name).filter(|sent| (sent.from, sent.nonce) == (from, nonce));
        let gas_limit = client.estimate(from, to, data, what)?;
        let mut fees = client.fees()?;
        if let Some(before) = before {
            fees = fees.above(Fees { max: before.max_fee, tip: before.tip }, client.admitted());
        }
        let need = U256::from(gas_limit) * U256::from(fees.max);
        let have: U256 = client.rpc.ask("eth_getBalance", json!([from, "latest"]))?;
        if have < need {
            return Err(Error::NoFunds { account: from, have, need, what: what.to_owned() });
        }
        let (chain_id, tip, max_fee) = (client.chain_id, fees.tip, fees.max);
        let transaction = Transaction { chain_id, nonce, tip, max_fee, gas_limit, to, data };
        let Signed { hash, bytes } = transaction.signed(self.wallet).ok_or(Error::NoKey)?;
        let address = to.is_none().then(|| from.create(nonce));
        let earlier = before.map(|before| before.hashes().filter(|old| *old != hash).collect()).unwrap_or_default();
        let sent = Sent { from, transaction: hash, nonce, earlier, max_fee, tip, address, code_hash: None };
        record.put(name, sent.clone())?;
        tracing::info!(what, %hash, nonce, gas_limit, tip, max_fee, highest_cost = %need, "sending");

        match client.rpc.ask::<B256>("eth_sendRawTransaction", json!([hexadecimal(&bytes)])) {
            Ok(got) if got != hash => {
                let reason = format!("it says that it was sent as {got}");
                return Err(Error::Lied { what: format!("transaction {hash}"), reason });
            }
            Ok(_) => (),
            // It may have arrived all the same.
            Err(error) => {
                if !matches!(client.knows(hash), Ok(true)) {
                    return Err(error);
                }
            }
        }
        let receipt = fitting(client.wait(&sent, what)?, &sent, to)?;
        match receipt.status {
            status if status == U64::from(1) => Ok(receipt),
            _ => Err(Error::Failed { what: what.to_owned(), hash: receipt.transaction_hash }),
        }
    }
}

/// A receipt, if it is of the accounts that the transaction is of.
fn fitting(receipt: Receipt, sent: &Sent, to: Option<Address>) -> Result<Receipt, Error> {
    let created = to.is_some() || receipt.contract_address == sent.address;
    if (receipt.from, receipt.to) == (sent.from, to) && created {
        return Ok(receipt);
    }
    let reason = "its receipt names other accounts".to_owned();
    Err(Error::Lied { what: format!("transaction {}", receipt.transaction_hash), reason })
}
