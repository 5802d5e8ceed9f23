//! Smooth functions by tables.
//!
//! A table covers what the argument is proven to take, or less: where a function has come within a share of the plan's table error of a
//! horizontal line, or of the rectifier, its argument is clamped. Of the latter, beyond that reach, the rectifier is taken off, which is
//! exact, and the table holds the rest. Where arguments are far from each other and the function bends the more the nearer it comes to 0,
//! as a logarithm does, the table is one of a root of the argument, of which all are near each other.

use super::{
    Error, Lowering, Value,
    arithmetic::{operands, scaled_error},
    index, unsupported,
};
use crate::{
    elementary,
    float::{self, Function},
    int::{Interval, Op, Source},
    quantize::{
        RealRange,
        fixed::{power_of_two, round_to_scale, to_real},
        plan::Narrowing,
        table::Part,
    },
};

/// Fraction bits of an argument that is not narrowed by the plan.
const MOST_ARGUMENT_BITS: i32 = 12;

/// Bits of a table's domain: all of its integers are tried.
const DOMAIN_BITS: i32 = 18;

/// The farthest from 0 that an argument is clamped.
const FARTHEST: f64 = 64.0;

/// The share of a function's greatest value that a table may be off: with more it would hold nothing of the function.
const WORST_SHARE: f64 = 0.25;

/// No function is steeper less the rectifier, but for Elu: Mish comes near it, at 0.
const SLOPE_ABOVE_RELU: f64 = 0.61;

/// How often the root of a logarithm's or power's argument is taken.
const MOST_ROOTS: u32 = 2;

/// The greatest argument over the least, from which on the root is taken.
const FAR_APART: f64 = 16.0;

/// Where a function is nearly flat, or nearly the rectifier.
#[derive(Clone, Copy)]
struct Tails {
    part: Part,
    /// What the part comes to for small arguments, without coming back from `-4` on, if it does.
    below: Option<f64>,
    /// The same for large ones, from `4` on.
    above: Option<f64>,
}

impl Lowering<'_> {
    pub(super) fn function(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        function: Function,
    ) -> Result<Value, Error> {
        let [x] = operands(node)?;
        match function {
            Function::Power { exponent: 0.5 } => self.square_root(at, node),
            Function::Power { exponent: -0.5 } => {
                let root = self.root(at, node, x)?;
                self.reciprocal(at, node, &root)
            }
            Function::Power { exponent: -1.0 } => {
                let divisor = self.positive(x)?;
                self.reciprocal(at, node, &divisor)
            }
            Function::Softsign => self.softsign(at, node),
            Function::Log | Function::Power { .. } => self.by_roots(at, node, function),
            _ => {
                let x = self.value(x)?;
                self.check_domain(node, function, &x)?;
                self.tabulated(at, node, function, &x)
            }
        }
    }

    /// With `r` the root of `x` of order `2^n`: `log(x) = 2^n log(r)`, `x^p = r^(2^n p)`.
    fn by_roots(&mut self, at: float::NodeId, node: &float::Node, function: Function) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let mut value = match function {
            Function::Power { exponent } if exponent >= 0.0 => self.value(x)?,
            _ => self.positive(x)?,
        };
        self.check_domain(node, function, &value)?;
        // A power of 1 and more bends no more near 0 than elsewhere.
        let most = match function {
            Function::Power { exponent } if exponent >= 1.0 => 0,
            _ => MOST_ROOTS,
        };
        let mut roots = 0;
        while roots < most {
            let hull = self.hull(&value);
            if (hull.hi as f64) < FAR_APART * hull.lo.max(1) as f64 {
                break;
            }
            value = self.root_of(at, node, &value)?;
            roots += 1;
        }
        let order = power_of_two(roots as i32);
        match function {
            Function::Power { exponent } => {
                self.tabulated(at, node, Function::Power { exponent: exponent * order }, &value)
            }
            _ => {
                let log = self.tabulated(at, node, function, &value)?;
                let (name, shape) = self.form(&log, "times");
                let frac_bits = self.frac_bits(&log) - roots as i32;
                let sources = (0..index(node.len())).map(|element| Source { input: 0, element }).collect();
                let id = self.builder.push(name, Op::Rearrange { sources }, vec![log.node], shape, frac_bits)?;
                let errors = log.errors.iter().map(|error| order * error).collect();
                Ok(Value { node: id, errors, site: at })
            }
        }
    }

    fn tabulated(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        function: Function,
        x: &Value,
    ) -> Result<Value, Error> {
        let own = self.frac_bits(x);
        let hull = self.hull(x);
        let (lo, hi) = (to_real(hull.lo, own), to_real(hull.hi, own));
        let tails = Tails::of(function);
        let tail = self.plan.table_error / 2.0;
        let mut part = Part::Whole;
        let (mut least, mut most) = tails.reach(function, tail);
        if tails.part == Part::AboveRelu {
            match least <= lo && hi <= most {
                // A table of the function itself, which needs no rectifier.
                true => (least, most) = (f64::NEG_INFINITY, f64::INFINITY),
                false => part = Part::AboveRelu,
            }
        }
        let (from, to) = (lo.max(least), hi.min(most).max(lo.max(least)));
        let arg_bits = self.table_bits(x, function, RealRange { lo: from, hi: to });
        let bound = |end: f64| {
            let end = end.is_finite().then_some(end);
            let too_fine = || unsupported(node, "its argument's scale is too fine: use fewer fraction bits (--bits)");
            end.map(|end| round_to_scale(end, arg_bits).ok_or_else(too_fine)).transpose()
        };
        let clamped = self.clamp(x, arg_bits, bound(least)?, bound(most)?)?;
        let domain = self.hull(&clamped);
        let frac_bits = self.frac_bits(&clamped);
        let wide = |advice| {
            let got = RealRange { lo, hi };
            Error::TooWide { node: node.name.clone(), operator: node.op.name(), got, advice }
        };
        const NARROWER: &str =
            "that is too wide for a table: apply Clip before it, or declare narrower input ranges (--range)";
        if domain.bits() as i32 > DOMAIN_BITS + 2 {
            return Err(wide(NARROWER));
        }
        let fit = self.tables.function(function, part, frac_bits, domain, self.plan.table_error)?;
        let Some(fit) = fit else {
            return Err(wide("some of that is beyond what has a finite value: apply Clip before it"));
        };
        let greatest = (domain.lo..=domain.hi).step_by(((domain.hi - domain.lo) / 256).max(1) as usize);
        let greatest = greatest.map(|x| part.at(function, to_real(x, frac_bits)).abs()).fold(0.0, f64::max);
        if fit.error > WORST_SHARE * greatest && fit.error > self.plan.table_error {
            return Err(wide(NARROWER));
        }
        // Beyond the ends the table stays where it is; the function goes on to what it comes to.
        let at_end = |end: i64, limit: Option<f64>| {
            limit.map_or(0.0, |limit| (part.at(function, to_real(end, frac_bits)) - limit).abs())
        };
        let below = if lo < to_real(domain.lo, frac_bits) { at_end(domain.lo, tails.below) } else { 0.0 };
        let above = if hi > to_real(domain.hi, frac_bits) { at_end(domain.hi, tails.above) } else { 0.0 };
        let beyond = below.max(above);
        let table = self.builder.table(fit.table.clone())?;
        let op = Op::Piecewise { table };
        let name = if part == Part::Whole { node.name.clone() } else { format!("{}.table", node.name) };
        let id = self.builder.push(name, op, vec![clamped.node], node.shape.clone(), fit.frac_bits)?;
        let moved = |error: &f64| match (part, function) {
            (Part::Whole, _) => function.variation(RealRange { lo: lo - error, hi: hi + error }, *error),
            (Part::AboveRelu, Function::Elu { alpha, width }) => scaled_error((alpha / width).abs(), *error),
            (Part::AboveRelu, _) => scaled_error(SLOPE_ABOVE_RELU, *error),
        };
        let errors: Vec<f64> = clamped.errors.iter().map(|error| moved(error) + fit.error + beyond).collect();
        let table = Value { node: id, errors, site: at };
        if part == Part::Whole {
            return Ok(table);
        }
        let x = self.operand(x)?;
        let (name, shape) = self.form(&x, "relu");
        let relu = self.builder.push(name, Op::Relu, vec![x.node], shape, self.frac_bits(&x))?;
        let relu = Value { node: relu, ..x };
        let pairs: Vec<(usize, usize)> = (0..node.len()).map(|element| (element, element)).collect();
        let [table, relu] = self.within_reach(table, relu)?;
        let (id, _) = self.combined(node.name.clone(), node.shape.clone(), (&table, 1), (&relu, 1), &pairs)?;
        let errors = table.errors.iter().zip(&relu.errors).map(|(table, relu)| table + relu).collect();
        Ok(Value { node: id, errors, site: at })
    }

    /// Fraction bits at which a table of `function` reads `x`, all of which lies in `range`.
    fn table_bits(&mut self, x: &Value, function: Function, range: RealRange) -> i32 {
        self.sites.insert(x.site);
        let planned = match self.plan.narrowing_of(x.site) {
            Narrowing::Keep => MOST_ARGUMENT_BITS,
            Narrowing::To(bits) => bits,
        };
        // Near the end of its domain a function changes fast: as many bits of the least argument as the plan gives 1.
        let near = match function {
            Function::Log | Function::Power { .. } if range.lo > 0.0 => -elementary::floor_log2(range.lo),
            _ if range.hi - range.lo > 0.0 => -elementary::floor_log2(range.hi - range.lo) - 2,
            _ => 0,
        };
        let room = DOMAIN_BITS - 1 - elementary::floor_log2((range.hi - range.lo).max(power_of_two(-64)));
        (planned + near.max(0)).min(room).min(self.frac_bits(x))
    }

    /// Whether the argument is proven to be one that the function takes.
    fn check_domain(&self, node: &float::Node, function: Function, x: &Value) -> Result<(), Error> {
        let own = self.frac_bits(x);
        let Interval { lo, hi } = self.hull(x);
        let got = RealRange { lo: to_real(lo, own), hi: to_real(hi, own) };
        let (least, most) = function.domain();
        // At an end without a finite value none may stand.
        let open = |end: f64| !function.at(end).is_finite();
        let below = got.lo < least || got.lo == least && open(least);
        let above = got.hi > most || got.hi == most && open(most);
        let at_pole = function == Function::Tan && holds_pole(got);
        if !(below || above || at_pole) {
            return Ok(());
        }
        let advice = match function {
            Function::Log => {
                "it must be proven to be more than 0: apply Clip before it, or add a constant that is not rounded to 0"
            }
            Function::Power { exponent } if exponent < 0.0 => {
                "it must be proven to be more than 0: apply Clip before it, or add a constant that is not rounded to 0"
            }
            Function::Power { .. } => "it must be proven to be at least 0: apply Clip or Relu before it",
            Function::Acosh => "it must be proven to be at least 1: apply Clip before it",
            Function::Tan => "that holds an odd multiple of pi/2, where it has no value: apply Clip before it",
            Function::Atanh => "it must be proven to lie between -1 and 1, both excluded: apply Clip before it",
            _ => "it must be proven to lie in [-1, 1]: apply Clip before it",
        };
        Err(Error::OutsideDomain {
            node: node.name.clone(),
            operator: node.op.name(),
            what: "its argument",
            got,
            advice,
        })
    }
}

/// Whether the tangent has no value somewhere in `range`.
fn holds_pole(range: RealRange) -> bool {
    let turn = |x: f64| (x / std::f64::consts::PI + 0.5).floor();
    turn(range.lo) != turn(range.hi)
}

impl Tails {
    fn of(function: Function) -> Self {
        let flat = |below, above| Self { part: Part::Whole, below, above };
        let bent = |below| Self { part: Part::AboveRelu, below: Some(below), above: Some(0.0) };
        match function {
            Function::Erf => flat(Some(-1.0), Some(1.0)),
            Function::Atan => flat(Some(-std::f64::consts::FRAC_PI_2), Some(std::f64::consts::FRAC_PI_2)),
            Function::Exp => flat(Some(0.0), None),
            Function::Gelu | Function::GeluTanh | Function::Silu | Function::Mish | Function::Softplus => bent(0.0),
            Function::Elu { alpha, width } if width > 0.0 => bent(-alpha),
            _ => flat(None, None),
        }
    }

    /// From where to where it is to be looked at: beyond, it is within `tail` of what it comes to. In eighths, which are whole segments of
    /// every table that is long enough to need it.
    fn reach(self, function: Function, tail: f64) -> (f64, f64) {
        let reach = |sign: f64, limit: Option<f64>| {
            let Some(limit) = limit else { return sign * f64::INFINITY };
            let far = |eighths: i32| f64::from(eighths) / 8.0;
            let near = |x: f64| (self.part.at(function, sign * x) - limit).abs() <= tail;
            let from = (4.0 * 8.0) as i32;
            let to = (FARTHEST * 8.0) as i32;
            sign * (from..to).map(far).find(|x| near(*x)).unwrap_or(FARTHEST)
        };
        (reach(-1.0, self.below), reach(1.0, self.above))
    }
}

impl Function {
    /// The most by which its value changes where its argument, of `range`, changes by `by`; infinite if nothing is known.
    fn variation(self, range: RealRange, by: f64) -> f64 {
        let (least, most) = self.domain();
        let (lo, hi) = (range.lo.max(least), range.hi.min(most));
        let far = lo.abs().max(hi.abs());
        // No slope is greater than this on the range.
        let slope = match self {
            Self::Exp => elementary::exp(hi),
            Self::Log => 1.0 / lo,
            // At 0.
            Self::Erf => std::f64::consts::FRAC_2_SQRT_PI,
            Self::Sin | Self::Cos | Self::Atan | Self::Asinh | Self::Softplus | Self::Softsign => 1.0,
            Self::Tan if holds_pole(range) => f64::INFINITY,
            Self::Tan => 1.0 + libm::tan(lo).powi(2).max(libm::tan(hi).powi(2)),
            Self::Asin | Self::Acos => 1.0 / (1.0 - far * far).sqrt(),
            Self::Sinh => libm::cosh(far),
            Self::Cosh => libm::sinh(far),
            Self::Acosh => 1.0 / (lo * lo - 1.0).sqrt(),
            Self::Atanh => 1.0 / (1.0 - far * far),
            // Greatest at sqrt(2), about 1.41, 2.4 and 1.5.
            Self::Gelu | Self::GeluTanh => 1.13,
            Self::Silu => 1.1,
            Self::Mish => 1.09,
            // Alpha / width at 0, less below if the width is positive, and 1 above.
            Self::Elu { alpha, width } => {
                (alpha / width).abs().max(1.0) * elementary::exp((lo.min(0.0) / width).max(0.0))
            }
            Self::Power { exponent: 0.0 } => 0.0,
            Self::Power { exponent } => {
                exponent.abs() * libm::pow(lo, exponent - 1.0).max(libm::pow(hi, exponent - 1.0))
            }
        };
        let by_slope = if by == 0.0 { 0.0 } else { slope * by };
        // Where the slope is without bound, the function may change little all the same: most at the end of its domain.
        let at_end = match self {
            Self::Asin | Self::Acos => libm::acos(1.0 - by.min(2.0)),
            Self::Acosh => libm::acosh(1.0 + by),
            Self::Power { exponent } if (0.0..=1.0).contains(&exponent) => libm::pow(by, exponent),
            _ => f64::INFINITY,
        };
        if by_slope.is_nan() { at_end } else { by_slope.min(at_end) }
    }
}
