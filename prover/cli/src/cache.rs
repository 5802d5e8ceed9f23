//! Where keys and structured reference strings are kept between runs.

use std::env;
use std::path::PathBuf;

use crate::failure::Failure;

/// `apodict/` below the user's cache folder.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The XDG specification has relative paths ignored.
    let cache = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let cache = cache.or_else(|| variable("HOME").map(|home| home.join(".cache"))).ok_or(Failure::NoCache)?;
    Ok(cache.join("apodict"))
}

/// Folder for the keys of the program with this digest on the string with that one.
pub(crate) fn keys(program_digest: &[u8; 32], srs_digest: &[u8; 32]) -> Result<PathBuf, Failure> {
    // Half a digest keeps names readable; what stands in the files is compared with the whole.
    let half = |digest: &[u8; 32]| hex::encode(digest.split_at(16).0);
    Ok(folder()?.join("keys").join(half(program_digest)).join(half(srs_digest)))
}

/// A file that is there if the pairings of the string's file with this digest held, of its first `2^k` powers or of all.
pub(crate) fn srs_verdict(file_digest: &[u8; 32], k: Option<u32>) -> Result<PathBuf, Failure> {
    let part = k.map_or("all".to_owned(), |k| k.to_string());
    Ok(folder()?.join("srs-checked").join(format!("{}-{part}", hex::encode(file_digest))))
}

/// The development string for `2^k` rows.
pub(crate) fn unsafe_srs(k: u32) -> Result<PathBuf, Failure> {
    Ok(folder()?.join("srs").join(format!("unsafe-{k}.srs")))
}
