//! The proof engine: a prover for halo2's proofs, over KZG on BN254 with SHPLONK.
//!
//! It takes halo2's proving key and writes the bytes that halo2 would write: same transcript, same order of queries, same
//! blinding, so that `halo2_proofs::plonk::verify_proof` accepts what it makes. It serves any constraint system of one
//! circuit: gates, permuted lookups, permutations, several phases with challenges, several instance columns. What it does
//! differently is how:
//!
//! | part | what it does |
//! |---|---|
//! | `msm` | commitments: short signed digits, affine additions with shared inversions |
//! | `ntt` | transforms, with tables of factors |
//! | `program` | expressions compiled into one straight-line program |
//! | `quotient` | the quotient, on as many cosets as its degree asks for; those of the key computed once |
//! | `permutation`, `lookup` | running products |
//! | `opening` | SHPLONK |
//! | `synthesis` | where advice columns come from |
//!
//! # Zero knowledge
//! Nothing that halo2 blinds is left out: the last rows of every advice column, running product and permuted column, and
//! the polynomial of full degree that masks the quotient's opening. halo2 draws that polynomial from a generator of its
//! own; here ChaCha20, keyed from the caller's generator, does.

mod bases;
mod field;
mod lookup;
mod msm;
mod ntt;
mod opening;
mod permutation;
mod program;
mod quotient;
mod synthesis;

use std::{
    io,
    time::{Duration, Instant},
};

use halo2_proofs::{
    plonk,
    poly::{LagrangeCoeff, Polynomial},
    transcript::{EncodedChallenge, TranscriptWrite},
};
use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;

pub use bases::Bases;
pub use synthesis::{MachineSynthesis, Phase, Synthesis};

use lookup::Lookup;
use ntt::Domain;
use opening::{Conversation, Query};
use program::Challenge;
use quotient::{Columns, Quotient};

/// What can go wrong while proving.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another number of instance columns than the circuit has.
    #[error("the circuit has {expected} instance columns, {got} came")]
    InstanceColumns {
        /// Of the circuit.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// More public values than usable rows.
    #[error("an instance column has {got} values, the circuit has {most} usable rows: use a larger k")]
    TooManyInstances {
        /// What came.
        got: usize,
        /// Usable rows.
        most: usize,
    },
    /// A structured reference string of another size than the key's.
    #[error("the structured reference string holds {got} powers, the proving key is for {expected}: cut it to size")]
    SrsSize {
        /// Rows of the circuit.
        expected: usize,
        /// Powers that came.
        got: usize,
    },
    /// Synthesis gave columns that the circuit does not have in this phase, or not all that it has.
    #[error("phase {phase} gave {got}: a defect of the witness, not of the inputs")]
    Phase {
        /// The phase.
        phase: u8,
        /// What is wrong.
        got: String,
    },
    /// A value is looked up in a table that does not hold it.
    #[error("lookup \"{lookup}\": a value is not in its table, so the witness does not satisfy the circuit")]
    NotInTable {
        /// Name of the lookup.
        lookup: String,
    },
    /// A key with selectors left in its expressions.
    #[error(
        "an expression holds a selector, where the key should have fixed columns: make the key with halo2's keygen"
    )]
    Selector,
    /// A domain whose cosets coincide.
    #[error("the key's evaluation domain is malformed: make the key with halo2's keygen")]
    Domain,
    /// The transcript's writer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

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

/// What of a proof depends on the key alone: tables of roots, the compiled quotient, cosets of the key's columns.
#[derive(Debug)]
pub struct Prepared {
    domain: Domain,
    quotient: Quotient,
    lookups: Vec<Lookup>,
}

/// Columns on the domain.
pub(super) struct Values<'a> {
    pub(super) advice: &'a [Vec<Fr>],
    pub(super) fixed: &'a [Polynomial<Fr, LagrangeCoeff>],
    pub(super) instance: &'a [Vec<Fr>],
}

impl Prepared {
    /// Prepares a key.
    ///
    /// # Errors
    /// [`Error::Selector`], [`Error::Domain`] for a key that halo2's keygen did not make.
    pub fn new(key: &plonk::ProvingKey<G1Affine>) -> Result<Self, Error> {
        let domain = Domain::new(key.get_vk().get_domain().k);
        let quotient = Quotient::new(key, &domain)?;
        Ok(Self { domain, quotient, lookups: Lookup::all(key.get_vk().cs())? })
    }
}

/// A transcript as the opening sees it.
struct Talk<'a, T, E> {
    transcript: &'a mut T,
    challenge: std::marker::PhantomData<E>,
}

impl<E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>> Conversation for Talk<'_, T, E> {
    fn challenge(&mut self) -> Fr {
        *self.transcript.squeeze_challenge_scalar::<()>()
    }

    fn write(&mut self, point: G1Affine) -> Result<(), Error> {
        Ok(self.transcript.write_point(point)?)
    }
}

/// Makes a proof: `prepared` and `bases` belong to `key`; `instances` are the public values, column by column.
///
/// # Errors
/// See [`Error`]. A witness that violates a gate or a copy constraint is not found here: its proof does not verify.
pub fn create<E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>>(
    bases: &Bases,
    key: &plonk::ProvingKey<G1Affine>,
    prepared: &Prepared,
    synthesis: &mut impl Synthesis,
    instances: &[&[Fr]],
    mut rng: impl RngCore + CryptoRng,
    transcript: &mut T,
) -> Result<EngineTimes, Error> {
    let start = Instant::now();
    let (vk, cs) = (key.get_vk(), key.get_vk().cs());
    let domain = &prepared.domain;
    let size = domain.size();
    let blinding = cs.blinding_factors();
    let usable = size - (blinding + 1);
    if bases.monomial.len() != size || bases.lagrange.len() != size {
        return Err(Error::SrsSize { expected: size, got: bases.monomial.len() });
    }
    let instance = instance_columns(cs, instances, size, usable)?;

    vk.hash_into(transcript)?;
    for value in instances.iter().flat_map(|column| column.iter()) {
        transcript.common_scalar(*value)?;
    }
    let write = |transcript: &mut T, bases: &[G1Affine], columns: &[&[Fr]]| -> Result<(), Error> {
        for point in msm::multi_scalar_multiply(bases, columns) {
            transcript.write_point(point)?;
        }
        Ok(())
    };

    // Advice, phase by phase, each with the challenges of those before it.
    let mut advice = vec![Vec::new(); cs.num_advice_columns()];
    let mut challenges: Vec<Option<Fr>> = vec![None; cs.num_challenges()];
    let phases = cs.advice_column_phase();
    let last_phase = phases.iter().chain(&cs.challenge_phase()).copied().max().unwrap_or(0);
    for phase in 0..=last_phase {
        let expected: Vec<usize> = (0..phases.len()).filter(|column| phases[*column] == phase).collect();
        let columns = synthesis.phase(Phase { phase, columns: &expected, usable, challenges: &challenges })?;
        if columns.len() != expected.len() {
            return Err(Error::Phase { phase, got: format!("{} columns of {}", columns.len(), expected.len()) });
        }
        for (column, mut values) in expected.iter().zip(columns) {
            if values.len() > usable {
                let got = format!("{} rows in column {column}, {usable} are usable", values.len());
                return Err(Error::Phase { phase, got });
            }
            values.resize(usable, Fr::ZERO);
            values.extend((usable..size).map(|_| Fr::random(&mut rng)));
            advice[*column] = values;
        }
        expected.iter().for_each(|_| field::skip(&mut rng));
        let views: Vec<&[Fr]> = expected.iter().map(|column| advice[*column].as_slice()).collect();
        write(transcript, &bases.lagrange, &views)?;
        for (challenge, _) in challenges.iter_mut().zip(cs.challenge_phase()).filter(|(_, of)| *of == phase) {
            *challenge = Some(*transcript.squeeze_challenge_scalar::<()>());
        }
    }
    let challenges: Vec<Fr> = challenges.into_iter().map(|challenge| challenge.unwrap_or(Fr::ZERO)).collect();
    let values = Values { advice: &advice, fixed: key.fixed_values(), instance: &instance };

    let theta = *transcript.squeeze_challenge_scalar::<()>();
    let before_beta = |of: Challenge| match of {
        Challenge::Circuit(at) => challenges[at],
        Challenge::Theta => theta,
        _ => Fr::ZERO,
    };
    let mut permuted = Vec::with_capacity(prepared.lookups.len());
    for lookup in &prepared.lookups {
        permuted.push(lookup.permute(key, &values, before_beta, &mut rng)?);
    }
    let views: Vec<&[Fr]> = permuted.iter().flat_map(|p| [&p.permuted_input[..], &p.permuted_table[..]]).collect();
    write(transcript, &bases.lagrange, &views)?;

    let beta = *transcript.squeeze_challenge_scalar::<()>();
    let gamma = *transcript.squeeze_challenge_scalar::<()>();
    let mut products = permutation::products(key, domain, &values, beta, gamma, &mut rng);
    let mut lookup_products: Vec<Vec<Fr>> =
        permuted.iter().map(|permuted| permuted.product(beta, gamma, blinding, &mut rng)).collect();
    let mut key_of_mask = [0; 32];
    rng.fill_bytes(&mut key_of_mask);
    let mut mask_rng = ChaCha20Rng::from_seed(key_of_mask);
    let mask: Vec<Fr> = (0..size).map(|_| Fr::random(&mut mask_rng)).collect();
    let views: Vec<&[Fr]> = products.iter().chain(&lookup_products).map(Vec::as_slice).collect();
    let (products_committed, mask_committed) = rayon::join(
        || msm::multi_scalar_multiply(&bases.lagrange, &views),
        || msm::multi_scalar_multiply(&bases.monomial, &[&mask]),
    );
    for point in products_committed.into_iter().chain(mask_committed) {
        transcript.write_point(point)?;
    }
    let y = *transcript.squeeze_challenge_scalar::<()>();
    let committed = Instant::now();

    // Coefficients of everything, in place of the values.
    let mut instance = instance;
    let mut lookups: Vec<[Vec<Fr>; 3]> = permuted
        .into_iter()
        .zip(lookup_products.drain(..))
        .map(|(permuted, product)| [product, permuted.permuted_input, permuted.permuted_table])
        .collect();
    let columns = (advice.iter_mut()).chain(&mut instance).chain(&mut products).chain(lookups.iter_mut().flatten());
    columns.collect::<Vec<_>>().into_par_iter().for_each(|column| domain.inverse(column));
    let columns = Columns { key, advice: &advice, instance: &instance, products: &products, lookups: &lookups };
    let pieces = prepared.quotient.compute(domain, &columns, |of| match of {
        Challenge::Circuit(at) => challenges[at],
        Challenge::Theta => theta,
        Challenge::Beta => beta,
        Challenge::Gamma => gamma,
        Challenge::Y => y,
    });
    let views: Vec<&[Fr]> = pieces.iter().map(Vec::as_slice).collect();
    write(transcript, &bases.monomial, &views)?;
    let x = *transcript.squeeze_challenge_scalar::<()>();
    let divided = Instant::now();

    let factors = field::powers(x.pow_vartime([size as u64]), pieces.len());
    let quotient = field::combine(&views, &factors, size);
    let polynomials = Polynomials { columns, mask: &mask, quotient: &quotient };
    let (polys, queries) = polynomials.open(domain, x, transcript)?;
    opening::open(&bases.monomial, &polys, &queries, &mut Talk { transcript, challenge: std::marker::PhantomData })?;
    let end = Instant::now();
    Ok(EngineTimes { commit: committed - start, quotient: divided - committed, open: end - divided })
}

/// Instance columns, with zeros after the public values.
fn instance_columns(
    cs: &plonk::ConstraintSystem<Fr>,
    instances: &[&[Fr]],
    size: usize,
    usable: usize,
) -> Result<Vec<Vec<Fr>>, Error> {
    if instances.len() != cs.num_instance_columns() {
        return Err(Error::InstanceColumns { expected: cs.num_instance_columns(), got: instances.len() });
    }
    let pad = |values: &&[Fr]| {
        if values.len() > usable {
            return Err(Error::TooManyInstances { got: values.len(), most: usable });
        }
        let mut column = values.to_vec();
        column.resize(size, Fr::ZERO);
        Ok(column)
    };
    instances.iter().map(pad).collect()
}

/// Everything that is opened.
struct Polynomials<'a> {
    columns: Columns<'a>,
    mask: &'a [Fr],
    quotient: &'a [Fr],
}

/// Whether a query's value is sent, and where: the verifier computes the quotient's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    No,
}

impl<'a> Polynomials<'a> {
    /// Writes the values at `x` and its rotations in the transcript's order; gives the polynomials and, in the order of the
    /// opening, the queries.
    fn open<E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>>(
        &self,
        domain: &Domain,
        x: Fr,
        transcript: &mut T,
    ) -> Result<(Vec<&'a [Fr]>, Vec<Query>), Error> {
        let cs = self.columns.key.get_vk().cs();
        let mut polys: Vec<&'a [Fr]> = Vec::new();
        let mut add = |poly: &'a [Fr]| {
            polys.push(poly);
            polys.len() - 1
        };
        let advice: Vec<usize> = self.columns.advice.iter().map(|poly| add(poly)).collect();
        let fixed: Vec<usize> = self.columns.key.fixed_polys().iter().map(|poly| add(poly.values())).collect();
        let sigmas: Vec<usize> = self.columns.key.permutation().polys().iter().map(|poly| add(poly.values())).collect();
        let products: Vec<usize> = self.columns.products.iter().map(|poly| add(poly)).collect();
        let lookups: Vec<[usize; 3]> =
            self.columns.lookups.iter().map(|[product, input, table]| [add(product), add(input), add(table)]).collect();
        let (quotient, mask) = (add(self.quotient), add(self.mask));

        // In the order in which values are written.
        let last = -(cs.blinding_factors() as i32 + 1);
        let mut written: Vec<(usize, i32, Sent)> = Vec::new();
        let mut send = |poly: usize, rotation: i32| written.push((poly, rotation, Sent::Yes));
        cs.advice_queries().iter().for_each(|(column, at)| send(advice[column.index()], at.0));
        cs.fixed_queries().iter().for_each(|(column, at)| send(fixed[column.index()], at.0));
        send(mask, 0);
        sigmas.iter().for_each(|poly| send(*poly, 0));
        for (at, poly) in products.iter().enumerate() {
            send(*poly, 0);
            send(*poly, 1);
            if at + 1 < products.len() {
                send(*poly, last);
            }
        }
        for [product, input, table] in &lookups {
            for (poly, at) in [(product, 0), (product, 1), (input, 0), (input, -1), (table, 0)] {
                send(*poly, at);
            }
        }
        written.push((quotient, 0, Sent::No));

        let mut rotations: Vec<i32> = written.iter().map(|(_, rotation, _)| *rotation).collect();
        rotations.sort_unstable();
        rotations.dedup();
        let points: Vec<(i32, Fr, Vec<Fr>)> = rotations
            .into_par_iter()
            .map(|rotation| {
                let point = domain.rotate(x, rotation);
                (rotation, point, field::powers(point, domain.size()))
            })
            .collect();
        let find = |rotation: i32| points.iter().find(|(at, ..)| *at == rotation);
        let evaluated: Vec<(usize, i32, Query)> = written
            .par_iter()
            .filter_map(|(poly, rotation, _)| {
                let (_, point, powers) = find(*rotation)?;
                let value = field::evaluate(polys[*poly], powers);
                Some((*poly, *rotation, Query { poly: *poly, point: *point, value }))
            })
            .collect();
        for ((.., query), (.., sent)) in evaluated.iter().zip(&written) {
            if *sent == Sent::Yes {
                transcript.write_scalar(query.value)?;
            }
        }

        // In the order in which they are opened.
        let mut order: Vec<(usize, i32)> = Vec::new();
        order.extend(cs.advice_queries().iter().map(|(column, at)| (advice[column.index()], at.0)));
        order.extend(products.iter().flat_map(|poly| [(*poly, 0), (*poly, 1)]));
        order.extend(products.iter().rev().skip(1).map(|poly| (*poly, last)));
        for [product, input, table] in &lookups {
            order.extend([(*product, 0), (*input, 0), (*table, 0), (*input, -1), (*product, 1)]);
        }
        order.extend(cs.fixed_queries().iter().map(|(column, at)| (fixed[column.index()], at.0)));
        order.extend(sigmas.iter().map(|poly| (*poly, 0)));
        order.extend([(quotient, 0), (mask, 0)]);
        let known: std::collections::HashMap<(usize, i32), Query> =
            evaluated.into_iter().map(|(poly, rotation, query)| ((poly, rotation), query)).collect();
        let queries = order.iter().filter_map(|key| known.get(key).copied()).collect();
        Ok((polys, queries))
    }
}
