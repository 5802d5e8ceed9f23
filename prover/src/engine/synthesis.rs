//! Where advice columns come from.

use apodict_circuits::machine::{Column, Layout, Witness};
use halo2curves::bn256::Fr;

use super::{Error, backend::HostColumn};

/// What a phase asks for.
#[derive(Clone, Copy, Debug)]
pub struct Phase<'a> {
    /// Which one, from 0.
    pub phase: u8,
    /// Advice columns of this phase, by index.
    pub columns: &'a [usize],
    /// Rows that may be used.
    pub usable: usize,
    /// Challenges that are known so far, by index.
    pub challenges: &'a [Option<Fr>],
}

/// A witness, phase by phase.
pub trait Synthesis {
    /// Values of the columns that the phase has, in their order. What is shorter than the usable rows is filled with zeros.
    ///
    /// # Errors
    /// [`Error::Phase`], for a phase that the witness does not know.
    fn phase(&mut self, phase: Phase<'_>) -> Result<Vec<HostColumn>, Error>;
}

/// The machine's witness, without a detour through halo2's synthesis. Columns go to the prover as they are asked for, and
/// are not kept.
#[derive(Debug)]
pub struct MachineSynthesis<'a> {
    /// The program's layout.
    pub layout: &'a Layout,
    /// Its columns.
    pub witness: Witness,
}

impl Synthesis for MachineSynthesis<'_> {
    fn phase(&mut self, phase: Phase<'_>) -> Result<Vec<HostColumn>, Error> {
        match (phase.phase, phase.challenges) {
            (0, _) => {
                let witness = &mut self.witness;
                let columns = std::mem::take(&mut witness.lanes).into_iter().chain([std::mem::take(&mut witness.acc)]);
                // The second phase asks for these again.
                let columns = columns.chain([witness.multiplicities.clone()]);
                Ok(columns.map(|Column { small, large }| HostColumn::Integers { small, large }).collect())
            }
            (1, [Some(theta), Some(beta)]) => {
                let columns = self.layout.lookup_columns(&self.witness, *theta, *beta);
                Ok(columns.reciprocals.into_iter().chain([columns.sum]).map(HostColumn::Field).collect())
            }
            (phase, challenges) => {
                let known = challenges.iter().flatten().count();
                let got = format!("nothing: the machine has two phases and two challenges, {known} are known");
                Err(Error::Phase { phase, got })
            }
        }
    }
}
