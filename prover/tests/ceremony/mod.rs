//! A small ceremony: several contributors, each with secrets that the others never see, and the file that snarkjs would write.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use halo2curves::{
    bn256::{Fr, G1, G1Affine, G2, G2Affine},
    ff::Field,
    group::Curve,
    serde::SerdeObject,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// The modulus of BN254's coordinates, little-endian.
pub(crate) const MODULUS: &str = "47fd7cd8168c203c8dca7168916a81975d588181b64550b829a031e1724e6430";

pub(crate) struct Ceremony {
    pub(crate) power: u32,
    /// `2^(power + 1) - 1` powers of tau.
    pub(crate) first: Vec<G1Affine>,
    /// `2^power`.
    pub(crate) second: Vec<G2Affine>,
    /// The first `2^power` powers, times alpha and times beta.
    alpha: Vec<G1Affine>,
    beta: Vec<G1Affine>,
    beta_second: G2Affine,
}

impl Ceremony {
    /// Of `2^power` powers, after as many contributions.
    pub(crate) fn held(power: u32, contributions: u64) -> Self {
        let n = 1usize << power;
        let (one, second) = (G1Affine::generator(), G2Affine::generator());
        let mut ceremony = Self {
            power,
            first: vec![one; 2 * n - 1],
            second: vec![second; n],
            alpha: vec![one; n],
            beta: vec![one; n],
            beta_second: second,
        };
        for seed in 0..contributions {
            ceremony.contribute(&mut ChaCha20Rng::seed_from_u64(seed));
        }
        ceremony
    }

    /// The `i`th power times the contributor's secret to the `i`.
    fn contribute(&mut self, rng: &mut ChaCha20Rng) {
        let [tau, alpha, beta] = [(); 3].map(|()| Fr::random(&mut *rng));
        let powers = |begin| std::iter::successors(Some(begin), move |power: &Fr| Some(*power * tau));
        let multiply = |points: &mut Vec<G1Affine>, begin| {
            points
                .iter_mut()
                .zip(powers(begin))
                .for_each(|(point, power)| *point = (G1::from(*point) * power).to_affine());
        };
        multiply(&mut self.first, Fr::ONE);
        multiply(&mut self.alpha, alpha);
        multiply(&mut self.beta, beta);
        for (point, power) in self.second.iter_mut().zip(powers(Fr::ONE)) {
            *point = (G2::from(*point) * power).to_affine();
        }
        self.beta_second = (G2::from(self.beta_second) * beta).to_affine();
    }

    /// The sections that every `.ptau` has, the last one as a file without contributions has it: nobody reads it.
    pub(crate) fn sections(&self) -> Vec<(u32, Vec<u8>)> {
        let mut header = 32u32.to_le_bytes().to_vec();
        header.extend(hex::decode(MODULUS).unwrap());
        header.extend(self.power.to_le_bytes());
        header.extend(self.power.to_le_bytes());
        vec![
            (1, header),
            (2, raw(&self.first)),
            (3, raw(&self.second)),
            (4, raw(&self.alpha)),
            (5, raw(&self.beta)),
            (6, raw(&[self.beta_second])),
            (7, vec![0; 4]),
        ]
    }

    pub(crate) fn ptau(&self) -> Vec<u8> {
        ptau(&self.sections())
    }
}

/// A `.ptau` of these sections.
pub(crate) fn ptau(sections: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = b"ptau\x01\x00\x00\x00".to_vec();
    file.extend((sections.len() as u32).to_le_bytes());
    for (kind, content) in sections {
        file.extend(kind.to_le_bytes());
        file.extend((content.len() as u64).to_le_bytes());
        file.extend(content);
    }
    file
}

/// Coordinates in Montgomery form, little-endian.
pub(crate) fn raw<P: SerdeObject>(points: &[P]) -> Vec<u8> {
    points.iter().flat_map(SerdeObject::to_raw_bytes).collect()
}
