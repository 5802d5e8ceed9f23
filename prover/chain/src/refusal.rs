//! Why a contract refused: the named errors of `solidity/`, with their values.

use std::fmt::{self, Display, Formatter};
use std::sync::OnceLock;

use alloy_dyn_abi::{DynSolValue, JsonAbiExt};

/// The errors of all contracts that are deployed, as an ABI: what `cargo xtask contracts bless` found in them.
const ERRORS: &str = include_str!("../../../solidity/artifacts/errors.abi.json");
/// `Error(string)` and `Panic(uint256)` are the language's own.
const OF_SOLIDITY: &str = r#"[
  {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
  {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]}
]"#;

/// What a call reverted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As in the contract's source; `None` for data that no error of these contracts has.
    pub name: Option<String>,
    /// Names and values of its fields.
    pub fields: Vec<(String, String)>,
    /// As it came.
    pub data: Vec<u8>,
}

impl Refusal {
    /// Reads the data of a revert.
    pub fn of(data: &[u8]) -> Self {
        let unknown = || Self { name: None, fields: Vec::new(), data: data.to_vec() };
        let Some((selector, body)) = data.split_first_chunk::<4>() else { return unknown() };
        let Some(error) = errors().iter().find(|error| error.selector() == *selector) else { return unknown() };
        let Ok(values) = error.abi_decode_input(body) else { return unknown() };
        let name_of = |(at, input): (usize, &alloy_json_abi::Param)| {
            if input.name.is_empty() { at.to_string() } else { input.name.trim_end_matches('_').to_owned() }
        };
        let names = error.inputs.iter().enumerate().map(name_of);
        let fields = names.zip(values.iter().map(spelled)).collect();
        Self { name: Some(error.name.clone()), fields, data: data.to_vec() }
    }

    /// What to do about it, where that is known.
    pub(crate) fn advice(&self) -> Option<String> {
        let advice = match self.name.as_deref()? {
            "NonceUsed" => {
                "the subject's next decision has another number: `apodict chain context` prints it, and what to prove for"
            }
            "Expired" => "prove again with a later deadline",
            "TooEarly" | "NotNewer" => "observe later: the policy's interval is between observations",
            "SupersededRound" | "StaleValue" => "bind the last rounds of a later time, and prove again",
            "UnsafeModel" => "make the model's key with a ceremony's string",
            "AccessManagedUnauthorized" | "AccessManagerUnauthorizedAccount" => {
                "sign with the account that has the role, or let it schedule the call"
            }
            "InsufficientGas" | "PrecompileFailed" => "this says nothing about the proof: try again with more gas",
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

impl Display for Refusal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => {
                let fields: Vec<_> = self.fields.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                write!(formatter, "{name}({})", fields.join(", "))
            }
            None if self.data.is_empty() => formatter.write_str("it reverts without saying why"),
            None => write!(formatter, "it reverts with 0x{}", hex::encode(self.data.get(..36).unwrap_or(&self.data))),
        }
    }
}

fn errors() -> &'static [alloy_json_abi::Error] {
    static ERRORS_OF_ALL: OnceLock<Vec<alloy_json_abi::Error>> = OnceLock::new();
    ERRORS_OF_ALL.get_or_init(|| {
        let read = |json| serde_json::from_str::<Vec<alloy_json_abi::Error>>(json).unwrap_or_default();
        [read(ERRORS), read(OF_SOLIDITY)].concat()
    })
}

fn spelled(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(value) => value.to_string(),
        DynSolValue::Int(value, _) => value.to_string(),
        DynSolValue::Uint(value, _) => value.to_string(),
        DynSolValue::FixedBytes(word, size) => format!("0x{}", hex::encode(word.get(..*size).unwrap_or_default())),
        DynSolValue::Address(value) => value.to_string(),
        DynSolValue::Bytes(value) => format!("0x{}", hex::encode(value)),
        DynSolValue::String(value) => format!("{value:?}"),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_errors_of_contracts_and_of_the_language() {
        assert!(errors().len() > 60, "the committed list is read");
        let nonce = errors().iter().find(|error| error.name == "NonceUsed").unwrap();
        let mut data = nonce.selector().to_vec();
        data.extend([0; 31].into_iter().chain([1]).chain([0; 32]));
        assert_eq!(Refusal::of(&data).to_string(), "NonceUsed(expected = 1, got = 0)");
        let panic = hex::decode(format!("4e487b71{:064x}", 0x11)).unwrap();
        assert_eq!(Refusal::of(&panic).to_string(), "Panic(code = 17)");
        let message = format!("08c379a0{:064x}{:064x}{:0<64}", 32, 2, hex::encode("no"));
        assert_eq!(Refusal::of(&hex::decode(message).unwrap()).to_string(), "Error(message = \"no\")");
    }

    #[test]
    fn says_of_unknown_data_that_it_is_unknown() {
        assert_eq!(Refusal::of(&[]).to_string(), "it reverts without saying why");
        for data in [&[1, 2][..], &[0xde, 0xad, 0xbe, 0xef], &[0xff; 100]] {
            let refusal = Refusal::of(data);
            assert_eq!(refusal.name, None);
            assert!(refusal.to_string().len() < 110, "{refusal}");
        }
        // A known error with too little behind it.
        let panic = hex::decode("4e487b71").unwrap();
        assert_eq!(Refusal::of(&panic).name, None);
    }
}
