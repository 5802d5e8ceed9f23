//! Domains of operators, and the versions of their operator sets that a model declares.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use tract_onnx::pb::OperatorSetIdProto;

use super::Error;

/// A domain whose operators are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Domain {
    /// ONNX's own, `ai.onnx`.
    Onnx,
    /// ONNX-ML, `ai.onnx.ml`: classical models.
    Ml,
}

impl Domain {
    /// The domain of this name, if it is known.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "" | "ai.onnx" => Some(Self::Onnx),
            "ai.onnx.ml" => Some(Self::Ml),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Onnx => "ai.onnx",
            Self::Ml => "ai.onnx.ml",
        }
    }

    /// The versions of its operator set that are supported.
    pub(super) fn supported(self) -> RangeInclusive<i64> {
        match self {
            Self::Onnx => super::OPSETS,
            Self::Ml => super::ML_OPSETS,
        }
    }

    /// An operator's name as messages have it.
    pub(super) fn qualify(self, operator: &str) -> String {
        match self {
            Self::Onnx => operator.to_owned(),
            Self::Ml => format!("{}:{operator}", self.name()),
        }
    }
}

/// The versions that a model declares, of the domains that are known.
#[derive(Clone, Debug)]
pub(super) struct Versions(BTreeMap<Domain, i64>);

impl Versions {
    /// Domains that are not known are passed over: a node of theirs is refused by its operator's name.
    pub(super) fn read(declared: &[OperatorSetIdProto]) -> Result<Self, Error> {
        let mut versions = BTreeMap::new();
        for set in declared {
            let Some(domain) = Domain::of(&set.domain) else { continue };
            if versions.insert(domain, set.version).is_some_and(|before| before != set.version) {
                let reason = format!("it imports more than one operator set of {}", domain.name());
                return Err(Error::NotOnnx { reason });
            }
        }
        Ok(Self(versions))
    }

    /// The version of a domain that a node uses.
    pub(super) fn of(&self, domain: Domain) -> Result<i64, Error> {
        let supported = domain.supported();
        match self.0.get(&domain) {
            Some(version) if supported.contains(version) => Ok(*version),
            version => Err(Error::Opset {
                domain: domain.name(),
                got: version.copied().unwrap_or(0),
                min: *supported.start(),
                max: *supported.end(),
            }),
        }
    }

    /// What the model declares for `domain`; `None` if nothing.
    pub(super) fn declared(&self, domain: Domain) -> Option<i64> {
        self.0.get(&domain).copied()
    }
}
