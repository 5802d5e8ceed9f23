//! Programs over packs of eight rows.
//!
//! Sums and differences are not reduced: for each step its bound, in multiples of the order, is known when the program is
//! loaded, and a reduction is put in only where a product or a further sum would leave the room that [`Lanes`] have.

use halo2curves::bn256::Fr;

use super::{
    Avx512,
    lanes::{Lanes, ROOM, Scalars},
    memory::Pack,
    vectors,
};
use crate::engine::{
    Job,
    program::{Challenge, Operation, Program, Source},
};

/// Packs that go through a step together: products of one wait for nothing of the others.
const WIDTH: usize = 2;

/// Packs that one task takes.
const TASK: usize = 16;

type Values = Lanes<Scalars>;

/// Bound of columns and of products.
const PRODUCT: u32 = 2;

#[derive(Clone, Copy, Debug)]
enum Step {
    Add {
        a: u32,
        b: u32,
        out: u32,
    },
    /// `a - b + multiple * p`.
    Subtract {
        a: u32,
        b: u32,
        out: u32,
        multiple: u32,
    },
    Multiply {
        a: u32,
        b: u32,
        out: u32,
    },
    Square {
        a: u32,
        out: u32,
    },
    /// In place.
    Reduce {
        cell: u32,
    },
}

/// A column as it lies in memory, of a multiple of eight rows.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    Elements(&'a [Fr]),
    Packs(&'a [Pack]),
}

impl Rows<'_> {
    /// The eight rows from `row` on, below `2 p`. The first follows the last.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn load(self, row: usize, pack: &mut Pack) {
        match self {
            Self::Packs(packs) => {
                let first = row / 8 % packs.len();
                *pack = packs[first];
                if !row.is_multiple_of(8) {
                    Values::load_across(&packs[first], &packs[(first + 1) % packs.len()], row % 8).store(pack);
                }
            }
            Self::Elements(elements) => {
                let row = row % elements.len();
                if row + 8 <= elements.len() {
                    vectors::read_packed(elements, row).store(pack);
                } else {
                    let eight: [Fr; 8] = std::array::from_fn(|at| elements[(row + at) % elements.len()]);
                    vectors::read_packed(&eight, 0).store(pack);
                }
            }
        }
    }
}

/// A program with its reductions.
#[derive(Debug)]
pub struct LaneProgram {
    program: Program,
    steps: Vec<Step>,
}

impl LaneProgram {
    pub(super) fn new(program: Program) -> Self {
        let mut bounds = vec![1; program.num_uniforms()];
        bounds.resize(program.num_uniforms() + program.columns().len(), PRODUCT);
        bounds.resize(program.cells(), 0);
        let mut steps = Vec::with_capacity(program.steps().len());
        for step in program.steps() {
            let (a, b, out) = (step.a, step.b, step.out);
            let room = |bounds: &[u32]| {
                let (a, b) = (bounds[a as usize], bounds[b as usize]);
                match step.operation {
                    Operation::Mul => a * b < ROOM,
                    Operation::Add | Operation::Sub => a + b < ROOM,
                }
            };
            while !room(&bounds) {
                // The larger: a product leaves 2, so that in the end there is room.
                let cell = if bounds[a as usize] >= bounds[b as usize] { a } else { b };
                steps.push(Step::Reduce { cell });
                bounds[cell as usize] = PRODUCT;
            }
            let (of_a, of_b) = (bounds[a as usize], bounds[b as usize]);
            let (lane_step, bound) = match step.operation {
                Operation::Add => (Step::Add { a, b, out }, of_a + of_b),
                Operation::Sub => (Step::Subtract { a, b, out, multiple: of_b }, of_a + of_b),
                Operation::Mul if a == b => (Step::Square { a, out }, PRODUCT),
                Operation::Mul => (Step::Multiply { a, b, out }, PRODUCT),
            };
            steps.push(lane_step);
            bounds[out as usize] = bound;
        }
        if bounds[program.root()] > PRODUCT {
            steps.push(Step::Reduce { cell: program.root() as u32 });
        }
        Self { program, steps }
    }

    /// Columns that it reads, with their rotations.
    pub(super) fn reads(&self) -> &[(Source, i32)] {
        self.program.columns()
    }

    /// Multiplications of each row.
    pub(super) fn multiplications(&self) -> usize {
        self.program.multiplications()
    }

    /// The value of every row, below `2 p`, like those of the columns. All columns have as many rows.
    pub(super) fn run<'c>(
        &self,
        (simd, job): (Avx512, &Job<'_>),
        packs: usize,
        column: &dyn Fn(Source, i32) -> (Rows<'c>, i32),
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Pack> {
        let rows = 8 * packs;
        let uniforms = self.program.uniforms(challenge);
        let mut blank = vec![[Pack::ZERO; WIDTH]; self.program.cells()];
        for (cell, value) in blank.iter_mut().zip(&uniforms) {
            *cell = [Pack::montgomery([*value; 8]); WIDTH];
        }
        let columns: Vec<(Rows<'_>, usize)> = (self.program.columns().iter())
            .map(|(source, rotation)| column(*source, *rotation))
            .map(|(values, rotation)| (values, rotation.rem_euclid(rows as i32) as usize))
            .collect();
        let mut values = vec![Pack::ZERO; packs];
        simd.each(&mut values, TASK, |at, values| {
            if job.cancelled() {
                return;
            }
            let mut cells = blank.clone();
            // SAFETY: of the features there is proof.
            #[allow(unsafe_code)]
            unsafe {
                self.task(&columns, &mut cells, at, values);
            }
        });
        values
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn task(&self, columns: &[(Rows<'_>, usize)], cells: &mut [[Pack; WIDTH]], at: usize, values: &mut [Pack]) {
        let uniforms = self.program.num_uniforms();
        for (block, values) in values.chunks_mut(WIDTH).enumerate() {
            for ((column, rotation), cell) in columns.iter().zip(&mut cells[uniforms..]) {
                for (offset, pack) in cell.iter_mut().enumerate() {
                    column.load(8 * (at + block * WIDTH + offset) + rotation, pack);
                }
            }
            for step in &self.steps {
                match *step {
                    Step::Add { a, b, out } => binary(cells, [a, b, out], |a, b| a.add(b)),
                    Step::Subtract { a, b, out, multiple } => {
                        binary(cells, [a, b, out], |a, b| a.subtract(b, multiple as usize));
                    }
                    Step::Multiply { a, b, out } => binary(cells, [a, b, out], |a, b| a.multiply(b)),
                    Step::Square { a, out } => binary(cells, [a, a, out], |a, _| a.square()),
                    Step::Reduce { cell } => binary(cells, [cell, cell, cell], |a, _| a.reduce()),
                }
            }
            values.copy_from_slice(&cells[self.program.root()][..values.len()]);
        }
    }
}

/// `cells[out] = operation(cells[a], cells[b])`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn binary(cells: &mut [[Pack; WIDTH]], [a, b, out]: [u32; 3], operation: impl Fn(Values, Values) -> Values) {
    let (a, b) = (&cells[a as usize], &cells[b as usize]);
    let mut results = [Values::zero(); WIDTH];
    for (result, (a, b)) in results.iter_mut().zip(a.iter().zip(b)) {
        *result = operation(Values::load(a), Values::load(b));
    }
    for (result, cell) in results.into_iter().zip(&mut cells[out as usize]) {
        result.store(cell);
    }
}
