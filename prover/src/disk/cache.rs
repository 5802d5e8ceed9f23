//! Where keys and structured reference strings are kept between runs.

use std::env;
use std::path::PathBuf;

use super::Error;

/// A folder for what can be made again.
#[derive(Clone, Debug)]
pub struct Cache(Option<PathBuf>);

impl Cache {
    /// In this folder, which is made when something is written there.
    pub fn at(folder: PathBuf) -> Self {
        Self(Some(folder))
    }

    /// `apodict/` below the user's cache folder, if the environment names one.
    pub fn of_user() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // The XDG specification has relative paths ignored.
        let cache = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
        let cache = cache.or_else(|| variable("HOME").map(|home| home.join(".cache")));
        Self(cache.map(|cache| cache.join("apodict")))
    }

    /// The folder.
    ///
    /// # Errors
    /// [`Error::NoCache`].
    pub fn folder(&self) -> Result<PathBuf, Error> {
        self.0.clone().ok_or(Error::NoCache)
    }

    /// Folder for the keys of the program with this digest on the string with that one.
    ///
    /// # Errors
    /// [`Error::NoCache`].
    pub fn keys(&self, program_digest: &[u8; 32], srs_digest: &[u8; 32]) -> Result<PathBuf, Error> {
        // Half a digest keeps names readable; what stands in the files is compared with the whole.
        let half = |digest: &[u8; 32]| hex::encode(digest.split_at(16).0);
        Ok(self.folder()?.join("keys").join(half(program_digest)).join(half(srs_digest)))
    }

    /// A file that is there if the pairings of the string's file with this digest held, of its first `2^k` powers or of all.
    pub(super) fn srs_verdict(&self, file_digest: &[u8; 32], k: Option<u32>) -> Result<PathBuf, Error> {
        let part = k.map_or("all".to_owned(), |k| k.to_string());
        Ok(self.folder()?.join("srs-checked").join(format!("{}-{part}", hex::encode(file_digest))))
    }

    /// The development string for `2^k` rows.
    pub(super) fn unsafe_srs(&self, k: u32) -> Result<PathBuf, Error> {
        Ok(self.folder()?.join("srs").join(format!("unsafe-{k}.srs")))
    }
}
