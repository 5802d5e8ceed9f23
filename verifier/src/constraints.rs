//! The value that the quotient must take at `x`, from the claimed evaluations.
//!
//! `h(x) * (x^n - 1) = sum of all constraints, combined by powers of y`: the gates in order, then those of the
//! permutation argument. halo2's Horner scheme gives the first constraint the highest power.

use crate::{
    Column, ColumnKind, ConstraintSystem, Expression,
    conversation::Conversation,
    domain::{DELTA, Domain},
};
use alloc::vec::Vec;
use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};

/// What gates and the permutation argument refer to, at the point `x`.
struct Cells<'a> {
    advice: &'a [Fr],
    fixed: &'a [Fr],
    instance: &'a [Fr],
    challenges: &'a [Fr],
}

/// Lagrange polynomials at `x`.
struct Rows {
    /// Of row 0.
    first: Fr,
    /// Of the last usable row.
    last: Fr,
    /// Sum over the rows that hold randomness.
    blind: Fr,
}

/// `acc <- acc * y + constraint`
struct Horner {
    acc: Fr,
    y: Fr,
}

impl Horner {
    fn push(&mut self, constraint: Fr) {
        self.acc *= self.y;
        self.acc += constraint;
    }
}

/// `h(x)`. `None` if `x` lies in the domain, or if the constraint system refers to what it has not.
pub(crate) fn quotient_eval(
    cs: &ConstraintSystem,
    domain: &Domain,
    instances: &[Fr],
    conversation: &Conversation,
    xn: Fr,
) -> Option<Fr> {
    let x = conversation.x;
    let num_instances = i64::try_from(instances.len()).ok()?;
    let blinding = i64::try_from(cs.blinding_factors).ok()?;

    // A column queried at rotation r has the value sum_j instance_j * l_(j - r)(x).
    let shifts = || cs.instance_queries.iter().map(|query| i64::from(query.rotation));
    let lowest =
        shifts().map(|r| r.saturating_neg()).min().unwrap_or(0).min(blinding.saturating_add(1).saturating_neg());
    let highest = shifts().map(|r| num_instances.saturating_sub(r)).max().unwrap_or(0).max(0);
    let lagrange = domain.lagrange(x, xn, lowest..=highest)?;
    let rows_from = |row: i64| lagrange.get(usize::try_from(row.checked_sub(lowest)?).ok()?..);

    let instance_evals = shifts()
        .map(|r| Some(instances.iter().zip(rows_from(r.saturating_neg())?).map(|(a, l)| *a * l).sum()))
        .collect::<Option<Vec<Fr>>>()?;
    let rows = Rows {
        first: *rows_from(0)?.first()?,
        last: *rows_from(blinding.saturating_add(1).saturating_neg())?.first()?,
        blind: rows_from(blinding.saturating_neg())?.iter().take(cs.blinding_factors).sum(),
    };

    let cells = Cells {
        advice: &conversation.advice_evals,
        fixed: &conversation.fixed_evals,
        instance: &instance_evals,
        challenges: &conversation.challenges,
    };
    let mut sum = Horner { acc: Fr::zero(), y: conversation.y };
    for gate in &cs.gates {
        sum.push(evaluate(gate, &cells)?);
    }
    permutation(cs, conversation, &cells, &rows, &mut sum)?;
    Some(sum.acc * (xn - Fr::one()).inverse()?)
}

fn evaluate(expression: &Expression, cells: &Cells<'_>) -> Option<Fr> {
    Some(match expression {
        Expression::Constant(constant) => *constant,
        Expression::Fixed(query) => *cells.fixed.get(*query)?,
        Expression::Advice(query) => *cells.advice.get(*query)?,
        Expression::Instance(query) => *cells.instance.get(*query)?,
        Expression::Challenge(index) => *cells.challenges.get(*index)?,
        Expression::Negated(a) => -evaluate(a, cells)?,
        Expression::Sum(a, b) => evaluate(a, cells)? + evaluate(b, cells)?,
        Expression::Product(a, b) => evaluate(a, cells)? * evaluate(b, cells)?,
        Expression::Scaled(a, constant) => evaluate(a, cells)? * constant,
    })
}

/// The constraints of the permutation argument, in halo2's order.
fn permutation(
    cs: &ConstraintSystem,
    conversation: &Conversation,
    cells: &Cells<'_>,
    rows: &Rows,
    sum: &mut Horner,
) -> Option<()> {
    let Conversation { beta, gamma, x, .. } = *conversation;
    let products = &conversation.product_evals;
    let (Some(first), Some(last)) = (products.first(), products.last()) else {
        return Some(());
    };

    // l_0 * (1 - z_0) = 0
    sum.push(rows.first * (Fr::one() - first.here));
    // l_last * (z_l^2 - z_l) = 0
    sum.push(rows.last * (last.here.square() - last.here));
    // l_0 * (z_i - z_(i-1)(omega^last X)) = 0
    for (product, previous) in products.iter().skip(1).zip(products) {
        sum.push(rows.first * (product.here - previous.last?));
    }
    // (1 - l_last - l_blind) * (z_i(omega X) prod (a_j + beta s_j + gamma) - z_i prod (a_j + delta^j beta X + gamma)) = 0
    let chunk_len = cs.permutation_chunk_len().max(1);
    let columns = cs.permutation_columns.chunks(chunk_len);
    let permutation_evals = conversation.permutation_evals.chunks(chunk_len);
    let active = Fr::one() - rows.last - rows.blind;
    let mut identity = beta * x;
    for ((product, columns), permutation_evals) in products.iter().zip(columns).zip(permutation_evals) {
        let mut left = product.next;
        let mut right = product.here;
        for (column, permutation_eval) in columns.iter().zip(permutation_evals) {
            let cell = cells.column(cs, *column)? + gamma;
            left *= cell + beta * permutation_eval;
            right *= cell + identity;
            identity *= DELTA;
        }
        sum.push(active * (left - right));
    }
    Some(())
}

impl Cells<'_> {
    /// The value of a column on the current row.
    fn column(&self, cs: &ConstraintSystem, column: Column) -> Option<Fr> {
        let (queries, evals) = match column.kind {
            ColumnKind::Advice => (&cs.advice_queries, self.advice),
            ColumnKind::Fixed => (&cs.fixed_queries, self.fixed),
            ColumnKind::Instance => (&cs.instance_queries, self.instance),
        };
        let here = queries.iter().position(|query| query.column == column.index && query.rotation == 0)?;
        evals.get(here).copied()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failing test")]
mod tests {
    use super::*;
    use crate::{Query, VerifyingKey};
    use alloc::vec;

    /// A column may be read on other rows before it is read on its own.
    #[test]
    fn copied_cells_are_of_the_current_row() {
        let key = VerifyingKey::from_bytes(include_bytes!("../tests/vectors/square.key")).unwrap();
        let queries = vec![
            Query { column: 1, rotation: 0 },
            Query { column: 0, rotation: 1 },
            Query { column: 0, rotation: -1 },
            Query { column: 0, rotation: 0 },
        ];
        let cs = ConstraintSystem {
            advice_queries: queries.clone(),
            fixed_queries: queries.clone(),
            instance_queries: queries,
            ..key.constraint_system
        };
        let evals = |first: u64| (first..).take(4).map(Fr::from).collect::<Vec<_>>();
        let (advice, fixed, instance) = (evals(10), evals(20), evals(30));
        let cells = Cells { advice: &advice, fixed: &fixed, instance: &instance, challenges: &[] };
        for (kind, first) in [(ColumnKind::Advice, 10), (ColumnKind::Fixed, 20), (ColumnKind::Instance, 30)] {
            assert_eq!(cells.column(&cs, Column { kind, index: 0 }), Some(Fr::from(first + 3u64)), "{kind:?}");
            assert_eq!(cells.column(&cs, Column { kind, index: 1 }), Some(Fr::from(first)), "{kind:?}");
            assert_eq!(cells.column(&cs, Column { kind, index: 2 }), None, "{kind:?}");
        }
    }
}
