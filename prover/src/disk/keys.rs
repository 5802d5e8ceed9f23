//! Keys and the structured reference string they stand on: read where they are, made where they are not.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use apodict_circuits::Program;
use apodict_verifier::{
    SrsOrigin, SrsPolicy,
    files::{Bytes32, KeyFile},
};

use super::{Cache, Error, PendingFile, make_folder};
use crate::{ProvingKey, SRS_MIN_K, Srs, SrsFile};

const PROVING_KEY: &str = "pk.bin";
const VERIFYING_KEY: &str = "vk.json";

/// What proves a program.
#[derive(Debug)]
pub struct Keys {
    /// The string that the keys were made with.
    pub srs: Srs,
    /// The proving key.
    pub proving: ProvingKey,
}

/// Where keys are.
#[derive(Clone, Debug)]
pub struct KeyFolder {
    path: PathBuf,
}

impl KeyFolder {
    /// The folder that the user names, else the one in the cache for this program on this string.
    ///
    /// # Errors
    /// [`Error::NoCache`].
    pub fn choose(named: Option<&Path>, cache: &Cache, program: &Program, srs: &Srs) -> Result<Self, Error> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => cache.keys(&program.digest(), &srs.digest())?,
        };
        Ok(Self { path })
    }

    /// The file of the proving key.
    pub fn proving_key(&self) -> PathBuf {
        self.path.join(PROVING_KEY)
    }

    /// The file of the verifying key.
    pub fn verifying_key(&self) -> PathBuf {
        self.path.join(VERIFYING_KEY)
    }

    /// Reads the keys, or makes them if there are none; a `vk.json` that stands there alone may be one that the user was given, and is
    /// compared. What a `pk.bin` commits to is believed, since proofs tell: it is not where a verifying key is made of it.
    ///
    /// # Errors
    /// [`Error`]: files that cannot be read, used or written.
    pub fn open(&self, program: &Program, srs: Srs) -> Result<Keys, Error> {
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
            Err(error) => return Err(Error::read(&path, error)),
        };
        let proving = ProvingKey::read(&mut BufReader::new(file), program, &srs)
            .map_err(|source| Error::ProvingKey { path, source: source.into() })?;
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
    fn compare(&self, keys: &Keys) -> Result<(), Error> {
        let path = self.verifying_key();
        let beside = apodict_verifier::files::read_key(&path)
            .map_err(|source| Error::VerifyingKey { path: path.clone(), source: source.into() })?;
        let (expected, got) = (Bytes32(keys.digest()), Bytes32(beside.digest()?));
        if expected != got {
            return Err(Error::KeysApart { path, expected, got });
        }
        Ok(())
    }

    /// Commits again to what keys that were read commit to: before others rely on them.
    ///
    /// # Errors
    /// [`Error::ProvingKey`].
    pub fn check(&self, program: &Program, keys: &Keys) -> Result<(), Error> {
        let checked = keys.proving.check(program, &keys.srs);
        checked.map_err(|source| Error::ProvingKey { path: self.proving_key(), source: source.into() })
    }

    /// Makes the keys, in place of those that may be there.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::Prover`].
    pub fn make(&self, program: &Program, srs: Srs) -> Result<Keys, Error> {
        make_folder(&self.path)?;
        let verifying_file = PendingFile::create(&self.verifying_key())?;
        let proving_file = PendingFile::create(&self.proving_key())?;
        let proving = ProvingKey::generate(program, &srs)?;
        let keys = Keys { srs, proving };
        self.write_verifying_key(verifying_file, &keys)?;
        proving_file.commit_with(|file| Ok(keys.proving.write(file)?))?;
        Ok(keys)
    }

    fn write_verifying_key(&self, file: PendingFile, keys: &Keys) -> Result<(), Error> {
        let json = KeyFile::new(keys.proving.verifying_key())?.to_json();
        file.commit(&json.map_err(|source| Error::VerifyingKey { path: self.verifying_key(), source: source.into() })?)
    }

    /// The size of the proving key's file, in bytes.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn proving_key_bytes(&self) -> Result<u64, Error> {
        let path = self.proving_key();
        Ok(std::fs::metadata(&path).map_err(|source| Error::read(&path, source))?.len())
    }
}

impl Keys {
    /// What to pin: [`apodict_verifier::VerifyingKey::digest`].
    pub fn digest(&self) -> [u8; 32] {
        self.proving.digest()
    }
}

/// The string that the user names, else one for development from the cache, made on first use: at least `2^k` powers, of the file
/// no more than that. If a digest is pinned, any other string is refused.
///
/// # Errors
/// [`Error::Srs`], [`Error::CachedSrs`], [`Error::OtherSrs`]; [`Error::NoCache`] without a file and a cache.
pub fn srs_for(k: u32, named: Option<&Path>, pinned: Option<&[u8; 32]>, cache: &Cache) -> Result<Srs, Error> {
    let srs = match named {
        Some(path) => read_srs(path, Some(k), cache)?,
        None => development_srs(k.max(SRS_MIN_K), cache)?,
    };
    check_pin(pinned, srs.digest())?;
    Ok(srs)
}

/// Refuses another string than the pinned one.
///
/// # Errors
/// [`Error::OtherSrs`].
pub fn check_pin(pinned: Option<&[u8; 32]>, digest: [u8; 32]) -> Result<(), Error> {
    match pinned {
        Some(pinned) if SrsPolicy::Ceremony(&[*pinned]).origin(&digest) == SrsOrigin::Unsafe => {
            Err(Error::OtherSrs { pinned: Bytes32(*pinned), got: Bytes32(digest) })
        }
        _ => Ok(()),
    }
}

fn development_srs(k: u32, cache: &Cache) -> Result<Srs, Error> {
    let path = cache.unsafe_srs(k)?;
    if !path.exists() {
        make_unsafe_srs(&path, k)?;
    }
    match read_srs(&path, None, cache) {
        // Of an earlier version: nobody else has it.
        Err(Error::Srs { source, .. }) if matches!(*source, crate::Error::File { .. }) => {
            fs::remove_file(&path).map_err(|source| Error::Write { path: path.clone(), source })?;
            make_unsafe_srs(&path, k)?;
            read_srs(&path, None, cache)
        }
        // Keys may have been made with it, or somebody else may write there: whose it is decides.
        Err(Error::Srs { source, .. }) if matches!(*source, crate::Error::SrsInconsistent(_)) => {
            Err(Error::CachedSrs { path, source })
        }
        read => read,
    }
}

fn make_unsafe_srs(path: &Path, k: u32) -> Result<(), Error> {
    path.parent().map_or(Ok(()), make_folder)?;
    let file = PendingFile::create(path)?;
    let srs = Srs::generate_unsafe(k)?;
    file.commit_if_new(|file| Ok(srs.write(file)?))
}

/// Reads a string's file, or its first `2^k` powers. Its pairings are checked, once for each file.
fn read_srs(path: &Path, k: Option<u32>, cache: &Cache) -> Result<Srs, Error> {
    // Without a cache there is nothing to remember a verdict in.
    let verdict = |digest: &[u8; 32]| cache.srs_verdict(digest, k).ok();
    let mut known = false;
    let file = File::open(path).map_err(|source| Error::read(path, source))?;
    let read = Srs::read_unless_known(&mut BufReader::new(file), k, |digest| {
        known = verdict(digest).is_some_and(|path| path.exists());
        known
    });
    let SrsFile { srs, file_digest } =
        read.map_err(|source| Error::Srs { path: path.to_owned(), source: source.into() })?;
    if !known && let Some(path) = verdict(&file_digest) {
        // If it cannot be remembered, the next run checks again.
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(path, "");
    }
    Ok(srs)
}

/// How a string's origin is called wherever it shows.
pub fn origin_name(origin: SrsOrigin) -> &'static str {
    match origin {
        SrsOrigin::Unsafe => "unsafe",
        SrsOrigin::Ceremony => "ceremony",
    }
}
