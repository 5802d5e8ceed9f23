//! What was sent to a chain, written before it is sent.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256};
use apodict_prover::disk::{self, Kind, PendingFile};
use serde::{Deserialize, Serialize};

use crate::Error;

const FORMAT: &str = "apodict-deployment";
const VERSION: u32 = 1;
const MAX_BYTES: u64 = 4 << 20;
const RECORD: Kind = Kind { what: "a deployment record", begins: b"", max_bytes: MAX_BYTES };
/// Behind the record's name: the file that is locked, as the record itself is replaced.
const LOCK: &str = ".lock";

/// A deployment record: a JSON file that is replaced as a whole, so that it never stands there half written.
///
/// It is a list of what was tried and under which name, no proof of anything: whoever reads it asks the chain.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    content: Content,
    /// Held by who writes, until it is dropped.
    lock: Option<File>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    version: u32,
    chain_id: u64,
    /// Tells two chains of one number apart.
    genesis: B256,
    sent: BTreeMap<String, Sent>,
}

/// A transaction, by what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// Who sent it.
    pub from: Address,
    /// Its hash.
    pub transaction: B256,
    /// Its place among the sender's.
    pub nonce: u64,
    /// What was sent in the same place before it, with other prices: any of these may be the one that gets into a block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<B256>,
    /// The most that a unit of gas may cost, in wei.
    pub max_fee: u128,
    /// Of which so much is tip.
    pub tip: u128,
    /// What it creates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Keccak-256 of the code there, once it was compared with what was compiled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_hash: Option<B256>,
}

impl Sent {
    /// All that may get into its place, the last one first.
    pub fn hashes(&self) -> impl Iterator<Item = B256> {
        std::iter::once(self.transaction).chain(self.earlier.iter().copied())
    }
}

impl Record {
    /// The record in this file, or an empty one if there is no file; never written.
    ///
    /// # Errors
    /// [`Error::Record`], [`Error::Disk`]; [`Error::ChainId`], [`Error::OtherGenesis`] if it is another chain's.
    pub fn open(path: &Path, chain_id: u64, genesis: B256) -> Result<Self, Error> {
        let Some(content) = read(path)? else {
            let (format, sent) = (FORMAT.to_owned(), BTreeMap::new());
            let content = Content { format, version: VERSION, chain_id, genesis, sent };
            return Ok(Self { path: path.to_owned(), content, lock: None });
        };
        if content.chain_id != chain_id {
            return Err(Error::ChainId { expected: content.chain_id, got: chain_id });
        }
        let path = path.to_owned();
        if content.genesis != genesis {
            return Err(Error::OtherGenesis { path, chain_id, expected: content.genesis, got: genesis });
        }
        Ok(Self { path, content, lock: None })
    }

    /// The same, written with each [`put`](Self::put). Nobody else may write it meanwhile: two would lose each other's entries.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Error::InUse`].
    pub fn open_to_write(path: &Path, chain_id: u64, genesis: B256) -> Result<Self, Error> {
        let mut name = path.as_os_str().to_owned();
        name.push(LOCK);
        let failed = |source| disk::Error::Write { path: PathBuf::from(&name), source };
        let lock = OpenOptions::new().create(true).append(true).open(&name).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { lock: Some(lock), ..Self::open(path, chain_id, genesis)? }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source).into()),
        }
    }

    /// Which chain a record is of, if there is one.
    ///
    /// # Errors
    /// [`Error::Record`], [`Error::Disk`].
    pub fn chain_id_of(path: &Path) -> Result<Option<u64>, Error> {
        Ok(read(path)?.map(|content| content.chain_id))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was sent under a name.
    pub fn sent(&self, name: &str) -> Option<&Sent> {
        self.content.sent.get(name)
    }

    /// The contract of a name.
    ///
    /// # Errors
    /// [`Error::NotDeployed`].
    pub fn address(&self, name: &str) -> Result<Address, Error> {
        let found = self.sent(name).filter(|sent| sent.code_hash.is_some()).and_then(|sent| sent.address);
        found.ok_or_else(|| Error::NotDeployed { name: name.to_owned(), path: self.path.clone() })
    }

    /// Every contract whose code was compared.
    pub fn contracts(&self) -> impl Iterator<Item = (&str, Address)> {
        let done = self.content.sent.iter().filter(|(_, sent)| sent.code_hash.is_some());
        done.filter_map(|(name, sent)| Some((name.as_str(), sent.address?)))
    }

    /// All that was sent in one place of an account, whatever for.
    pub(crate) fn hashes_at(&self, from: Address, nonce: u64) -> impl Iterator<Item = B256> {
        self.content.sent.values().filter(move |sent| (sent.from, sent.nonce) == (from, nonce)).flat_map(Sent::hashes)
    }

    /// Forgets what is not needed any more. It is gone from the file with the next [`put`](Self::put).
    pub(crate) fn retain(&mut self, needed: impl Fn(&str) -> bool) {
        self.content.sent.retain(|name, _| needed(name));
    }

    /// Keeps what is sent under a name, in place of what was, and writes the file.
    ///
    /// # Errors
    /// [`Error::Disk`], and [`Error::Record`] if the file would be larger than what is read.
    pub fn put(&mut self, name: &str, sent: Sent) -> Result<(), Error> {
        self.content.sent.insert(name.to_owned(), sent);
        if self.lock.is_none() {
            return Ok(());
        }
        let bad = |error: serde_json::Error| Error::Record { path: self.path.clone(), reason: error.to_string() };
        let json = serde_json::to_string_pretty(&self.content).map_err(bad)?;
        if json.len() as u64 >= MAX_BYTES {
            let reason = format!("with {name} it would have more than {MAX_BYTES} bytes");
            return Err(Error::Record { path: self.path.clone(), reason });
        }
        PendingFile::create(&self.path)?.commit_with(|file| Ok(writeln!(file, "{json}")?))?;
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Content>, Error> {
    // A link to nothing, or a folder that may not be entered, is not no record.
    if path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let bad = |reason: String| Error::Record { path: path.to_owned(), reason };
    let content: Content =
        serde_json::from_slice(&disk::read(path, &[RECORD])?).map_err(|error| bad(error.to_string()))?;
    if content.format != FORMAT || content.version != VERSION {
        return Err(bad(format!("it is {:?}, version {}", content.format, content.version)));
    }
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(address: u8, code_hash: Option<B256>) -> Sent {
        Sent {
            from: Address::ZERO,
            transaction: B256::repeat_byte(1),
            nonce: 3,
            earlier: Vec::new(),
            max_fee: 2,
            tip: 1,
            address: Some(Address::repeat_byte(address)),
            code_hash,
        }
    }

    #[test]
    fn keeps_what_was_sent_and_tells_chains_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deployment.json");
        let genesis = B256::repeat_byte(7);
        let open = |chain_id, genesis| Record::open(&path, chain_id, genesis);
        let mut record = Record::open_to_write(&path, 1, genesis).unwrap();
        let second = Record::open_to_write(&path, 1, genesis).unwrap_err();
        assert!(matches!(second, Error::InUse { .. }), "{second}");
        assert!(Record::chain_id_of(&path).unwrap().is_none());
        record.put("a", sent(1, None)).unwrap();
        record.put("b", sent(2, Some(B256::ZERO))).unwrap();

        let back = open(1, genesis).unwrap();
        assert_eq!(back.sent("a"), Some(&sent(1, None)));
        assert!(matches!(back.address("a"), Err(Error::NotDeployed { .. })), "sent, not seen on the chain");
        assert_eq!(back.address("b").unwrap(), Address::repeat_byte(2));
        assert_eq!(back.contracts().collect::<Vec<_>>(), [("b", Address::repeat_byte(2))]);
        assert!(matches!(open(2, genesis), Err(Error::ChainId { expected: 1, got: 2 })));
        assert!(matches!(open(1, B256::ZERO), Err(Error::OtherGenesis { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing half written stays beside the lock");
        drop(record);
        Record::open_to_write(&path, 1, genesis).unwrap();
    }

    #[test]
    fn never_grows_past_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deployment.json");
        let mut record = Record::open_to_write(&path, 1, B256::ZERO).unwrap();
        record.put("small", sent(1, None)).unwrap();
        let error = record.put(&"x".repeat(4 << 20), sent(2, None)).unwrap_err();
        assert!(error.to_string().contains("more than 4194304 bytes"), "too long to show");
        assert!(Record::open(&path, 1, B256::ZERO).unwrap().sent("small").is_some());
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_nothing_is_not_no_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deployment.json");
        std::os::unix::fs::symlink("unmounted/deployment.json", &path).unwrap();
        assert!(matches!(Record::open(&path, 1, B256::ZERO), Err(Error::Disk(_))));
    }

    #[test]
    fn refuses_files_that_are_no_records() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        for bad in
            ["", "{}", "[1]", r#"{"format":"apodict-deployment","version":2,"chain_id":1,"genesis":"0x00","sent":{}}"#]
        {
            std::fs::write(&path, bad).unwrap();
            let error = Record::open(&path, 1, B256::ZERO).unwrap_err();
            assert!(matches!(error, Error::Record { .. }), "{bad}: {error}");
        }
    }
}
