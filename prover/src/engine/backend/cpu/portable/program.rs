//! Programs over blocks of rows.

use halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;

use crate::engine::{
    Job,
    program::{Challenge, Operation, Program, Source},
};

/// Rows of a block. Of a domain with fewer, the rest of the block repeats it.
const BLOCK: usize = 16;

/// Blocks that one task takes at least.
const TASK: usize = 8;

/// The value of every row. All columns have `rows` rows, a power of two, and rotations wrap around.
pub(super) fn run<'c>(
    job: &Job<'_>,
    program: &Program,
    rows: usize,
    column: &dyn Fn(Source, i32) -> (&'c [Fr], i32),
    challenge: &dyn Fn(Challenge) -> Fr,
) -> Vec<Fr> {
    let uniforms = program.uniforms(challenge);
    let mut blank = vec![[Fr::ZERO; BLOCK]; program.cells()];
    blank.iter_mut().zip(&uniforms).for_each(|(cell, value)| *cell = [*value; BLOCK]);
    let columns: Vec<(&[Fr], i32)> =
        program.columns().iter().map(|(source, rotation)| column(*source, *rotation)).collect();

    let mut values = vec![Fr::ZERO; rows];
    values.par_chunks_mut(BLOCK * TASK).enumerate().for_each_init(
        || blank.clone(),
        |cells, (task, values)| {
            if job.cancelled() {
                return;
            }
            for (block, values) in values.chunks_mut(BLOCK).enumerate() {
                let start = task * BLOCK * TASK + block * BLOCK;
                for ((column, rotation), cell) in columns.iter().zip(&mut cells[uniforms.len()..]) {
                    let from = (start + rotation.rem_euclid(rows as i32) as usize) % rows;
                    match column.get(from..from + BLOCK) {
                        Some(whole) => cell.copy_from_slice(whole),
                        None => *cell = std::array::from_fn(|at| column[(from + at) % rows]),
                    }
                }
                for step in program.steps() {
                    let (a, b) = (&cells[step.a as usize], &cells[step.b as usize]);
                    cells[step.out as usize] = match step.operation {
                        Operation::Add => std::array::from_fn(|at| a[at] + b[at]),
                        Operation::Sub => std::array::from_fn(|at| a[at] - b[at]),
                        Operation::Mul => std::array::from_fn(|at| a[at] * b[at]),
                    };
                }
                values.copy_from_slice(&cells[program.root()][..values.len()]);
            }
        },
    );
    values
}
