//! The key that signs: from a keystore file, or from the environment; never from an argument, which others can read.

use std::env;
use std::fmt::{self, Debug, Formatter};
use std::path::Path;

use alloy_primitives::{Address, B256};
use apodict_prover::disk::{self, Kind};
use k256::ecdsa::SigningKey;

use crate::Error;
use crate::keystore::decrypt;

/// The environment variable with a private key, where no keystore is named.
pub const KEY_VARIABLE: &str = "APODICT_PRIVATE_KEY";
/// The environment variable with a keystore's password, where no file is named.
pub const PASSWORD_VARIABLE: &str = "APODICT_KEYSTORE_PASSWORD";

const KEYSTORE: Kind = Kind { what: "a keystore", begins: b"", max_bytes: 1 << 16 };
const PASSWORD: Kind = Kind { what: "a password", begins: b"", max_bytes: 1 << 12 };

/// Who signs.
#[derive(Clone)]
pub struct Wallet(SigningKey);

impl Wallet {
    /// Opens the keystore with the password in a file or in [`PASSWORD_VARIABLE`]; without a keystore, takes the key in
    /// [`KEY_VARIABLE`].
    ///
    /// # Errors
    /// [`Error::NoKey`], [`Error::BadKey`], [`Error::NoPassword`], [`Error::Keystore`], [`Error::Disk`].
    pub fn load(keystore: Option<&Path>, password_file: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = keystore else {
            let key = env::var(KEY_VARIABLE).map_err(|_| Error::NoKey)?;
            return Self::of_hexadecimal(&key).ok_or(Error::BadKey { variable: KEY_VARIABLE });
        };
        let password = match password_file {
            Some(file) => disk::read(file, &[PASSWORD])?,
            None => env::var(PASSWORD_VARIABLE).map_err(|_| Error::NoPassword { path: path.to_owned() })?.into_bytes(),
        };
        // An editor's newline is no part of it.
        let password = password.strip_suffix(b"\n").unwrap_or(&password);
        let password = password.strip_suffix(b"\r").unwrap_or(password);
        let bad = |reason: &str| Error::Keystore { path: path.to_owned(), reason: reason.to_owned() };
        let key = decrypt(&disk::read(path, &[KEYSTORE])?, password).map_err(bad)?;
        SigningKey::from_slice(&key).map(Self).map_err(|_| bad("there is no private key in it"))
    }

    /// A key as 64 hexadecimal digits.
    pub fn of_hexadecimal(key: &str) -> Option<Self> {
        let bytes = hex::decode(key.trim().strip_prefix("0x").unwrap_or(key.trim())).ok()?;
        SigningKey::from_slice(&bytes).ok().map(Self)
    }

    /// Whose key it is.
    pub fn address(&self) -> Address {
        Address::from_private_key(&self.0)
    }

    /// `r`, `s` and whether the point's second coordinate is odd.
    pub(crate) fn sign(&self, hash: B256) -> Option<([u8; 32], [u8; 32], bool)> {
        let (signature, recovery) = self.0.sign_prehash_recoverable(hash.as_slice()).ok()?;
        let (r, s) = signature.split_bytes();
        Some((r.into(), s.into(), recovery.is_y_odd()))
    }
}

/// Never the key.
impl Debug for Wallet {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "Wallet({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first account of every development node.
    const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    #[test]
    fn reads_keys_in_hexadecimal() {
        let wallet = Wallet::of_hexadecimal(&format!("0x{KEY}\n")).unwrap();
        assert_eq!(wallet.address().to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assert_eq!(wallet.address(), Wallet::of_hexadecimal(KEY).unwrap().address());
        for bad in ["", "0x", "0x12", &"0".repeat(64), &"z".repeat(64), &"f".repeat(64)] {
            assert!(Wallet::of_hexadecimal(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn does_not_show_the_key() {
        assert!(!format!("{:?}", Wallet::of_hexadecimal(KEY).unwrap()).contains(&KEY[..8]));
    }
}
