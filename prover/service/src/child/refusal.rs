//! Why a child did not do what it was asked: the job's fault, or the machine's.

use std::io;

use apodict_circuits::escaped;
use apodict_prover::{Error, disk};

use super::{Reply, StoredFile};
use crate::artifacts::{ArtifactError, read_file};
use crate::codes;
use crate::ids::Digest;
use crate::store::JobError;

/// Why not.
pub(super) enum Refusal {
    /// It never works.
    Job(JobError),
    /// It may work later. The text names files of this machine: it is for whoever runs the server.
    Unavailable(String),
}

impl Refusal {
    pub(super) fn worker_failed(error: &dyn std::fmt::Display) -> Self {
        Self::Job(JobError { code: codes::WORKER_FAILED.to_owned(), detail: escaped(error).to_string() })
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Job(error) => Self::Failed(error),
            Refusal::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<JobError> for Refusal {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<disk::Error> for Refusal {
    fn from(error: disk::Error) -> Self {
        // No wait makes the string longer.
        if let disk::Error::Srs { source, .. } = &error
            && let Error::SrsTooSmall { got, needed } = **source
        {
            let detail = format!(
                "the model needs 2^{needed} rows, this server's structured reference string has 2^{got} powers: use a smaller model or \
                 batch, or another server"
            );
            return Self::Job(JobError { code: codes::MODEL_TOO_LARGE.to_owned(), detail });
        }
        match error {
            disk::Error::Prover(error @ Error::Memory { .. }) => {
                Self::Job(JobError { code: codes::OUT_OF_MEMORY.to_owned(), detail: error.to_string() })
            }
            disk::Error::Prover(error) => Self::worker_failed(&error),
            // Strings, caches and folders: whoever runs the server can mend them.
            error => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                Self::Unavailable(format!("{error}{cause}"))
            }
        }
    }
}

/// Reads a file that the server stored.
pub(super) fn read(file: &StoredFile) -> Result<Vec<u8>, Refusal> {
    read_file(&file.path, &Digest(file.digest)).map_err(|error| match error {
        ArtifactError::Folder(error) if error.kind() != io::ErrorKind::NotFound => {
            Refusal::Unavailable(format!("cannot read {}: {error}", file.path.display()))
        }
        _ => Refusal::Job(JobError {
            code: codes::INTERNAL.to_owned(),
            detail: "a stored file is lost or damaged: hand the model in again, or tell whoever runs this server"
                .to_owned(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_cannot_read_is_not_the_jobs_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = |content: &[u8]| StoredFile { path: path.clone(), digest: Digest::of(content).0 };
        let code = |refusal| match refusal {
            Err(Refusal::Job(error)) => Some(error.code),
            Err(Refusal::Unavailable(_)) => None,
            Ok(_) => panic!("read"),
        };
        assert_eq!(code(read(&file(b"hello"))).as_deref(), Some(codes::INTERNAL), "lost");
        std::fs::write(&path, b"hello").unwrap();
        assert!(read(&file(b"hello")).is_ok());
        assert_eq!(code(read(&file(b"hullo"))).as_deref(), Some(codes::INTERNAL), "damaged");
        let folder = StoredFile { path: folder.path().to_owned(), ..file(b"hello") };
        assert_eq!(code(read(&folder)), None, "no file, but it is there");
        let kinds = [
            (disk::Error::Prover(Error::Memory { needed: 2, limit: 1 }), Some(codes::OUT_OF_MEMORY)),
            (disk::Error::Prover(Error::KeyOfAnotherSrs), Some(codes::WORKER_FAILED)),
            (disk::Error::Io(io::ErrorKind::StorageFull.into()), None),
            (disk::Error::NoCache, None),
            (
                disk::Error::Srs { path: path.clone(), source: Error::SrsTooSmall { got: 16, needed: 17 }.into() },
                Some(codes::MODEL_TOO_LARGE),
            ),
            (disk::Error::Srs { path: path.clone(), source: Error::KeyOfAnotherSrs.into() }, None),
        ];
        for (error, expected) in kinds {
            assert_eq!(code(Err::<Vec<u8>, _>(error.into())).as_deref(), expected);
        }
    }
}
