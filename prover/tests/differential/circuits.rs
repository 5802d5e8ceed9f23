//! The circuits under test.

use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase, Fixed, Instance,
        SecondPhase, Selector,
    },
    poly::Rotation,
};
use halo2curves::{bn256::Fr, ff::Field};

/// halo2 synthesizes once per phase and knows a challenge only in the phases after it, but wants a value for every cell
/// every time; what stands in a later phase's column before its phase is overwritten.
fn or_zero(value: Value<Fr>) -> Value<Fr> {
    let mut known = Fr::ZERO;
    value.map(|value| known = value);
    Value::known(known)
}

/// Rows that [`Ladder`] uses: the smallest `k` is 4 (16 rows, 6 of them not usable).
const LADDER_ROWS: usize = 6;

/// Two phases, two challenges, five gates of degrees 2 to 5 with rotations -1, 0 and 1, copy constraints over seven
/// columns of all kinds (three permutation products), public values bound by copies and by gates, a column of zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ladder {
    /// The witness: row `i` holds `seed + i`.
    pub(crate) seed: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct LadderConfig {
    a: Column<Advice>,
    b: Column<Advice>,
    d: Column<Advice>,
    /// Second phase: `acc_(i+1) = acc_i * alpha + a_(i+1)`.
    acc: Column<Advice>,
    /// Second phase: `phi_i = acc_i * beta + d_i`.
    phi: Column<Advice>,
    constant: Column<Fixed>,
    zeros: Column<Fixed>,
    instance: Column<Instance>,
    alpha: Challenge,
    beta: Challenge,
    q_power: Selector,
    q_previous: Selector,
    q_accumulate: Selector,
    q_public: Selector,
}

impl Ladder {
    fn a(&self, row: usize) -> Fr {
        Fr::from(self.seed + row as u64)
    }

    fn b(&self, row: usize) -> Fr {
        if row == 0 { Fr::from(7) } else { self.a(row - 1) }
    }

    fn d(&self, row: usize) -> Fr {
        self.a(row).square() * self.b(row).square()
    }

    /// The public values.
    pub(crate) fn instances(&self) -> Vec<Fr> {
        vec![self.d(0), self.a(LADDER_ROWS - 1), self.b(1), self.a(4)]
    }
}

impl Circuit<Fr> for Ladder {
    type Config = LadderConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> LadderConfig {
        let a = meta.advice_column();
        let b = meta.advice_column();
        // Phases interleave, so that the order of columns and the order of commitments differ.
        let acc = meta.advice_column_in(SecondPhase);
        let d = meta.advice_column();
        let phi = meta.advice_column_in(SecondPhase);
        let constant = meta.fixed_column();
        let zeros = meta.fixed_column();
        let instance = meta.instance_column();
        let alpha = meta.challenge_usable_after(FirstPhase);
        let beta = meta.challenge_usable_after(FirstPhase);
        let q_power = meta.complex_selector();
        let q_previous = meta.complex_selector();
        let q_accumulate = meta.complex_selector();
        let q_public = meta.complex_selector();
        for column in [a, b, acc, d, phi] {
            meta.enable_equality(column);
        }
        meta.enable_equality(constant);
        meta.enable_equality(instance);

        // Degree 5, and an open multiple of a column of zeros.
        meta.create_gate("d = a^2 b^2", |cells| {
            let q = cells.query_selector(q_power);
            let [a, b, d] = [a, b, d].map(|column| cells.query_advice(column, Rotation::cur()));
            let zero = cells.query_fixed(zeros, Rotation::cur());
            vec![q * (a.clone() * a * b.clone() * b - d) + zero]
        });
        meta.create_gate("b = previous a", |cells| {
            let q = cells.query_selector(q_previous);
            let b = cells.query_advice(b, Rotation::cur());
            let previous = cells.query_advice(a, Rotation::prev());
            vec![q * (b - previous)]
        });
        meta.create_gate("next acc = acc * alpha + next a; phi = acc * beta + d", |cells| {
            let q = cells.query_selector(q_accumulate);
            let [alpha, beta] = [alpha, beta].map(|challenge| cells.query_challenge(challenge));
            let next_a = cells.query_advice(a, Rotation::next());
            let here = cells.query_advice(acc, Rotation::cur());
            let next = cells.query_advice(acc, Rotation::next());
            let phi = cells.query_advice(phi, Rotation::cur());
            let d = cells.query_advice(d, Rotation::cur());
            vec![q.clone() * (here.clone() * alpha + next_a - next), q * (here * beta + d - phi) * Fr::from(3)]
        });
        // On row 2: public values 1 and 3 differ as this row's a and b do, and the constants double.
        meta.create_gate("public neighbours", |cells| {
            let q = cells.query_selector(q_public);
            let above = cells.query_instance(instance, Rotation::prev());
            let below = cells.query_instance(instance, Rotation::next());
            let here = cells.query_fixed(constant, Rotation::cur());
            let next = cells.query_fixed(constant, Rotation::next());
            let [a, b] = [a, b].map(|column| cells.query_advice(column, Rotation::cur()));
            vec![q * (above - below - (a - b) + next - here * Expression::Constant(Fr::from(2)))]
        });

        LadderConfig {
            a,
            b,
            d,
            acc,
            phi,
            constant,
            zeros,
            instance,
            alpha,
            beta,
            q_power,
            q_previous,
            q_accumulate,
            q_public,
        }
    }

    fn synthesize(&self, config: LadderConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let alpha = layouter.get_challenge(config.alpha);
        let beta = layouter.get_challenge(config.beta);
        let publics = layouter.assign_region(
            || "ladder",
            |mut region| {
                let mut acc = Value::known(self.a(0));
                let mut publics = Vec::new();
                for row in 0..LADDER_ROWS {
                    let a = region.assign_advice(config.a, row, Value::known(self.a(row)));
                    let b = region.assign_advice(config.b, row, Value::known(self.b(row)));
                    let d = region.assign_advice(config.d, row, Value::known(self.d(row)));
                    region.assign_advice(config.acc, row, or_zero(acc));
                    let phi = acc.zip(beta).map(|(acc, beta)| acc * beta + self.d(row));
                    region.assign_advice(config.phi, row, or_zero(phi));
                    config.q_power.enable(&mut region, row)?;
                    if row > 0 {
                        config.q_previous.enable(&mut region, row)?;
                    }
                    if row + 1 < LADDER_ROWS {
                        config.q_accumulate.enable(&mut region, row)?;
                        acc = acc.zip(alpha).map(|(acc, alpha)| acc * alpha + self.a(row + 1));
                    }
                    match row {
                        0 => {
                            publics.push((d.cell(), 0));
                            let constant = region.assign_fixed(config.constant, 0, Fr::from(7));
                            region.constrain_equal(b.cell(), constant);
                            region.assign_fixed(config.zeros, 0, Fr::ZERO);
                        }
                        1 => publics.push((b.cell(), 2)),
                        2 => {
                            config.q_public.enable(&mut region, row)?;
                            region.assign_fixed(config.constant, row, Fr::from(9));
                            region.assign_fixed(config.constant, row + 1, Fr::from(18));
                        }
                        4 => publics.push((a.cell(), 3)),
                        5 => publics.push((a.cell(), 1)),
                        _ => {}
                    }
                }
                Ok(publics)
            },
        )?;
        for (cell, row) in publics {
            layouter.constrain_instance(cell, config.instance, row);
        }
        Ok(())
    }
}

/// The smallest thing with a permutation: one column, one gate of degree 3, so one column to a permutation product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Square {
    pub(crate) root: u64,
}

impl Circuit<Fr> for Square {
    type Config = (Column<Advice>, Column<Instance>, Selector);
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Self::Config {
        let a = meta.advice_column();
        let instance = meta.instance_column();
        let q = meta.selector();
        meta.enable_equality(a);
        meta.enable_equality(instance);
        meta.create_gate("next a = a^2", |cells| {
            let q = cells.query_selector(q);
            let here = cells.query_advice(a, Rotation::cur());
            let next = cells.query_advice(a, Rotation::next());
            vec![q * (here.square() - next)]
        });
        (a, instance, q)
    }

    fn synthesize(&self, (a, instance, q): Self::Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let square = layouter.assign_region(
            || "square",
            |mut region| {
                q.enable(&mut region, 0)?;
                let root = Fr::from(self.root);
                region.assign_advice(a, 0, Value::known(root));
                Ok(region.assign_advice(a, 1, Value::known(root.square())).cell())
            },
        )?;
        layouter.constrain_instance(square, instance, 0);
        Ok(())
    }
}

/// No instance column, no permutation, two selectors that halo2 packs into one column if asked to.
///
/// Two phases: halo2-axiom's prover panics at a third.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) secret: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct SealedConfig {
    a: Column<Advice>,
    b: Column<Advice>,
    challenge: Challenge,
    q_scaled: Selector,
    q_cubed: Selector,
}

impl Circuit<Fr> for Sealed {
    type Config = SealedConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> SealedConfig {
        let a = meta.advice_column();
        let b = meta.advice_column_in(SecondPhase);
        let challenge = meta.challenge_usable_after(FirstPhase);
        let q_scaled = meta.selector();
        let q_cubed = meta.selector();
        meta.create_gate("b = a * challenge", |cells| {
            let q = cells.query_selector(q_scaled);
            let challenge = cells.query_challenge(challenge);
            let [a, b] = [a, b].map(|column| cells.query_advice(column, Rotation::cur()));
            vec![q * (b - a * challenge)]
        });
        meta.create_gate("b = a^3 * challenge", |cells| {
            let q = cells.query_selector(q_cubed);
            let challenge = cells.query_challenge(challenge);
            let [a, b] = [a, b].map(|column| cells.query_advice(column, Rotation::cur()));
            vec![q * (b - a.clone().square() * a * challenge)]
        });
        SealedConfig { a, b, challenge, q_scaled, q_cubed }
    }

    fn synthesize(&self, config: SealedConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let challenge = layouter.get_challenge(config.challenge);
        layouter.assign_region(
            || "sealed",
            |mut region| {
                let secret = Fr::from(self.secret);
                config.q_scaled.enable(&mut region, 0)?;
                config.q_cubed.enable(&mut region, 1)?;
                for (row, factor) in [(0, secret), (1, secret.cube())] {
                    region.assign_advice(config.a, row, Value::known(secret));
                    region.assign_advice(config.b, row, or_zero(challenge.map(|challenge| factor * challenge)));
                }
                Ok(())
            },
        )
    }
}
