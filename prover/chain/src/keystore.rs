//! Encrypted keystores, version 3 of the Web3 Secret Storage Definition: scrypt or PBKDF2, AES-128 in counter mode, Keccak-256.

use aes::Aes128;
use aes::cipher::{KeyIvInit, StreamCipher};
use alloy_primitives::keccak256;
use ctr::Ctr128BE;
use serde::Deserialize;
use sha2::Sha256;

/// Memory that opening one may take: four times what is usual.
const MAX_SCRYPT_BYTES: u64 = 1 << 30;
/// scrypt's other factor of time.
const MAX_PARALLEL: u32 = 16;
/// Ten times what is usual.
const MAX_ITERATIONS: u32 = 10_000_000;
/// Of which the first half encrypts and the second one authenticates.
const DERIVED_BYTES: usize = 32;

#[derive(Deserialize)]
struct Keystore {
    version: u32,
    #[serde(alias = "Crypto")]
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParameters,
    ciphertext: String,
    #[serde(flatten)]
    derivation: Derivation,
    mac: String,
}

#[derive(Deserialize)]
struct CipherParameters {
    iv: String,
}

#[derive(Deserialize)]
#[serde(tag = "kdf", content = "kdfparams", rename_all = "lowercase")]
enum Derivation {
    Scrypt { n: u64, r: u32, p: u32, dklen: usize, salt: String },
    Pbkdf2 { c: u32, prf: String, dklen: usize, salt: String },
}

/// The private key in a keystore, or what is wrong.
pub(crate) fn decrypt(json: &[u8], password: &[u8]) -> Result<Vec<u8>, &'static str> {
    let Keystore { version, crypto } = serde_json::from_slice(json).map_err(|_| "it is no version 3 keystore")?;
    if version != 3 {
        return Err("it is no version 3 keystore");
    }
    let bytes = |text: &str| hex::decode(text).map_err(|_| "its fields are not hexadecimal");
    let derived = derive(&crypto.derivation, password)?;
    let (for_cipher, for_mac) = derived.split_at(16);
    let mut text = bytes(&crypto.ciphertext)?;
    let mac = keccak256([for_mac, &text].concat());
    // Whoever has the file can try passwords anyway: nothing is told by how long this takes.
    if mac.as_slice() != bytes(&crypto.mac)? {
        return Err("the password is another one, or the file is damaged");
    }
    if crypto.cipher != "aes-128-ctr" {
        return Err("its cipher is not aes-128-ctr");
    }
    let iv = bytes(&crypto.cipherparams.iv)?;
    let mut cipher =
        Ctr128BE::<Aes128>::new_from_slices(for_cipher, &iv).map_err(|_| "its initial vector has another length")?;
    cipher.apply_keystream(&mut text);
    Ok(text)
}

/// A keystore says itself how much work opening it is.
fn derive(derivation: &Derivation, password: &[u8]) -> Result<[u8; DERIVED_BYTES], &'static str> {
    const TOO_DEAR: &str = "opening it would take more memory or time than any keystore needs";
    let mut derived = [0; DERIVED_BYTES];
    let (dklen, salt) = match derivation {
        Derivation::Scrypt { dklen, salt, .. } | Derivation::Pbkdf2 { dklen, salt, .. } => (*dklen, salt),
    };
    if dklen != DERIVED_BYTES {
        return Err("it derives a key of another length than 32 bytes");
    }
    let salt = hex::decode(salt).map_err(|_| "its fields are not hexadecimal")?;
    match derivation {
        Derivation::Scrypt { n, r, p, .. } => {
            // scrypt's V takes n blocks of 128 r bytes, B takes p of them and T one.
            let of_blocks = |count: u64| count.saturating_mul((*r).into()).saturating_mul(128);
            let beside = of_blocks(u64::from(*p) + 1);
            if of_blocks(*n) > MAX_SCRYPT_BYTES || beside > MAX_SCRYPT_BYTES / 16 || *p > MAX_PARALLEL {
                return Err(TOO_DEAR);
            }
            let log_n =
                if n.is_power_of_two() { n.trailing_zeros() as u8 } else { return Err("its n is no power of two") };
            if u32::from(log_n) >= r.saturating_mul(16) {
                return Err(
                    "its n is too large for its r (RFC 7914: n < 2^(16 r)): write it again with r = 8, or with PBKDF2",
                );
            }
            let parameters =
                scrypt::Params::new(log_n, *r, *p, DERIVED_BYTES).map_err(|_| "its parameters are none of scrypt's")?;
            scrypt::scrypt(password, &salt, &parameters, &mut derived)
                .map_err(|_| "its parameters are none of scrypt's")?;
        }
        Derivation::Pbkdf2 { c, prf, .. } => {
            if *c > MAX_ITERATIONS {
                return Err(TOO_DEAR);
            }
            if prf != "hmac-sha256" || *c == 0 {
                return Err("its parameters are none of PBKDF2 with HMAC-SHA-256");
            }
            pbkdf2::pbkdf2_hmac::<Sha256>(password, &salt, *c, &mut derived);
        }
    }
    Ok(derived)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition's example with PBKDF2: password `testpassword`.
    const KEY: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    const PBKDF2: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",
        "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
        "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;
    /// The same key, written by cast 1.7.1 (`cast wallet import`).
    const SCRYPT: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"9c68ee77d5d9a8c9c1553ee81ed0f727"},
        "ciphertext":"c0a5a666e958cc532ce8f486e1eef00ffa970a59aece359ed5f6fd9ac2d3f994","kdf":"scrypt",
        "kdfparams":{"dklen":32,"n":8192,"p":1,"r":8,"salt":"676d4577f2828180d6c33f616528822bd98fa83c764fdb2eb234fe747bb7e181"},
        "mac":"2b0836c584ee76b52bbc67dd5a940922e852bf2fc1d3714211fff94e91da43ab"},"id":"e6fc44a3-f8c6-4f4e-b49d-46a88b6bc9aa","version":3}"#;

    #[test]
    fn opens_keystores_of_either_kind() {
        for keystore in [PBKDF2, SCRYPT, &SCRYPT.replace("\"crypto\"", "\"Crypto\"")] {
            assert_eq!(hex::encode(decrypt(keystore.as_bytes(), b"testpassword").unwrap()), KEY);
            let error = decrypt(keystore.as_bytes(), b"testpasswore").unwrap_err();
            assert!(error.contains("password"), "{error}");
        }
    }

    #[test]
    fn refuses_keystores_that_cost_too_much_or_are_none() {
        let changed = |keystore: &str, from: &str, to: &str| {
            assert!(keystore.contains(from), "{from}");
            decrypt(keystore.replace(from, to).as_bytes(), b"testpassword").unwrap_err()
        };
        for (error, says) in [
            (changed(SCRYPT, "\"n\":8192", "\"n\":1073741824"), "more memory"),
            (changed(SCRYPT, "\"n\":8192", "\"n\":8191"), "power of two"),
            (changed(SCRYPT, "\"n\":8192", "\"n\":0"), "power of two"),
            (changed(SCRYPT, "\"r\":8", "\"r\":4294967295"), "more memory"),
            (changed(SCRYPT, "\"n\":8192,\"p\":1,\"r\":8", "\"n\":262144,\"p\":8,\"r\":1"), "r = 8"),
            (changed(SCRYPT, "\"p\":1", "\"p\":4294967295"), "more memory"),
            (changed(SCRYPT, "\"n\":8192,\"p\":1,\"r\":8", "\"n\":2,\"p\":16,\"r\":4194304"), "more memory"),
            (changed(SCRYPT, "\"n\":8192,\"p\":1,\"r\":8", "\"n\":1,\"p\":1,\"r\":8388608"), "more memory"),
            (changed(PBKDF2, "\"c\":262144", "\"c\":4294967295"), "more memory"),
            (changed(PBKDF2, "\"c\":262144", "\"c\":0"), "PBKDF2"),
            (changed(PBKDF2, "hmac-sha256", "hmac-sha512"), "PBKDF2"),
            (changed(PBKDF2, "\"dklen\":32", "\"dklen\":31"), "32 bytes"),
            (changed(PBKDF2, "\"dklen\":32", "\"dklen\":99999999999"), "32 bytes"),
            (changed(PBKDF2, "aes-128-ctr", "aes-128-cbc"), "cipher"),
            (changed(PBKDF2, "6087dab2", ""), "initial vector"),
            (changed(PBKDF2, "6087dab2", "zz"), "hexadecimal"),
            (changed(PBKDF2, "\"version\":3", "\"version\":4"), "version 3"),
            (decrypt(b"{}", b"").unwrap_err(), "version 3"),
            (decrypt(b"", b"").unwrap_err(), "version 3"),
        ] {
            assert!(error.contains(says), "{error} should say {says}");
        }
    }
}
