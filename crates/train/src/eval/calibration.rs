//! Whether confidence means what it says.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use overread_domain::suggestion::Band;
use serde::Serialize;

use super::interval::{Draws, SplitMix};
use super::judge::judge;
use super::{Figure, Options};
use crate::gold::GoldNote;
use crate::prediction::Prediction;

/// Bins of equal mass.
pub const BINS: usize = 10;

/// One bin of a reliability table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    pub n: usize,
    /// Lowest and highest confidence in it.
    pub from: f64,
    pub to: f64,
    pub mean_confidence: f64,
    /// Share that was right.
    pub right: f64,
}

/// Confidence against truth for one head or field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    pub name: String,
    /// Expected calibration error over [`BINS`] bins of equal mass.
    pub ece: Figure,
    /// Mean ECE that confidences which were exactly right would show on as many judgements: with few of them the bins
    /// differ from their mean by chance alone.
    pub chance: f64,
    /// Mean squared distance of confidence from 0 (wrong) or 1 (right); Brier 1950.
    pub brier: Figure,
    pub mean_confidence: f64,
    pub right: f64,
    pub bins: Vec<Bin>,
    /// The bands that the page shows, the surest first; those that nothing fell into are absent.
    pub bands: Vec<InBand>,
}

/// Judgements whose confidence the page shows as one band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct InBand {
    pub band: Band,
    pub n: usize,
    pub mean_confidence: f64,
    /// Share that was right.
    pub right: f64,
}

/// Judged confidences of one note or document.
pub type Judgements = Vec<(f64, bool)>;

/// `documents` hold each document's judgements of one head; the intervals draw whole documents.
pub fn reliability(name: &str, documents: &[Judgements], options: &Options) -> Reliability {
    let draws = Draws::new(documents.len(), options);
    let everyone: Vec<u32> = (0..documents.len() as u32).collect();
    let picked = |draw: &[u32]| -> Judgements {
        draw.iter().flat_map(|index| documents[*index as usize].iter().copied()).collect()
    };
    let all = picked(&everyone);
    let n = all.len();
    let figure = |of: fn(&mut Judgements) -> f64| Figure {
        value: of(&mut picked(&everyone)),
        n,
        interval: if n == 0 { None } else { draws.interval(|draw| of(&mut picked(draw))) },
    };
    let share = |sum: f64| if n == 0 { 0.0 } else { sum / n as f64 };
    Reliability {
        name: name.to_owned(),
        ece: figure(expected_error),
        chance: chance(&all, options.seed),
        brier: figure(brier),
        mean_confidence: share(all.iter().map(|(c, _)| c).sum()),
        right: share(all.iter().filter(|(_, right)| *right).count() as f64),
        bins: bins(&mut picked(&everyone)),
        bands: bands(&all),
    }
}

fn bands(judged: &Judgements) -> Vec<InBand> {
    [Band::High, Band::Medium, Band::Low]
        .into_iter()
        .filter_map(|band| {
            let part: Vec<_> = judged.iter().filter(|(c, _)| Band::of(*c as f32) == band).collect();
            let n = part.len();
            (n > 0).then(|| InBand {
                band,
                n,
                mean_confidence: part.iter().map(|(c, _)| c).sum::<f64>() / n as f64,
                right: part.iter().filter(|(_, right)| *right).count() as f64 / n as f64,
            })
        })
        .collect()
}

/// Bins of equal mass by rising confidence; none is empty. Equal confidences are ordered wrong before right.
fn bins(judged: &mut Judgements) -> Vec<Bin> {
    judged.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let n = judged.len();
    (0..BINS)
        .map(|bin| &judged[bin * n / BINS..(bin + 1) * n / BINS])
        .filter(|part| !part.is_empty())
        .map(|part| Bin {
            n: part.len(),
            from: part[0].0,
            to: part[part.len() - 1].0,
            mean_confidence: part.iter().map(|(c, _)| c).sum::<f64>() / part.len() as f64,
            right: part.iter().filter(|(_, right)| *right).count() as f64 / part.len() as f64,
        })
        .collect()
}

/// Ten bins of equal mass, each the distance of mean confidence from the share that was right, weighted by its size.
pub fn expected_error(judged: &mut Judgements) -> f64 {
    let n = judged.len() as f64;
    bins(judged).iter().map(|bin| bin.n as f64 / n * (bin.mean_confidence - bin.right).abs()).sum()
}

/// Outcomes drawn from the confidences themselves, so often.
const CHANCE_DRAWS: usize = 200;

fn chance(judged: &Judgements, seed: u64) -> f64 {
    if judged.is_empty() {
        return 0.0;
    }
    let mut random = SplitMix(seed);
    let draws = (0..CHANCE_DRAWS).map(|_| {
        let mut drawn: Judgements = judged.iter().map(|(c, _)| (*c, random.unit() < *c)).collect();
        expected_error(&mut drawn)
    });
    draws.sum::<f64>() / CHANCE_DRAWS as f64
}

fn brier(judged: &mut Judgements) -> f64 {
    if judged.is_empty() {
        return 0.0;
    }
    let squares = judged.iter().map(|(c, right)| (c - f64::from(u8::from(*right))).powi(2));
    squares.sum::<f64>() / judged.len() as f64
}

/// Every field of `gold` and, as `note codes`, the codes of the final list, each by its own confidences. Value fields are right
/// when their normal form is, span fields when they match.
pub fn by_field<S: std::hash::BuildHasher>(
    gold: &[GoldNote],
    predictions: &HashMap<String, Prediction, S>,
    options: &Options,
) -> Vec<Reliability> {
    let mut fields = BTreeMap::<&str, Vec<Judgements>>::new();
    let empty = || vec![Judgements::new(); gold.len()];
    for (index, note) in gold.iter().enumerate() {
        let prediction = predictions.get(&note.id);
        let judged = judge(note, prediction, options.threshold);
        for value in &judged.values {
            if let Some(suggested) = value.suggested {
                let field = fields.entry(value.field).or_insert_with(empty);
                field[index].push((suggested.confidence, value.right));
            }
        }
        for (field, matches) in &judged.spans {
            let found = matches.pairs.iter().map(|(s, gold)| (s.confidence, gold.is_some()));
            fields.entry(field).or_insert_with(empty)[index].extend(found);
        }
        for code in prediction.iter().flat_map(|p| &p.codes) {
            if code.shown && code.confidence >= options.threshold {
                let right = note.codes.iter().any(|known| known.code == code.code);
                fields.entry("note codes").or_insert_with(empty)[index].push((code.confidence, right));
            }
        }
    }
    let judged = fields.into_iter().filter(|(_, notes)| notes.iter().any(|note| !note.is_empty()));
    judged.map(|(field, notes)| reliability(field, &notes, options)).collect()
}

/// For a person to read: one line a head, then, where asked for, the bins of each.
pub fn table(heads: &[Reliability], with_bins: bool) -> String {
    let mut out = format!(
        "{:26} {:>6} {:>9}  {:21} {:>7} {:>10} {:>7}\n",
        "calibration", "ECE", "by chance", "95 %", "Brier", "confidence", "right"
    );
    for head in heads {
        let between =
            head.ece.interval.map_or_else(String::new, |i| format!("{:.3} to {:.3}", i.low, i.high));
        let _ = write!(
            out,
            "{:26} {:>6.3} {:>9.3}  {between:21} {:>7.3} {:>10.3} {:>7.3}  n {}; right of",
            head.name,
            head.ece.value,
            head.chance,
            head.brier.value,
            head.mean_confidence,
            head.right,
            head.ece.n
        );
        for (i, band) in head.bands.iter().enumerate() {
            let name = format!("{:?}", band.band).to_lowercase();
            let _ = write!(out, "{} {name} {:.2} ({})", if i > 0 { "," } else { "" }, band.right, band.n);
        }
        out.push('\n');
    }
    for head in heads.iter().filter(|_| with_bins) {
        let _ = writeln!(out, "\n{}: confidence, mean, right, n", head.name);
        for bin in &head.bins {
            let _ = writeln!(
                out,
                "  {:.3} to {:.3}  {:.3}  {:.3}  {}",
                bin.from, bin.to, bin.mean_confidence, bin.right, bin.n
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn figures_by_hand() {
        // Two bins hold one judgement each, the others none or one: ten judgements, one a bin.
        let documents: Vec<Judgements> = (0..10).map(|n| vec![(0.8, n < 8)]).collect();
        let found = reliability("x", &documents, &Options::default());
        // Wrong ones are sorted first: |0.8 - 0| twice, |0.8 - 1| eight times.
        near(found.ece.value, (2.0 * 0.8 + 8.0 * 0.2) / 10.0);
        // One judgement a bin, right in 8 of 10 draws: 0.8 * 0.2 + 0.2 * 0.8.
        assert!((found.chance - 0.32).abs() < 0.03, "{}", found.chance);
        near(found.brier.value, (2.0 * 0.64 + 8.0 * 0.04) / 10.0);
        near(found.right, 0.8);
        assert_eq!((found.bins.len(), found.ece.n), (10, 10));
        let [band] = found.bands[..] else { panic!("one band") };
        assert_eq!((band.band, band.n), (Band::High, 10));
        near(band.right, 0.8);
    }

    #[test]
    fn sure_and_right_has_no_error() {
        let found = reliability("x", &vec![vec![(1.0, true), (0.0, false)]; 6], &Options::default());
        near(found.ece.value, 0.0);
        near(found.chance, 0.0);
        near(found.brier.value, 0.0);
        let nothing = reliability("x", &vec![Judgements::new(); 6], &Options::default());
        assert!(nothing.bins.is_empty() && nothing.ece.interval.is_none());
        assert!(nothing.brier.value.abs() < 1e-12);
    }
}
