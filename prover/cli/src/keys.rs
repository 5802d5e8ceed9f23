//! Keys and the structured reference string they stand on: read where they are, made where they are not.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use apodict_circuits::Program;
use apodict_prover::{Error, ProvingKey, SRS_MIN_K, Srs, SrsFile};
use apodict_verifier::{
    SrsOrigin,
    files::{Bytes32, KeyFile},
};

use crate::arguments;
use crate::cache;
use crate::failure::Failure;
use crate::files::{self, PendingFile};

const PROVING_KEY: &str = "pk.bin";
const VERIFYING_KEY: &str = "vk.json";

/// What proves a program.
pub(crate) struct Keys {
    pub(crate) srs: Srs,
    pub(crate) proving: ProvingKey,
}

/// Where keys are.
pub(crate) struct KeyFolder {
    path: PathBuf,
}

impl KeyFolder {
    /// The folder that the user names, else the one in the cache for this program on this string.
    pub(crate) fn choose(named: Option<&Path>, program: &Program, srs: &Srs) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => cache::keys(&program.digest(), &srs.digest())?,
        };
        Ok(Self { path })
    }

    pub(crate) fn proving_key(&self) -> PathBuf {
        self.path.join(PROVING_KEY)
    }

    pub(crate) fn verifying_key(&self) -> PathBuf {
        self.path.join(VERIFYING_KEY)
    }

    /// Reads the keys, or makes them if there are none; a `vk.json` that stands there alone may be one that the user was given, and is
    /// compared. What a `pk.bin` commits to is believed, since proofs tell: it is not where a verifying key is made of it.
    pub(crate) fn open(&self, program: &Program, srs: Srs) -> Result<Keys, Failure> {
        let path = self.proving_key();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if !self.verifying_key().exists() {
                    return self.make(program, srs);
                }
                let proving_file = PendingFile::create(&path)?;
                let proving = ProvingKey::generate(program, &srs)?;
                let keys = Keys { srs, proving };
                self.compare(&keys)?;
                proving_file.commit_with(|file| Ok(keys.proving.write(file)?))?;
                return Ok(keys);
            }
            Err(error) => return Err(Failure::read(&path, error)),
        };
        let proving = ProvingKey::read(&mut BufReader::new(file), program, &srs)
            .map_err(|source| Failure::ProvingKey { path, source })?;
        let keys = Keys { srs, proving };
        let path = self.verifying_key();
        if !path.exists() {
            self.check(program, &keys)?;
            self.write_verifying_key(PendingFile::create(&path)?, &keys)?;
            return Ok(keys);
        }
        self.compare(&keys)?;
        Ok(keys)
    }

    /// Refuses a `vk.json` that is not these keys'.
    fn compare(&self, keys: &Keys) -> Result<(), Failure> {
        let path = self.verifying_key();
        let beside = apodict_verifier::files::read_key(&path)
            .map_err(|source| Failure::VerifyingKey { path: path.clone(), source })?;
        let (expected, got) = (Bytes32(keys.digest()), Bytes32(beside.digest()?));
        if expected != got {
            return Err(Failure::KeysApart { path, expected, got });
        }
        Ok(())
    }

    /// Commits again to what keys that were read commit to: before others rely on them.
    pub(crate) fn check(&self, program: &Program, keys: &Keys) -> Result<(), Failure> {
        let checked = keys.proving.check(program, &keys.srs);
        checked.map_err(|source| Failure::ProvingKey { path: self.proving_key(), source })
    }

    /// Makes the keys, in place of those that may be there.
    pub(crate) fn make(&self, program: &Program, srs: Srs) -> Result<Keys, Failure> {
        files::make_folder(&self.path)?;
        let verifying_file = PendingFile::create(&self.verifying_key())?;
        let proving_file = PendingFile::create(&self.proving_key())?;
        let proving = ProvingKey::generate(program, &srs)?;
        let keys = Keys { srs, proving };
        self.write_verifying_key(verifying_file, &keys)?;
        proving_file.commit_with(|file| Ok(keys.proving.write(file)?))?;
        Ok(keys)
    }

    fn write_verifying_key(&self, file: PendingFile, keys: &Keys) -> Result<(), Failure> {
        let json = KeyFile::new(keys.proving.verifying_key())?.to_json();
        file.commit(&json.map_err(|source| Failure::VerifyingKey { path: self.verifying_key(), source })?)
    }

    /// The size of the proving key's file.
    pub(crate) fn proving_key_bytes(&self) -> Result<u64, Failure> {
        let path = self.proving_key();
        Ok(std::fs::metadata(&path).map_err(|source| Failure::read(&path, source))?.len())
    }
}

impl Keys {
    /// What to pin: [`apodict_verifier::VerifyingKey::digest`].
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.proving.digest()
    }
}

/// The string that the user names, else one for development from the cache, made on first use.
pub(crate) fn srs_for(program: &Program, named: &arguments::SrsFile) -> Result<Srs, Failure> {
    let k = program.plan().k;
    let srs = match &named.path {
        Some(path) => read_srs(path, Some(k))?,
        None => {
            let path = cache::unsafe_srs(k.max(SRS_MIN_K))?;
            if !path.exists() {
                make_unsafe_srs(&path, k.max(SRS_MIN_K))?;
            }
            match read_srs(&path, None) {
                // Of an earlier version: nobody else has it.
                Err(Failure::Srs { source: Error::File { .. }, .. }) => {
                    fs::remove_file(&path).map_err(|source| Failure::Write { path: path.clone(), source })?;
                    make_unsafe_srs(&path, k.max(SRS_MIN_K))?;
                    read_srs(&path, None)?
                }
                // Keys may have been made with it, or somebody else may write there: whose it is decides.
                Err(Failure::Srs { source: source @ Error::SrsInconsistent(_), .. }) => {
                    return Err(Failure::CachedSrs { path, source });
                }
                read => read?,
            }
        }
    };
    named.pin.check(srs.digest())?;
    Ok(srs)
}

fn make_unsafe_srs(path: &Path, k: u32) -> Result<(), Failure> {
    files::make_folder(&cache::folder()?.join("srs"))?;
    let file = PendingFile::create(path)?;
    let srs = Srs::generate_unsafe(k)?;
    file.commit_if_new(|file| Ok(srs.write(file)?))
}

/// Reads a string's file, or its first `2^k` powers. Its pairings are checked, once for each file.
fn read_srs(path: &Path, k: Option<u32>) -> Result<Srs, Failure> {
    // Without a cache there is nothing to remember a verdict in.
    let verdict = |digest: &[u8; 32]| cache::srs_verdict(digest, k).ok();
    let mut known = false;
    let file = File::open(path).map_err(|source| Failure::read(path, source))?;
    let read = Srs::read_unless_known(&mut BufReader::new(file), k, |digest| {
        known = verdict(digest).is_some_and(|path| path.exists());
        known
    });
    let SrsFile { srs, file_digest } = read.map_err(|source| Failure::Srs { path: path.to_owned(), source })?;
    if !known && let Some(path) = verdict(&file_digest) {
        // If it cannot be remembered, the next run checks again.
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(path, "");
    }
    Ok(srs)
}

/// How a string's origin is called wherever it shows.
pub(crate) fn origin_name(origin: SrsOrigin) -> &'static str {
    match origin {
        SrsOrigin::Unsafe => "unsafe",
        SrsOrigin::Ceremony => "ceremony",
    }
}
