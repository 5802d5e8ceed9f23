//! The key that signs: from a keystore file, or from the environment; never from an argument, which others can read.

use std::env;
use std::path::Path;

use alloy::primitives::Address;
use alloy::signers::local::PrivateKeySigner;
use apodict_prover::disk::{self, Kind};
use serde_json::Value;

use crate::Error;

/// The environment variable with a private key, where no keystore is named.
pub const KEY_VARIABLE: &str = "APODICT_PRIVATE_KEY";
/// The environment variable with a keystore's password, where no file is named.
pub const PASSWORD_VARIABLE: &str = "APODICT_KEYSTORE_PASSWORD";

const KEYSTORE: Kind = Kind { what: "a keystore", begins: b"", max_bytes: 1 << 16 };
const PASSWORD: Kind = Kind { what: "a password", begins: b"", max_bytes: 1 << 12 };
/// Memory that opening a keystore may take: four times what is usual.
const MAX_SCRYPT_BYTES: u64 = 1 << 30;
/// Ten times what is usual.
const MAX_ITERATIONS: u64 = 10_000_000;

/// Who signs.
#[derive(Clone, Debug)]
pub struct Wallet(PrivateKeySigner);

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
        check_cost(&disk::read(path, &[KEYSTORE])?).map_err(bad)?;
        let opened = PrivateKeySigner::decrypt_keystore(path, password);
        opened.map(Self).map_err(|_| bad("the password is another one, or the file is damaged"))
    }

    /// A key as 64 hexadecimal digits.
    pub fn of_hexadecimal(key: &str) -> Option<Self> {
        key.trim().strip_prefix("0x").unwrap_or(key.trim()).parse().ok().map(Self)
    }

    /// Whose key it is.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    pub(crate) fn signer(&self) -> &PrivateKeySigner {
        &self.0
    }
}

/// A keystore says itself how much work opening it is.
fn check_cost(json: &[u8]) -> Result<(), &'static str> {
    let keystore: Value = serde_json::from_slice(json).map_err(|_| "it is not JSON")?;
    let crypto = keystore.get("crypto").or_else(|| keystore.get("Crypto")).ok_or("it is no version 3 keystore")?;
    let parameters = crypto.get("kdfparams").ok_or("it is no version 3 keystore")?;
    let number = |name: &str| parameters.get(name).map_or(Ok(0), |value| value.as_u64().ok_or("its parameters are no numbers"));
    let (n, r, p, c) = (number("n")?, number("r")?, number("p")?, number("c")?);
    let memory = n.saturating_mul(r).saturating_mul(128);
    if memory > MAX_SCRYPT_BYTES || p > 16 || c > MAX_ITERATIONS {
        return Err("opening it would take more memory or time than any keystore needs");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_keystores_that_cost_too_much_or_are_none() {
        let keystore = |parameters: &str| format!(r#"{{"version":3,"crypto":{{"kdfparams":{parameters}}}}}"#);
        check_cost(keystore(r#"{"n":262144,"r":8,"p":1}"#).as_bytes()).unwrap();
        check_cost(keystore(r#"{"c":262144,"prf":"hmac-sha256"}"#).as_bytes()).unwrap();
        for (bad, says) in [
            (keystore(r#"{"n":1073741824,"r":8,"p":1}"#), "more memory"),
            (keystore(r#"{"n":2,"r":18446744073709551615,"p":1}"#), "more memory"),
            (keystore(r#"{"c":4294967295}"#), "more memory"),
            (keystore(r#"{"n":-1}"#), "no numbers"),
            ("{}".to_owned(), "version 3"),
            ("x".to_owned(), "JSON"),
        ] {
            assert!(check_cost(bad.as_bytes()).unwrap_err().contains(says), "{bad}");
        }
    }

    #[test]
    fn reads_keys_in_hexadecimal() {
        let key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        let address = Wallet::of_hexadecimal(&format!("0x{key}\n")).unwrap().address();
        assert_eq!(address, Wallet::of_hexadecimal(key).unwrap().address());
        for bad in ["", "0x", "0x12", &"0".repeat(64), &"z".repeat(64)] {
            assert!(Wallet::of_hexadecimal(bad).is_none(), "{bad}");
        }
    }
}
