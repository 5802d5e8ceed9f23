//! Bytes as `0x` and lower-case hexadecimal digits.

use serde::{Deserialize, Deserializer, Serializer, de};

/// `0x..`
pub(crate) fn format_bytes(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Reads `0x..`, of any even number of digits.
pub(crate) fn parse_bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.strip_prefix("0x").ok_or("expected hexadecimal digits after 0x")?;
    hex::decode(digits).map_err(|error| error.to_string())
}

/// Reads `0x` and 64 digits.
pub(crate) fn parse_bytes32(text: &str) -> Result<[u8; 32], String> {
    let bytes = parse_bytes(text)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| format!("expected 32 bytes, got {length}"))
}

/// For `#[serde(with = ..)]` on bytes of any length.
pub(crate) mod bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_bytes(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        parse_bytes(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// 32 bytes that are written as `0x` and 64 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes32(pub(crate) [u8; 32]);

impl serde::Serialize for Bytes32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_bytes(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_bytes32(&String::deserialize(deserializer)?).map(Self).map_err(de::Error::custom)
    }
}

impl std::fmt::Display for Bytes32 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&format_bytes(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_32_bytes() {
        let right = format!("0x{}", "0a".repeat(32));
        assert_eq!(parse_bytes32(&right), Ok([10; 32]));
        for wrong in [&right[2..], &right[..64], "0x", "0xzz", "", &format!("{right}00")] {
            parse_bytes32(wrong).unwrap_err();
        }
    }
}
