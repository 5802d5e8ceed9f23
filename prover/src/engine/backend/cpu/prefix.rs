//! What goes from element to element: running products, and division by a linear factor. Blocks first tell what they do to
//! what comes into them, which has no order; then each goes through its own elements.

use halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;

/// Elements that a block has at least.
const BLOCK: usize = 1 << 10;

/// Products that do not wait for each other.
const CHAINS: usize = 4;

/// Elements of a block, so that every thread has one.
fn block(len: usize) -> usize {
    len.div_ceil(rayon::current_num_threads()).max(BLOCK)
}

/// In place of the factors: `start`, then each value times the factor of its row; in the last rows `blinds`. Gives the last
/// value before them.
pub(super) fn running_product(factors: &mut [Fr], start: Fr, blinds: &[Fr]) -> Fr {
    let (rows, blinded) = factors.split_at_mut(factors.len() - blinds.len());
    blinded.copy_from_slice(blinds);
    let block = block(rows.len());
    // Nothing comes after the last block.
    let whole = rows.chunks(block).count().saturating_sub(1);
    let products: Vec<Fr> = rows.par_chunks(block).take(whole).map(product).collect();
    let mut starts = vec![start];
    for product in products {
        starts.push(starts[starts.len() - 1] * product);
    }
    let of_block = |(factors, start): (&mut [Fr], &Fr)| {
        let (mut running, mut last) = (*start, *start);
        for factor in factors {
            let next = running * *factor;
            *factor = running;
            (last, running) = (running, next);
        }
        last
    };
    let last: Vec<Fr> = rows.par_chunks_mut(block).zip(&starts).map(of_block).collect();
    last.last().copied().unwrap_or(start)
}

fn product(factors: &[Fr]) -> Fr {
    let mut chains = [Fr::ONE; CHAINS];
    for factors in factors.chunks(CHAINS) {
        chains.iter_mut().zip(factors).for_each(|(chain, factor)| *chain *= factor);
    }
    chains.into_iter().product()
}

/// Divides by `X - root` and drops the remainder, in place; the highest coefficient becomes 0.
pub(super) fn divide_by_root(poly: &mut [Fr], root: Fr) {
    let block = block(poly.len());
    // What comes into a block from above is the value of all that is above, counted from its end.
    let values: Vec<Fr> = poly.par_chunks(block).skip(1).map(|part| value(part, root)).collect();
    let power = root.pow_vartime([block as u64]);
    let mut carries = vec![Fr::ZERO];
    for (at, value) in values.iter().enumerate().rev() {
        // The topmost block may be short, but nothing comes into it.
        let above = if at + 1 == values.len() { Fr::ZERO } else { carries[carries.len() - 1] * power };
        carries.push(*value + above);
    }
    carries.reverse();
    poly.par_chunks_mut(block).zip(&carries).for_each(|(part, carry)| {
        let mut carry = *carry;
        for value in part.iter_mut().rev() {
            let quotient = carry;
            carry = *value + carry * root;
            *value = quotient;
        }
    });
}

/// `sum_i part[i] * root^i`.
fn value(part: &[Fr], root: Fr) -> Fr {
    let powers: [Fr; CHAINS] = std::array::from_fn(|at| root.pow_vartime([at as u64]));
    let step = root.pow_vartime([CHAINS as u64]);
    let mut chains = [Fr::ZERO; CHAINS];
    for coefficients in part.chunks(CHAINS).rev() {
        for (at, chain) in chains.iter_mut().enumerate() {
            *chain = *chain * step + coefficients.get(at).copied().unwrap_or(Fr::ZERO);
        }
    }
    chains.iter().zip(powers).map(|(chain, power)| *chain * power).sum()
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    fn elements(len: usize) -> Vec<Fr> {
        let mut rng = ChaCha20Rng::seed_from_u64(len as u64);
        (0..len).map(|at| if at % 97 == 96 { Fr::ZERO } else { Fr::random(&mut rng) }).collect()
    }

    /// From one block to several, the last of them short or of one element.
    fn sizes(threads: usize) -> impl Iterator<Item = usize> {
        [0, 1, 2, 5, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 1, threads * BLOCK, threads * BLOCK + threads + 1, 9999]
            .into_iter()
    }

    fn in_pools(test: impl Fn(usize) + Sync) {
        for threads in [1, 2, 3, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            sizes(threads).for_each(|len| pool.install(|| test(len)));
        }
    }

    #[test]
    fn products_run_on_from_block_to_block() {
        in_pools(|len| {
            let (factors, start) = (elements(len), Fr::from(3));
            for blinds in [0, 5.min(len)] {
                let blinds = elements(blinds);
                let (mut expected, mut running, mut last) = (Vec::new(), start, start);
                for factor in &factors[..len - blinds.len()] {
                    expected.push(running);
                    last = running;
                    running *= factor;
                }
                expected.extend(&blinds);
                let mut got = factors.clone();
                assert_eq!(running_product(&mut got, start, &blinds), last, "{len}");
                assert_eq!(got, expected, "{len}");
            }
        });
    }

    #[test]
    fn quotients_carry_from_block_to_block() {
        in_pools(|len| {
            for root in [Fr::ZERO, Fr::ONE, -Fr::from(5).square()] {
                let poly = elements(len);
                let mut quotient = poly.clone();
                divide_by_root(&mut quotient, root);
                // quotient * (X - root) is the polynomial but for the remainder.
                for at in 1..len {
                    assert_eq!(quotient[at - 1] - quotient[at] * root, poly[at], "{at} of {len}");
                }
                assert_eq!(quotient.last().copied().unwrap_or(Fr::ZERO), Fr::ZERO);
            }
        });
    }
}
