//! How much gas a rendered verifier needs, read off its own text, and the check that it is there.
//!
//! # Statement
//! With `needed` gas left at the check, everything behind it runs, and every precompile gets what it asks for.
//!
//! # Why
//! Opcodes are counted from the text at their fixed prices, loops as often as they run, memory by its last word, and the
//! precompiles at Osaka's prices. What is left for the compiler to add are pushes, swaps and pops: each name and each
//! literal counts as one push, each assignment as a swap and a pop. A precompile gets at most 63/64 of what is left
//! (EIP-150), and the pairing comes last: a 63rd of its price on top is enough for it, and more than enough for the others,
//! which have the pairing's price behind them.
//!
//! On a chain with dearer precompiles a call can still fail: that is `PrecompileFailed`, which is not a rejection either.

use super::{
    Plan,
    code::{Code, Runs},
};
use std::fmt::Write;

/// Price of ECADD (EIP-1108).
const ECADD: u64 = 150;
/// Price of ECMUL (EIP-1108).
const ECMUL: u64 = 6_000;
/// Price of a pairing of two pairs (EIP-1108).
const PAIRING: u64 = 45_000 + 2 * 34_000;
/// Price of a modular exponentiation with 32-byte operands and an exponent of 254 bits (EIP-7883).
const MODEXP: u64 = 16 * 253;
/// A call to a precompile, which is always warm (EIP-2929).
const CALL: u64 = 100;
/// The first look at another account (EIP-2929).
const COLD_ACCOUNT: u64 = 2_600;
/// Dispatch and Solidity's own decoding of the heads, which no text here shows.
const DISPATCH: u64 = 1_000;

/// An upper bound: `fixed + per_instance * instances + per_log_row * k`, and memory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gas {
    fixed: u64,
    per_instance: u64,
    per_log_row: u64,
    /// Words of memory without the instances.
    memory_words: u64,
}

impl Gas {
    /// Of everything behind the check.
    pub(super) fn of(plan: &Plan<'_>, code: &Code) -> Self {
        // The first hash covers the transcript's first word and the first chunk besides the instances.
        let first_words = 1 + plan.chunks.first().map_or(0, |chunk| chunk.num_bytes() as u64 / 32);
        let mut gas = Self::of_text(code, first_words);
        gas.memory_words = plan.memory.end as u64 / 32 + first_words;
        // Memory's linear part; the check computes the quadratic one.
        gas.fixed += 3 * gas.memory_words + PAIRING.div_ceil(63);
        gas.per_instance += 3;
        gas
    }

    fn of_text(code: &Code, first_words: u64) -> Self {
        let mut gas = Self::default();
        for (text, runs) in code.statements() {
            let line = Line::read(text, first_words);
            match runs {
                Runs::Once => gas.fixed += line.fixed,
                Runs::PerInstance => gas.per_instance += line.fixed,
                Runs::PerLogRow => gas.per_log_row += line.fixed,
            }
            gas.per_instance += line.per_instance;
            if text.starts_with("for ") {
                // The condition once more, when it ends the loop.
                gas.fixed += line.fixed;
            }
        }
        gas
    }

    /// What the check asks for.
    pub(super) fn needed(&self, instances: u64, k: u64) -> u64 {
        let words = self.memory_words + instances;
        self.fixed + self.per_instance * instances + self.per_log_row * k + words * words / 512
    }

    /// The statements of the check, the key being loaded and its number of instances compared.
    pub(super) fn check(&self) -> Code {
        let mut code = Code::default();
        code.section("Gas: enough for all that follows, so that nothing below fails for want of it.");
        code.lines([
            "{".to_owned(),
            format!("let words := add(count, {:#x})", self.memory_words),
            "let needed := add(add(GAS_FIXED, mul(count, GAS_PER_INSTANCE)), add(mul(mload(KEY_LOG_ROWS), GAS_PER_LOG_ROW), shr(9, mul(words, words))))".into(),
            "if lt(gas(), needed) { refuseUnequal(ERROR_INSUFFICIENT_GAS, needed, gas()) }".into(),
            "}".into(),
        ]);
        code
    }

    /// The constants of the check.
    pub(super) fn constants(&self) -> String {
        let mut text = String::new();
        for (name, value) in
            [("GAS_FIXED", self.fixed), ("GAS_PER_INSTANCE", self.per_instance), ("GAS_PER_LOG_ROW", self.per_log_row)]
        {
            let _ = writeln!(text, "    uint256 private constant {name} = {value};");
        }
        text
    }
}

/// What runs before the check, for a cold key: an upper bound too. The check asks for all memory, as if there were none yet,
/// and by then the key stands in `memory_words` of it.
pub(super) fn before_the_check(decode: &Code, check: &Code, memory_words: u64) -> u64 {
    let memory = 3 * memory_words + memory_words * memory_words / 512;
    DISPATCH + Gas::of_text(decode, 0).fixed + Gas::of_text(check, 0).fixed + memory
}

/// The price of one line.
struct Line {
    fixed: u64,
    per_instance: u64,
}

impl Line {
    fn read(text: &str, first_words: u64) -> Self {
        // What refuses ends the call.
        let text = text.split("{ refuse").next().unwrap_or_default();
        let assignments = (text.matches(":=").count() as u64).saturating_sub(text.matches("let ").count() as u64);
        let mut line = Self { fixed: 5 * assignments, per_instance: 0 };
        for piece in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            let word = piece.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            line.fixed += match (word, piece.ends_with('(')) {
                ("", _) => 0,
                (operation, true) => line.operation(operation, text, first_words),
                // A variable is popped where its block ends.
                ("let", _) => 2,
                // ISZERO, PUSH, JUMPI, JUMPDEST; a loop jumps back besides.
                ("if", _) => 3 + 3 + 10 + 1,
                ("for", _) => 3 + 3 + 10 + 1 + 3 + 8 + 1,
                _ => 3,
            };
        }
        line
    }

    fn operation(&mut self, name: &str, text: &str, first_words: u64) -> u64 {
        match name {
            "mulmod" | "addmod" => 8,
            "mul" | "div" | "mod" => 5,
            "keccak256" => 30 + 6 * self.words(6, text, first_words),
            "calldatacopy" | "mcopy" => 3 + 3 * self.words(3, text, first_words),
            "extcodecopy" => CALL + 3 * self.words(3, text, first_words),
            "extcodehash" => COLD_ACCOUNT,
            "staticcall" => CALL + precompile(text),
            _ => 3,
        }
    }

    /// Words that an operation covers: its last argument if that is a literal; otherwise the instances and `first_words`.
    fn words(&mut self, price: u64, text: &str, first_words: u64) -> u64 {
        let last = text.trim_end().trim_end_matches(')').rsplit(", ").next().unwrap_or_default();
        match last.strip_prefix("0x").map(|digits| u64::from_str_radix(digits, 16)) {
            Some(Ok(bytes)) => bytes.div_ceil(32),
            _ => {
                self.per_instance += price;
                first_words
            }
        }
    }
}

/// The price of the precompile that a line calls.
fn precompile(text: &str) -> u64 {
    match text.split("staticcall(gas(), 0x0").nth(1).and_then(|rest| rest.chars().next()) {
        Some('5') => MODEXP,
        Some('6') => ECADD,
        Some('7') => ECMUL,
        _ => PAIRING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> (u64, u64) {
        let line = Line::read(text, 9);
        (line.fixed, line.per_instance)
    }

    #[test]
    fn opcodes_have_their_prices() {
        assert_eq!(price("let x := mload(X)"), (2 + 3 + 3 + 3, 0));
        assert_eq!(price("sum := addmod(sum, 7, r)"), (3 + 8 + 9 + 5, 0));
        assert_eq!(price("if iszero(ok) { refuse(ERROR) }"), (17 + 3 + 3, 0));
        assert_eq!(price("mcopy(ACC, KEY_G1, 0x40)"), (3 + 6 + 9, 0));
        assert_eq!(price("hash := keccak256(TRANSCRIPT, sub(add(tail, 0x100), TRANSCRIPT))").1, 6);
    }

    /// That of a key with many columns costs more than what is counted for the rest.
    #[test]
    fn memory_of_the_key_is_counted() {
        let before = |memory_words| before_the_check(&Code::default(), &Code::default(), memory_words);
        assert_eq!((before(0), before(1_024)), (DISPATCH, DISPATCH + 3 * 1_024 + 2 * 1_024));
    }

    #[test]
    fn precompiles_have_their_prices() {
        for (address, expected) in [(5, MODEXP), (6, ECADD), (7, ECMUL), (8, PAIRING)] {
            assert_eq!(precompile(&format!("ok := staticcall(gas(), 0x0{address}, 0x00, 0x60, 0x00, 0x20)")), expected);
        }
    }
}
