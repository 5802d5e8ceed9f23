//! Names that nobody can guess, and digests.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use rand_core::{OsRng, RngCore};

/// What a name stands for, as its first letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// `job_`
    Job,
    /// `mdl_`
    Model,
    /// `prf_`
    Proof,
    /// `run_`: a process of the server.
    Run,
    /// `key_`: an API key, without its secret.
    Key,
    /// `msg_`: what a webhook sends.
    Message,
    /// `whs_`: a secret that webhooks are signed with, without its value.
    Secret,
}

/// A new name: 128 random bits after a prefix.
pub fn new_id(of: Named) -> String {
    let prefix = match of {
        Named::Job => "job",
        Named::Model => "mdl",
        Named::Proof => "prf",
        Named::Run => "run",
        Named::Key => "key",
        Named::Message => "msg",
        Named::Secret => "whs",
    };
    format!("{prefix}_{}", hex::encode(random::<16>()))
}

/// Bytes from the system's generator.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// A BLAKE3 digest: the name of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl Display for Digest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Digest {
    type Err = String;

    /// Reads 64 lower-case hexadecimal digits: one spelling for one digest.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        let read = hex::decode_to_slice(text, &mut bytes).is_ok();
        let digest = Self(bytes);
        if read && digest.to_string() == text {
            Ok(digest)
        } else {
            Err("expected 64 hexadecimal digits, in lower case".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let (one, two) = (new_id(Named::Job), new_id(Named::Job));
        assert!(one.starts_with("job_") && one.len() == 36 && one != two, "{one} {two}");
    }

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for wrong in [String::new(), digest.to_string().to_uppercase(), format!("{digest}0"), "../../etc".to_owned()] {
            wrong.parse::<Digest>().unwrap_err();
        }
    }
}
