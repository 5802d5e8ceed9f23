//! Stages one after the other, as bars.

use super::show;

/// A stage.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: String,
    /// Where it begins, in percent of all.
    pub(super) start: String,
    /// How long it is, in percent of all.
    pub(super) width: String,
    /// Where its row begins, in pixels.
    pub(super) y: usize,
}

/// Stages, each beginning where the one before it ends.
pub(super) struct Bars {
    pub(super) bars: Vec<Bar>,
    /// In pixels.
    pub(super) height: usize,
    pub(super) total: String,
}

const ROW: usize = 40;

impl Bars {
    /// Of milliseconds by stage; none of nothing.
    pub(super) fn new(stages: &[(String, f64)]) -> Option<Self> {
        let total: f64 = stages.iter().map(|(_, ms)| ms).sum();
        if !total.is_finite() || total <= 0.0 || stages.iter().any(|(_, ms)| *ms < 0.0) {
            return None;
        }
        let mut begun = 0.0;
        let bars = stages.iter().enumerate().map(|(row, (label, ms))| {
            let start = 100.0 * begun / total;
            begun += ms;
            // What is hardly anything is still seen.
            let width = (100.0 * ms / total).max(0.4).min(100.0 - start);
            Bar {
                label: show::name(label),
                value: show::duration(*ms),
                start: format!("{start:.2}"),
                width: format!("{width:.2}"),
                y: row * ROW,
            }
        });
        let bars: Vec<Bar> = bars.collect();
        Some(Self { height: bars.len() * ROW, bars, total: show::duration(total) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_begins_where_the_last_ended() {
        let stages = [("a".to_owned(), 30.0), ("b".to_owned(), 10.0), ("c".to_owned(), 0.0)];
        let bars = Bars::new(&stages).unwrap();
        assert_eq!((bars.total.as_str(), bars.height), ("40 ms", 120));
        let drawn: Vec<_> = bars.bars.iter().map(|bar| (bar.start.as_str(), bar.width.as_str(), bar.y)).collect();
        assert_eq!(drawn, [("0.00", "75.00", 0), ("75.00", "25.00", 40), ("100.00", "0.00", 80)]);
    }

    #[test]
    fn nothing_is_no_chart() {
        for wrong in
            [vec![], vec![("a".to_owned(), 0.0)], vec![("a".to_owned(), f64::NAN)], vec![("a".to_owned(), -1.0)]]
        {
            assert!(Bars::new(&wrong).is_none());
        }
    }
}
