//! `vk.json`: a verifying key and how its instances are read.

use std::path::Path;

use apodict_verifier::{SrsOrigin, Verifier, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

use crate::failure::Failure;
use crate::files;
use crate::hexadecimal;
use crate::layout::Layout;

/// Raised when the meaning of a field changes.
const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    format: Format,
    version: u32,
    /// What the instances mean.
    pub(crate) layout: Layout,
    /// The key in the verifier's own format.
    #[serde(with = "hexadecimal::bytes")]
    key: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "apodict-key")]
    Key,
}

/// A key that can be used.
pub(crate) struct LoadedKey {
    pub(crate) verifier: Verifier,
    pub(crate) layout: Layout,
    /// [`KeyFile::digest`].
    pub(crate) digest: [u8; 32],
}

impl KeyFile {
    pub(crate) fn new(key: &VerifyingKey, layout: Layout) -> Result<Self, Failure> {
        Ok(Self { format: Format::Key, version: VERSION, layout, key: key.to_bytes()? })
    }

    pub(crate) fn read(path: &Path) -> Result<LoadedKey, Failure> {
        let malformed = |reason: String| Failure::Malformed { path: path.to_owned(), what: "a verifying key", reason };
        let file: Self = files::read_json(path, "a verifying key")?;
        if file.version != VERSION {
            return Err(Failure::FileVersion { path: path.to_owned(), expected: VERSION, got: file.version });
        }
        let key = VerifyingKey::from_bytes(&file.key).map_err(|error| malformed(error.to_string()))?;
        let described = file.layout.num_instances().map_err(malformed)?;
        if described != key.num_instances {
            let expected = key.num_instances;
            return Err(malformed(format!("its layout describes {described} instances, the key has {expected}")));
        }
        let digest = file.digest();
        let verifier = Verifier::new(key).map_err(|error| malformed(error.to_string()))?;
        Ok(LoadedKey { verifier, layout: file.layout, digest })
    }

    /// Keccak-256 of the key and the layout: who pins it pins what the proof says and how it is read.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Keccak256::new();
        hash.update(b"apodict-key-v1");
        hash.update((self.key.len() as u64).to_le_bytes());
        hash.update(&self.key);
        hash.update(self.layout.to_bytes());
        hash.finalize().into()
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Failure> {
        Ok(serde_json::to_vec_pretty(self)?)
    }
}

/// How an SRS is called wherever it shows.
pub(crate) fn origin_name(origin: SrsOrigin) -> &'static str {
    match origin {
        SrsOrigin::Unsafe => "unsafe",
        SrsOrigin::Ceremony => "ceremony",
    }
}
