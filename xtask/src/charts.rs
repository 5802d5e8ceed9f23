//! Charts: `docs/charts` from what `docs/measured` holds.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use plotters::{coord::Shift, prelude::*};
use serde_json::Value;

use crate::measure::read;
use crate::soak::write_table;
use crate::step::root;

const SIZE: (u32, u32) = (760, 440);
const ENGINE: RGBColor = RGBColor(31, 105, 180);
const STOCK: RGBColor = RGBColor(200, 90, 30);
const LIGHT: RGBColor = RGBColor(245, 245, 245);
const BORDER: RGBColor = RGBColor(200, 200, 200);
const STAGES: [(&str, RGBColor); 3] = [
    ("commit_ms", RGBColor(31, 105, 180)),
    ("quotient_ms", RGBColor(120, 170, 215)),
    ("open_ms", RGBColor(195, 215, 235)),
];

/// Draws all of them.
pub(crate) fn charts() -> Result<()> {
    let measured = |name: &str| read(&root().join("docs/measured").join(name));
    let proofs = measured("proofs.json")?;
    let cases = cases(&proofs)?;
    times(&cases)?;
    stages(&cases)?;
    memory(&measured("memory.json")?)?;
    kernels(&measured("kernels.json")?)?;
    write_table()
}

/// A synthetic program that was proved by both.
struct Case {
    k: f64,
    engine_ms: f64,
    stock_ms: f64,
    stages_ms: [f64; 3],
    of_peak: f64,
}

fn number(value: &Value, name: &str) -> Result<f64> {
    value[name].as_f64().with_context(|| format!("no number \"{name}\" in {value}"))
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    value[name].as_array().with_context(|| format!("no list \"{name}\""))
}

fn cases(proofs: &Value) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for report in list(proofs, "reports")?.iter().filter(|report| report["example"].is_null()) {
        for case in list(report, "cases")? {
            let engine = &case["engine"];
            let [commit, quotient, open] = STAGES.map(|(name, _)| number(engine, name));
            cases.push(Case {
                k: number(case, "k")?,
                engine_ms: number(engine, "prove_ms")?,
                stock_ms: number(case, "stock_ms")?,
                stages_ms: [commit?, quotient?, open?],
                of_peak: number(engine, "of_peak")?,
            });
        }
    }
    Ok(cases)
}

/// `a + b n log2 n` in milliseconds, with the least sum of squares of relative errors.
struct Fit {
    a: f64,
    b: f64,
    /// The greatest relative error.
    error: f64,
}

impl Fit {
    fn new(points: &[(f64, f64)]) -> Self {
        // Of weights 1 / t^2: sum w, sum w x, sum w x^2, sum w t, sum w x t.
        let [mut w, mut wx, mut wxx, mut wt, mut wxt] = [0.0; 5];
        for (k, t) in points {
            let (x, weight) = (n_log_n(*k), 1.0 / (t * t));
            w += weight;
            wx += weight * x;
            wxx += weight * x * x;
            wt += weight * t;
            wxt += weight * x * t;
        }
        let determinant = w * wxx - wx * wx;
        let (a, b) = ((wt * wxx - wx * wxt) / determinant, (w * wxt - wx * wt) / determinant);
        let fit = Self { a, b, error: 0.0 };
        let error = points.iter().map(|(k, t)| (fit.at(*k) / t - 1.0).abs()).fold(0.0, f64::max);
        Self { error, ..fit }
    }

    fn at(&self, k: f64) -> f64 {
        self.a + self.b * n_log_n(k)
    }

    /// What it says, in words.
    fn formula(&self) -> String {
        let (a, b, error) = (self.a, 1e6 * self.b, 100.0 * self.error);
        format!("{a:.1} ms + {b:.0} ns n log2 n, within {error:.0} %")
    }
}

fn whole(value: &f64) -> String {
    format!("{value:.0}")
}

fn n_log_n(k: f64) -> f64 {
    k.exp2() * k
}

fn drawn(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}

fn path(name: &str) -> PathBuf {
    root().join("docs/charts").join(name)
}

/// A white picture.
fn canvas(path: &Path, size: (u32, u32)) -> Result<DrawingArea<SVGBackend<'_>, Shift>> {
    let canvas = SVGBackend::new(path, size).into_drawing_area();
    canvas.fill(&WHITE).map_err(drawn)?;
    Ok(canvas)
}

/// What the series are.
fn legend<'a, X: Ranged, Y: Ranged>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    position: SeriesLabelPosition,
) -> Result<()> {
    let mut labels = chart.configure_series_labels();
    labels.position(position).background_style(WHITE).border_style(BORDER).draw().map_err(drawn)
}

/// Times over the rows, with fits.
fn times(cases: &[Case]) -> Result<()> {
    let path = path("proofs.svg");
    let canvas = canvas(&path, SIZE)?;
    let [first, last] = ends(cases)?;
    let most = cases.iter().map(|case| case.stock_ms).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(&canvas)
        .caption("Time of a proof, two threads", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(first - 0.3..last + 0.3, (1.0..most * 2.0).log_scale())
        .map_err(drawn)?;
    chart
        .configure_mesh()
        .x_desc("k, log2 of the rows")
        .y_desc("ms")
        .x_labels(cases.len() + 2)
        .x_label_formatter(&|k| format!("{k:.0}"))
        .y_label_formatter(&whole)
        .light_line_style(LIGHT)
        .draw()
        .map_err(drawn)?;
    let stock: Vec<(f64, f64)> = cases.iter().map(|case| (case.k, case.stock_ms)).collect();
    let engine: Vec<(f64, f64)> = cases.iter().map(|case| (case.k, case.engine_ms)).collect();
    for (name, color, points) in [("halo2-axiom", STOCK, stock), ("engine", ENGINE, engine)] {
        let fit = Fit::new(&points);
        let line = (0..=120).map(|at| first + (last - first) * f64::from(at) / 120.0).map(|k| (k, fit.at(k)));
        chart
            .draw_series(LineSeries::new(line, color))
            .map_err(drawn)?
            .label(format!("{name}: {}", fit.formula()))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color));
        chart.draw_series(points.into_iter().map(|point| Circle::new(point, 4, color.filled()))).map_err(drawn)?;
    }
    legend(&mut chart, SeriesLabelPosition::UpperLeft)?;
    canvas.present().map_err(drawn)
}

fn ends(cases: &[Case]) -> Result<[f64; 2]> {
    match cases {
        [first, .., last] => Ok([first.k, last.k]),
        _ => Err(anyhow!("two cases make a chart: run `cargo xtask measure proofs`")),
    }
}

/// Shares of a proof's time, and how much of the multiplier's peak it makes use of.
fn stages(cases: &[Case]) -> Result<()> {
    let path = path("stages.svg");
    let canvas = canvas(&path, SIZE)?;
    let [first, last] = ends(cases)?;
    let mut chart = ChartBuilder::on(&canvas)
        .caption("Shares of the engine's time; line: multiplications, of the processor's peak", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(first - 0.7..last + 2.7, 0.0..100.0)
        .map_err(drawn)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_desc("k, log2 of the rows")
        .y_desc("%")
        .x_labels(cases.len() + 4)
        .x_label_formatter(&|k| if *k > last { String::new() } else { format!("{k:.0}") })
        .y_label_formatter(&whole)
        .light_line_style(LIGHT)
        .draw()
        .map_err(drawn)?;
    for (at, (name, color)) in STAGES.into_iter().enumerate() {
        let bars = cases.iter().map(|case| {
            let share = |stages: &[f64]| 100.0 * stages.iter().sum::<f64>() / case.engine_ms;
            let (low, high) = (share(&case.stages_ms[..at]), share(&case.stages_ms[..=at]));
            Rectangle::new([(case.k - 0.35, low), (case.k + 0.35, high)], color.filled())
        });
        chart
            .draw_series(bars)
            .map_err(drawn)?
            .label(name.trim_end_matches("_ms"))
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
    }
    let of_peak = cases.iter().map(|case| (case.k, 100.0 * case.of_peak));
    chart
        .draw_series(LineSeries::new(of_peak, BLACK.stroke_width(2)))
        .map_err(drawn)?
        .label("of peak")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], BLACK));
    legend(&mut chart, SeriesLabelPosition::UpperRight)?;
    canvas.present().map_err(drawn)
}

/// The engine's memory beside halo2's.
fn memory(measured: &Value) -> Result<()> {
    let mut bars: Vec<(f64, [f64; 2])> = Vec::new();
    for report in list(measured, "reports")? {
        let case = list(report, "cases")?.first().context("a report without a case")?;
        let (k, megabytes) = (number(case, "k")?, number(report, "peak_memory_bytes")? / 1e6);
        let side = usize::from(report["only"] == "stock");
        match bars.iter_mut().find(|(of, _)| *of == k) {
            Some((_, sides)) => sides[side] = megabytes,
            None => {
                let mut sides = [0.0; 2];
                sides[side] = megabytes;
                bars.push((k, sides));
            }
        }
    }
    let path = path("memory.svg");
    let canvas = canvas(&path, SIZE)?;
    let most = bars.iter().flat_map(|(_, sides)| sides).copied().fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(&canvas)
        .caption("Most memory of the process; the engine with a limit near the least that it takes", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(-0.6..bars.len() as f64 - 0.4, 0.0..most * 1.15)
        .map_err(drawn)?;
    let label = |at: &f64| bars.get(at.round() as usize).map_or_else(String::new, |(k, _)| format!("k = {k:.0}"));
    chart
        .configure_mesh()
        .disable_x_mesh()
        .y_desc("MB")
        .y_label_formatter(&whole)
        .light_line_style(LIGHT)
        .x_labels(bars.len())
        .x_label_formatter(&|at| if at.fract() == 0.0 { label(at) } else { String::new() })
        .draw()
        .map_err(drawn)?;
    for (side, (name, color)) in [("engine", ENGINE), ("halo2-axiom", STOCK)].into_iter().enumerate() {
        let left = |at: usize| at as f64 - 0.35 + 0.35 * side as f64;
        let bar = |(at, (_, sides)): (usize, &(f64, [f64; 2]))| {
            Rectangle::new([(left(at), 0.0), (left(at) + 0.33, sides[side])], color.filled())
        };
        chart
            .draw_series(bars.iter().enumerate().map(bar))
            .map_err(drawn)?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
        let text = |(at, (_, sides)): (usize, &(f64, [f64; 2]))| {
            Text::new(format!("{:.0}", sides[side]), (left(at) + 0.06, sides[side] + most * 0.05), ("sans-serif", 13))
        };
        chart.draw_series(bars.iter().enumerate().map(text)).map_err(drawn)?;
    }
    legend(&mut chart, SeriesLabelPosition::UpperLeft)?;
    canvas.present().map_err(drawn)
}

/// How much of the multiplier's peak each kernel makes use of.
fn kernels(measured: &Value) -> Result<()> {
    let kernels = list(measured, "kernels")?;
    let backend = measured["backend"].as_str().context("kernels.json names no backend")?;
    let peak = number(measured, "peak_multiplications_per_s")?;
    let mut bars = Vec::new();
    for kernel in
        kernels.iter().filter(|kernel| kernel["multiplications"].is_u64() && kernel["group"] != "multiplications")
    {
        let [group, name] = ["group", "name"].map(|part| kernel[part].as_str().unwrap_or_default());
        if let Some(variant) = name.strip_prefix(backend) {
            bars.push((format!("{group}{variant}"), 100.0 * rate(kernel)? / peak));
        }
    }
    let path = path("kernels.svg");
    let rows = bars.len() as u32;
    let canvas = canvas(&path, (SIZE.0, 70 + 17 * rows))?;
    let mut chart = ChartBuilder::on(&canvas)
        .caption("Field multiplications of each kernel, of the processor's peak", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(270)
        .build_cartesian_2d(0.0..100.0, -0.5..bars.len() as f64 - 0.5)
        .map_err(drawn)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .x_label_formatter(&|percent| format!("{percent:.0} %"))
        .light_line_style(LIGHT)
        .draw()
        .map_err(drawn)?;
    for (at, (name, percent)) in bars.iter().rev().enumerate() {
        let at = at as f64;
        chart
            .draw_series([Rectangle::new([(0.0, at - 0.35), (*percent, at + 0.35)], ENGINE.filled())])
            .map_err(drawn)?;
        let (x, y) = chart.backend_coord(&(0.0, at + 0.35));
        canvas.draw(&Text::new(name.clone(), (x - 266, y), ("sans-serif", 12))).map_err(drawn)?;
        let (x, y) = chart.backend_coord(&(*percent, at + 0.35));
        canvas.draw(&Text::new(format!("{percent:.0}"), (x + 4, y), ("sans-serif", 12))).map_err(drawn)?;
    }
    canvas.present().map_err(drawn)
}

/// Multiplications a second.
fn rate(kernel: &Value) -> Result<f64> {
    Ok(1e9 * number(kernel, "multiplications")? / number(kernel, "median_ns")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_finds_what_the_points_were_made_of() {
        let points: Vec<(f64, f64)> = (8..20).map(|k| (f64::from(k), 3.0 + 2e-4 * n_log_n(f64::from(k)))).collect();
        let fit = Fit::new(&points);
        assert!((fit.a - 3.0).abs() < 1e-6 && (fit.b - 2e-4).abs() < 1e-10 && fit.error < 1e-6);
        let fit = Fit::new(&[(8.0, 1.0), (10.0, 2.0), (12.0, 100.0)]);
        assert!(fit.error > 0.1);
    }
}
