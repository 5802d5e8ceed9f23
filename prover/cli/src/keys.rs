//! Keys and the structured reference string they stand on: read where they are, made where they are not.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use apodict_circuits::Program;
use apodict_prover::{Error, ProvingKey, SRS_MIN_K, Srs};
use apodict_verifier::SrsOrigin;

use crate::cache;
use crate::failure::Failure;
use crate::files::{self, PendingFile};
use crate::key_file::KeyFile;
use crate::program;

const PROVING_KEY: &str = "pk.bin";
const VERIFYING_KEY: &str = "vk.json";

/// What proves a program.
pub(crate) struct Keys {
    pub(crate) srs: Srs,
    pub(crate) proving: ProvingKey,
    pub(crate) file: KeyFile,
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

    /// Reads the keys, or makes them if there are none. What a `pk.bin` commits to is believed, since proofs tell: it is not where
    /// a verifying key is made of it.
    pub(crate) fn open(&self, program: &Program, srs: Srs) -> Result<Keys, Failure> {
        let path = self.proving_key();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return self.make(program, srs),
            Err(error) => return Err(Failure::read(&path, error)),
        };
        let proving = ProvingKey::read(&mut BufReader::new(file), program, &srs)
            .map_err(|source| Failure::ProvingKey { path, source })?;
        let keys = Keys::new(program, srs, proving)?;
        if !self.verifying_key().exists() {
            self.check(program, &keys)?;
            PendingFile::create(&self.verifying_key())?.commit(&keys.file.to_json()?)?;
        }
        Ok(keys)
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
        let keys = Keys::new(program, srs, proving)?;
        verifying_file.commit(&keys.file.to_json()?)?;
        proving_file.commit_with(|file| Ok(keys.proving.write(file)?))?;
        Ok(keys)
    }

    /// The size of the proving key's file.
    pub(crate) fn proving_key_bytes(&self) -> Result<u64, Failure> {
        let path = self.proving_key();
        Ok(std::fs::metadata(&path).map_err(|source| Failure::read(&path, source))?.len())
    }
}

impl Keys {
    /// Keys that stand in no file.
    pub(crate) fn new(program: &Program, srs: Srs, proving: ProvingKey) -> Result<Self, Failure> {
        let file = KeyFile::new(proving.verifying_key(), program::layout(program))?;
        Ok(Self { srs, proving, file })
    }

    pub(crate) fn origin(&self) -> SrsOrigin {
        self.proving.verifying_key().srs.origin
    }
}

/// The string that the user names, else one for development from the cache, made on first use.
pub(crate) fn srs_for(program: &Program, named: Option<&Path>) -> Result<Srs, Failure> {
    let k = program.plan().k;
    if let Some(path) = named {
        return read_srs(path, |reader| Srs::read_cut_to(reader, k));
    }
    let path = cache::unsafe_srs(k.max(SRS_MIN_K))?;
    if !path.exists() {
        files::make_folder(&cache::folder()?.join("srs"))?;
        let file = PendingFile::create(&path)?;
        let srs = Srs::generate_unsafe(k.max(SRS_MIN_K))?;
        file.commit_if_new(|file| Ok(srs.write(file)?))?;
    }
    read_srs(&path, Srs::read)
}

/// Reads a string's file, or the part of it that `read` takes.
pub(crate) fn read_srs(
    path: &Path,
    read: impl FnOnce(&mut BufReader<File>) -> Result<Srs, Error>,
) -> Result<Srs, Failure> {
    let file = File::open(path).map_err(|source| Failure::read(path, source))?;
    read(&mut BufReader::new(file)).map_err(|source| Failure::Srs { path: path.to_owned(), source })
}
