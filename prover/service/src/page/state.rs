//! What the page's handlers share, and what every page shows.

use std::sync::Arc;

use super::session::{Sessions, Visitor};
use crate::api::App;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct PageState {
    pub(super) app: App,
    pub(super) sessions: Arc<Sessions>,
}

/// Where a page belongs in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Jobs,
    Models,
    /// A proof, which stands in no list.
    Proof,
}

/// What stands around a page.
pub(super) struct Frame {
    pub(super) section: Section,
    pub(super) tenant: String,
    /// For its forms.
    pub(super) token: String,
    pub(super) version: &'static str,
}

impl Frame {
    pub(super) fn new(visitor: &Visitor, section: Section) -> Self {
        Self {
            section,
            tenant: visitor.caller.tenant.clone(),
            token: visitor.form_token(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn is(&self, section: &str) -> bool {
        matches!((self.section, section), (Section::Jobs, "jobs") | (Section::Models, "models"))
    }

    /// For the menu's `aria-current`.
    pub(super) fn current(&self, section: &str) -> &'static str {
        if self.is(section) { "page" } else { "false" }
    }
}
