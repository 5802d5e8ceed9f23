//! Bytes as `0x` and lower-case hexadecimal digits.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `0x..`
pub fn format_bytes(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Reads `0x..`, of any even number of digits.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.strip_prefix("0x").ok_or("expected hexadecimal digits after 0x")?;
    hex::decode(digits).map_err(|error| error.to_string())
}

/// Reads `0x` and 64 digits.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_bytes32(text: &str) -> Result<[u8; 32], String> {
    let bytes = parse_bytes(text)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| format!("expected 32 bytes, got {length}"))
}

/// As they are written: in a file, bytes have one spelling.
fn written<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, String> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Err("expected hexadecimal digits in lower case".to_string()),
        false => parse(text),
    }
}

/// For `#[serde(with = ..)]` on bytes of any length.
pub(super) mod bytes {
    use super::{Deserialize, Deserializer, Serializer, String, Vec, de, format_bytes, parse_bytes, written};

    pub(in super::super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_bytes(bytes))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        written(&String::deserialize(deserializer)?, parse_bytes).map_err(de::Error::custom)
    }
}

/// 32 bytes that are written as `0x` and 64 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes32(pub [u8; 32]);

impl Serialize for Bytes32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_bytes(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        written(&String::deserialize(deserializer)?, parse_bytes32).map(Self).map_err(de::Error::custom)
    }
}

impl fmt::Display for Bytes32 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format_bytes(&self.0))
    }
}
