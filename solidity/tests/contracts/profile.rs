//! Where the gas of a verification goes, by sections of the rendered text.

use crate::fixtures::{Sample, samples};
use apodict_solidity::{encode_call, key_code_hash, key_data};
use revm::{
    Context, InspectEvm, Inspector, MainBuilder, MainContext,
    bytecode::{Bytecode, opcode},
    context::TxEnv,
    database::{CacheDB, EmptyDB},
    interpreter::{Interpreter, interpreter::EthInterpreter, interpreter_types::Jumps},
    primitives::{Address, Bytes, TxKind, hardfork::SpecId},
    state::AccountInfo,
};
use serde::{Deserialize, Serialize};

/// Gas of each section. All but the first two without the precompiles, whose calls (100 each) and prices are the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sections {
    /// What every transaction costs.
    base: u64,
    /// 4 for each zero byte, 16 for each other.
    calldata: u64,
    /// Solidity's dispatch, the key (a cold account, its copy and the memory that it takes), lengths and offsets, the
    /// check of the gas.
    entry: u64,
    /// Copies of the proof and the instances, hashes.
    transcript: u64,
    /// Canonical, on the curve; denominators, with a pass over the instances; up to the inversion.
    elements: u64,
    /// Inverses, gates, permutation, claimed evaluations.
    gates: u64,
    /// Scalar multiplications and additions of commitments.
    msm: u64,
    /// The pairing's arguments, and the end.
    pairing: u64,
    /// Inversion, scalar multiplications, additions, pairing.
    precompiles: u64,
}

impl Sections {
    fn sum(&self) -> u64 {
        let Self { base, calldata, entry, transcript, elements, gates, msm, pairing, precompiles } = self;
        [base, calldata, entry, transcript, elements, gates, msm, pairing, precompiles].into_iter().sum()
    }

    /// What opcodes cost beside the prices that nobody can lower.
    pub(crate) fn opcodes(&self) -> u64 {
        self.sum() - self.base - self.calldata - self.precompiles
    }
}

/// Each opcode that ran, with the gas that was left before it.
#[derive(Default)]
struct Trace(Vec<(u8, u64)>);

impl<CTX> Inspector<CTX, EthInterpreter> for Trace {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, _: &mut CTX) {
        self.0.push((interpreter.bytecode.opcode(), interpreter.gas.remaining()));
    }
}

/// The sections of a genuine proof's verification, and the gas of the whole transaction.
pub(crate) fn sections(sample: &Sample) -> (Sections, u64) {
    let fixture = &sample.fixture;
    let (verifier, key) = (Address::repeat_byte(0x11), Address::repeat_byte(0x22));
    let mut state = CacheDB::new(EmptyDB::new());
    for (address, code) in [(verifier, sample.runtime()), (key, key_data(&fixture.key).expect("valid"))] {
        state.insert_account_info(address, AccountInfo::from_bytecode(Bytecode::new_raw(Bytes::from(code))));
    }
    let hash = key_code_hash(&fixture.key).expect("valid");
    let calldata = encode_call(key.into_array(), hash, &fixture.proof, &fixture.instances);
    let data_gas = calldata.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum();
    let tx = TxEnv::builder().kind(TxKind::Call(verifier)).data(Bytes::from(calldata)).gas_limit(1 << 24).build();
    let mut evm = Context::mainnet()
        .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA))
        .with_db(&mut state)
        .build_mainnet_with_inspector(Trace::default());
    let result = evm.inspect_tx(tx.expect("valid")).expect("run").result;
    assert!(result.is_success(), "{}: {result:?}", sample.name);
    let split = split(&evm.inspector.0, data_gas);
    (split, result.tx_gas_used())
}

fn split(trace: &[(u8, u64)], calldata: u64) -> Sections {
    let base = 21_000;
    let mut sections = Sections { base, calldata, ..Sections::default() };
    let last_hash = trace.iter().rposition(|(code, _)| *code == opcode::KECCAK256).expect("hashes");
    let num_calls = trace.iter().filter(|(code, _)| *code == opcode::STATICCALL).count();
    let (mut calls, mut checked) = (0, false);
    for (index, &(code, left)) in trace.iter().enumerate() {
        let spent = trace.get(index + 1).map_or(0, |&(_, next)| left - next);
        if code == opcode::STATICCALL {
            calls += 1;
            sections.precompiles += spent;
            continue;
        }
        let section = match calls {
            0 if !checked => &mut sections.entry,
            0 if index <= last_hash => &mut sections.transcript,
            0 => &mut sections.elements,
            1 => &mut sections.gates,
            _ if calls + 1 < num_calls => &mut sections.msm,
            _ => &mut sections.pairing,
        };
        *section += spent;
        checked |= code == opcode::GAS;
    }
    sections
}

#[test]
fn sections_add_up_to_the_transaction() {
    for sample in samples() {
        let (sections, gas) = sections(&sample);
        println!("{}: {sections:#?}, opcodes {}", sample.name, sections.opcodes());
        assert_eq!(sections.sum(), gas, "{}", sample.name);
    }
}
