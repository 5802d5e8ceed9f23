//! The key data contract: a model's half of a verifier, stored as the code of a contract that cannot run.

use crate::{
    Error,
    key_layout::{KeyField, key_fields},
};
use apodict_verifier::{Domain, Fr, KeyError, VerifyingKey, fr_to_be_bytes, g1_to_be_bytes, g2_to_be_bytes};
use ark_ff::Field;
use sha3::{Digest, Keccak256};

/// First byte of the code: INVALID, so that a call to the contract fails whatever follows.
pub const KEY_DATA_PREFIX: u8 = 0xfe;

/// Largest runtime code that the EVM accepts (EIP-170).
const MAX_RUNTIME_BYTES: usize = 24_576;

/// Runtime code of the key data contract: [`KEY_DATA_PREFIX`], then the key in 32-byte words.
///
/// # Errors
/// [`Error::Key`] if the key is not valid, [`Error::AdviceNotOpened`] if its shape has no contract, [`Error::KeySize`] if it is
/// larger than any contract.
pub fn key_data(key: &VerifyingKey) -> Result<Vec<u8>, Error> {
    key.validate()?;
    let cs = &key.constraint_system;
    let groups = cs.opening_groups();
    let shape_digest = cs.shape_digest()?;
    // `validate` has refused a `k` without a domain.
    let max = 28;
    let domain = Domain::new(key.k).ok_or(KeyError::Limit { what: "k", max, got: key.k.into() })?;

    let mut data = vec![KEY_DATA_PREFIX];
    for field in key_fields(cs, &groups)? {
        match field {
            KeyField::ShapeDigest => data.extend(shape_digest),
            KeyField::KeyDigest => data.extend(key.digest()?),
            KeyField::PortsHash => data.extend(key.layout.ports_hash()),
            KeyField::LogRows => data.extend(fr_to_be_bytes(&Fr::from(key.k))),
            KeyField::NumInstances => data.extend(fr_to_be_bytes(&Fr::from(key.num_instances as u64))),
            KeyField::RowsInverse => data.extend(fr_to_be_bytes(&domain.n_inverse())),
            KeyField::Root(rotation) => data.extend(fr_to_be_bytes(&domain.row(rotation.into()))),
            KeyField::Interpolation { group, point } => {
                let rotations = at("opening group", &groups, group)?.rotations.as_slice();
                data.extend(fr_to_be_bytes(&interpolation_constant(&domain, rotations, point)?));
            }
            KeyField::TranscriptRepr => data.extend(fr_to_be_bytes(&key.transcript_repr)),
            KeyField::Fixed(column) => {
                data.extend(g1_to_be_bytes(at("fixed commitment", &key.fixed_commitments, column)?));
            }
            KeyField::Permutation(column) => {
                data.extend(g1_to_be_bytes(at("permutation commitment", &key.permutation_commitments, column)?));
            }
            KeyField::G1 => data.extend(g1_to_be_bytes(&key.srs.g1)),
            KeyField::G2 => data.extend(g2_to_be_bytes(&key.srs.g2)),
            KeyField::NegatedSG2 => data.extend(g2_to_be_bytes(&-key.srs.s_g2)),
        }
    }
    if data.len() > MAX_RUNTIME_BYTES {
        return Err(Error::KeySize { max: MAX_RUNTIME_BYTES, got: data.len() });
    }
    Ok(data)
}

/// Creation code that deploys [`key_data`] as it is.
///
/// # Errors
/// As [`key_data`].
pub fn key_creation_code(key: &VerifyingKey) -> Result<Vec<u8>, Error> {
    let data = key_data(key)?;
    // Two bytes hold what `key_data` admits.
    let [.., high, low] = data.len().to_be_bytes();
    // PUSH2 len DUP1 PUSH1 10 RETURNDATASIZE CODECOPY RETURNDATASIZE RETURN
    let mut code = vec![0x61, high, low, 0x80, 0x60, 0x0a, 0x3d, 0x39, 0x3d, 0xf3];
    code.extend(data);
    Ok(code)
}

/// `keccak256` of the runtime code: what a caller of the verifier pins.
///
/// # Errors
/// As [`key_data`].
pub fn key_code_hash(key: &VerifyingKey) -> Result<[u8; 32], Error> {
    Ok(Keccak256::digest(key_data(key)?).into())
}

/// What a valid key has: of another one there is no shorter data, but an error.
fn at<'a, T>(what: &'static str, list: &'a [T], index: usize) -> Result<&'a T, KeyError> {
    list.get(index).ok_or(KeyError::Dangling { what, got: index, len: list.len() })
}

/// `1 / prod_{m != point} (omega^rotation_point - omega^rotation_m)`; a valid key's rotations are distinct rows.
fn interpolation_constant(domain: &Domain, rotations: &[i32], point: usize) -> Result<Fr, KeyError> {
    let here = domain.row((*at("rotation of an opening group", rotations, point)?).into());
    let others = rotations.iter().enumerate().filter(|(other, _)| *other != point);
    let product: Fr = others.map(|(_, rotation)| here - domain.row((*rotation).into())).product();
    // With 0 for it the contract would drop a claim.
    product.inverse().ok_or(KeyError::Duplicate { what: "rotation of an opening group", index: point })
}

#[cfg(test)]
mod tests {
    use ark_ff::One;

    use super::*;

    #[test]
    fn rotations_that_fall_together_have_no_constant() {
        let domain = Domain::new(3).expect("k is in range");
        let constant = |rotations: &[i32], point| interpolation_constant(&domain, rotations, point);
        assert_eq!(constant(&[0], 0), Ok(Fr::one()));
        assert!(constant(&[0, 1, -1], 2).is_ok());
        let what = "rotation of an opening group";
        assert_eq!(constant(&[0, 8], 1), Err(KeyError::Duplicate { what, index: 1 }));
        assert_eq!(constant(&[0, 1], 2), Err(KeyError::Dangling { what, got: 2, len: 2 }));
    }
}
