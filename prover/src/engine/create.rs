//! The protocol, from the witness to the last point, on any backend.

use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use halo2_proofs::{
    plonk,
    transcript::{EncodedChallenge, TranscriptWrite},
};
use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};
use rand_core::{CryptoRng, RngCore};
use tracing::info_span;

use super::{
    Bases, Error, Job, Phase, Prepared, Step, Synthesis,
    backend::{Backend, HostColumn},
    columns::Columns,
    evaluation::Polynomials,
    field,
    opening::{self, Conversation},
    program::{Challenge, Source},
    work::Work,
};

/// Rows from which on one commitment keeps a processor busy: two at a time would only take more memory.
const BUSY: usize = 1 << 15;

/// What the parts of a proof took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EngineTimes {
    /// Advice columns of all phases, permuted columns, running products, the random polynomial: values and commitments.
    pub commit: Stage,
    /// The quotient and its commitments.
    pub quotient: Stage,
    /// Evaluations and the opening proof.
    pub open: Stage,
}

impl EngineTimes {
    /// Of all stages.
    pub fn multiplications(&self) -> u64 {
        [self.commit, self.quotient, self.open].iter().map(|stage| stage.multiplications).sum()
    }
}

/// What a part of a proof took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stage {
    /// How long.
    pub time: Duration,
    /// Of field elements: see [`Job::multiplications`].
    pub multiplications: u64,
}

/// One of the circuits that a proof is about: they share a key, each has its own witness and public values.
pub struct Statement<'a> {
    /// Where its advice columns come from.
    pub synthesis: &'a mut dyn Synthesis,
    /// Public values, column by column.
    pub instances: &'a [&'a [Fr]],
}

/// Makes a proof of all `statements` together.
///
/// # Errors
/// See [`Error`]. A witness that violates a gate or a copy constraint is not found here: its proof does not verify. A panic, of
/// the synthesis, the transcript or the engine, on whatever thread, is [`Error::Panicked`]: other proofs go on.
pub fn create<B: Backend, E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>>(
    bases: &Bases<B>,
    prepared: &Prepared<B>,
    statements: &mut [Statement<'_>],
    rng: impl RngCore + CryptoRng,
    transcript: &mut T,
    job: &Job<'_>,
) -> Result<EngineTimes, Error> {
    // What was borrowed mutably is not looked at again by the engine: it belongs to this proof alone.
    let proof = AssertUnwindSafe(|| create_or_panic(bases, prepared, statements, rng, transcript, job));
    catch_unwind(proof).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        Err(Error::Panicked(said.unwrap_or_else(|| "without a word".into())))
    })
}

fn create_or_panic<B: Backend, E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>>(
    bases: &Bases<B>,
    prepared: &Prepared<B>,
    statements: &mut [Statement<'_>],
    mut rng: impl RngCore + CryptoRng,
    transcript: &mut T,
    job: &Job<'_>,
) -> Result<EngineTimes, Error> {
    let mut since = (Instant::now(), job.multiplications());
    let stage = |since: &mut (Instant, u64)| {
        let now = (Instant::now(), job.multiplications());
        let before = std::mem::replace(since, now);
        Stage { time: now.0 - before.0, multiplications: now.1 - before.1 }
    };
    if statements.is_empty() {
        return Err(Error::NoCircuit);
    }
    if bases.len != prepared.size() {
        return Err(Error::SrsSize { expected: prepared.size(), got: bases.len });
    }
    let cs = prepared.vk.cs();
    let mut proof = Proof {
        prepared,
        bases,
        cs,
        job,
        work: Work::new(prepared, statements.len()),
        transcript,
        circuits: statements.iter().map(|_| Columns::default()).collect(),
        challenges: vec![Fr::ZERO; cs.num_challenges()],
        folding: [Fr::ZERO; 4],
        encoding: PhantomData,
    };
    prepared.vk.hash_into(proof.transcript)?;
    proof.instances(statements)?;
    proof.advice(statements, &mut rng)?;
    proof.lookups(&mut rng)?;
    let seed = proof.products(&mut rng)?;
    let commit = stage(&mut since);
    let pieces = proof.quotient()?;
    let quotient = stage(&mut since);
    proof.open(seed, pieces)?;
    Ok(EngineTimes { commit, quotient, open: stage(&mut since) })
}

/// A proof under way.
struct Proof<'a, 'b, B: Backend, T, E> {
    prepared: &'a Prepared<B>,
    bases: &'a Bases<B>,
    cs: &'a plonk::ConstraintSystem<Fr>,
    job: &'a Job<'b>,
    work: Work,
    transcript: &'a mut T,
    circuits: Vec<Columns<B>>,
    /// The circuit's.
    challenges: Vec<Fr>,
    /// `theta`, `beta`, `gamma`, `y`.
    folding: [Fr; 4],
    encoding: PhantomData<E>,
}

/// A transcript as the opening sees it.
struct Talk<'a, T, E> {
    transcript: &'a mut T,
    encoding: PhantomData<E>,
}

impl<E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>> Conversation for Talk<'_, T, E> {
    fn challenge(&mut self) -> Fr {
        *self.transcript.squeeze_challenge_scalar::<()>()
    }

    fn write(&mut self, point: G1Affine) -> Result<(), Error> {
        Ok(self.transcript.write_point(point)?)
    }
}

/// The challenge as far as it is known.
fn known(challenges: &[Fr], folding: &[Fr; 4], of: Challenge) -> Fr {
    match of {
        Challenge::Circuit(at) => challenges[at],
        Challenge::Theta => folding[0],
        Challenge::Beta => folding[1],
        Challenge::Gamma => folding[2],
        Challenge::Y => folding[3],
    }
}

impl<B: Backend, T: TranscriptWrite<G1Affine, E>, E: EncodedChallenge<G1Affine>> Proof<'_, '_, B, T, E> {
    fn usable(&self) -> usize {
        self.prepared.size() - (self.cs.blinding_factors() + 1)
    }

    fn squeeze(&mut self) -> Fr {
        *self.transcript.squeeze_challenge_scalar::<()>()
    }

    fn write(&mut self, points: Vec<G1Affine>) -> Result<(), Error> {
        self.job.check()?;
        Ok(points.into_iter().try_for_each(|point| self.transcript.write_point(point))?)
    }

    fn done(&mut self, step: Step) -> Result<(), Error> {
        let fraction = self.work.done(step);
        self.job.done(step, fraction)
    }

    /// Public values, with zeros after them.
    fn instances(&mut self, statements: &[Statement<'_>]) -> Result<(), Error> {
        let (expected, most, size) = (self.cs.num_instance_columns(), self.usable(), self.prepared.size());
        for (statement, circuit) in statements.iter().zip(&mut self.circuits) {
            if statement.instances.len() != expected {
                return Err(Error::InstanceColumns { expected, got: statement.instances.len() });
            }
            for values in statement.instances {
                if values.len() > most {
                    return Err(Error::TooManyInstances { got: values.len(), most });
                }
                for value in *values {
                    self.transcript.common_scalar(*value)?;
                }
                let mut column = values.to_vec();
                column.resize(size, Fr::ZERO);
                circuit.instance.push(self.prepared.backend.upload(HostColumn::Field(column)));
            }
        }
        Ok(())
    }

    /// Advice columns, phase by phase, each with the challenges of those before it.
    fn advice(&mut self, statements: &mut [Statement<'_>], mut rng: impl RngCore) -> Result<(), Error> {
        let phases = self.cs.advice_column_phase();
        let mut columns: Vec<Vec<Option<B::Column>>> =
            statements.iter().map(|_| phases.iter().map(|_| None).collect()).collect();
        let mut challenges: Vec<Option<Fr>> = vec![None; self.cs.num_challenges()];
        for phase in 0..Work::phases(self.cs) {
            let _span = info_span!("advice", phase).entered();
            let of_phase: Vec<usize> = (0..phases.len()).filter(|column| phases[*column] == phase).collect();
            for (statement, columns) in statements.iter_mut().zip(&mut columns) {
                let asked = Phase { phase, columns: &of_phase, usable: self.usable(), challenges: &challenges };
                self.advice_of(asked, statement, columns, &mut rng)?;
            }
            for (at, of) in self.cs.challenge_phase().into_iter().enumerate() {
                if of == phase {
                    challenges[at] = Some(self.squeeze());
                }
            }
            self.done(Step::Commit(phase))?;
        }
        for (circuit, columns) in self.circuits.iter_mut().zip(columns) {
            circuit.advice = columns.into_iter().flatten().collect();
        }
        self.challenges = challenges.into_iter().map(|challenge| challenge.unwrap_or(Fr::ZERO)).collect();
        Ok(())
    }

    /// Columns of one circuit in one phase.
    fn advice_of(
        &mut self,
        asked: Phase<'_>,
        statement: &mut Statement<'_>,
        columns: &mut [Option<B::Column>],
        mut rng: impl RngCore,
    ) -> Result<(), Error> {
        let (backend, size) = (&self.prepared.backend, self.prepared.size());
        let Phase { phase, columns: expected, usable, .. } = asked;
        let given = statement.synthesis.phase(asked)?;
        if given.len() != expected.len() {
            return Err(Error::Phase { phase, got: format!("{} columns of {}", given.len(), expected.len()) });
        }
        for (column, mut values) in expected.iter().zip(given) {
            if values.len() > usable {
                let got = format!("{} rows in column {column}, {usable} are usable", values.len());
                return Err(Error::Phase { phase, got });
            }
            if !values.is_ordered() {
                return Err(Error::Phase { phase, got: format!("large values out of order in column {column}") });
            }
            values.end_with(usable, (usable..size).map(|_| Fr::random(&mut rng)));
            columns[*column] = Some(backend.upload(values));
        }
        expected.iter().for_each(|_| field::skip(&mut rng));
        let of_phase: Vec<&B::Column> = expected.iter().filter_map(|column| columns[*column].as_ref()).collect();
        let points = backend.commit(self.job, &self.bases.lagrange, &of_phase);
        self.write(points)
    }

    /// A program's value in every row of the domain.
    fn run(&self, circuit: &Columns<B>, program: &B::Program) -> B::Column {
        let column = |source: Source| match circuit.get(source) {
            Some(column) => column,
            None => &self.prepared.values[&source],
        };
        let challenge = |of| known(&self.challenges, &self.folding, of);
        self.prepared.backend.run(self.job, &self.prepared.domain, program, &column, &challenge)
    }

    /// Permuted columns of lookups.
    fn lookups(&mut self, mut rng: impl RngCore) -> Result<(), Error> {
        let _span = info_span!("lookups").entered();
        self.folding[0] = self.squeeze();
        let (prepared, backend, job) = (self.prepared, &self.prepared.backend, self.job);
        for at in 0..self.circuits.len() {
            for lookup in &prepared.lookups {
                let folded = |program| backend.download(&self.run(&self.circuits[at], program));
                let [input, table] = [&lookup.input, &lookup.table].map(folded);
                job.check()?;
                let permuted = lookup.permute(job, input, table, self.usable(), &mut rng)?;
                let columns = [permuted.input, permuted.table].map(|column| backend.upload(column));
                self.circuits[at].permuted.push(columns);
            }
        }
        let columns: Vec<&B::Column> = self.circuits.iter().flat_map(|of| of.permuted.iter().flatten()).collect();
        let points = backend.commit(self.job, &self.bases.lagrange, &columns);
        self.write(points)?;
        self.done(Step::Lookups)
    }

    /// Running products, and the random polynomial, whose seed is returned. Columns become coefficients.
    fn products(&mut self, mut rng: impl RngCore) -> Result<[u8; 32], Error> {
        let _span = info_span!("products").entered();
        let (prepared, backend, job) = (self.prepared, &self.prepared.backend, self.job);
        [self.folding[1], self.folding[2]] = [self.squeeze(), self.squeeze()];
        let blinding = self.cs.blinding_factors();
        let mut blinds = || {
            let blinds: Vec<Fr> = (0..blinding).map(|_| Fr::random(&mut rng)).collect();
            field::skip(&mut rng);
            blinds
        };
        for at in 0..self.circuits.len() {
            let mut start = Fr::ONE;
            for set in &prepared.sets {
                let factors = [&set.numerator, &set.denominator].map(|program| self.run(&self.circuits[at], program));
                job.check()?;
                let [numerator, denominator] = factors;
                let (product, last) = backend.grand_product(job, numerator, denominator, start, &blinds());
                start = last;
                self.circuits[at].products.push(product);
            }
        }
        for at in 0..self.circuits.len() {
            for lookup in &prepared.lookups {
                let programs = [&lookup.numerator, &lookup.denominator];
                let [numerator, denominator] = programs.map(|program| self.run(&self.circuits[at], program));
                job.check()?;
                let (product, _) = backend.grand_product(job, numerator, denominator, Fr::ONE, &blinds());
                self.circuits[at].lookup_products.push(product);
            }
        }
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let mask = self.mask(seed);

        let products = self.circuits.iter().flat_map(|circuit| &circuit.products);
        let lookup_products = self.circuits.iter().flat_map(|circuit| &circuit.lookup_products);
        let columns: Vec<&B::Column> = products.chain(lookup_products).collect();
        let products = || backend.commit(job, &self.bases.lagrange, &columns);
        let masked = || backend.commit(job, &self.bases.monomial, &[&mask]);
        let (products, masked) =
            if prepared.size() < BUSY { rayon::join(products, masked) } else { (products(), masked()) };
        self.write(products)?;
        self.write(masked)?;
        drop(mask);
        let values = std::mem::take(&mut self.circuits).into_iter();
        self.circuits = values.map(|circuit| circuit.interpolate(backend, job, &prepared.domain)).collect();
        self.done(Step::Products)?;
        Ok(seed)
    }

    /// The random polynomial. It is made when it is needed, twice, and takes no memory in between.
    fn mask(&self, seed: [u8; 32]) -> B::Column {
        self.prepared.backend.upload(HostColumn::Field(field::random(self.job, seed, self.prepared.size())))
    }

    /// The quotient's pieces, committed.
    fn quotient(&mut self) -> Result<Vec<B::Column>, Error> {
        let _span = info_span!("quotient").entered();
        self.folding[3] = self.squeeze();
        let (prepared, backend, job) = (self.prepared, &self.prepared.backend, self.job);
        let challenge = |of| known(&self.challenges, &self.folding, of);
        // The constraints of all circuits, one after the other, are folded with powers of y.
        let factor = self.folding[3].pow_vartime([prepared.quotient.terms() as u64]);
        let mut pieces: Vec<B::Column> = Vec::new();
        for circuit in &self.circuits {
            let column = |source| circuit.get(source).or_else(|| prepared.coefficients.get(&source));
            let own = prepared.quotient.compute(backend, job, column, challenge)?;
            pieces = if pieces.is_empty() {
                own
            } else {
                let sum = |(before, own)| backend.combine(job, &[(before, factor), (own, Fr::ONE)], &[]);
                pieces.iter().zip(&own).map(sum).collect()
            };
        }
        // They were read here for the last time.
        self.circuits.iter_mut().for_each(|circuit| circuit.instance.clear());
        let columns: Vec<&B::Column> = pieces.iter().collect();
        let points = backend.commit(job, &self.bases.monomial, &columns);
        self.write(points)?;
        self.done(Step::Quotient)?;
        Ok(pieces)
    }

    /// Values of everything, and the proof that they are.
    fn open(&mut self, seed: [u8; 32], pieces: Vec<B::Column>) -> Result<(), Error> {
        let (backend, job) = (&self.prepared.backend, self.job);
        let x = self.squeeze();
        let span = info_span!("evaluation").entered();
        let factors = field::powers(x.pow_vartime([self.prepared.size() as u64]), pieces.len());
        let terms: Vec<(&B::Column, Fr)> = pieces.iter().zip(factors).collect();
        let quotient = backend.combine(job, &terms, &[]);
        drop(pieces);
        let mask = self.mask(seed);
        let polynomials: Polynomials<'_, B> = Polynomials {
            cs: self.cs,
            k: self.prepared.k,
            of_key: &self.prepared.coefficients,
            circuits: &self.circuits,
            mask: &mask,
            quotient: &quotient,
        };
        let (polys, values, queries) = polynomials.evaluate(x, |queries| backend.evaluate(job, queries));
        job.check()?;
        for value in values {
            self.transcript.write_scalar(value)?;
        }
        let fraction = self.work.done(Step::Evaluation);
        job.done(Step::Evaluation, fraction)?;
        drop(span);

        let _span = info_span!("opening").entered();
        let mut talk = Talk { transcript: &mut *self.transcript, encoding: PhantomData };
        let folded = opening::fold((backend, job), &polys, &queries, &mut talk)?;
        // All else was read for the last time.
        drop((mask, quotient));
        self.circuits.clear();
        if let Some(folded) = folded {
            folded.open((backend, job), &self.bases.monomial, &mut talk)?;
        }
        let fraction = self.work.done(Step::Opening);
        job.done(Step::Opening, fraction)
    }
}
