//! Many runs of one target, on mutants of its seeds and of whatever got a new answer.
//!
//! Without coverage a target's words are the guide: a mutant that is refused with words not heard before, numbers and names
//! aside, is mutated further.

use std::{
    collections::HashSet,
    fmt,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{Mutex, Once, PoisonError},
};

use crate::{Target, mutation::mutate, random::Random, watch::Watch};

/// How long a campaign is.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// How many inputs.
    pub runs: usize,
    /// Another seed makes other inputs.
    pub seed: u64,
}

/// What came of a campaign.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Inputs that were taken.
    pub accepted: usize,
    /// Inputs that were refused.
    pub refused: usize,
    /// Different answers.
    pub answers: usize,
}

/// A panic.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The target.
    pub target: &'static str,
    /// What it panics on, made as small as it was easy to.
    pub input: Vec<u8>,
    /// What it said.
    pub said: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} panics: {}\non {} bytes: {}", self.target, self.said, self.input.len(), hexadecimal(&self.input))
    }
}

/// Inputs of each kind that are mutated further, at most: beyond, new ones replace others.
const MOST_INPUTS: usize = 1 << 10;

/// What mutants are made of.
struct Pool {
    seeds: Vec<Vec<u8>>,
    /// Mutants that were taken.
    taken: Vec<Vec<u8>>,
    /// Mutants that were refused with new words.
    new: Vec<Vec<u8>>,
}

impl Pool {
    fn pick(&self, random: &mut Random) -> &[u8] {
        let from = [&self.seeds, &self.seeds, &self.taken, &self.new][random.below(4)];
        random.pick(from).map_or_else(|| self.other(random), Vec::as_slice)
    }

    fn other(&self, random: &mut Random) -> &[u8] {
        random.pick(&self.seeds).map_or(&[], Vec::as_slice)
    }
}

fn keep(kept: &mut Vec<Vec<u8>>, input: Vec<u8>, random: &mut Random) {
    match kept.len() < MOST_INPUTS {
        true => kept.push(input),
        false => {
            let at = random.below(MOST_INPUTS);
            kept[at] = input;
        }
    }
}

/// Runs `target` on its seeds, then on mutants.
///
/// A run that does not end, or takes too much memory, ends the process after printing its input.
///
/// # Errors
/// The first panic.
pub fn run(target: &'static Target, campaign: Campaign) -> Result<Tally, Box<Failure>> {
    let watch = Watch::start(target.name);
    let mut random = Random::new(campaign.seed);
    let mut pool = Pool { seeds: (target.seeds)(), taken: Vec::new(), new: Vec::new() };
    let mut answers = HashSet::new();
    let mut tally = Tally::default();
    for at in 0..campaign.runs.max(pool.seeds.len()) {
        let seed = pool.seeds.get(at).cloned();
        let mutated = seed.is_none();
        let input = seed
            .unwrap_or_else(|| mutate(pool.pick(&mut random), pool.other(&mut random), target.grammar, &mut random));
        watch.begin(&input);
        let answer = attempt(target, &input);
        watch.end();
        let answer = answer.map_err(|said| {
            let input = smaller(target, input.clone());
            Box::new(Failure { target: target.name, said, input })
        })?;
        let (kept, new) = match answer {
            Ok(()) => {
                tally.accepted += 1;
                (&mut pool.taken, true)
            }
            Err(said) => {
                tally.refused += 1;
                (&mut pool.new, answers.insert(kind(&said)))
            }
        };
        if mutated && new {
            keep(kept, input, &mut random);
        }
    }
    tally.answers = answers.len();
    Ok(tally)
}

/// The answer, or what was said in panic.
fn attempt(target: &Target, input: &[u8]) -> Result<crate::Answer, String> {
    static HOOK: Once = Once::new();
    static SAID: Mutex<String> = Mutex::new(String::new());
    // A backtrace for each of the thousand panics that make an input smaller would help nobody.
    HOOK.call_once(|| {
        panic::set_hook(Box::new(|info| *SAID.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string()));
    });
    catch_unwind(AssertUnwindSafe(|| (target.run)(input)))
        .map_err(|_| SAID.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Leaves out of `input` what the panic does not need.
fn smaller(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let mut length = input.len() / 2;
    while length > 0 {
        let mut at = 0;
        while at + length <= input.len() {
            let mut shorter = input.clone();
            shorter.drain(at..at + length);
            match attempt(target, &shorter).is_err() {
                true => input = shorter,
                false => at += length,
            }
        }
        length /= 2;
    }
    input
}

/// A refusal without its numbers and what it quotes.
fn kind(said: &str) -> String {
    let parts = said.split(['`', '"']).enumerate().filter(|(at, _)| at % 2 == 0);
    parts.flat_map(|(_, part)| part.chars()).filter(char::is_ascii_alphabetic).take(60).collect()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_panic_is_found_and_its_input_made_small() {
    fn fragile(data: &[u8]) -> crate::Answer {
        assert!(!data.windows(2).any(|pair| pair == [7, 9]), "7, 9");
        Ok(())
    }
    static FRAGILE: Target = Target {
        name: "fragile",
        run: fragile,
        seeds: || vec![vec![7; 40], vec![9; 40]],
        grammar: crate::Grammar::Bytes,
    };
    let failure = run(&FRAGILE, Campaign { runs: 100_000, seed: 1 }).expect_err("it is fragile");
    assert_eq!(failure.input, [7, 9]);
    assert!(failure.said.contains("7, 9"), "{failure}");
}
