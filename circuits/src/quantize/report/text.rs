//! The report in words.

use std::fmt;

use super::{Decision, ErrorReport, RealRange};
use crate::escaped;

impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Quantized against float, {}", self.data())?;
        for warning in &self.warnings {
            writeln!(f, "warning: {}", escaped(warning))?;
        }
        for output in &self.outputs {
            write!(f, "output {}: ", escaped(&output.name))?;
            if output.decision != Decision::Exact {
                write!(
                    f,
                    "max error {:.2e}, mean {:.2e}, span {:.3e}",
                    output.max_error, output.mean_error, output.span
                )?;
                if let Some(target) = output.target {
                    write!(f, ", target {target:.2e}{}", if output.misses_target() { " missed" } else { "" })?;
                }
                match output.bound {
                    Some(bound) => write!(f, ", never above {bound:.2e}; ")?,
                    None => write!(f, ", no static bound; ")?,
                }
            }
            match output.decision {
                Decision::None => writeln!(f, "no decision declared")?,
                Decision::Exact => writeln!(f, "{} of {} integers differ", output.flips, output.decisions)?,
                Decision::Argmax { .. } => writeln!(f, "{} of {} choices flip", output.flips, output.decisions)?,
                Decision::Threshold { at } => {
                    writeln!(f, "{} of {} flip at the threshold {at}", output.flips, output.decisions)?;
                }
            }
            let RealRange { lo, hi } = output.range;
            writeln!(f, "  range {lo:.4} to {hi:.4} in steps of 2^{}", -output.frac_bits)?;
        }
        if self.layers.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n{:<28} {:<12} {:>8} {:>5} {:>5} {:>10} {:>10} {:>9}",
            "layer", "operator", "elements", "bits", "frac", "max error", "mean", "relative"
        )?;
        let weakest = self.weakest_layer().map(|layer| &layer.name);
        for layer in &self.layers {
            let mark = if Some(&layer.name) == weakest { "  <- loses most" } else { "" };
            writeln!(
                f,
                "{:<28} {:<12} {:>8} {:>5} {:>5} {:>10.2e} {:>10.2e} {:>8.3}%{mark}",
                escaped(&layer.name),
                escaped(&layer.operator),
                layer.elements,
                layer.bits,
                layer.frac_bits,
                layer.max_error,
                layer.mean_error,
                100.0 * layer.relative_error,
            )?;
        }
        writeln!(f, "\ncircuit: about {:.0} units", self.units)
    }
}
