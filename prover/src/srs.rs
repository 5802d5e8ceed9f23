//! The structured reference string: powers of a secret that nobody may know.

use std::{
    io::{Read, Write},
    sync::{Arc, OnceLock},
};

use apodict_verifier::SrsOrigin;
use halo2_proofs::{
    SerdeFormat,
    arithmetic::best_multiexp,
    poly::{
        EvaluationDomain,
        commitment::{Params, ParamsProver},
        kzg::commitment::ParamsKZG,
    },
};
use halo2curves::{
    bn256::{Bn256, Fr, G1Affine, G2Affine},
    ff::Field,
    group::{Curve, prime::PrimeCurveAffine},
    pairing::Engine,
};
use rand_core::OsRng;
use sha3::{Digest, Keccak256};

use crate::{
    Error,
    digesting::{DigestReader, DigestWriter},
    engine::{Budget, HostBases},
};

const MAGIC: &[u8; 8] = b"apodsrs\x01";
const EXPECTED: &str = "a structured reference string of this version";

/// The smallest `k` that is generated.
pub const MIN_K: u32 = 4;
/// The greatest `k` that is generated or read.
pub const MAX_K: u32 = 24;

/// Powers of a secret in two bases, for circuits of at most `2^k` rows.
#[derive(Clone, Debug)]
pub struct Srs {
    pub(crate) params: Arc<ParamsKZG<Bn256>>,
    origin: SrsOrigin,
    digest: [u8; 32],
    budget: Budget,
    bases: OnceLock<Arc<HostBases>>,
}

impl Srs {
    /// Makes one for development. Whoever runs this could keep the secret and forge every proof: the origin is
    /// [`SrsOrigin::Unsafe`], and every key made from it says so.
    ///
    /// # Errors
    /// [`Error::K`] outside [`MIN_K`] to [`MAX_K`].
    pub fn generate_unsafe(k: u32) -> Result<Self, Error> {
        check_k(k)?;
        Ok(Self::new(ParamsKZG::setup(k, OsRng), SrsOrigin::Unsafe))
    }

    fn new(params: ParamsKZG<Bn256>, origin: SrsOrigin) -> Self {
        let params = Arc::new(params);
        let mut srs = Self { params, origin, digest: [0; 32], budget: Budget::default(), bases: OnceLock::new() };
        srs.digest = srs.public_digest();
        srs
    }

    /// What identifies the secret: its image in the second group. Strings cut to size keep it.
    fn public_digest(&self) -> [u8; 32] {
        let mut hasher = Keccak256::new();
        hasher.update(MAGIC);
        for point in [self.params.g2(), self.params.s_g2()] {
            hasher.update(apodict_verifier::g2_to_be_bytes(&crate::export::g2(&point)));
        }
        hasher.finalize().into()
    }

    /// log2 of the number of powers.
    pub fn k(&self) -> u32 {
        self.params.k()
    }

    /// Whether its secret may be known.
    pub fn origin(&self) -> SrsOrigin {
        self.origin
    }

    /// Digest of the secret's image in the second group: the same for every size of one ceremony.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The first `2^k` powers.
    ///
    /// # Errors
    /// [`Error::SrsTooSmall`].
    pub fn cut_to(&self, k: u32) -> Result<Self, Error> {
        if k > self.k() {
            return Err(Error::SrsTooSmall { got: self.k(), needed: k });
        }
        if k == self.k() {
            return Ok(self.clone());
        }
        let mut params = ParamsKZG::clone(&self.params);
        params.downsize(k);
        let params = Arc::new(params);
        Ok(Self { params, budget: self.budget, bases: OnceLock::new(), ..*self })
    }

    /// The same, with memory for multiples of its points: see [`Budget`].
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget, bases: OnceLock::new(), ..self }
    }

    pub(crate) fn budget(&self) -> Budget {
        self.budget
    }

    /// The points as the engine reads them.
    pub(crate) fn bases(&self) -> Result<Arc<HostBases>, Error> {
        if let Some(bases) = self.bases.get() {
            return Ok(bases.clone());
        }
        let bases = Arc::new(HostBases::new(&self.params, self.budget).map_err(Error::Engine)?);
        Ok(self.bases.get_or_init(|| bases).clone())
    }

    /// Writes it: header, powers in both bases, the second group's points, a digest of all of it.
    ///
    /// # Errors
    /// The writer's own.
    pub fn write(&self, writer: &mut impl Write) -> Result<(), Error> {
        let mut writer = DigestWriter::new(writer);
        writer.write_all(MAGIC)?;
        writer.write_all(&[match self.origin {
            SrsOrigin::Unsafe => 0,
            SrsOrigin::Ceremony => 1,
        }])?;
        self.params.write_custom(&mut writer, SerdeFormat::RawBytesUnchecked)?;
        Ok(writer.finish()?)
    }

    /// Reads what [`Self::write`] wrote. The digest at the end guards against damage, not against malice:
    /// [`Self::check`] does, for a file that you did not make.
    ///
    /// # Errors
    /// [`Error::File`] for anything else, truncated and damaged files included.
    pub fn read(reader: &mut impl Read) -> Result<Self, Error> {
        let mut reader = DigestReader::new(reader, EXPECTED);
        let mut header = [0; 13];
        reader.read_exact(&mut header)?;
        let (magic, rest) = header.split_at(8);
        if magic != MAGIC {
            return Err(reader.invalid("it begins otherwise; make one with `apodict srs generate --unsafe -k K`"));
        }
        let origin = match rest[0] {
            0 => SrsOrigin::Unsafe,
            1 => SrsOrigin::Ceremony,
            other => return Err(reader.invalid(&format!("unknown origin {other}"))),
        };
        let k = u32::from_le_bytes([rest[1], rest[2], rest[3], rest[4]]);
        check_k(k)?;
        let n = 1usize << k;
        let g = reader.points(n)?;
        let g_lagrange = reader.points(n)?;
        let [g2, s_g2] = [reader.point()?, reader.point()?];
        reader.finish()?;
        let empty = ParamsKZG::<Bn256>::setup(1, OsRng);
        Ok(Self::new(empty.from_parts(k, g, Some(g_lagrange), g2, s_g2), origin))
    }

    /// Checks that the powers are powers of one secret, in both bases: a random combination of neighbours against
    /// the pairing, and a random polynomial committed to in either basis. A wrong string passes with probability
    /// about `2^k / r`, below 2^-229.
    ///
    /// # Errors
    /// [`Error::SrsInconsistent`] says what does not hold.
    pub fn check(&self) -> Result<(), Error> {
        let g = self.params.get_g();
        if g.first() != Some(&G1Affine::generator()) || self.params.g2() != G2Affine::generator() {
            return Err(Error::SrsInconsistent("its generators are not the curve's"));
        }
        if bool::from(self.params.s_g2().is_identity()) {
            return Err(Error::SrsInconsistent("its secret is zero"));
        }
        let weights: Vec<Fr> = (1..g.len()).map(|_| Fr::random(OsRng)).collect();
        let low = best_multiexp(&weights, &g[..g.len() - 1]).to_affine();
        let high = best_multiexp(&weights, &g[1..]).to_affine();
        if Bn256::pairing(&low, &self.params.s_g2()) != Bn256::pairing(&high, &self.params.g2()) {
            return Err(Error::SrsInconsistent("its points are not successive powers of the secret"));
        }
        let domain = EvaluationDomain::<Fr>::new(2, self.k());
        let values = domain.lagrange_from_vec((0..g.len()).map(|_| Fr::random(OsRng)).collect());
        let committed = self.params.commit_lagrange(&values, Default::default());
        let coefficients = domain.lagrange_to_coeff(values);
        if committed != self.params.commit(&coefficients, Default::default()) {
            return Err(Error::SrsInconsistent("its two bases do not agree"));
        }
        Ok(())
    }
}

fn check_k(k: u32) -> Result<(), Error> {
    if (MIN_K..=MAX_K).contains(&k) { Ok(()) } else { Err(Error::K { got: k, min: MIN_K, max: MAX_K }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(srs: &Srs) -> Vec<u8> {
        let mut bytes = Vec::new();
        srs.write(&mut bytes).expect("a vector takes it");
        bytes
    }

    #[test]
    fn survives_a_file() {
        let srs = Srs::generate_unsafe(5).expect("k is in range");
        let back = Srs::read(&mut bytes(&srs).as_slice()).expect("what was written");
        assert_eq!((back.k(), back.origin(), back.digest()), (5, SrsOrigin::Unsafe, srs.digest()));
        assert_eq!(back.params.get_g(), srs.params.get_g());
        back.check().expect("consistent");
        let cut = back.cut_to(4).expect("smaller");
        cut.check().expect("consistent");
        assert_eq!(cut.digest(), srs.digest());
        assert!(matches!(back.cut_to(6), Err(Error::SrsTooSmall { got: 5, needed: 6 })));
    }

    #[test]
    fn refuses_damaged_files() {
        let srs = Srs::generate_unsafe(4).expect("k is in range");
        let good = bytes(&srs);
        for len in [0, 7, 12, 13, 500, good.len() - 1] {
            assert!(Srs::read(&mut &good[..len]).is_err(), "cut at {len}");
        }
        for at in (0..good.len()).step_by(97) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Srs::read(&mut bad.as_slice()).is_err(), "flipped at {at}");
        }
        let mut long = good;
        long.push(0);
        assert!(Srs::read(&mut long.as_slice()).is_err());
    }

    #[test]
    fn check_finds_points_that_are_not_powers() {
        let srs = Srs::generate_unsafe(4).expect("k is in range");
        let parts = |g: Vec<G1Affine>, lagrange: Option<Vec<G1Affine>>| {
            let params = srs.params.from_parts(4, g, lagrange, srs.params.g2(), srs.params.s_g2());
            Srs::new(params, SrsOrigin::Unsafe).check()
        };
        let g = srs.params.get_g().to_vec();
        parts(g.clone(), None).expect("consistent");
        let mut swapped = g.clone();
        swapped.swap(2, 3);
        assert!(matches!(parts(swapped, None), Err(Error::SrsInconsistent(_))));
        assert!(matches!(parts(g.clone(), Some(g)), Err(Error::SrsInconsistent(_))));
    }
}
