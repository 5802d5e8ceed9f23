//! The protocol, from the witness to the last point, on any backend.

use std::{
    marker::PhantomData,
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
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::{CryptoRng, RngCore};
use tracing::info_span;

use super::{
    Bases, Error, Job, Phase, Prepared, Step, Synthesis,
    backend::{Backend, HostColumn},
    evaluation::Polynomials,
    field,
    opening::{self, Conversation},
    program::{Challenge, Source},
    work::Work,
};

/// How long the parts of a proof took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EngineTimes {
    /// Advice columns of all phases, permuted columns, running products, the random polynomial: values and commitments.
    pub commit: Duration,
    /// The quotient and its commitments.
    pub quotient: Duration,
    /// Evaluations and the opening proof.
    pub open: Duration,
}

/// Makes a proof: `prepared` and `bases` belong to `vk`; `instances` are the public values, column by column.
///
/// # Errors
/// See [`Error`]. A witness that violates a gate or a copy constraint is not found here: its proof does not verify.
#[expect(clippy::too_many_arguments, reason = "what halo2's own prover takes, and a job")]
pub fn create<B: Backend, E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>>(
    bases: &Bases<B>,
    vk: &plonk::VerifyingKey<G1Affine>,
    prepared: &Prepared<B>,
    synthesis: &mut impl Synthesis,
    instances: &[&[Fr]],
    mut rng: impl RngCore + CryptoRng,
    transcript: &mut T,
    job: &Job<'_>,
) -> Result<EngineTimes, Error> {
    let start = Instant::now();
    if prepared.digest != vk.transcript_repr() {
        return Err(Error::AnotherKey);
    }
    if bases.len != prepared.size() {
        return Err(Error::SrsSize { expected: prepared.size(), got: bases.len });
    }
    let work = Work::new(vk.cs(), prepared);
    let mut proof = Proof {
        prepared,
        bases,
        cs: vk.cs(),
        job,
        work,
        transcript,
        advice: Vec::new(),
        instance: Vec::new(),
        permuted: Vec::new(),
        products: Vec::new(),
        lookup_products: Vec::new(),
        challenges: vec![Fr::ZERO; vk.cs().num_challenges()],
        folding: [Fr::ZERO; 4],
        encoding: PhantomData,
    };
    vk.hash_into(proof.transcript)?;
    proof.instances(instances)?;
    proof.advice(synthesis, &mut rng)?;
    proof.lookups(&mut rng)?;
    let mask = proof.products(&mut rng)?;
    let committed = Instant::now();
    let pieces = proof.quotient()?;
    let divided = Instant::now();
    proof.open(&mask, &pieces)?;
    let end = Instant::now();
    Ok(EngineTimes { commit: committed - start, quotient: divided - committed, open: end - divided })
}

/// A proof under way.
struct Proof<'a, 'b, B: Backend, T, E> {
    prepared: &'a Prepared<B>,
    bases: &'a Bases<B>,
    cs: &'a plonk::ConstraintSystem<Fr>,
    job: &'a Job<'b>,
    work: Work,
    transcript: &'a mut T,
    /// Columns: values on the domain, and after the products their coefficients.
    advice: Vec<B::Column>,
    instance: Vec<B::Column>,
    /// Permuted input and table of each lookup.
    permuted: Vec<[B::Column; 2]>,
    /// Of each set of permuted columns.
    products: Vec<B::Column>,
    lookup_products: Vec<B::Column>,
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
    fn instances(&mut self, instances: &[&[Fr]]) -> Result<(), Error> {
        let (expected, most, size) = (self.cs.num_instance_columns(), self.usable(), self.prepared.size());
        if instances.len() != expected {
            return Err(Error::InstanceColumns { expected, got: instances.len() });
        }
        for values in instances {
            if values.len() > most {
                return Err(Error::TooManyInstances { got: values.len(), most });
            }
            for value in *values {
                self.transcript.common_scalar(*value)?;
            }
            let mut column = values.to_vec();
            column.resize(size, Fr::ZERO);
            self.instance.push(self.prepared.backend.upload(HostColumn::Field(column)));
        }
        Ok(())
    }

    /// Advice columns, phase by phase, each with the challenges of those before it.
    fn advice(&mut self, synthesis: &mut impl Synthesis, mut rng: impl RngCore) -> Result<(), Error> {
        let (backend, usable, size) = (&self.prepared.backend, self.usable(), self.prepared.size());
        let phases = self.cs.advice_column_phase();
        let mut columns: Vec<Option<B::Column>> = phases.iter().map(|_| None).collect();
        let mut challenges: Vec<Option<Fr>> = vec![None; self.cs.num_challenges()];
        for phase in 0..Work::phases(self.cs) {
            let _span = info_span!("advice", phase).entered();
            let expected: Vec<usize> = (0..phases.len()).filter(|column| phases[*column] == phase).collect();
            let given = synthesis.phase(Phase { phase, columns: &expected, usable, challenges: &challenges })?;
            if given.len() != expected.len() {
                return Err(Error::Phase { phase, got: format!("{} columns of {}", given.len(), expected.len()) });
            }
            for (column, mut values) in expected.iter().zip(given) {
                if values.len() > usable {
                    let got = format!("{} rows in column {column}, {usable} are usable", values.len());
                    return Err(Error::Phase { phase, got });
                }
                values.end_with(usable, (usable..size).map(|_| Fr::random(&mut rng)));
                columns[*column] = Some(backend.upload(values));
            }
            expected.iter().for_each(|_| field::skip(&mut rng));
            let of_phase: Vec<&B::Column> = expected.iter().filter_map(|column| columns[*column].as_ref()).collect();
            let points = backend.commit(self.job, &self.bases.lagrange, &of_phase);
            self.write(points)?;
            for (at, of) in self.cs.challenge_phase().into_iter().enumerate() {
                if of == phase {
                    challenges[at] = Some(self.squeeze());
                }
            }
            self.done(Step::Commit(phase))?;
        }
        self.advice = columns.into_iter().flatten().collect();
        self.challenges = challenges.into_iter().map(|challenge| challenge.unwrap_or(Fr::ZERO)).collect();
        Ok(())
    }

    /// A program's value in every row of the domain.
    fn run(&self, program: &B::Program) -> B::Column {
        let column = |source: Source| match source {
            Source::Advice(at) => &self.advice[at],
            Source::Instance(at) => &self.instance[at],
            Source::LookupInput(at) => &self.permuted[at][0],
            Source::LookupTable(at) => &self.permuted[at][1],
            of_key => &self.prepared.values[&of_key],
        };
        let challenge = |of| known(&self.challenges, &self.folding, of);
        self.prepared.backend.run(self.job, &self.prepared.domain, program, &column, &challenge)
    }

    /// Permuted columns of lookups.
    fn lookups(&mut self, mut rng: impl RngCore) -> Result<(), Error> {
        let _span = info_span!("lookups").entered();
        self.folding[0] = self.squeeze();
        let backend = &self.prepared.backend;
        for lookup in &self.prepared.lookups {
            let [input, table] = [&lookup.input, &lookup.table].map(|program| backend.download(&self.run(program)));
            self.job.check()?;
            let permuted = lookup.permute(input, table, self.usable(), &mut rng)?;
            self.permuted.push([permuted.input, permuted.table].map(|column| backend.upload(column)));
        }
        let columns: Vec<&B::Column> = self.permuted.iter().flatten().collect();
        let points = backend.commit(self.job, &self.bases.lagrange, &columns);
        self.write(points)?;
        self.done(Step::Lookups)
    }

    /// Running products, and the random polynomial, which is returned. Columns become coefficients.
    fn products(&mut self, mut rng: impl RngCore) -> Result<B::Column, Error> {
        let _span = info_span!("products").entered();
        let (backend, job) = (&self.prepared.backend, self.job);
        [self.folding[1], self.folding[2]] = [self.squeeze(), self.squeeze()];
        let mut start = Fr::ONE;
        let blinding = self.cs.blinding_factors();
        let mut blinds = || {
            let blinds: Vec<Fr> = (0..blinding).map(|_| Fr::random(&mut rng)).collect();
            field::skip(&mut rng);
            blinds
        };
        for set in &self.prepared.sets {
            let [numerator, denominator] = [&set.numerator, &set.denominator].map(|program| self.run(program));
            job.check()?;
            let (product, last) = backend.grand_product(job, numerator, denominator, start, &blinds());
            start = last;
            self.products.push(product);
        }
        for lookup in &self.prepared.lookups {
            let [numerator, denominator] = [&lookup.numerator, &lookup.denominator].map(|program| self.run(program));
            job.check()?;
            let (product, _) = backend.grand_product(job, numerator, denominator, Fr::ONE, &blinds());
            self.lookup_products.push(product);
        }
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let mut mask_rng = ChaCha20Rng::from_seed(seed);
        let mask = (0..self.prepared.size()).map(|_| Fr::random(&mut mask_rng)).collect();
        let mask = backend.upload(HostColumn::Field(mask));

        let columns: Vec<&B::Column> = self.products.iter().chain(&self.lookup_products).collect();
        let (products, masked) = rayon::join(
            || backend.commit(job, &self.bases.lagrange, &columns),
            || backend.commit(job, &self.bases.monomial, &[&mask]),
        );
        self.write(products)?;
        self.write(masked)?;
        self.interpolate();
        self.done(Step::Products)?;
        Ok(mask)
    }

    /// Coefficients of everything, in place of the values.
    fn interpolate(&mut self) {
        let all = [&mut self.advice, &mut self.instance, &mut self.products, &mut self.lookup_products];
        let mut counts = all.map(|columns| columns.len()).to_vec();
        counts.push(2 * self.permuted.len());
        let mut columns: Vec<B::Column> = std::mem::take(&mut self.advice);
        columns.append(&mut self.instance);
        columns.append(&mut self.products);
        columns.append(&mut self.lookup_products);
        columns.extend(std::mem::take(&mut self.permuted).into_iter().flatten());
        let mut columns = self.prepared.backend.interpolate(self.job, &self.prepared.domain, columns).into_iter();
        let mut take = |at: usize| columns.by_ref().take(counts[at]).collect::<Vec<_>>();
        self.advice = take(0);
        self.instance = take(1);
        self.products = take(2);
        self.lookup_products = take(3);
        let mut permuted = take(4).into_iter();
        while let (Some(input), Some(table)) = (permuted.next(), permuted.next()) {
            self.permuted.push([input, table]);
        }
    }

    /// The quotient's pieces, committed.
    fn quotient(&mut self) -> Result<Vec<B::Column>, Error> {
        let _span = info_span!("quotient").entered();
        self.folding[3] = self.squeeze();
        let prepared = self.prepared;
        let column = |source: Source| match source {
            Source::Advice(at) => self.advice.get(at),
            Source::Instance(at) => self.instance.get(at),
            Source::Product(at) => self.products.get(at),
            Source::LookupProduct(at) => self.lookup_products.get(at),
            Source::LookupInput(at) => self.permuted.get(at).map(|[input, _]| input),
            Source::LookupTable(at) => self.permuted.get(at).map(|[_, table]| table),
            of_key => prepared.coefficients.get(&of_key),
        };
        let challenge = |of| known(&self.challenges, &self.folding, of);
        let domain = (prepared.k, &prepared.domain);
        let pieces = prepared.quotient.compute(&prepared.backend, self.job, domain, column, challenge)?;
        let columns: Vec<&B::Column> = pieces.iter().collect();
        let points = prepared.backend.commit(self.job, &self.bases.monomial, &columns);
        self.write(points)?;
        self.done(Step::Quotient)?;
        Ok(pieces)
    }

    /// Values of everything, and the proof that they are.
    fn open(&mut self, mask: &B::Column, pieces: &[B::Column]) -> Result<(), Error> {
        let (backend, job) = (&self.prepared.backend, self.job);
        let x = self.squeeze();
        let span = info_span!("evaluation").entered();
        let factors = field::powers(x.pow_vartime([self.prepared.size() as u64]), pieces.len());
        let terms: Vec<(&B::Column, Fr)> = pieces.iter().zip(factors).collect();
        let quotient = backend.combine(job, &terms, &[]);
        let permuted = std::mem::take(&mut self.permuted).into_iter();
        let lookups: Vec<[B::Column; 3]> = std::mem::take(&mut self.lookup_products)
            .into_iter()
            .zip(permuted)
            .map(|(product, [input, table])| [product, input, table])
            .collect();
        let polynomials: Polynomials<'_, B> = Polynomials {
            cs: self.cs,
            k: self.prepared.k,
            of_key: &self.prepared.coefficients,
            advice: &self.advice,
            products: &self.products,
            lookups: &lookups,
            mask,
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
        opening::open((backend, job), &self.bases.monomial, &polys, &queries, &mut talk)?;
        let fraction = self.work.done(Step::Opening);
        job.done(Step::Opening, fraction)
    }
}
