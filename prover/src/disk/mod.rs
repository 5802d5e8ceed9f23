//! What a prover keeps on a disk: key folders, reference strings, and a cache of both. The command line and the service share it.

mod cache;
mod error;
mod files;
mod keys;

pub use cache::Cache;
pub use error::Error;
pub use files::{Buffer, Kind, PendingFile, make_folder, read};
pub use keys::{KeyFolder, Keys, check_pin, origin_name, srs_for};
