//! A server's folder: nobody else's, and one server's at a time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// What shows that a folder is a server's.
const LOCK: &str = "server.lock";
const JOBS: &str = "jobs.db";

/// Why a folder cannot be a server's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The system's.
    #[error("cannot use the folder {}: {source}", path.display())]
    System {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another server has it.
    #[error("another server uses the folder {}: stop it, or name another folder with --data", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// It has something else in it, and others may enter it.
    #[error(
        "the folder {} is in use for something else, and others may enter it: name one that is empty or new with --data",
        path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// There is no server's folder.
    #[error("there is no server's folder {}: `apodict serve` and `apodict api-key create` make one", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
}

/// A folder, without the right to be its server.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

/// A folder that is this process's as long as this lives; the system lets go of it when the process ends, however that ends.
#[derive(Debug)]
pub struct Held {
    /// The folder.
    pub folder: Folder,
    _lock: File,
}

impl Folder {
    /// Makes a folder that only its owner can enter, or takes one that is empty or a server's.
    ///
    /// # Errors
    /// [`FolderError::System`], [`FolderError::Foreign`].
    pub fn make(path: &Path) -> Result<Self, FolderError> {
        let system = |source| FolderError::System { path: path.to_owned(), source };
        let mut builder = std::fs::DirBuilder::new();
        // Inputs are in it.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(system)?;
        }
        match builder.create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => close_to_others(path)?,
            made => made.map_err(system)?,
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Takes a folder that is a server's.
    ///
    /// # Errors
    /// [`FolderError::Missing`].
    pub fn existing(path: &Path) -> Result<Self, FolderError> {
        if path.join(JOBS).is_file() {
            Ok(Self { path: path.to_owned() })
        } else {
            Err(FolderError::Missing { path: path.to_owned() })
        }
    }

    /// Becomes the folder's server.
    ///
    /// # Errors
    /// [`FolderError::Busy`], [`FolderError::System`].
    pub fn hold(self) -> Result<Held, FolderError> {
        let system = |source| FolderError::System { path: self.path.clone(), source };
        let file =
            File::options().create(true).truncate(false).write(true).open(self.path.join(LOCK)).map_err(system)?;
        match file.try_lock() {
            Ok(()) => Ok(Held { folder: self, _lock: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(FolderError::Busy { path: self.path }),
            Err(std::fs::TryLockError::Error(source)) => Err(system(source)),
        }
    }

    /// The database.
    pub fn jobs(&self) -> PathBuf {
        self.path.join(JOBS)
    }

    /// Files by digest.
    pub fn artifacts(&self) -> PathBuf {
        self.path.join("artifacts")
    }
}

/// Of a folder that is there, takes others' rights, unless it was made for something else.
#[cfg(unix)]
fn close_to_others(path: &Path) -> Result<(), FolderError> {
    use std::os::unix::fs::PermissionsExt;
    let system = |source| FolderError::System { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(system)?.permissions().mode();
    let mut entries = std::fs::read_dir(path).map_err(system)?;
    let is_ours = path.join(LOCK).exists() || path.join(JOBS).exists() || entries.next().is_none();
    match (mode & 0o077, is_ours) {
        (0, _) => Ok(()),
        (_, true) => std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(system),
        (_, false) => Err(FolderError::Foreign { path: path.to_owned() }),
    }
}

#[cfg(not(unix))]
fn close_to_others(_path: &Path) -> Result<(), FolderError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        let held = Folder::make(&path).unwrap().hold().unwrap();
        let busy = Folder::make(&path).unwrap().hold().unwrap_err();
        assert!(matches!(&busy, FolderError::Busy { path: named } if *named == path), "{busy}");
        assert!(busy.to_string().contains(path.to_str().unwrap()));
        drop(held);
        Folder::make(&path).unwrap().hold().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_of_others_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let open = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let (shared, empty, ours) = (open("shared"), open("empty"), open("ours"));
        std::fs::write(shared.join("letter.txt"), "").unwrap();
        std::fs::write(ours.join(JOBS), "").unwrap();
        assert!(matches!(Folder::make(&shared), Err(FolderError::Foreign { .. })));
        assert_eq!(mode(&shared), 0o755);
        Folder::make(&empty).unwrap();
        Folder::make(&ours).unwrap();
        Folder::make(&folder.path().join("new")).unwrap();
        assert_eq!([empty.clone(), ours.clone(), folder.path().join("new")].map(|path| mode(&path)), [0o700; 3]);
        Folder::existing(&ours).unwrap();
        assert!(matches!(Folder::existing(&empty), Err(FolderError::Missing { .. })));
        assert!(matches!(Folder::existing(&folder.path().join("none")), Err(FolderError::Missing { .. })));
        assert!(!folder.path().join("none").exists(), "nothing is made");
    }
}
