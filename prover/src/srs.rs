//! The structured reference string: powers of a secret that nobody may know.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use apodict_verifier::SrsOrigin;
use halo2_proofs::{
    arithmetic::g_to_lagrange,
    poly::{EvaluationDomain, kzg::commitment::ParamsKZG},
};
use halo2curves::{
    bn256::{Bn256, Fr, G1, G1Affine, G2, G2Affine},
    ff::Field,
    group::{Curve, prime::PrimeCurveAffine},
    pairing::Engine,
    serde::SerdeObject,
};
use rand_core::OsRng;
use sha3::{Digest, Keccak256};

use crate::{
    Error,
    digesting::{DigestReader, DigestWriter},
    engine::{Basis, Budget, HostBases},
    export,
};

const MAGIC: &[u8; 8] = b"apodsrs\x01";
const EXPECTED: &str = "a structured reference string of this version";

/// The smallest `k` that is generated.
pub const MIN_K: u32 = 4;
/// The greatest `k` that is generated or read.
pub const MAX_K: u32 = 24;

/// Powers of a secret in two bases, for circuits of at most `2^k` rows.
///
/// They are held once, as the engine reads them.
#[derive(Clone, Debug)]
pub struct Srs {
    k: u32,
    bases: Arc<HostBases>,
    second: [G2Affine; 2],
    origin: SrsOrigin,
    digest: [u8; 32],
    budget: Budget,
}

impl Srs {
    /// Makes one for development. Whoever runs this could keep the secret and forge every proof: the origin is
    /// [`SrsOrigin::Unsafe`], and every key made from it says so.
    ///
    /// # Errors
    /// [`Error::K`] outside [`MIN_K`] to [`MAX_K`].
    pub fn generate_unsafe(k: u32) -> Result<Self, Error> {
        check_k(k)?;
        let (secret, generator) = (Fr::random(OsRng), G2Affine::generator());
        let bases = HostBases::of_secret(k, G1Affine::generator(), secret)?;
        Ok(Self::new(k, bases, [generator, (G2::from(generator) * secret).to_affine()], SrsOrigin::Unsafe))
    }

    fn new(k: u32, bases: HostBases, second: [G2Affine; 2], origin: SrsOrigin) -> Self {
        let mut srs = Self { k, bases: Arc::new(bases), second, origin, digest: [0; 32], budget: Budget::default() };
        srs.digest = srs.public_digest();
        srs
    }

    /// What identifies the secret: its image in the second group. Strings cut to size keep it.
    fn public_digest(&self) -> [u8; 32] {
        let mut hasher = Keccak256::new();
        hasher.update(MAGIC);
        for point in self.second {
            hasher.update(apodict_verifier::g2_to_be_bytes(&export::g2(&point)));
        }
        hasher.finalize().into()
    }

    /// log2 of the number of powers.
    pub fn k(&self) -> u32 {
        self.k
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
        let bases = of_powers(k, self.budget, &self.bases.powers(1 << k))?;
        Ok(Self { k, bases: Arc::new(bases), ..*self })
    }

    /// The same, with memory for multiples of its points: see [`Budget`].
    ///
    /// # Errors
    /// None: both bases are of one length.
    pub fn with_budget(self, budget: Budget) -> Result<Self, Error> {
        if budget.multiple_bytes == self.budget.multiple_bytes {
            return Ok(Self { budget, ..self });
        }
        let bases = HostBases::new(budget, |basis| Ok::<_, Error>(self.bases.points(basis)))?;
        Ok(Self { bases: Arc::new(bases), budget, ..self })
    }

    pub(crate) fn budget(&self) -> Budget {
        self.budget
    }

    /// The points as the engine reads them.
    pub(crate) fn bases(&self) -> &HostBases {
        &self.bases
    }

    /// As halo2 has it: a copy.
    pub(crate) fn params(&self) -> ParamsKZG<Bn256> {
        let [g2, s_g2] = self.second;
        let [monomial, lagrange] = [Basis::Monomial, Basis::Lagrange].map(|basis| self.bases.points(basis));
        ParamsKZG::<Bn256>::setup(1, OsRng).from_parts(self.k, monomial, Some(lagrange), g2, s_g2)
    }

    /// What a verifier needs of it.
    pub(crate) fn for_verifiers(&self) -> apodict_verifier::Srs {
        let [g2, s_g2] = self.second.map(|point| export::g2(&point));
        let g1 = export::g1(&self.bases.commit(Basis::Monomial, vec![Fr::ONE]));
        apodict_verifier::Srs { g1, g2, s_g2, origin: self.origin, digest: self.digest }
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
        writer.write_all(&self.k.to_le_bytes())?;
        for basis in [Basis::Monomial, Basis::Lagrange] {
            for point in self.bases.points(basis) {
                point.write_raw(&mut writer)?;
            }
        }
        for point in self.second {
            point.write_raw(&mut writer)?;
        }
        Ok(writer.finish()?)
    }

    /// Reads what [`Self::write`] wrote. The digest at the end guards against damage, not against malice:
    /// [`Self::check`] does, for a file that you did not make.
    ///
    /// # Errors
    /// [`Error::File`] for anything else, truncated and damaged files included.
    pub fn read(reader: &mut impl Read) -> Result<Self, Error> {
        Self::read_some(reader, None)
    }

    /// Reads the first `2^k` powers of what [`Self::write`] wrote: the same as [`Self::cut_to`] of the whole, in the memory that
    /// these take. Of the rest nothing but the digest is looked at.
    ///
    /// # Errors
    /// As [`Self::read`]; [`Error::SrsTooSmall`].
    pub fn read_cut_to(reader: &mut impl Read, k: u32) -> Result<Self, Error> {
        Self::read_some(reader, Some(k))
    }

    fn read_some(reader: &mut impl Read, wanted: Option<u32>) -> Result<Self, Error> {
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
        let wanted = wanted.unwrap_or(k);
        if wanted > k {
            return Err(Error::SrsTooSmall { got: k, needed: wanted });
        }
        let (n, budget) = (1usize << k, Budget::default());
        let bases = if wanted == k {
            HostBases::new(budget, |_| reader.points(n))?
        } else {
            let powers = reader.points(1 << wanted)?;
            // The other powers, and the other basis, which is not that of fewer powers.
            reader.skip((2 * n - powers.len()) * size_of::<G1Affine>())?;
            of_powers(wanted, budget, &powers)?
        };
        let second = [reader.point()?, reader.point()?];
        reader.finish()?;
        Ok(Self::new(wanted, bases, second, origin))
    }

    /// Checks that the powers are powers of one secret, in both bases: a random combination of neighbours against
    /// the pairing, and a random polynomial committed to in either basis. A wrong string passes with probability
    /// about `2^k / r`, below 2^-229.
    ///
    /// # Errors
    /// [`Error::SrsInconsistent`] says what does not hold.
    pub fn check(&self) -> Result<(), Error> {
        let [g2, s_g2] = self.second;
        let one = self.bases.commit(Basis::Monomial, vec![Fr::ONE]);
        if one != G1Affine::generator() || g2 != G2Affine::generator() {
            return Err(Error::SrsInconsistent("its generators are not the curve's"));
        }
        if bool::from(s_g2.is_identity()) {
            return Err(Error::SrsInconsistent("its secret is zero"));
        }
        let mut weights: Vec<Fr> = (0..1 << self.k).map(|_| Fr::random(OsRng)).collect();
        weights[0] = Fr::ZERO;
        // sum_i w_i s^i, and sum_i w_i s^(i - 1).
        let high = self.bases.commit(Basis::Monomial, weights.clone());
        weights.rotate_left(1);
        let low = self.bases.commit(Basis::Monomial, weights);
        if Bn256::pairing(&low, &s_g2) != Bn256::pairing(&high, &g2) {
            return Err(Error::SrsInconsistent("its points are not successive powers of the secret"));
        }
        let domain = EvaluationDomain::<Fr>::new(2, self.k);
        let values: Vec<Fr> = (0..1 << self.k).map(|_| Fr::random(OsRng)).collect();
        let committed = self.bases.commit(Basis::Lagrange, values.clone());
        let coefficients = domain.lagrange_to_coeff(domain.lagrange_from_vec(values));
        if committed != self.bases.commit(Basis::Monomial, coefficients.to_vec()) {
            return Err(Error::SrsInconsistent("its two bases do not agree"));
        }
        Ok(())
    }
}

/// Both bases of `2^k` powers.
fn of_powers(k: u32, budget: Budget, powers: &[G1Affine]) -> Result<HostBases, Error> {
    HostBases::new(budget, |basis| match basis {
        Basis::Monomial => Ok(powers.to_vec()),
        Basis::Lagrange => Ok(g_to_lagrange(powers.iter().map(G1::from).collect(), k)),
    })
}

fn check_k(k: u32) -> Result<(), Error> {
    if (MIN_K..=MAX_K).contains(&k) { Ok(()) } else { Err(Error::K { got: k, min: MIN_K, max: MAX_K }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;

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
        for basis in [Basis::Monomial, Basis::Lagrange] {
            assert_eq!(back.bases.points(basis), srs.bases.points(basis));
        }
        back.check().expect("consistent");
        let cut = back.cut_to(4).expect("smaller");
        cut.check().expect("consistent");
        assert_eq!(cut.digest(), srs.digest());
        assert!(matches!(back.cut_to(6), Err(Error::SrsTooSmall { got: 5, needed: 6 })));
    }

    #[test]
    fn the_first_powers_of_a_file_are_those_of_the_string() {
        let srs = Srs::generate_unsafe(7).expect("k is in range");
        let file = bytes(&srs);
        for k in [4, 6, 7] {
            let read = Srs::read_cut_to(&mut file.as_slice(), k).expect("what was written");
            let cut = srs.cut_to(k).expect("not larger");
            assert_eq!((read.k(), read.origin(), read.digest()), (k, cut.origin(), cut.digest()));
            assert_eq!(bytes(&read), bytes(&cut));
        }
        let error = Srs::read_cut_to(&mut file.as_slice(), 8).expect_err("there are fewer");
        assert!(matches!(error, Error::SrsTooSmall { got: 7, needed: 8 }), "{error}");
    }

    #[test]
    fn refuses_damaged_files() {
        let srs = Srs::generate_unsafe(5).expect("k is in range");
        let good = bytes(&srs);
        let refused = |bytes: &[u8]| Srs::read(&mut &*bytes).is_err() && Srs::read_cut_to(&mut &*bytes, 4).is_err();
        for len in [0, 7, 12, 13, 500, 2000, good.len() - 1] {
            assert!(refused(&good[..len]), "cut at {len}");
        }
        for at in (0..good.len()).step_by(97) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(refused(&bad), "flipped at {at}");
        }
        let mut long = good;
        long.push(0);
        assert!(refused(&long));
    }

    #[test]
    fn check_finds_points_that_are_not_powers() {
        let srs = Srs::generate_unsafe(4).expect("k is in range");
        let powers = srs.bases.points(Basis::Monomial);
        let lagrange = srs.bases.points(Basis::Lagrange);
        let check = |monomial: &[G1Affine], lagrange: &[G1Affine]| {
            let points = |basis| Ok::<_, Error>(if basis == Basis::Monomial { monomial } else { lagrange }.to_vec());
            let bases = HostBases::new(Budget::default(), points)?;
            Srs::new(4, bases, srs.second, SrsOrigin::Unsafe).check()
        };
        check(&powers, &lagrange).expect("consistent");
        let mut swapped = powers.clone();
        swapped.swap(2, 3);
        assert!(matches!(check(&swapped, &lagrange), Err(Error::SrsInconsistent(_))));
        assert!(matches!(check(&powers, &powers), Err(Error::SrsInconsistent(_))));
        let mut last = powers.clone();
        last[15] = last[14];
        assert!(matches!(check(&last, &lagrange), Err(Error::SrsInconsistent(_))));
        assert!(matches!(check(&powers, &powers[..15]), Err(Error::Engine(engine::Error::Basis { .. }))));
    }

    /// Multiples change how long commitments take, and nothing else.
    #[test]
    fn a_budget_changes_no_point() {
        let srs = Srs::generate_unsafe(5).expect("k is in range");
        let with = srs.clone().with_budget(Budget::for_many_proofs(64 << 20, 5)).expect("both bases");
        with.check().expect("consistent");
        assert_eq!(bytes(&with), bytes(&srs));
        assert_eq!(bytes(&with.cut_to(4).expect("smaller")), bytes(&srs.cut_to(4).expect("smaller")));
    }
}
