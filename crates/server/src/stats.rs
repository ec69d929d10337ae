//! Proportions with honest intervals.

use overread_api::accuracy::Rate;

/// The 97.5 % point of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A proportion with its 95 % Wilson score interval; none where fewer than `least` were seen.
pub fn rate(hits: u64, n: u64, least: u64) -> Option<Rate> {
    if n == 0 || n < least {
        return None;
    }
    let (total, value) = (n as f64, hits as f64 / n as f64);
    let z2 = Z * Z / total;
    let centre = (value + z2 / 2.0) / (1.0 + z2);
    let half = Z / (1.0 + z2) * (value * (1.0 - value) / total + z2 / (4.0 * total)).sqrt();
    Some(Rate { value, low: (centre - half).max(0.0), high: (centre + half).min(1.0), n })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agrees_with_published_intervals() {
        // Newcombe 1998, table I: 81 of 263 and 0 of 20.
        let rate = rate(81, 263, 1).unwrap();
        assert!((rate.low - 0.2553).abs() < 5e-5 && (rate.high - 0.3662).abs() < 5e-5, "{rate:?}");
        let none = super::rate(0, 20, 1).unwrap();
        assert!(none.low.abs() < 1e-12 && (none.high - 0.1611).abs() < 5e-5, "{none:?}");
    }

    #[test]
    fn says_nothing_on_too_few() {
        assert_eq!(rate(3, 4, 5), None);
        assert_eq!(rate(0, 0, 0), None);
    }

    proptest! {
        #[test]
        fn holds_the_value(n in 1u64..5000, share in 0.0f64..=1.0) {
            let hits = (n as f64 * share) as u64;
            let rate = rate(hits, n, 0).unwrap();
            prop_assert!(0.0 <= rate.low && rate.low <= rate.value + 1e-12);
            prop_assert!(rate.value <= rate.high + 1e-12 && rate.high <= 1.0);
        }
    }
}
