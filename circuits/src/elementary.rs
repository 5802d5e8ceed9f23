//! Functions of real numbers whose bits are the same on every platform.
//!
//! What is computed with them ends up in programs: in tables, in scales, in the choice of a plan, in error reports. The
//! standard library leaves `exp`, `ln` and `tanh` to the platform's C library, and two of those need not agree in the last
//! bit, so that one model would have two digests. These use arithmetic that IEEE 754 defines to the last bit, in the order
//! in which the pinned version of the `libm` crate writes it down. `clippy.toml` refuses the others in this crate.

/// `e^x`.
pub(crate) fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// The natural logarithm.
pub(crate) fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// The logarithm to base 2, for messages. What is decided takes [`floor_log2`], which is exact.
pub(crate) fn log2(x: f64) -> f64 {
    libm::log2(x)
}

/// The hyperbolic tangent.
pub(crate) fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// `1 / (1 + e^-x)`.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// `2^exponent`, exact as long as a double holds it.
pub(crate) fn power_of_two(exponent: i32) -> f64 {
    if let -1022..=1023 = exponent {
        // A normal number: sign and fraction are 0.
        return f64::from_bits(((exponent + 1023) as u64) << 52);
    }
    libm::scalbn(1.0, exponent)
}

/// `floor(log2(x))` of a positive number, exact; of 0 an exponent below all others.
pub(crate) fn floor_log2(x: f64) -> i32 {
    // The exponents of the smallest subnormal number, less 1, and of infinity.
    libm::ilogb(x).clamp(-1075, 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bits, not the numbers: a table of a program is made of them.
    #[test]
    fn bits_are_those_that_were_pinned() {
        // For the first two of each, glibc's last bit is another.
        let pinned = [
            (exp(-12.131), 0x3ed6_9b44_51ea_cfaa),
            (exp(-10.021), 0x3f07_4ed8_c107_914c),
            (exp(1.0), 0x4005_bf0a_8b14_576a),
            (ln(0.01), 0xc012_6bb1_bbb5_5516),
            (ln(2813.767), 0x401f_c4e4_e662_3d3a),
            (ln(8000.0), 0x4021_f971_dc96_eaad),
            (tanh(-0.948), 0xbfe7_a4df_d844_428c),
            (tanh(-0.919), 0xbfe7_36ac_639d_382f),
            (tanh(0.3), 0x3fd2_a4dd_a7d9_14f9),
            (sigmoid(0.7), 0x3fe5_61cb_52a1_9476),
        ];
        for (at, (found, bits)) in pinned.into_iter().enumerate() {
            assert_eq!(found.to_bits(), bits, "{at}: {found:e} = {:#018x}", found.to_bits());
        }
    }

    #[test]
    fn powers_of_two_and_their_exponents_are_exact() {
        for exponent in -1074..=1023 {
            let power = power_of_two(exponent);
            assert_eq!(floor_log2(power), exponent);
            assert_eq!(
                power * power_of_two(-exponent.max(-1023)),
                if exponent < -1023 { power_of_two(exponent + 1023) } else { 1.0 }
            );
            if exponent > -1022 {
                assert_eq!(floor_log2(power.next_down()), exponent - 1, "just below 2^{exponent}");
            }
        }
        assert_eq!((power_of_two(i32::MIN), power_of_two(i32::MAX)), (0.0, f64::INFINITY));
        assert!(floor_log2(0.0) < -1074);
    }
}
