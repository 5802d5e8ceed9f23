//! Shapes: how wide a machine is.

use serde::{Deserialize, Serialize};

/// Columns of a machine. The gates follow from it, so one verifier contract serves every model of a shape.
///
/// A row has `units`; a unit is a pair of advice lanes `(u, v)` with two weights, a product coefficient and a
/// lookup tag in fixed columns. `docs/machine.md` says what a row states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Shape {
    /// One unit a row: fewest columns, cheapest to verify on an EVM.
    Lean,
    /// Four units a row: a quarter of the rows, fastest to prove once a model is large.
    Wide,
}

impl Shape {
    /// Every shape, narrowest first.
    pub const ALL: [Self; 2] = [Self::Lean, Self::Wide];

    /// Pairs of lanes in a row.
    pub const fn units(self) -> usize {
        match self {
            Self::Lean => 1,
            Self::Wide => 4,
        }
    }

    /// Operands in a row.
    pub const fn lanes(self) -> usize {
        2 * self.units()
    }

    /// `"lean"` or `"wide"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lean => "lean",
            Self::Wide => "wide",
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Rows at the end of a table of `2^k` rows that no cell of the machine may use: halo2's blinding rows, the row
/// of its `l_last`, and the row in which the running sums end.
pub const RESERVED_ROWS: usize = 7;

/// Rows that equations and tables may use, each on its own, at `k`.
pub const fn usable_rows(k: u32) -> usize {
    (1usize << k).saturating_sub(RESERVED_ROWS)
}

/// The smallest `k` at which so many rows may be used.
pub(crate) fn k_for(rows: usize) -> u32 {
    let rows = rows.saturating_add(RESERVED_ROWS);
    usize::BITS - rows.saturating_sub(1).leading_zeros()
}
