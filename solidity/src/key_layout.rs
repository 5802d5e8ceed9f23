//! What a key data contract holds, in which order. The renderer takes addresses from here and [`key_data`] bytes.
//!
//! [`key_data`]: crate::key_data

use crate::Error;
use apodict_verifier::{ConstraintSystem, OpeningGroup, Polynomial};

/// One entry of the key data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyField {
    /// Digest of the shape: a contract refuses the key of another one.
    ShapeDigest,
    /// log2 of the number of rows.
    LogRows,
    /// Digest of the key, which says what its proofs mean: no equation has it, whoever pins the code's hash pins it.
    KeyDigest,
    /// `keccak256(abi.encode(ports))` of the public values: for a registry to compare.
    PortsHash,
    /// Length of the instance column.
    NumInstances,
    /// `1 / n`
    RowsInverse,
    /// `omega^rotation`
    Root(i32),
    /// `1 / prod_{m != point} (omega^rotation_point - omega^rotation_m)` over the rotations of a group: what is left of
    /// a Lagrange denominator once the powers of `x` are taken out.
    Interpolation {
        /// Of [`ConstraintSystem::opening_groups`].
        group: usize,
        /// Position in the group's rotations.
        point: usize,
    },
    /// What the transcript absorbs first.
    TranscriptRepr,
    /// Commitment to a fixed column.
    Fixed(usize),
    /// Commitment to a permutation polynomial.
    Permutation(usize),
    /// `[1]_1`
    G1,
    /// `[1]_2`
    G2,
    /// `-[s]_2`
    NegatedSG2,
}

impl KeyField {
    /// 32-byte words that the entry takes.
    pub(crate) fn num_words(self) -> usize {
        match self {
            KeyField::Fixed(_) | KeyField::Permutation(_) | KeyField::G1 => 2,
            KeyField::G2 | KeyField::NegatedSG2 => 4,
            _ => 1,
        }
    }

    /// Its name in rendered contracts.
    pub(crate) fn name(self) -> String {
        match self {
            KeyField::ShapeDigest => "KEY_SHAPE".into(),
            KeyField::LogRows => "KEY_LOG_ROWS".into(),
            KeyField::KeyDigest => "KEY_DIGEST".into(),
            KeyField::PortsHash => "KEY_PORTS".into(),
            KeyField::NumInstances => "KEY_NUM_INSTANCES".into(),
            KeyField::RowsInverse => "KEY_ROWS_INVERSE".into(),
            KeyField::Root(rotation) if rotation < 0 => format!("KEY_ROOT_MINUS_{}", rotation.unsigned_abs()),
            KeyField::Root(rotation) => format!("KEY_ROOT_{rotation}"),
            KeyField::Interpolation { group, point } => format!("KEY_INTERPOLATION_{group}_{point}"),
            KeyField::TranscriptRepr => "KEY_TRANSCRIPT_REPR".into(),
            KeyField::Fixed(column) => format!("KEY_FIXED_{column}"),
            KeyField::Permutation(column) => format!("KEY_PERMUTATION_{column}"),
            KeyField::G1 => "KEY_G1".into(),
            KeyField::G2 => "KEY_G2".into(),
            KeyField::NegatedSG2 => "KEY_NEGATED_S_G2".into(),
        }
    }

    /// What it is, for the rendered memory map.
    pub(crate) fn description(self) -> &'static str {
        match self {
            KeyField::ShapeDigest => "digest of the shape",
            KeyField::LogRows => "k = log2 of the rows",
            KeyField::KeyDigest => "digest of the key",
            KeyField::PortsHash => "hash of the ports, keccak256(abi.encode(ports))",
            KeyField::NumInstances => "length of the instance column",
            KeyField::RowsInverse => "1 / n",
            KeyField::Root(_) => "omega^rotation",
            KeyField::Interpolation { .. } => "Lagrange denominator, inverted, without its powers of x",
            KeyField::TranscriptRepr => "halo2's hash of the key",
            KeyField::Fixed(_) => "commitment to a fixed column",
            KeyField::Permutation(_) => "commitment to a permutation polynomial",
            KeyField::G1 => "[1]_1",
            KeyField::G2 => "[1]_2",
            KeyField::NegatedSG2 => "-[s]_2",
        }
    }
}

/// The entries for a shape, in order.
pub(crate) fn key_fields(cs: &ConstraintSystem, groups: &[OpeningGroup]) -> Result<Vec<KeyField>, Error> {
    let mut fields = vec![
        KeyField::ShapeDigest,
        KeyField::KeyDigest,
        KeyField::PortsHash,
        KeyField::LogRows,
        KeyField::NumInstances,
        KeyField::RowsInverse,
    ];

    // Rows -1 to -(blinding_factors + 1) hold l_blind and l_last; row 1 generates the instance rows, which seen from a
    // rotation start at its negative.
    let mut rotations: Vec<i32> = (1..=i32::try_from(cs.blinding_factors).unwrap_or(i32::MAX).saturating_add(1))
        .map(|row| -row)
        .chain([1])
        .chain(groups.iter().flat_map(|group| group.rotations.iter().copied()))
        .chain(cs.instance_queries.iter().map(|query| query.rotation.saturating_neg()))
        .filter(|rotation| *rotation != 0)
        .collect();
    rotations.sort_unstable();
    rotations.dedup();
    fields.extend(rotations.into_iter().map(KeyField::Root));

    for (group, OpeningGroup { rotations, .. }) in groups.iter().enumerate() {
        if rotations.len() > 1 {
            fields.extend((0..rotations.len()).map(|point| KeyField::Interpolation { group, point }));
        }
    }
    fields.push(KeyField::TranscriptRepr);

    let opened = |polynomial| groups.iter().flat_map(|group| &group.openings).any(|o| o.polynomial == polynomial);
    fields.extend((0..cs.num_fixed_columns).filter(|column| opened(Polynomial::Fixed(*column))).map(KeyField::Fixed));
    fields.extend((0..cs.permutation_columns.len()).map(KeyField::Permutation));
    fields.extend([KeyField::G1, KeyField::G2, KeyField::NegatedSG2]);

    if let Some(column) = (0..cs.advice_phases.len()).find(|column| !opened(Polynomial::Advice(*column))) {
        return Err(Error::AdviceNotOpened { column });
    }
    Ok(fields)
}
