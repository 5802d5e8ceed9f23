//! A shape as the Solidity source of its verifier.
//!
//! The contract is straight-line assembly over a fixed memory map. [`Plan`] decides the map; [`input`] writes what reads
//! and hashes, [`constraints`] the quotient's value at `x`, [`opening`] SHPLONK and the pairing; [`gas`] counts what that
//! takes and has it checked beforehand.

mod code;
mod constraints;
mod gas;
mod input;
mod opening;

use crate::{
    Error,
    key_layout::key_fields,
    memory::{Memory, challenge_name, element_name},
    refusal::RefusalKind,
};
use apodict_verifier::{Challenge, ConstraintSystem, Element, OpeningGroup, Step};
use code::Code;
use gas::Gas;
use std::{collections::HashMap, fmt::Write};

/// The scalar field's modulus.
pub(crate) const R: &str = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";

/// Calldata of `verifyProof` before the bytes of the proof: selector, four heads, the proof's length.
pub(crate) const PROOF_CALLDATA: usize = 4 + 4 * 32 + 32;

/// An element of the proof and where it stands.
#[derive(Clone, Copy, Debug)]
struct Placed {
    element: Element,
    /// Position among the proof's elements: what errors report.
    index: usize,
    /// First byte in the proof.
    offset: usize,
}

/// What the prover sends between two challenges, and the challenges that follow.
#[derive(Clone, Debug, Default)]
struct Chunk {
    elements: Vec<Placed>,
    challenges: Vec<Challenge>,
}

impl Chunk {
    fn num_bytes(&self) -> usize {
        self.elements.iter().map(|placed| placed.element.num_bytes()).sum()
    }

    /// The memory word before the chunk, for the hash that the transcript goes on from.
    fn slot(index: usize) -> String {
        format!("HASH_{index}")
    }
}

/// Everything about a shape that the writers of code need.
struct Plan<'a> {
    cs: &'a ConstraintSystem,
    groups: Vec<OpeningGroup>,
    chunks: Vec<Chunk>,
    shape_digest: [u8; 32],
    proof_len: usize,
    key_len: usize,
    /// Where the key ends in memory.
    key_end: usize,
    memory: Memory,
    /// Elements of the first chunk, which stand behind the instances: offsets from `tail`.
    behind_instances: HashMap<String, usize>,
}

impl<'a> Plan<'a> {
    fn new(cs: &'a ConstraintSystem) -> Result<Self, Error> {
        cs.validate()?;
        let groups = cs.opening_groups();
        let fields = key_fields(cs, &groups)?;
        let chunks = chunks(cs);

        let mut memory = Memory::default();
        memory.allocate("ACC", 2, "a point to be scaled, SCALAR behind it");
        memory.allocate("SCALAR", 1, "what ACC is multiplied with");
        memory.allocate("SCALED", 2, "the multiple; input of ECADD together with ADDEND");
        memory.allocate("ADDEND", 2, "");
        memory.allocate("SUM", 2, "all terms so far; then the first input of the pairing");
        memory.allocate("TERM", 2, "the next term, input of ECADD together with SUM");
        memory.allocate("PAIRING_REST", 8, "the pairing takes 12 words from SUM on");
        for field in &fields {
            memory.allocate(field.name(), field.num_words(), field.description());
        }
        let key_end = memory.end;
        for (index, chunk) in chunks.iter().enumerate().skip(1) {
            memory.allocate(Chunk::slot(index), 1, "hash of everything before");
            for placed in &chunk.elements {
                memory.allocate(
                    element_name(placed.element),
                    placed.element.num_bytes() / 32,
                    placed.element.to_string(),
                );
            }
        }
        for challenge in chunks.iter().flat_map(|chunk| &chunk.challenges) {
            if *challenge != Challenge::Theta {
                memory.allocate(challenge_name(*challenge), 1, "challenge");
            }
        }
        let mut behind_instances = HashMap::new();
        let mut offset = 0;
        for placed in chunks.first().iter().flat_map(|chunk| &chunk.elements) {
            behind_instances.insert(element_name(placed.element), offset);
            offset += placed.element.num_bytes();
        }
        Ok(Self {
            cs,
            groups,
            chunks,
            shape_digest: cs.shape_digest()?,
            proof_len: cs.proof_len(),
            key_len: fields.iter().map(|field| 32 * field.num_words()).sum(),
            key_end,
            memory,
            behind_instances,
        })
    }

    /// Address of a named point as Yul.
    fn address(&self, name: &str) -> String {
        match self.behind_instances.get(name) {
            Some(0) => "tail".into(),
            Some(offset) => format!("add(tail, {offset:#x})"),
            None => name.into(),
        }
    }

    fn has_permutation(&self) -> bool {
        !self.cs.permutation_columns.is_empty()
    }

    /// Rotations at which the instance column is evaluated.
    fn instance_rotations(&self) -> Vec<i32> {
        let mut rotations: Vec<i32> = self.cs.instance_queries.iter().map(|query| query.rotation).collect();
        rotations.sort_unstable();
        rotations
    }

    /// All rotations at which anything is opened.
    fn rotations(&self) -> Vec<i32> {
        let mut rotations: Vec<i32> = self.groups.iter().flat_map(|group| group.rotations.iter().copied()).collect();
        rotations.sort_unstable();
        rotations.dedup();
        rotations
    }
}

fn chunks(cs: &ConstraintSystem) -> Vec<Chunk> {
    let mut chunks = vec![Chunk::default()];
    let (mut index, mut offset) = (0, 0);
    for step in cs.transcript_steps() {
        let Some(last) = chunks.last_mut() else { break };
        match step {
            Step::Squeeze(challenge) => last.challenges.push(challenge),
            Step::Read(element) => {
                let placed = Placed { element, index, offset };
                index += 1;
                offset += element.num_bytes();
                if last.challenges.is_empty() {
                    last.elements.push(placed);
                } else {
                    chunks.push(Chunk { elements: vec![placed], challenges: vec![] });
                }
            }
        }
    }
    chunks
}

/// Name of the contract for a shape called `shape`, such as `lean`.
pub fn contract_name(shape: &str) -> String {
    let mut letters = shape.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    format!("Halo2Verifier{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
}

/// Solidity source of the verifier for every key of a shape. `shape` names it, in letters and digits: `lean` becomes
/// `Halo2VerifierLean`. The source imports `./IHalo2Verifier.sol` and nothing else.
///
/// # Errors
/// [`Error::Key`] if the shape is not valid, [`Error::AdviceNotOpened`] if no contract can serve it, [`Error::ContractName`].
pub fn render_verifier(shape: &str, cs: &ConstraintSystem) -> Result<String, Error> {
    if !shape.starts_with(|c: char| c.is_ascii_alphabetic()) || !shape.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Error::ContractName { got: shape.into() });
    }
    let mut plan = Plan::new(cs)?;
    let Rendered { decode, gas, body } = rendered(&mut plan);

    let name = contract_name(shape);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write!(text, "{}", head(&plan, shape, &name));
    let _ = write!(text, "{}", constants(&plan, &gas));
    let _ = write!(text, "{}", SELF_TEST);
    let _ = write!(
        text,
        "    /// @inheritdoc IHalo2Verifier\n    function verifyProof(address, bytes32, bytes calldata, uint256[] calldata) external view returns (bool) {{\n        assembly {{\n"
    );
    let _ = write!(text, "{}", input::functions(&plan).indented(3));
    for code in [decode, gas.check(), body] {
        let _ = write!(text, "{}", code.indented(3));
    }
    text.push_str("        }\n    }\n}\n");
    Ok(text)
}

/// The statements of `verifyProof`.
struct Rendered {
    decode: Code,
    gas: Gas,
    body: Code,
}

fn rendered(plan: &mut Plan<'_>) -> Rendered {
    let decode = input::decode(plan);
    let mut body = Code::default();
    body.append(input::transcript(plan));
    body.append(input::element_checks(plan));
    body.append(constraints::denominators(plan));
    body.append(constraints::quotient_evaluation(plan));
    body.append(opening::scalars(plan));
    body.append(opening::points(plan));
    plan.memory.allocate("TRANSCRIPT", 1, "transcript repr, then instances, then `tail`: first phase");
    Rendered { decode, gas: Gas::of(plan, &body), body }
}

/// Gas that a call of `verifyProof` needs for keys of a shape: what a caller must have forwarded when the call begins.
pub(crate) fn call_gas(cs: &ConstraintSystem, num_instances: usize, k: u32) -> Result<u64, Error> {
    let mut plan = Plan::new(cs)?;
    let Rendered { decode, gas, .. } = rendered(&mut plan);
    let before = gas::before_the_check(&decode, &gas.check(), plan.key_end as u64 / 32);
    Ok(before + gas.needed(num_instances as u64, k.into()))
}

fn head(plan: &Plan<'_>, shape: &str, name: &str) -> String {
    let cs = plan.cs;
    let num_points =
        plan.chunks.iter().flat_map(|chunk| &chunk.elements).filter(|placed| placed.element.num_bytes() == 64).count();
    let num_scalars = (plan.proof_len - 64 * num_points) / 32;
    let mut text = format!(
        "// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Rendered by apodict-solidity: do not edit, run `cargo xtask contracts bless`.

import {{IHalo2Verifier}} from \"./IHalo2Verifier.sol\";

/// @title Verifier of halo2 proofs for the shape `{shape}`: KZG on BN254, SHPLONK, Keccak transcript.
/// @notice Callers must pin `keyCodeHash`, compute context and inputs themselves and decode the outputs: see IHalo2Verifier.
/// @dev {advice} advice columns, {fixed} fixed columns, {permutation} columns with copy constraints, {gates} gate polynomials, degree
/// {degree}, {blinding} blinding factors. A proof has {num_points} points and {num_scalars} scalars: {len} bytes. Serves every k and every number of
/// instances: both come with the key.
///
/// All values live in memory at fixed addresses; only what the first hash covers has a variable end. What is hashed is
/// what is computed with: the proof is copied from calldata once, and no value is read from two places. Sums are reduced
/// lazily (5r < 2^256): a value stands for its residue, `mulmod` reduces it. Every check either reverts at once or clears
/// `ok`, which is looked at before the function can return. Gas is checked once, before the work: behind that check
/// nothing fails for want of it.
///
/// Memory:
",
        advice = cs.advice_phases.len(),
        fixed = cs.num_fixed_columns,
        permutation = cs.permutation_columns.len(),
        gates = cs.gates.len(),
        degree = cs.degree,
        blinding = cs.blinding_factors,
        len = plan.proof_len,
    );
    for region in &plan.memory.regions {
        let line = format!("///   {:#06x} {:<26} {}", region.address, region.name, region.description);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(text, "contract {name} is IHalo2Verifier {{");
    text
}

fn constants(plan: &Plan<'_>, gas: &Gas) -> String {
    let mut text = String::new();
    let mut constant = |name: &str, value: String| {
        let _ = writeln!(text, "    uint256 private constant {name} = {value};");
    };
    constant("R", R.into());
    for (multiple, value) in (2u32..).zip(multiples_of_r()) {
        constant(&format!("R_TIMES_{multiple}"), value);
    }
    constant("P", P.into());
    for kind in RefusalKind::ALL {
        constant(&kind.constant_name(), format!("0x{}", hex::encode(kind.selector())));
    }
    for region in &plan.memory.regions {
        constant(&region.name, format!("{:#06x}", region.address));
    }
    text.push_str(&gas.constants());
    let _ = writeln!(
        text,
        "\n    /// @inheritdoc IHalo2Verifier\n    bytes32 public constant SHAPE_DIGEST = 0x{};\n    \
         /// @inheritdoc IHalo2Verifier\n    uint256 public constant KEY_BYTES = {:#x};\n",
        hex::encode(plan.shape_digest),
        plan.key_len
    );
    text
}

/// The base field's modulus.
const P: &str = "0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";

/// `2r` to `5r`.
fn multiples_of_r() -> Vec<String> {
    use ark_ff::{BigInteger, PrimeField};
    let modulus = apodict_verifier::Fr::MODULUS;
    let mut multiple = modulus;
    (2..=5)
        .map(|_| {
            multiple.add_with_carry(&modulus);
            format!("0x{}", hex::encode(multiple.to_bytes_be()))
        })
        .collect()
}

/// A chain without the precompiles, or with other ones, must not get a verifier.
const SELF_TEST: &str =
    "    /// @dev Doubles the generator in two ways, then asks for a pairing that holds and for one that does not.
    constructor() {
        bool ok;
        assembly {
            mstore(0x00, 1)
            mstore(0x20, 2)
            mstore(0x40, 2)
            ok := and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, 0x00, 0x60, 0x80, 0x40))
            mstore(0x40, 1)
            mstore(0x60, 2)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, 0x00, 0x80, 0xc0, 0x40)))
            ok := and(ok, eq(keccak256(0x80, 0x40), keccak256(0xc0, 0x40)))

            mstore(0x40, 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(0x60, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(0x80, 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(0xa0, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            mcopy(0xc0, 0x00, 0xc0)
            mstore(0xe0, sub(P, 2))
            ok := and(ok, and(eq(returndatasize(), 0x20), staticcall(gas(), 0x08, 0x00, 0x180, 0x180, 0x20)))
            ok := and(ok, eq(mload(0x180), 1))
            mstore(0xe0, 2)
            ok := and(ok, and(eq(returndatasize(), 0x20), staticcall(gas(), 0x08, 0x00, 0x180, 0x180, 0x20)))
            ok := and(ok, iszero(mload(0x180)))

            // Solidity goes on from here: its free memory pointer and zero slot as it left them.
            mstore(0x40, 0x80)
            mstore(0x60, 0)
        }
        if (!ok) revert PrecompileSelfTestFailed();
    }

";
