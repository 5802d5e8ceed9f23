//! Mutants whose fields keep their lengths: what is changed inside a message changes the lengths of all around it.

use super::{NOTABLE, mutate_bytes};
use crate::random::Random;

/// Deeper than any message of ONNX that is of interest.
const DEEPEST: usize = 8;

/// A field with its number and wire type, as one varint.
#[derive(Clone)]
struct Field {
    tag: u64,
    content: Vec<u8>,
}

impl Field {
    fn has_length(&self) -> bool {
        self.tag & 7 == 2
    }
}

/// A mutant of a message; `other` is one to take fields of.
pub(super) fn mutate(message: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    match mutate_message(message, other, DEEPEST, random) {
        Some(mutant) => mutant,
        None => mutate_bytes(message, other, random),
    }
}

fn mutate_message(message: &[u8], other: &[u8], depth: usize, random: &mut Random) -> Option<Vec<u8>> {
    let mut fields = parse(message)?;
    if fields.is_empty() {
        return None;
    }
    let at = random.below(fields.len());
    let field = &mut fields[at];
    // The same field of another message, to look into side by side.
    let others = parse(other).unwrap_or_default();
    let same: Vec<&Field> = others.iter().filter(|other| other.tag == field.tag).collect();
    let counterpart = random.pick(&same).map(|field| field.content.clone()).unwrap_or_default();
    if field.has_length()
        && depth > 0
        && random.below(8) != 0
        && let Some(content) = mutate_message(&field.content, &counterpart, depth - 1, random)
    {
        field.content = content;
        return Some(write(&fields));
    }
    match random.below(8) {
        0 => drop(fields.remove(at)),
        1 => {
            let copy = fields[at].clone();
            fields.insert(random.below(fields.len() + 1), copy);
        }
        2 => {
            let to = random.below(fields.len());
            fields.swap(at, to);
        }
        3 if !counterpart.is_empty() => fields[at].content = counterpart,
        4 if !others.is_empty() => fields.extend(random.pick(&others).cloned()),
        5 => fields[at].tag = fields[at].tag & 7 | (1 + random.below(24) as u64) << 3,
        _ if fields[at].has_length() => fields[at].content = mutate_bytes(&fields[at].content, &counterpart, random),
        _ => {
            let notable = NOTABLE[random.below(NOTABLE.len())];
            fields[at].content = match fields[at].tag & 7 {
                0 if random.below(2) == 0 => varint(random.next() >> random.below(64)),
                0 => varint(read_varint(notable).map_or(u64::MAX, |(value, _)| value)),
                1 => random.next().to_le_bytes().to_vec(),
                _ => {
                    [0f32, -1.0, 1e-30, 1e30, f32::NAN, f32::INFINITY, 0.5, 3.0][random.below(8)].to_le_bytes().to_vec()
                }
            };
        }
    }
    Some(write(&fields))
}

/// The fields of a message, if it is one to its end.
fn parse(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (tag, rest) = read_varint(bytes)?;
        if tag >> 3 == 0 {
            return None;
        }
        let (length, rest) = match tag & 7 {
            0 => (rest.len() - read_varint(rest)?.1.len(), rest),
            1 => (8, rest),
            2 => {
                let (length, rest) = read_varint(rest)?;
                (usize::try_from(length).ok()?, rest)
            }
            5 => (4, rest),
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        fields.push(Field { tag, content: content.to_vec() });
        bytes = rest;
    }
    Some(fields)
}

fn write(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in fields {
        bytes.extend(varint(field.tag));
        if field.has_length() {
            bytes.extend(varint(field.content.len() as u64));
        }
        bytes.extend_from_slice(&field.content);
    }
    bytes
}

fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * at as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[test]
fn what_is_parsed_is_written_the_same() {
    // A message of a number and of a message that holds a word, a double and a float.
    let inner = [&[0x0a, 2, b'h', b'i', 0x11][..], &1.5f64.to_le_bytes(), &[0x1d], &2.5f32.to_le_bytes()].concat();
    let message = [&[0x08, 0x96, 0x01, 0x12, inner.len() as u8][..], &inner].concat();
    let fields = parse(&message).expect("a message");
    assert_eq!(fields.len(), 2);
    assert_eq!(write(&fields), message);
    assert_eq!(parse(&fields[1].content).expect("a message").len(), 3);
    let mut random = Random::new(1);
    // Lengths hold, whatever is done but for raw bytes.
    for _ in 0..200 {
        let mutant = mutate_message(&message, &message, DEEPEST, &mut random).expect("it has fields");
        assert!(parse(&mutant).is_some(), "{mutant:02x?}");
    }
}
