//! Geometry of the accuracy page's charts.

use overread_api::accuracy::{AccuracyRow, CalibrationBin};

/// Maps 0 to 1 onto pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub from: f64,
    pub to: f64,
}

impl Scale {
    pub fn at(self, value: f64) -> f64 {
        let share = value.clamp(0.0, 1.0);
        ((self.from + (self.to - self.from) * share) * 10.0).round() / 10.0
    }
}

/// Rows with a figure to draw, the surest figures (most decisions) first.
pub fn drawable(rows: &[AccuracyRow], most: usize) -> Vec<AccuracyRow> {
    let mut rows: Vec<AccuracyRow> = rows.iter().filter(|row| row.precision.is_some()).cloned().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.shown));
    rows.truncate(most);
    rows
}

/// Mean distance between confidence and agreement, weighted by decisions (expected calibration error).
pub fn calibration_error(bins: &[CalibrationBin]) -> Option<f64> {
    let n: u64 = bins.iter().map(|bin| bin.accepted.n).sum();
    (n > 0).then(|| {
        bins.iter()
            .map(|bin| (bin.mean_confidence - bin.accepted.value).abs() * bin.accepted.n as f64)
            .sum::<f64>()
            / n as f64
    })
}

/// The bins as an SVG path.
pub fn path(bins: &[CalibrationBin], x: Scale, y: Scale) -> String {
    bins.iter()
        .enumerate()
        .map(|(index, bin)| {
            let pen = if index == 0 { 'M' } else { 'L' };
            format!("{pen}{} {}", x.at(bin.mean_confidence), y.at(bin.accepted.value))
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use overread_api::accuracy::Rate;

    use super::*;

    fn bin(mean: f64, value: f64, n: u64) -> CalibrationBin {
        CalibrationBin { mean_confidence: mean, accepted: Rate { value, low: 0.0, high: 1.0, n } }
    }

    #[test]
    fn scales_either_way_and_stays_inside() {
        assert!((Scale { from: 100.0, to: 0.0 }.at(0.25) - 75.0).abs() < 1e-9);
        assert!((Scale { from: 0.0, to: 10.0 }.at(1.7) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn weighs_bins_by_decisions() {
        let error = calibration_error(&[bin(0.9, 0.8, 30), bin(0.5, 0.5, 10)]).unwrap();
        assert!((error - 0.075).abs() < 1e-9);
        assert_eq!(calibration_error(&[]), None);
    }

    #[test]
    fn draws_a_path() {
        let unit = Scale { from: 0.0, to: 100.0 };
        assert_eq!(path(&[bin(0.1, 0.2, 1), bin(0.5, 0.4, 1)], unit, unit), "M10 20 L50 40");
    }

    #[test]
    fn leaves_rows_without_figures_out() {
        let few = AccuracyRow { key: "a".into(), shown: 3, ..AccuracyRow::default() };
        let rate = Rate { value: 0.5, low: 0.3, high: 0.7, n: 40 };
        let many =
            AccuracyRow { key: "b".into(), shown: 40, precision: Some(rate), ..AccuracyRow::default() };
        assert_eq!(drawable(&[few, many], 9).iter().map(|r| r.key.as_str()).collect::<Vec<_>>(), ["b"]);
    }
}
