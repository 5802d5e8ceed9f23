//! Renders verifier contracts.
