//! How good the suggestions were, from the outcomes of finished entries.

use overread_domain::{CodeRef, Timestamp};

use crate::{Store, StoreError};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccuracyFilter {
    pub model: Option<String>,
    pub document_type: Option<String>,
    /// Entries finished at or after.
    pub since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Suggestions that were shown and decided: accepted, corrected or rejected.
    pub shown: u64,
    pub accepted: u64,
    pub corrected: u64,
    pub rejected: u64,
    /// The model missed it.
    pub added: u64,
    /// Typed by hand although the model had offered the same.
    pub typed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldCounts {
    pub field: String,
    pub counts: Counts,
}

/// Judged by the code alone: `accepted` is kept with this code whatever else was changed, `corrected` is changed to another,
/// `added` is put there by hand or corrected from another code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCounts {
    pub code: CodeRef,
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Mean confidence of the suggestions, 0 to 1.
    pub confidence: f64,
    pub accepted: u64,
    pub n: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// Finished entries that the counts are about.
    pub entries: u64,
    pub total: Counts,
    pub fields: Vec<FieldCounts>,
    /// Most often seen first, 1,000 at most.
    pub codes: Vec<CodeCounts>,
    /// Decided suggestions by confidence, to a thousandth, rising; see [`Accuracy::equal_mass_bins`].
    pub calibration: Vec<CalibrationBin>,
    /// Model versions that made suggestions, newest first, whatever the filter.
    pub models: Vec<String>,
}

impl Accuracy {
    /// At most `bins` bins with about as many suggestions each.
    pub fn equal_mass_bins(&self, bins: usize) -> Vec<CalibrationBin> {
        let total: u64 = self.calibration.iter().map(|point| point.n).sum();
        let mut out: Vec<CalibrationBin> = Vec::new();
        let mut seen = 0;
        let mut last_bin = None;
        for point in &self.calibration {
            let bin = seen * bins as u64 / total.max(1);
            seen += point.n;
            match out.last_mut().filter(|_| last_bin == Some(bin)) {
                Some(open) => {
                    let n = open.n + point.n;
                    open.confidence =
                        (open.confidence * open.n as f64 + point.confidence * point.n as f64) / n as f64;
                    open.accepted += point.accepted;
                    open.n = n;
                }
                None => out.push(*point),
            }
            last_bin = Some(bin);
        }
        out
    }
}

impl Store {
    pub async fn accuracy(&self, filter: &AccuracyFilter) -> Result<Accuracy, StoreError> {
        todo!("{filter:?}")
    }
}
