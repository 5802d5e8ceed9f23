//! Piecewise linear tables of smooth functions.
//!
//! On a segment of length `h` a chord leaves an error of one sign, at most `h^2/8 * max|f''|`. Moving it by half of what it
//! leaves halves the error; what remains is measured on every integer of the domain, so that the stated error is not an
//! estimate.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Error,
    fixed::{power_of_two, to_real},
};
use crate::{
    elementary,
    float::Function,
    int::{Interval, Piecewise, limits},
};

/// Most segments of a table: each takes two rows of the machine's table columns.
const MOST_SEGMENTS: i64 = 256;

/// Most integers that a table's domain may have: all of them are tried.
const MOST_DOMAIN_BITS: u32 = 20;

/// Most segments of a table of a [`Function`]: some bend sharply, or reach far.
const MOST_FUNCTION_SEGMENTS: i64 = 1024;

/// Fraction bits of a table's values: enough that the rounding of a slope, times a segment's length, stays below `2^-19`.
fn value_bits(segment_bits: u32) -> i32 {
    18 + segment_bits as i32
}

/// As [`value_bits`], of values below `2^exponent` and increments below `2^rise`: as many significant bits, within the graph's limits.
fn significant_bits(segment_bits: u32, exponent: i32, rise: i32) -> i32 {
    let bases = limits::WEIGHT_BITS as i32 - 1 - exponent;
    let slopes = limits::SLOPE_BITS as i32 - 1 - rise;
    (value_bits(segment_bits) - exponent).min(bases).min(slopes)
}

/// A table and how far it stands from its function.
pub(super) struct Fit {
    pub(super) table: Piecewise,
    /// Of its values.
    pub(super) frac_bits: i32,
    /// Greatest `|table(x) - f(x)|` on the domain.
    pub(super) error: f64,
}

/// A table of `exp(-d)`, at least 1 in integers, and how far it stands from it: every value is within
/// `relative * exp(-d) + absolute`.
pub(super) struct Exponential {
    pub(super) table: Piecewise,
    pub(super) frac_bits: i32,
    pub(super) relative: f64,
    pub(super) absolute: f64,
}

/// What a table is made from: name, fraction bits of the argument, domain, target (its bits).
type Key = (&'static str, i32, Interval, u64);

/// What a table of a function is made from: the function and its parameters, whether its rectifier is taken off, and what [`Key`] has.
type FunctionKey = (&'static str, [u64; 2], Part, i32, Interval, u64);

/// What of a function a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// `f(x)`.
    Whole,
    /// `f(x) - max(x, 0)`, of those that come near the rectifier far from 0.
    AboveRelu,
}

impl Part {
    /// Of `function` at `x`.
    pub(super) fn at(self, function: Function, x: f64) -> f64 {
        match self {
            Self::Whole => function.at(x),
            Self::AboveRelu => function.at(x) - x.max(0.0),
        }
    }
}

/// Tables that were made. The search asks for the same ones over and over.
#[derive(Default)]
pub(super) struct Tables {
    fits: Mutex<HashMap<Key, Arc<Fit>>>,
    exponentials: Mutex<HashMap<Key, Arc<Exponential>>>,
    functions: Mutex<HashMap<FunctionKey, Arc<Fit>>>,
}

impl Tables {
    /// See [`fit`].
    pub(super) fn fit(
        &self,
        name: &'static str,
        f: fn(f64) -> f64,
        arg_bits: i32,
        domain: Interval,
        target: f64,
    ) -> Result<Arc<Fit>, Error> {
        let key = (name, arg_bits, domain, target.to_bits());
        cached(&self.fits, key, || fit(name, f, arg_bits, domain, target))
    }

    /// A table of a part of `function`, of the fewest segments that come within `target`, or of as many as are allowed; none if a
    /// value at an end of the domain is not finite.
    pub(super) fn function(
        &self,
        function: Function,
        part: Part,
        arg_bits: i32,
        domain: Interval,
        target: f64,
    ) -> Result<Option<Arc<Fit>>, Error> {
        let parameters = match function {
            Function::Elu { alpha, width } => [alpha.to_bits(), width.to_bits()],
            Function::Power { exponent } => [exponent.to_bits(), 0],
            _ => [0, 0],
        };
        let key = (function.name(), parameters, part, arg_bits, domain, target.to_bits());
        let ends = [domain.lo, domain.hi].map(|x| part.at(function, to_real(x, arg_bits)));
        if !ends.iter().all(|end| end.is_finite()) {
            return Ok(None);
        }
        let make = || {
            // The end of the last chord may lie beyond the domain, and beyond where the function has a value: it goes straight on.
            let [step, end] = [power_of_two(-arg_bits), to_real(domain.hi, arg_bits)];
            let before = part.at(function, (end - step).max(to_real(domain.lo, arg_bits)));
            let beyond = |x: f64| ends[1] + (ends[1] - before) * ((x - end) / step);
            let at = |x: f64| if x <= end { part.at(function, x) } else { beyond(x) };
            let used = (domain.hi - domain.lo + 1) as usize;
            fit_within(
                function.name(),
                at,
                arg_bits,
                domain,
                target,
                MOST_FUNCTION_SEGMENTS,
                |samples, segment_bits| {
                    let exponent = |magnitude: f64| elementary::floor_log2(magnitude).clamp(-64, 512) + 1;
                    let inside = samples.get(..used).unwrap_or(samples);
                    let greatest = inside.iter().fold(0.0f64, |greatest, value| greatest.max(value.abs()));
                    let rise = inside.windows(2).fold(0.0f64, |rise, pair| rise.max((pair[1] - pair[0]).abs()));
                    significant_bits(segment_bits, exponent(greatest), exponent(rise))
                },
            )
        };
        cached(&self.functions, key, make).map(Some)
    }

    /// See [`fit_exponential`].
    pub(super) fn exponential(&self, arg_bits: i32, domain: Interval, target: f64) -> Result<Arc<Exponential>, Error> {
        let key = ("exp", arg_bits, domain, target.to_bits());
        cached(&self.exponentials, key, || fit_exponential(arg_bits, domain, target))
    }
}

fn cached<K: Eq + Hash, T>(
    known: &Mutex<HashMap<K, Arc<T>>>,
    key: K,
    make: impl FnOnce() -> Result<T, Error>,
) -> Result<Arc<T>, Error> {
    // A poisoned cache holds whole entries all the same.
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = lock().get(&key) {
        return Ok(found.clone());
    }
    let made = Arc::new(make()?);
    lock().insert(key, made.clone());
    Ok(made)
}

/// A table of `f` on `domain`, whose integers stand for `x * 2^-arg_bits`: of the fewest segments that reach `target`, or
/// of as many as are allowed.
fn fit(name: &str, f: impl Fn(f64) -> f64, arg_bits: i32, domain: Interval, target: f64) -> Result<Fit, Error> {
    fit_within(name, f, arg_bits, domain, target, MOST_SEGMENTS, |_, segment_bits| value_bits(segment_bits))
}

/// As [`fit`], of at most so many segments, with values of as many fraction bits as `frac_bits` says of samples and the length of a segment.
fn fit_within(
    name: &str,
    f: impl Fn(f64) -> f64,
    arg_bits: i32,
    domain: Interval,
    target: f64,
    most_segments: i64,
    frac_bits: impl Fn(&[f64], u32) -> i32,
) -> Result<Fit, Error> {
    let most = domain.bits();
    if most > MOST_DOMAIN_BITS {
        let reason = "its argument's scale is too fine for a table: use fewer fraction bits (--bits)";
        return Err(Error::Unsupported { node: name.to_owned(), operator: "table", reason });
    }
    let length = domain.hi - domain.lo + 1;
    let least = (0..most).find(|bits| segments(length, *bits) <= most_segments).unwrap_or(most);
    // One segment more than the domain, for the end of the last chord.
    let end = domain.lo + (segments(length, most) << most);
    let samples: Vec<f64> = (domain.lo..=end).map(|x| f(to_real(x, arg_bits))).collect();
    let mut best = chords(name, &samples, domain, most, frac_bits(&samples, most));
    for segment_bits in (least..most).rev() {
        if best.error <= target {
            break;
        }
        let attempt = chords(name, &samples, domain, segment_bits, frac_bits(&samples, segment_bits));
        if attempt.error < best.error {
            best = attempt;
        }
    }
    Ok(best)
}

/// A table of `exp(-d)` for `d` from 0 on, raised to at least 1 so that sums of its values are proven to be positive.
fn fit_exponential(arg_bits: i32, domain: Interval, target: f64) -> Result<Exponential, Error> {
    let exp = |d: f64| elementary::exp(-d);
    let Fit { mut table, frac_bits, .. } = fit("exp", exp, arg_bits, domain, target)?;
    let length = 1i64 << table.segment_bits;
    let ends =
        (domain.lo..=domain.hi).step_by(1 << table.segment_bits).map(|start| (domain.hi - start + 1).min(length));
    for ((base, slope), end) in table.base.iter_mut().zip(&table.slope).zip(ends) {
        // The function falls, so a segment is least at its end.
        let least = *base + (slope * (end - 1)).min(0);
        *base += (1 - least).max(0);
    }
    // What rounding of slopes and bases, and raising, may cause where the function itself is near 0.
    let absolute = to_real(length, frac_bits);
    let excess = |d: i64| {
        let exact = exp(to_real(d, arg_bits));
        let value = table.eval(d).map_or(f64::INFINITY, |value| to_real(value, frac_bits));
        ((value - exact).abs() - absolute).max(0.0) / exact
    };
    let relative = (domain.lo..=domain.hi).map(excess).fold(0.0, f64::max);
    Ok(Exponential { table, frac_bits, relative, absolute })
}

fn segments(length: i64, segment_bits: u32) -> i64 {
    (length + (1 << segment_bits) - 1) >> segment_bits
}

/// The table with segments of `2^segment_bits`. `samples` are the function from `domain.lo` on.
fn chords(name: &str, samples: &[f64], domain: Interval, segment_bits: u32, frac_bits: i32) -> Fit {
    let scale = power_of_two(frac_bits);
    let length = 1usize << segment_bits;
    let used = (domain.hi - domain.lo + 1) as usize;
    let (mut base, mut slope) = (Vec::new(), Vec::new());
    let mut error = 0.0f64;
    for start in (0..used).step_by(length) {
        let inside = &samples[start..used.min(start + length)];
        let rise = (samples[start + length] - samples[start]) / length as f64;
        let slope_here = (rise * scale).round_ties_even();
        // Deviation from the rounded slope; the base stands in the middle of it.
        let deviation = |(t, value): (usize, &f64)| value * scale - slope_here * t as f64;
        let (least, most) = (inside.iter().enumerate().map(deviation))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), d| (lo.min(d), hi.max(d)));
        let base_here = f64::midpoint(least, most).round_ties_even();
        error = error.max((most - base_here).abs()).max((base_here - least).abs());
        base.push(base_here as i64);
        slope.push(slope_here as i64);
    }
    let table = Piecewise { name: name.to_owned(), lo: domain.lo, segment_bits, base, slope, out_shift: 0 };
    Fit { table, frac_bits, error: error / scale }
}

#[cfg(test)]
mod tests {
    use sha3::{Digest, Keccak256};

    use super::*;

    fn measured(fit: &Fit, f: impl Fn(f64) -> f64, arg_bits: i32, domain: Interval) -> f64 {
        let error = |x| (to_real(fit.table.eval(x).unwrap(), fit.frac_bits) - f(to_real(x, arg_bits))).abs();
        (domain.lo..=domain.hi).map(error).fold(0.0, f64::max)
    }

    #[test]
    fn stated_error_is_the_greatest_on_the_domain() {
        for (lo, hi) in [(-8192, 8191), (-5000, 3000), (0, 0), (-1, 0), (100, 163)] {
            let domain = Interval::new(lo, hi);
            let fit = fit("sigmoid", elementary::sigmoid, 10, domain, 1e-4).unwrap();
            let found = measured(&fit, elementary::sigmoid, 10, domain);
            assert!((fit.error - found).abs() < 1e-9, "{domain}: stated {}, found {found}", fit.error);
            assert!(fit.error <= 1e-4, "{domain}: {}", fit.error);
            assert!(fit.table.base.len() <= 256);
            assert!(fit.table.domain().encloses(domain));
        }
    }

    /// `h^2/16 * max|f''|`: half of what chords alone leave.
    #[test]
    fn error_is_half_of_the_chords() {
        let domain = Interval::new(0, 16 * 1024 - 1);
        let fit = fit("exp", |x| elementary::exp(-x), 10, domain, 0.0).unwrap();
        assert_eq!(fit.table.base.len(), 256);
        let h = 1.0 / 16.0;
        assert!(fit.error < 1.1 * h * h / 16.0, "{}", fit.error);
    }

    #[test]
    fn coarse_targets_take_few_segments() {
        let domain = Interval::new(-8192, 8191);
        let coarse = fit("tanh", elementary::tanh, 10, domain, 1e-2).unwrap();
        let fine = fit("tanh", elementary::tanh, 10, domain, 1e-3).unwrap();
        assert!(coarse.error <= 1e-2 && fine.error <= 1e-3);
        assert!(coarse.table.base.len() < fine.table.base.len());
    }

    /// Sums of them divide: they must not be 0. Coarse tables would fall below it at the ends of their segments, and short ones
    /// of few fraction bits where the function is nearly 0.
    #[test]
    fn exponentials_are_positive_and_as_near_as_they_say() {
        for (arg_bits, end, target) in
            [(4, 255, 1e-4), (8, 4095, 0.1), (8, 4095, 1e-3), (10, 16_383, 1e-2), (2, 63, 0.5)]
        {
            let exp = fit_exponential(arg_bits, Interval::new(0, end), target).unwrap();
            for d in 0..=end {
                let (value, exact) = (exp.table.eval(d).unwrap(), elementary::exp(-to_real(d, arg_bits)));
                assert!(value >= 1, "{arg_bits} bits, {target}: {value} at {d}");
                let error = (to_real(value, exp.frac_bits) - exact).abs();
                let stated = exp.relative * exact + exp.absolute;
                assert!(
                    error <= stated * (1.0 + 1e-9),
                    "{arg_bits} bits, {target}: {error:e} at {d}, stated {stated:e}"
                );
            }
        }
    }

    /// Bit for bit what every platform makes of these functions: programs hold them, and so do their digests.
    #[test]
    fn tables_are_those_that_were_pinned() {
        let digest = |table: &Piecewise| {
            let mut hasher = Keccak256::new();
            for value in table.base.iter().chain(&table.slope) {
                hasher.update(value.to_be_bytes());
            }
            hasher.finalize().iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
        };
        let wide = Interval::new(-8192, 8191);
        type Function = fn(f64) -> f64;
        let fits: [(&str, Function, f64, u64); 4] = [
            ("sigmoid", elementary::sigmoid, 1e-4, 0xf95f_62c6_1316_9e7b),
            ("sigmoid", elementary::sigmoid, 0.0, 0xa5ea_3d90_5777_0c0a),
            ("tanh", elementary::tanh, 1e-3, 0x0196_b3bc_91bc_761e),
            ("tanh", elementary::tanh, 0.0, 0xfdb5_1305_deb0_26d5),
        ];
        let mut differ = Vec::new();
        let mut compare = |what: &str, target: f64, table: &Piecewise, pinned: u64| {
            let found = digest(table);
            if found != pinned {
                differ.push(format!("{what} to {target}: {found:#018x}"));
            }
        };
        for (name, f, target, pinned) in fits {
            compare(name, target, &fit(name, f, 10, wide, target).unwrap().table, pinned);
        }
        for (target, pinned) in [(1e-3, 0x6a71_a3b3_f53e_4e9f), (0.0, 0xc628_d502_1156_7f3b)] {
            let fit = fit_exponential(10, Interval::new(0, 16_383), target).unwrap();
            compare("exp", target, &fit.table, pinned);
        }
        assert!(differ.is_empty(), "{differ:#?}");
    }
}
