//! What binds a proof to its use.

use halo2curves::bn256::Fr;

/// 32 bytes that bind a proof to its use: a protocol hashes chain, consumer, subject, nonce and deadline into them.
///
/// Read as a big-endian number; its low and its high 128 bits are the first two public values of every proof. No gate
/// reads them: the transcript absorbs them before the first commitment, so that a proof for one context is not a
/// proof for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Context(pub [u8; 32]);

impl Context {
    /// The two public values, low half first.
    pub fn instances(self) -> [Fr; 2] {
        let half = |bytes: &[u8]| {
            let value = bytes.iter().fold(0u128, |value, byte| (value << 8) | u128::from(*byte));
            Fr::from_raw([value as u64, (value >> 64) as u64, 0, 0])
        };
        let (high, low) = self.0.split_at(16);
        [half(low), half(high)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_big_endian() {
        let mut bytes = [0; 32];
        bytes[31] = 5;
        bytes[15] = 7;
        bytes[0] = 1;
        let [low, high] = Context(bytes).instances();
        assert_eq!(low, Fr::from(5));
        assert_eq!(high, Fr::from(7) + Fr::from_raw([0, 1 << 56, 0, 0]));
    }
}
