//! JSON that means one thing: no object has a key twice, of which one reader would take the first and another the last.

use std::collections::BTreeSet;
use std::fmt::{self, Formatter};

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The most keys of one object: more than any model has inputs.
const MAX_KEYS: usize = 10_000;

/// Reads JSON.
///
/// # Errors
/// It is no JSON, not what is expected, or has a key twice, at any depth.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    check(bytes)?;
    serde_json::from_slice(bytes)
}

/// That no object has a key twice.
///
/// # Errors
/// It is no JSON, or has a key twice, at any depth.
pub(super) fn check(bytes: &[u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<Distinct>(bytes).map(|_| ())
}

/// Any JSON whose objects have each key once.
struct Distinct;

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Distinct {
    type Value = Self;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice in one object")));
            }
            if keys.len() == MAX_KEYS {
                return Err(A::Error::custom(format_args!("an object has more than {MAX_KEYS} keys")));
            }
            keys.insert(key);
            map.next_value::<Self>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_once_at_every_depth() {
        for text in [
            r#"{"a": 1, "b": {"a": [1.5e3, -1, null, true, "a"]}}"#,
            "[]",
            "18446744073709551615",
            r#"[{"a": 1}, {"a": 2}]"#,
        ] {
            check(text.as_bytes()).unwrap();
        }
        for text in [r#"{"a": 1, "a": 1}"#, r#"[[{"b": {"a": 1, "\u0061": 2}}]]"#] {
            assert!(check(text.as_bytes()).unwrap_err().to_string().contains("\"a\" stands twice"), "{text}");
        }
        for text in ["", "{", "[1,]", "1 2", "{\"a\": 1} x"] {
            check(text.as_bytes()).unwrap_err();
        }
        let wide: Vec<_> = (0..=MAX_KEYS).map(|key| format!("\"{key}\":0")).collect();
        assert!(check(format!("{{{}}}", wide.join(",")).as_bytes()).unwrap_err().to_string().contains("more than"));
        // No deeper than the stack.
        check("[".repeat(100_000).as_bytes()).unwrap_err();
    }
}
