//! Tests of import: known answers per operator and operator set, refusals, damaged files.

mod damaged;
mod operators;
mod refusals;
mod structure;

use super::fixture::{Dim, Fixture};
use super::{Error, ImportOptions, Model, import};

fn import_default(fixture: &Fixture) -> Result<Model, Error> {
    import(&fixture.bytes(), &ImportOptions::default())
}
