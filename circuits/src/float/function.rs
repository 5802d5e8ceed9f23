//! Functions of one real number, applied element by element.

use serde::{Deserialize, Serialize};

use crate::elementary;

/// A smooth function of one real number. What has a sharp bend, or is exact in integers, is an [`Op`](super::Op) of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Function {
    /// `e^x`.
    Exp,
    /// The natural logarithm, of `x > 0`.
    Log,
    /// The error function.
    Erf,
    /// The sine, of radians.
    Sin,
    /// The cosine, of radians.
    Cos,
    /// The tangent, of radians.
    Tan,
    /// The inverse sine, of `x` in `[-1, 1]`.
    Asin,
    /// The inverse cosine, of `x` in `[-1, 1]`.
    Acos,
    /// The inverse tangent.
    Atan,
    /// The hyperbolic sine.
    Sinh,
    /// The hyperbolic cosine.
    Cosh,
    /// The inverse hyperbolic sine.
    Asinh,
    /// The inverse hyperbolic cosine, of `x >= 1`.
    Acosh,
    /// The inverse hyperbolic tangent, of `x` in `(-1, 1)`.
    Atanh,
    /// `x * (1 + erf(x / sqrt(2))) / 2`.
    Gelu,
    /// Gelu by the hyperbolic tangent: `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2`.
    GeluTanh,
    /// `x / (1 + e^-x)`; also named Swish.
    Silu,
    /// `x * tanh(ln(1 + e^x))`.
    Mish,
    /// `ln(1 + e^x)`.
    Softplus,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `x` if `x > 0`, else `alpha * (e^(x / width) - 1)`: Elu has `width = 1`, Celu `width = alpha`.
    Elu {
        /// What negative `x` tend to, negated.
        alpha: f64,
        /// How far the bend reaches; not 0.
        width: f64,
    },
    /// `x^exponent`, of `x > 0` (of `x >= 0` if the exponent is not negative).
    Power {
        /// A constant, finite.
        exponent: f64,
    },
}

impl Function {
    /// The function at `x`; NaN outside of its [domain](Self::domain).
    pub fn at(self, x: f64) -> f64 {
        match self {
            Self::Exp => elementary::exp(x),
            Self::Log => elementary::ln(x),
            Self::Erf => libm::erf(x),
            Self::Sin => libm::sin(x),
            Self::Cos => libm::cos(x),
            Self::Tan => libm::tan(x),
            Self::Asin => libm::asin(x),
            Self::Acos => libm::acos(x),
            Self::Atan => libm::atan(x),
            Self::Sinh => libm::sinh(x),
            Self::Cosh => libm::cosh(x),
            Self::Asinh => libm::asinh(x),
            Self::Acosh => libm::acosh(x),
            Self::Atanh => libm::atanh(x),
            Self::Gelu => x * 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
            Self::GeluTanh => {
                const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
                0.5 * x * (1.0 + elementary::tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)))
            }
            Self::Silu => x * elementary::sigmoid(x),
            Self::Mish => x * elementary::tanh(softplus(x)),
            Self::Softplus => softplus(x),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Elu { alpha, width } => {
                if x > 0.0 {
                    x
                } else {
                    alpha * libm::expm1(x / width)
                }
            }
            Self::Power { exponent } => libm::pow(x, exponent),
        }
    }

    /// The least and the greatest `x` that it takes: infinite where there is no bound. An end at which it has no finite
    /// value belongs to the bound too: `Log` starts at 0.
    pub fn domain(self) -> (f64, f64) {
        match self {
            Self::Log | Self::Power { .. } => (0.0, f64::INFINITY),
            Self::Asin | Self::Acos | Self::Atanh => (-1.0, 1.0),
            Self::Acosh => (1.0, f64::INFINITY),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// Its name, for messages; ONNX spelling where ONNX has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Erf => "Erf",
            Self::Sin => "Sin",
            Self::Cos => "Cos",
            Self::Tan => "Tan",
            Self::Asin => "Asin",
            Self::Acos => "Acos",
            Self::Atan => "Atan",
            Self::Sinh => "Sinh",
            Self::Cosh => "Cosh",
            Self::Asinh => "Asinh",
            Self::Acosh => "Acosh",
            Self::Atanh => "Atanh",
            Self::Gelu => "Gelu",
            Self::GeluTanh => "Gelu (tanh)",
            Self::Silu => "Swish",
            Self::Mish => "Mish",
            Self::Softplus => "Softplus",
            Self::Softsign => "Softsign",
            Self::Elu { .. } => "Elu",
            Self::Power { .. } => "Pow",
        }
    }

    /// What of its parameters no function has, if any.
    pub(super) fn defect(self) -> Option<String> {
        match self {
            Self::Elu { alpha, width } if !alpha.is_finite() || !width.is_finite() || width == 0.0 => {
                Some(format!("has alpha {alpha} and width {width}"))
            }
            Self::Power { exponent } if !exponent.is_finite() => Some(format!("has the exponent {exponent}")),
            _ => None,
        }
    }
}

/// `ln(1 + e^x)`, without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(elementary::exp(-x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against what the `math` module of Python 3.11 computes from these definitions.
    #[test]
    fn known_values() {
        let known = [
            (Function::Exp, 1.5, 4.481_689_070_338_065),
            (Function::Log, 2.5, 0.916_290_731_874_155),
            (Function::Erf, 0.5, 0.520_499_877_813_046_5),
            (Function::Gelu, 1.0, 0.841_344_746_068_543),
            (Function::Gelu, -3.0, -0.004_049_694_094_890_287),
            (Function::GeluTanh, 1.0, 0.841_191_990_608_276_8),
            (Function::Silu, 1.0, 0.731_058_578_630_004_9),
            (Function::Mish, 1.0, 0.865_098_388_267_310_8),
            (Function::Softplus, -40.0, 4.248_354_255_291_589e-18),
            (Function::Softplus, 800.0, 800.0),
            (Function::Softsign, -3.0, -0.75),
            (Function::Elu { alpha: 2.0, width: 1.0 }, -1.0, -1.264_241_117_657_115_3),
            (Function::Elu { alpha: 2.0, width: 2.0 }, -1.0, -0.786_938_680_574_733_1),
            (Function::Power { exponent: -0.5 }, 4.0, 0.5),
            (Function::Atanh, 0.5, 0.549_306_144_334_054_8),
        ];
        for (function, x, expected) in known {
            let got = function.at(x);
            assert!((got - expected).abs() <= 1e-14 * expected.abs().max(1e-4), "{}({x}) = {got}", function.name());
        }
    }

    #[test]
    fn has_no_value_outside_of_its_domain() {
        for (function, x) in [(Function::Log, -1.0), (Function::Asin, 1.5), (Function::Acosh, 0.5)] {
            let (least, most) = function.domain();
            assert!(function.at(x).is_nan() && !(least..=most).contains(&x), "{}", function.name());
        }
    }
}
