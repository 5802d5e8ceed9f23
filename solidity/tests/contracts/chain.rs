//! A chain of one's own: frames with little gas, and precompiles that lie.

use crate::fixtures::Sample;
use apodict_solidity::{
    encode_call,
    evm::{Outcome, Verdict},
};
use apodict_verifier::Fr;
use revm::{
    Context, ExecuteEvm, MainBuilder, MainContext,
    bytecode::Bytecode,
    context::TxEnv,
    context_interface::result::ExecutionResult,
    database::{CacheDB, EmptyDB},
    precompile::{
        Precompile, PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileResult, Precompiles, u64_to_address,
    },
    primitives::{Address, Bytes, TxKind, hardfork::SpecId},
    state::AccountInfo,
};
use sha3::{Digest, Keccak256};
use std::{
    cell::{Cell, RefCell},
    sync::LazyLock,
};

/// What a precompile does instead of answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// The right answer, and that it failed.
    Failed,
    /// The right answer, and a word behind it.
    Longer,
    /// The right answer without its last byte.
    Shorter,
    /// Success and nothing, as an account without code: a chain that lost the precompile.
    Nothing,
    /// Failure and nothing, all gas spent: a chain where it costs more.
    OutOfGas,
    /// The generator for a point, 0 for a word that is 1 and 1 for another.
    Another,
    /// The word 2.
    Two,
}

impl Lie {
    fn told(self, PrecompileOutput { gas_used, bytes, reservoir, .. }: PrecompileOutput) -> PrecompileOutput {
        let mut generator = vec![0; 64];
        (generator[31], generator[63]) = (1, 2);
        let word = |low: u8| [&[0; 31][..], &[low]].concat();
        let answer = match self {
            Lie::Failed => return PrecompileOutput::revert(gas_used, bytes, reservoir),
            Lie::OutOfGas => return PrecompileOutput::halt(PrecompileHalt::OutOfGas, reservoir),
            Lie::Longer => [&bytes[..], &[0; 32]].concat(),
            Lie::Shorter => bytes[..bytes.len() - 1].to_vec(),
            Lie::Nothing => vec![],
            Lie::Another if bytes.len() == 64 => generator,
            Lie::Another => word(u8::from(bytes[..] != word(1))),
            Lie::Two => word(2),
        };
        PrecompileOutput::new(gas_used, Bytes::from(answer), reservoir)
    }
}

/// A call of a precompile: its address and what it was given.
pub(crate) type PrecompileCall = (u64, Vec<u8>);

thread_local! {
    /// Which call of the transaction is answered with which lie; the first is 1.
    static LIAR: Cell<Option<(usize, Lie)>> = const { Cell::new(None) };
    static CALLS: RefCell<Vec<PrecompileCall>> = const { RefCell::new(vec![]) };
}

fn answer<const ADDRESS: u64>(input: &[u8], gas: u64, reservoir: u64) -> PrecompileResult {
    let honest = Precompiles::osaka().get(&u64_to_address(ADDRESS)).expect("a precompile of Osaka");
    let output = honest.execute(input, gas, reservoir)?;
    let call = CALLS.with_borrow_mut(|calls| {
        calls.push((ADDRESS, input.to_vec()));
        calls.len()
    });
    Ok(match LIAR.get() {
        Some((which, lie)) if which == call => lie.told(output),
        _ => output,
    })
}

/// Osaka's, with the four that verifiers call watched.
static WATCHED: LazyLock<Precompiles> = LazyLock::new(|| {
    let mut precompiles = Precompiles::osaka().clone();
    precompiles.extend([
        Precompile::new(PrecompileId::ModExp, u64_to_address(5), answer::<5>),
        Precompile::new(PrecompileId::Bn254Add, u64_to_address(6), answer::<6>),
        Precompile::new(PrecompileId::Bn254Mul, u64_to_address(7), answer::<7>),
        Precompile::new(PrecompileId::Bn254Pairing, u64_to_address(8), answer::<8>),
    ]);
    precompiles
});

type State = CacheDB<EmptyDB>;

fn run(state: &mut State, tx: TxEnv, liar: Option<(usize, Lie)>) -> (ExecutionResult, Vec<PrecompileCall>) {
    LIAR.set(liar);
    CALLS.take();
    let context = Context::mainnet().modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA));
    let mut evm = context.with_db(state).build_mainnet();
    evm.precompiles.precompiles = &WATCHED;
    let result = evm.transact(tx).expect("a valid transaction").result;
    (result, CALLS.take())
}

fn outcome(result: ExecutionResult) -> Outcome {
    match result {
        ExecutionResult::Success { output, .. } => Outcome::Returned(output.into_data().to_vec()),
        ExecutionResult::Revert { output, .. } => Outcome::Reverted(output.to_vec()),
        ExecutionResult::Halt { reason, .. } => Outcome::Halted(format!("{reason:?}")),
    }
}

/// Runs creation code; what it returns, and what it asked of precompiles.
pub(crate) fn create(code: Vec<u8>, liar: Option<(usize, Lie)>) -> (Outcome, Vec<PrecompileCall>) {
    let tx = TxEnv::builder().kind(TxKind::Create).data(Bytes::from(code)).gas_limit(1 << 24).build();
    let (result, calls) = run(&mut State::default(), tx.expect("valid"), liar);
    (outcome(result), calls)
}

/// A verifier, key data and a contract that calls the verifier with as much gas as it is told.
pub(crate) struct Chain {
    state: State,
    key: [u8; 20],
    key_code_hash: [u8; 32],
}

const VERIFIER: Address = Address::repeat_byte(0x11);
const KEY: Address = Address::repeat_byte(0x22);
const CALLER: Address = Address::repeat_byte(0x33);

/// Takes gas in a word, then calldata; hands on what comes back.
fn caller() -> Vec<u8> {
    let mut code = hex::decode("602036038060205f375f5f825f73").expect("hexadecimal");
    code.extend(VERIFIER);
    code.extend(hex::decode("5f35fa3d5f5f3e602f573d5ffd5b3d5ff3").expect("hexadecimal"));
    code
}

impl Chain {
    pub(crate) fn new(sample: &Sample, key_data: &[u8]) -> Self {
        let mut state = State::default();
        for (address, code) in [(VERIFIER, sample.runtime()), (KEY, key_data.to_vec()), (CALLER, caller())] {
            let code = Bytecode::new_raw(Bytes::from(code));
            state.insert_account_info(address, AccountInfo::from_bytecode(code));
        }
        Self { state, key: KEY.into_array(), key_code_hash: Keccak256::digest(key_data).into() }
    }

    pub(crate) fn calldata(&self, proof: &[u8], instances: &[Fr]) -> Vec<u8> {
        encode_call(self.key, self.key_code_hash, proof, instances)
    }

    /// Calls the verifier from a contract, with at most `gas` for the call.
    pub(crate) fn call_within(&mut self, calldata: &[u8], gas: u64) -> Verdict {
        let mut data = vec![0; 24];
        data.extend(gas.to_be_bytes());
        data.extend(calldata);
        Verdict::of(outcome(self.transact(CALLER, data, 1 << 24, None).0))
    }

    /// Calls the verifier in a transaction, one call of a precompile being answered with a lie.
    pub(crate) fn call_among_liars(
        &mut self,
        calldata: &[u8],
        liar: Option<(usize, Lie)>,
    ) -> (Verdict, Vec<PrecompileCall>) {
        let (result, calls) = self.transact(VERIFIER, calldata.to_vec(), 1 << 24, liar);
        (Verdict::of(outcome(result)), calls)
    }

    /// Calls the verifier in a transaction with a gas limit; the gas that it used besides.
    pub(crate) fn call_in_transaction(&mut self, calldata: &[u8], gas_limit: u64) -> (Verdict, u64) {
        let (result, _) = self.transact(VERIFIER, calldata.to_vec(), gas_limit, None);
        let gas = result.tx_gas_used();
        (Verdict::of(outcome(result)), gas)
    }

    fn transact(
        &mut self,
        to: Address,
        data: Vec<u8>,
        gas_limit: u64,
        liar: Option<(usize, Lie)>,
    ) -> (ExecutionResult, Vec<PrecompileCall>) {
        let tx = TxEnv::builder().kind(TxKind::Call(to)).data(Bytes::from(data)).gas_limit(gas_limit).build();
        run(&mut self.state, tx.expect("valid"), liar)
    }
}
