//! Other inputs from those that are there.

mod protobuf;

use crate::{Grammar, random::Random};

/// No input grows beyond.
const MOST_BYTES: usize = 1 << 16;

/// Numbers of note as they are written little-endian, as varints and as big words.
const NOTABLE: [&[u8]; 12] = [
    &[0],
    &[1],
    &[0x7f],
    &[0x80],
    &[0xff; 4],
    &[0xff; 8],
    &[0, 0, 0, 0x80],
    &[0, 0, 0, 0, 0, 0, 0, 0x80],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x80, 0x80, 0x80, 0x02],
    &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
];

/// What JSON readers stumble over.
const WORDS: [&str; 24] = [
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[[]]",
    "0",
    "-0",
    "-1",
    "1e999",
    "-1e-999",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "16777217",
    "1.5",
    "NaN",
    "\"\"",
    "\"0x\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "[",
    "]",
    ",",
];

/// A mutant of `input`; `other` is an input to take parts of.
pub(crate) fn mutate(input: &[u8], other: &[u8], grammar: Grammar, random: &mut Random) -> Vec<u8> {
    let mut mutant = input.to_vec();
    // Most often one change: more are more likely to be refused for the first.
    for _ in 0..1 + random.below(6) / 4 {
        mutant = match grammar {
            Grammar::Protobuf if random.below(8) != 0 => protobuf::mutate(&mutant, other, random),
            Grammar::Text if random.below(3) != 0 => mutate_text(&mutant, random),
            _ => mutate_bytes(&mutant, other, random),
        };
        mutant.truncate(MOST_BYTES);
    }
    mutant
}

fn mutate_bytes(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    if bytes.is_empty() {
        return other.to_vec();
    }
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(16)).min(bytes.len());
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes[at] = bytes[at].wrapping_add([1, 2, 255, 254][random.below(4)]),
        3 => {
            let notable = NOTABLE[random.below(NOTABLE.len())];
            let end = (at + notable.len()).min(bytes.len());
            bytes.splice(at..end, notable.iter().copied());
        }
        4 => drop(bytes.drain(at..end)),
        5 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        6 => bytes.truncate(at),
        7 => {
            // A part of another input in place of a part of this.
            let from = random.below(other.len());
            let to = (from + 1 + random.below(64)).min(other.len());
            bytes.splice(at..end, other.get(from..to).unwrap_or_default().iter().copied());
        }
        _ => {
            let copy = bytes[at..end].to_vec();
            let times = 1 << random.below(8);
            bytes.splice(at..at, copy.repeat(times));
        }
    }
    bytes
}

/// Replaces, doubles or removes what stands between two marks of JSON.
fn mutate_text(input: &[u8], random: &mut Random) -> Vec<u8> {
    let mark = |byte: u8| matches!(byte, b'[' | b']' | b'{' | b'}' | b',' | b':');
    let marks: Vec<usize> = (0..input.len()).filter(|at| mark(input[*at])).collect();
    let Some(&from) = random.pick(&marks) else { return WORDS[random.below(WORDS.len())].into() };
    let next = marks.iter().find(|at| **at > from).copied().unwrap_or(input.len());
    let mut text = input.to_vec();
    match random.below(5) {
        0 | 1 => drop(text.splice(from + 1..next, WORDS[random.below(WORDS.len())].bytes())),
        2 => drop(text.drain(from..next)),
        3 => {
            let copy = text[from..next].to_vec();
            text.splice(from..from, copy.repeat(1 << random.below(6)));
        }
        _ => {
            let (at, to) = (random.pick(&marks).copied().unwrap_or(0), random.pick(&marks).copied().unwrap_or(0));
            let copy = text[at.min(to)..at.max(to)].to_vec();
            text.splice(from..from, copy);
        }
    }
    text
}
