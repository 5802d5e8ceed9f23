//! Mutants of programs, their digest redone so that they reach what stands behind it: nothing panics or takes long, and
//! what is accepted runs.
//!
//! `APODICT_MUTANTS=100000 cargo test --release -p apodict-circuits --test programs` tries so many of each kind.
//! `APODICT_SEED` varies them; a failure prints the file.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use apodict_circuits::{Body, Program};
use serde_json::{Value, json};

use crate::{
    file::{body_of, content, sealed},
    models::programs,
};

/// Far beyond what a file of some hundred bytes takes.
const LONGEST: Duration = Duration::from_secs(10);

/// How many mutants of each kind are tried.
fn runs() -> usize {
    number("APODICT_MUTANTS").unwrap_or(2000) as usize
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable}={value} is not a number")))
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn new(stream: u64) -> Self {
        let seed = number("APODICT_SEED").unwrap_or(0x0a90_d1c7);
        println!("seed {seed}");
        Self((seed ^ stream.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound.max(1)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
}

/// Reads a file, and uses the program if it is one.
fn attempt(file: &[u8], tally: &mut Tally) {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let Ok(program) = Program::from_bytes(file) else { return false };
        use_program(&program, file);
        true
    }));
    let hex = || file.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match outcome {
        Ok(true) => tally.accepted += 1,
        Ok(false) => tally.refused += 1,
        Err(_) => panic!("panics on {}", hex()),
    }
    let took = start.elapsed();
    assert!(took < LONGEST, "takes {took:?}: {}", hex());
}

/// What is accepted runs on inputs in their ranges, and its circuit holds the run.
fn use_program(program: &Program, file: &[u8]) {
    assert!(program.to_bytes().expect("it encodes") == file, "what is read is not what would be written");
    let elements: usize = program.graph().inputs().map(|(_, node)| node.len()).sum();
    if elements > 1 << 12 {
        return;
    }
    for end in 0..2 {
        let at = |range: apodict_circuits::int::Interval| if end == 0 { range.lo } else { range.hi };
        let inputs = program.graph().inputs();
        let inputs: Vec<Vec<i64>> =
            inputs.map(|(_, node)| (0..node.len()).map(|element| at(node.range(element))).collect()).collect();
        let trace = program.run(&inputs).expect("a validated graph runs on inputs in their ranges");
        // Some values need more than 64 bits: that is said, not a panic.
        if let Ok(values) = program.layout().values(&trace) {
            program.layout().witness(values).expect("the circuit holds an honest run");
        }
    }
}

/// Bytes that numbers of note are written as.
const NOTABLE: [&[u8]; 8] = [
    &[0],
    &[1],
    &[0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0x80, 0x80, 0x80, 0x02],
    &[0x80, 0x80, 0x40],
];

fn mutate_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    // What stands before the graph is the model's digest: of no interest.
    let at = 32 + random.below(bytes.len() - 32);
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes[at] = bytes[at].wrapping_add(random.pick(&[1, 2, 255, 254])),
        3 => {
            bytes.splice(at..=at, random.pick(&NOTABLE).iter().copied());
        }
        4 => {
            bytes.remove(at);
        }
        _ => {
            let end = (at + 1 + random.below(12)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
    }
}

#[test]
fn no_mutated_byte_panics() {
    let mut random = Random::new(1);
    let originals: Vec<Vec<u8>> =
        programs().iter().map(|program| content(&program.to_bytes().expect("it encodes")).to_vec()).collect();
    let mut tally = Tally::default();
    for _ in 0..runs() {
        let mut bytes = random.pick(&originals);
        for _ in 0..1 + random.below(3) {
            mutate_bytes(&mut bytes, &mut random);
        }
        attempt(&sealed(&bytes), &mut tally);
    }
    println!("{} accepted, {} refused", tally.accepted, tally.refused);
    assert!(tally.accepted > 0 && tally.refused > 0, "mutants are too tame or too wild");
}

/// How many numbers, names and lists there are in `value`, itself included.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// The part of `value` at this position, counted in depth-first order.
fn part(value: &mut Value, mut at: usize) -> Option<&mut Value> {
    if at == 0 {
        return Some(value);
    }
    at -= 1;
    let parts: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::Array(values) => Box::new(values.iter_mut()),
        Value::Object(fields) => Box::new(fields.values_mut()),
        _ => return None,
    };
    for inner in parts {
        let len = size(inner);
        if at < len {
            return part(inner, at);
        }
        at -= len;
    }
    None
}

fn numbers() -> Vec<Value> {
    let powers = [7, 16, 20, 22, 24, 30, 31, 32, 40, 61, 62].map(|bits| 1i64 << bits);
    let near = powers.iter().flat_map(|power| [*power, -*power, power - 1, power + 1, 1 - power]);
    let ends = [i64::MIN, i64::MAX, i64::from(i32::MIN), i64::from(i32::MAX), i64::from(u32::MAX), -1, 0, 1, 2, 3];
    near.chain(ends).map(|number| json!(number)).chain([json!(u64::MAX)]).collect()
}

fn mutate_value(value: &mut Value, numbers: &[Value], random: &mut Random) {
    match value {
        Value::Number(number) => {
            let by = random.pick(&[-2i64, -1, 1, 2]);
            *value = match number.as_i64().and_then(|number| number.checked_add(by)) {
                Some(near) if random.below(2) == 0 => json!(near),
                _ => random.pick(numbers),
            };
        }
        Value::String(name) => name.push_str(random.pick(&["", "x", "\u{1b}[2J"])),
        Value::Array(values) => match (random.below(4), values.len()) {
            (0, 1..) => {
                values.remove(random.below(values.len()));
            }
            (1, 1..) => {
                let copy = random.pick(values);
                values.insert(random.below(values.len() + 1), copy);
            }
            (2, 2..) => {
                let (a, b) = (random.below(values.len()), random.below(values.len()));
                values.swap(a, b);
            }
            (3, 1..) => {
                let copy = random.pick(values);
                values.extend(vec![copy; 1 << random.below(8)]);
            }
            _ => values.clear(),
        },
        _ => {}
    }
}

/// As [`no_mutated_byte_panics`], of what the bytes mean: most mutants of bytes do not decode.
#[test]
fn no_mutated_program_panics() {
    let mut random = Random::new(2);
    let numbers = numbers();
    let to_value = |program: &Program| serde_json::to_value(body_of(program)).expect("it encodes");
    let originals: Vec<Value> = programs().iter().map(to_value).collect();
    let mut tally = Tally::default();
    for _ in 0..runs() {
        let mut value = random.pick(&originals);
        for _ in 0..1 + random.below(3) {
            // The model's digest and the report are of no interest; the graph and the plan are.
            let fields = ["graph", "graph", "graph", "graph", "graph", "graph", "graph", "plan"];
            let field = &mut value[random.pick(&fields)];
            let at = random.below(size(field));
            if let Some(part) = part(field, at) {
                mutate_value(part, &numbers, &mut random);
            }
        }
        // Numbers that do not fit their fields cannot be written.
        let Ok(body) = serde_json::from_value::<Body>(value) else { continue };
        attempt(&sealed(&postcard::to_allocvec(&body).expect("it encodes")), &mut tally);
    }
    println!("{} accepted, {} refused", tally.accepted, tally.refused);
    assert!(tally.accepted > runs() / 50 && tally.refused > runs() / 50, "mutants are too tame or too wild");
}
