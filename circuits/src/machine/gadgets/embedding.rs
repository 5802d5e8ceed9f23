//! Embeddings: rows of a fixed table, alone or summed over a bag of tokens.
//!
//! # Statement
//! `y[g][d] = sum over the tokens t of bag g of rows[t][d]`; each token in `[0, vocabulary)`.
//! # Layout of the table
//! A table row holds `D` columns of the embedding at once, packed as digits of `W` bits:
//! `packed[t] = sum over d < D of 2^(W*d) * (rows[t][d] - min)`, `W*D <= 248`.
//! # Equations, per bag and pack
//! 1. `sum over tokens of packed[t] = sum over d of 2^(W*d) * digit_d`, each `(t, packed[t])` looked up.
//! 2. `digit_d = sum(2^(b*i) limb_i)`, `W` bits exactly.
//! 3. `y_d = digit_d + count * min`, `count` the number of tokens in the bag.
//! # Soundness
//! A lookup pins the token to the vocabulary and its packed row to the table. A digit of a bag is at most
//! `count * (max - min) < 2^W`, so the sum of the packed rows carries nowhere and is, as an integer below
//! `2^248 < p`, what the table rows say. By (2) every digit lies in `[0, 2^W)`, and digits in base `2^W` are unique.
//! # Cost
//! `ceil(width/D)` units a token, `2 + ceil(W/b)` units for each of the `width` outputs, `vocabulary * ceil(width/D)` rows
//! of the table. No gather at all: a bag of 64 tokens and 32 columns takes 192 lookups rather than 2,048.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use super::super::{
    Error,
    builder::{Bound, Decomposed, Form, bits_of},
    equation::Equation,
    field::{Weight, fr_from_i128},
    lower::Lowering,
    table::{Outputs, Table, TableId},
    units::Count,
    wire::{Def, Wire},
};
use crate::int::{Node, Op};

/// Bits of a packed row: the sum of a bag and its digits then stay below `2^250`.
const PACKED_BITS: u32 = 248;

/// Bits of a digit, which holds a column summed over `most` tokens: 1 at the least.
fn digit_bits(rows: &[Vec<i64>], most: usize) -> u32 {
    let entries = || rows.iter().flatten().copied();
    let spread = i128::from(entries().max().unwrap_or(0)) - i128::from(entries().min().unwrap_or(0));
    bits_of(spread * most as i128).max(1)
}

/// As few packs as hold `width` digits.
fn packs_of(width: usize, digit_bits: u32) -> usize {
    width.div_ceil((PACKED_BITS / digit_bits).max(1) as usize).max(1)
}

/// Packs that a row of the table becomes, where a bag has up to `most` tokens. Whether the table is well formed or not.
pub(crate) fn num_packs(rows: &[Vec<i64>], most: usize) -> usize {
    packs_of(rows.first().map_or(0, Vec::len), digit_bits(rows, most))
}

/// Units of the node with a bag of each of these lengths.
pub(in crate::machine) fn units(
    count: &Count<'_>,
    rows: &[Vec<i64>],
    bags: impl Iterator<Item = usize> + Clone,
) -> f64 {
    let width = rows.first().map_or(0, Vec::len);
    let most = bags.clone().max().unwrap_or(0);
    let tokens: usize = bags.clone().sum();
    let digits = count.limbs(digit_bits(rows, most));
    (tokens * num_packs(rows, most)) as f64 + (bags.count() * width) as f64 * (2.0 + digits)
}

/// Rows of the tables of a node, if it has any.
pub(in crate::machine) fn table_rows(op: &Op) -> usize {
    match op {
        Op::Gather { rows } => rows.len() * num_packs(rows, 1),
        Op::EmbeddingSum { rows, groups } => {
            rows.len() * num_packs(rows, groups.iter().map(Vec::len).max().unwrap_or(0))
        }
        _ => 0,
    }
}

/// How the columns of an embedding are packed.
struct Packing {
    /// The smallest entry.
    min: i64,
    /// Bits of a digit.
    digit_bits: u32,
    /// Columns in each pack, and its table.
    packs: Vec<(std::ops::Range<usize>, TableId)>,
}

pub(crate) fn embedding(
    lowering: &mut Lowering<'_>,
    index: u32,
    node: &Node,
    rows: &[Vec<i64>],
    groups: &[impl AsRef<[u32]>],
) -> Result<Vec<Form>, Error> {
    let width = rows.first().map_or(0, Vec::len);
    let most = groups.iter().map(|group| group.as_ref().len()).max().unwrap_or(0);
    let packing = pack(lowering, &node.name, rows, most)?;
    let mut forms = Vec::with_capacity(groups.len() * width);
    for (bag, tokens) in groups.iter().map(AsRef::as_ref).enumerate() {
        lowering.builder.relabel_element(bag * width);
        let cells = tokens.iter().map(|t| lowering.cell(node.inputs[0], *t as usize)).collect::<Result<Vec<_>, _>>()?;
        // Rows that no token selects may hold anything, the smallest entry among them.
        let least = packing.min.checked_mul(tokens.len() as i64).ok_or(Error::WeightOverflow)?;
        let offset = least.checked_neg().ok_or(Error::WeightOverflow)?;
        for (columns, table) in &packing.packs {
            let mut equation = Equation::default();
            let magnitude = lowering.builder.tables.magnitude(*table);
            for token in &cells {
                let packed = lowering.builder.wire(Def::Lookup { table: *table, key: *token }, magnitude);
                equation.lookup(*table, *token, Some(packed), Weight::ZERO);
                equation.linear(packed, Weight::int(1))?;
            }
            let mut digits = Vec::with_capacity(columns.len());
            for (at, column) in (0u32..).zip(columns.clone()) {
                let element = bag * width + column;
                let y = lowering.builder.value(index, element, node.range(element));
                let digit = Def::Quadratic { constant: offset, terms: vec![(1, y, None)] };
                let digit = lowering.builder.wire(digit, 2f64.powi(packing.digit_bits as i32));
                equation.linear(digit, Weight::minus_power(at * packing.digit_bits))?;
                digits.push(digit);
            }
            lowering.builder.push_exact(equation)?;
            for digit in digits {
                is_digit(lowering, digit, packing.digit_bits)?;
                forms.push(Form { constant: least, terms: vec![(digit, 1)] });
            }
        }
    }
    Ok(forms)
}

/// Equation (2).
fn is_digit(lowering: &mut Lowering<'_>, digit: Wire, bits: u32) -> Result<(), Error> {
    let mut equation = Equation::default();
    equation.linear(digit, Weight::int(1))?;
    let what = Decomposed { of: digit, offset: 0 };
    lowering.builder.subtract_limbs(&mut equation, what, bits, Bound::Exact, 0);
    lowering.builder.push(equation)
}

fn pack(lowering: &mut Lowering<'_>, name: &str, rows: &[Vec<i64>], most: usize) -> Result<Packing, Error> {
    let min = rows.iter().flatten().copied().min().unwrap_or(0);
    let digit_bits = digit_bits(rows, most);
    if digit_bits > PACKED_BITS {
        return Err(Error::Wraps { bits: digit_bits.into() });
    }
    let width = rows.first().map_or(0, Vec::len);
    // Of even size.
    let per_pack = width.div_ceil(packs_of(width, digit_bits)).max(1);
    lowering.builder.check_table_rows(rows.len())?;
    let base = Fr::from(2).pow_vartime([u64::from(digit_bits)]);
    let mut packs = Vec::new();
    for (at, start) in (0..width).step_by(per_pack).enumerate() {
        let columns = start..(start + per_pack).min(width);
        let pack_row = |row: &Vec<i64>| {
            columns
                .clone()
                .rev()
                .fold(Fr::ZERO, |sum, column| sum * base + fr_from_i128(i128::from(row[column]) - i128::from(min)))
        };
        let outputs = Outputs::Packed(rows.iter().map(pack_row).collect());
        let table = lowering.builder.table(Table { name: format!("{name}, pack {at}"), first: 0, outputs })?;
        packs.push((columns, table));
    }
    Ok(Packing { min, digit_bits, packs })
}
