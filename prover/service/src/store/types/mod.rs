//! What goes into a store and comes out of it. Times are milliseconds since 1970.

/// An enum that stands in tables and answers by its name.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident, $what:literal, { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// How it is called.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = StoreError;

            fn from_str(text: &str) -> Result<Self, StoreError> {
                let found = Self::ALL.iter().find(|one| one.name() == text);
                found.copied().ok_or_else(|| StoreError::Unknown { what: $what, value: text.to_owned() })
            }
        }
    };
}

mod jobs;
mod keys;
mod models;
mod webhooks;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use jobs::*;
pub use keys::*;
pub use models::*;
pub use webhooks::*;

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database's own.
    #[error("the job store failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Tables that this build cannot use.
    #[error("the job store cannot be brought to this version: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Whoever was to write ended in the middle.
    #[error("the job store was not asked to the end")]
    Gone,
    /// Something in a table that this build did not write.
    #[error("the job store holds {what}, which this build does not know: {value}")]
    Unknown {
        /// What it should be.
        what: &'static str,
        /// What stands there.
        value: String,
    },
}

impl StoreError {
    /// Whether what was to be written breaks a rule of the tables: it will do so again.
    pub fn is_constraint(&self) -> bool {
        use sqlx::error::ErrorKind;
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        // Of Postgres, whose codes have five characters: what is no value of its type, as a text with a zero byte.
        let is_no_value = error.code().is_some_and(|code| code.len() == 5 && code.starts_with("22"));
        is_no_value
            || matches!(
                error.kind(),
                ErrorKind::UniqueViolation
                    | ErrorKind::ForeignKeyViolation
                    | ErrorKind::NotNullViolation
                    | ErrorKind::CheckViolation
            )
    }
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// A stable code, listed in `docs/service.md`.
    pub code: String,
    /// What is wrong and what to do, for people.
    pub detail: String,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what has a smaller `seq`.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: u32,
}
