//! Artifacts that nothing names any more are removed.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::payload::{ARTIFACT, Facts};
use super::{Works, WorksError};
use crate::artifacts::{Collected, GRACE};
use crate::clock::milliseconds;
use crate::ids::Digest;
use crate::store::References;

impl Works {
    /// Removes artifacts that nothing names and that were stored long enough ago: an hour, or since the oldest job that runs was begun.
    ///
    /// # Errors
    /// The store's, or the artifacts'.
    pub async fn collect(&self) -> Result<Collected, WorksError> {
        let references = self.store.references().await?;
        let begun = references.oldest_begun_ms.map_or(0, |begun| self.clock.now_ms().saturating_sub(begun).max(0));
        let age = begun.saturating_add(milliseconds(GRACE));
        let collected = self.artifacts.collect(&named(&references), Duration::from_millis(age.unsigned_abs())).await?;
        if collected.files > 0 {
            tracing::info!(
                files = collected.files,
                bytes = collected.bytes,
                "artifacts that nothing names were removed"
            );
        }
        Ok(collected)
    }
}

/// All digests of artifacts. What else looks like one keeps a file that nobody needs, which does no harm.
fn named(references: &References) -> HashSet<Digest> {
    let mut named = HashSet::new();
    references.models.iter().for_each(|model| texts(model, &mut named));
    for facts in &references.deleted {
        // The proofs of a deleted model are verified with its key.
        match serde_json::from_value::<Facts>(facts.clone()) {
            Ok(facts) => named.extend(facts.verifying_key.parse::<Digest>().ok()),
            // Of another version: which of them is the key, is not known here.
            Err(_) => texts(facts, &mut named),
        }
    }
    for payload in &references.payloads {
        named.extend(payload.strip_prefix(ARTIFACT).and_then(|name| name.parse::<Digest>().ok()));
    }
    named.extend(references.proofs.iter().filter_map(|proof| proof.parse::<Digest>().ok()));
    named
}

fn texts(value: &Value, named: &mut HashSet<Digest>) {
    match value {
        Value::String(text) => named.extend(text.parse::<Digest>().ok()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, named)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What another version wrote loses no key of proofs.
    #[test]
    fn facts_that_cannot_be_read_keep_their_files() {
        let key = Digest([7; 32]);
        let deleted = vec![json!({"keys": {"verifying": key.to_string()}})];
        assert!(named(&References { deleted, ..References::default() }).contains(&key));
    }
}
