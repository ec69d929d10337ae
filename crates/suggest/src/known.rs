//! Labels that the trained heads learned and no finder speaks for (`labels.json`): how far their spans are to be
//! believed.
//!
//! The span head's logit of a label that it learned means more than the same logit of a label that it reads for the
//! first time, so each label has a slope, an offset and a threshold of its own, fitted to documents that no training
//! read ([`crate::fitting::labels`]).

use std::collections::BTreeMap;
use std::path::Path;

use overread_encoder::Encode;
use serde::{Deserialize, Serialize};

use crate::insight::text_means;
use crate::states::{dot, normalise};
use crate::{LoadError, SuggestError};

/// File in the model folder, beside the heads.
pub const FILE: &str = "labels.json";

/// From the logit of a span to the probability that it is right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    pub slope: f32,
    pub offset: f32,
    /// Probability from which spans are shown.
    pub threshold: f32,
}

impl Belief {
    /// 0 to 1.
    pub fn confidence(&self, logit: f32) -> f32 {
        1.0 / (1.0 + (-(self.slope * logit + self.offset)).exp())
    }

    fn is_sound(&self) -> bool {
        self.slope.is_finite()
            && self.slope > 0.0
            && self.offset.is_finite()
            && (0.0..=1.0).contains(&self.threshold)
    }
}

/// One label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownLabel {
    /// All the wordings by which the heads learned it, as [`crate::neural::label_text`] writes them.
    pub texts: Vec<String>,
    #[serde(flatten)]
    pub belief: Belief,
    /// Places that the documents for calibration mark with it.
    pub marked: usize,
}

/// All labels of one pair of encoder and heads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownLabels {
    /// [`crate::Suggester::reader`] of the model that learned them.
    pub reader: String,
    /// Cosine of two label texts from which they are held to mean the same: wordings of different labels seldom
    /// reach it.
    pub like: f32,
    pub labels: BTreeMap<String, KnownLabel>,
}

impl KnownLabels {
    /// Reads the file of a model folder; `None` where it has none.
    pub fn load(folder: &Path) -> Result<Option<Self>, LoadError> {
        match std::fs::read(folder.join(FILE)) {
            Ok(bytes) => Self::from_json(&bytes).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(LoadError::Labels { reason: e.to_string() }),
        }
    }

    /// Reads `labels.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, LoadError> {
        let known: Self =
            serde_json::from_slice(bytes).map_err(|e| LoadError::Labels { reason: e.to_string() })?;
        let bad = |reason: String| Err(LoadError::Labels { reason });
        if !(-1.0..=1.0).contains(&known.like) {
            return bad("like is no cosine".to_owned());
        }
        match known.labels.iter().find(|(_, label)| !label.belief.is_sound() || label.texts.is_empty()) {
            Some((id, _)) => bad(format!("{id} has no texts, no rising slope or no threshold from 0 to 1")),
            None => Ok(known),
        }
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts can be written") + "\n"
    }

    /// For each label text, with its mean, how far its spans are to be believed; `None` for what the heads never
    /// learned.
    pub(crate) fn of(
        &self,
        encoder: &dyn Encode,
        texts: &[&str],
        means: &[Vec<f32>],
    ) -> Result<Vec<Option<Belief>>, SuggestError> {
        let verbatim = |text: &str| self.labels.values().find(|l| l.texts.iter().any(|t| t == text));
        let mut out: Vec<Option<Belief>> =
            texts.iter().map(|text| verbatim(text).map(|l| l.belief)).collect();
        if out.iter().all(Option::is_some) {
            return Ok(out);
        }
        let own: Vec<(&str, Belief)> = self
            .labels
            .values()
            .flat_map(|label| label.texts.iter().map(|text| (text.as_str(), label.belief)))
            .collect();
        let learned: Vec<&str> = own.iter().map(|(text, _)| *text).collect();
        let learned = directions(text_means(encoder, &learned)?);
        let asked = directions(means.to_vec());
        for (belief, vector) in out.iter_mut().zip(asked).filter(|(belief, _)| belief.is_none()) {
            let nearest = learned
                .iter()
                .zip(&own)
                .map(|(known, (_, belief))| (dot(known, &vector), *belief))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            *belief = nearest.filter(|(like, _)| *like >= self.like).map(|(_, belief)| belief);
        }
        Ok(out)
    }
}

/// Vectors scaled to length 1.
pub(crate) fn directions(mut vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    for vector in &mut vectors {
        normalise(vector);
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> KnownLabels {
        let belief = Belief { slope: 1.2, offset: -0.3, threshold: 0.45 };
        let label = KnownLabel { texts: vec!["Disease".to_owned()], belief, marked: 40 };
        KnownLabels { reader: "r".to_owned(), like: 0.9, labels: [("disease".to_owned(), label)].into() }
    }

    #[test]
    fn comes_back_from_its_file() {
        let known = known();
        assert_eq!(KnownLabels::from_json(known.to_json().as_bytes()).unwrap(), known);
    }

    #[test]
    fn says_which_label_is_not_sound() {
        let spoil: [fn(&mut KnownLabels); 4] = [
            |k| k.labels.get_mut("disease").unwrap().belief.slope = 0.0,
            |k| k.labels.get_mut("disease").unwrap().belief.threshold = 1.5,
            |k| k.labels.get_mut("disease").unwrap().texts.clear(),
            |k| k.like = 2.0,
        ];
        for (i, spoil) in spoil.into_iter().enumerate() {
            let mut known = known();
            spoil(&mut known);
            let e = KnownLabels::from_json(known.to_json().as_bytes()).unwrap_err().to_string();
            assert!(
                e.starts_with("labels.json: ") && e.contains(if i < 3 { "disease" } else { "like" }),
                "{e}"
            );
        }
        assert!(KnownLabels::from_json(b"{").is_err());
    }
}
