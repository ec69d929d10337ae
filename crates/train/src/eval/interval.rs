//! Bootstrap draws of whole notes.

use super::Options;
use super::report::Interval;

/// Under this many notes an interval would say more about the draws than about the notes.
const MIN_NOTES: usize = 5;

/// Which notes each draw holds.
pub struct Draws {
    draws: Vec<Vec<u32>>,
}

impl Draws {
    pub fn new(notes: usize, options: &Options) -> Self {
        let mut random = SplitMix(options.seed);
        let draws = if notes < MIN_NOTES { 0 } else { options.draws };
        let draw = |_| (0..notes).map(|_| random.below(notes as u64) as u32).collect();
        Self { draws: (0..draws).map(draw).collect() }
    }

    /// The central 95 % of a figure over the draws.
    pub fn interval(&self, figure: impl Fn(&[u32]) -> f64) -> Option<Interval> {
        let mut values = self.values(figure);
        if values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Interval { low: quantile(&values, 0.025), high: quantile(&values, 0.975) })
    }

    /// A figure over each draw.
    pub fn values(&self, figure: impl Fn(&[u32]) -> f64) -> Vec<f64> {
        self.draws.iter().map(|draw| figure(draw)).collect()
    }
}

/// Between the two values next to the place (Hyndman & Fan 1996, type 7).
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let place = at * (sorted.len() - 1) as f64;
    let low = place.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
}

/// `SplitMix64` (Steele, Lea & Flood 2014): the same draws on every machine and in every version.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Below `n`, by the high half of the product (Lemire 2019); its bias is under n / 2^64.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generator_gives_the_published_numbers() {
        let mut random = SplitMix(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn quantile_lies_between_neighbours() {
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0], 0.5) - 2.5).abs() < 1e-12);
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0], 1.0) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn mean_of_many_coins_is_in_its_interval() {
        let options = Options { draws: 2000, ..Options::default() };
        let interval = Draws::new(100, &options)
            .interval(|draw| draw.iter().filter(|note| **note < 30).count() as f64 / draw.len() as f64);
        let Interval { low, high } = interval.unwrap();
        // 0.3 -+ 1.96 * sqrt(0.3 * 0.7 / 100)
        assert!((low - 0.21).abs() < 0.02 && (high - 0.39).abs() < 0.02, "{low} {high}");
    }

    #[test]
    fn few_notes_have_no_interval() {
        assert!(Draws::new(4, &Options::default()).interval(|_| 0.0).is_none());
    }
}
