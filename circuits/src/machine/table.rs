//! Lookup tables. All share three fixed columns; a tag, fixed as well, keeps them apart.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use halo2_proofs::halo2curves::{bn256::Fr, ff::PrimeField};

use super::field::fr_from_i128;

/// Which table. Its tag in the fixed columns is the index plus one: tag 0 means that nothing is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TableId(pub(crate) u32);

impl TableId {
    /// The tag, never 0.
    pub(crate) fn tag(self) -> u64 {
        u64::from(self.0) + 1
    }
}

/// What a table holds for its keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outputs {
    /// Integers.
    Small(Vec<i64>),
    /// Several integers packed into a field element.
    Packed(Vec<Fr>),
}

/// A function on `[first, first + len)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// For messages.
    pub(crate) name: String,
    /// The smallest key.
    pub(crate) first: i64,
    /// One per key.
    pub(crate) outputs: Outputs,
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        match &self.outputs {
            Outputs::Small(outputs) => outputs.len(),
            Outputs::Packed(outputs) => outputs.len(),
        }
    }

    /// Row of a key, counted from the table's first.
    pub(crate) fn row_of(&self, key: i64) -> Option<usize> {
        let row = usize::try_from(key.checked_sub(self.first)?).ok()?;
        (row < self.len()).then_some(row)
    }

    /// `(key, output)` of a row.
    pub(crate) fn entry(&self, row: usize) -> (Fr, Fr) {
        let key = fr_from_i128(i128::from(self.first) + row as i128);
        let output = match &self.outputs {
            Outputs::Small(outputs) => fr_from_i128(outputs[row].into()),
            Outputs::Packed(outputs) => outputs[row],
        };
        (key, output)
    }

    /// The same for tables that hold the same.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.first.hash(&mut hasher);
        match &self.outputs {
            Outputs::Small(outputs) => outputs.hash(&mut hasher),
            Outputs::Packed(outputs) => outputs.iter().for_each(|output| output.to_repr().hash(&mut hasher)),
        }
        hasher.finish()
    }

    fn magnitude(&self) -> f64 {
        let of_packed =
            |output: &Fr| output.to_repr().iter().rev().fold(0.0, |sum, byte| sum * 256.0 + f64::from(*byte));
        match &self.outputs {
            Outputs::Small(outputs) => outputs.iter().map(|o| o.unsigned_abs()).max().unwrap_or(0) as f64,
            Outputs::Packed(outputs) => outputs.iter().map(of_packed).fold(0.0, f64::max),
        }
    }
}

/// The tables of a program, in the order of their tags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    tables: Vec<Table>,
    /// Indices of tables by their fingerprints.
    known: HashMap<u64, Vec<usize>>,
    /// Of all tables together.
    len: usize,
    /// The greatest `|output|` of each table.
    magnitudes: Vec<f64>,
}

impl Tables {
    /// Adds a table, or finds the one that holds the same: equal tables share their rows.
    pub(crate) fn intern(&mut self, table: Table) -> TableId {
        let alike = self.known.entry(table.fingerprint()).or_default();
        let same = |at: &&usize| {
            let known = &self.tables[**at];
            known.first == table.first && known.outputs == table.outputs
        };
        let index = alike.iter().find(same).copied().unwrap_or_else(|| {
            alike.push(self.tables.len());
            self.len += table.len();
            self.magnitudes.push(table.magnitude());
            self.tables.push(table);
            self.tables.len() - 1
        });
        TableId(index as u32)
    }

    pub(crate) fn get(&self, id: TableId) -> &Table {
        &self.tables[id.0 as usize]
    }

    /// The greatest `|output|` of a table, to within the precision of the type.
    pub(crate) fn magnitude(&self, id: TableId) -> f64 {
        self.magnitudes[id.0 as usize]
    }

    /// In the order of their tags.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TableId, &Table)> {
        (0u32..).map(TableId).zip(&self.tables)
    }

    /// Rows that all of them take, with the row of zeros that rows without a lookup refer to.
    pub(crate) fn rows(&self) -> usize {
        1 + self.len
    }

    /// The table row of each table's first key.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let mut next = 1;
        let start_of = |table: &Table| {
            let start = next;
            next += table.len();
            start
        };
        self.tables.iter().map(start_of).collect()
    }
}
