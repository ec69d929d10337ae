//! Clock and randomness, passed in.

use std::sync::Mutex;

use overread_domain::Timestamp;

/// What a store may know of the outside: the time and bits that nobody can guess.
pub trait Source: Send + Sync {
    fn now(&self) -> Timestamp;
    fn random(&self) -> u128;
}

/// Makes ids whose text order is the order in which this store made them: `UUIDv7` (RFC 9562, section 6.2, method 1) with
/// the twelve bits after the milliseconds as a counter that carries into them.
#[derive(Debug, Default)]
pub(crate) struct IdMaker {
    last: Mutex<u64>,
}

impl IdMaker {
    /// `prefix`, a hyphen and 32 hexadecimal digits.
    pub(crate) fn make(&self, prefix: &str, source: &dyn Source) -> String {
        let millis = source.now().0.clamp(0, (1 << 48) - 1) as u64;
        let time = {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *last = (millis << 12).max(*last + 1);
            *last
        };
        let random = (source.random() as u64) & 0x3fff_ffff_ffff_ffff;
        let high = (time >> 12) << 16 | 0x7000 | (time & 0xfff);
        let low = 0x8000_0000_0000_0000 | random;
        format!("{prefix}-{high:016x}{low:016x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stuck;
    impl Source for Stuck {
        fn now(&self) -> Timestamp {
            Timestamp(1_700_000_000_000)
        }
        fn random(&self) -> u128 {
            u128::MAX
        }
    }

    #[test]
    fn ids_rise_even_when_the_clock_stands_still() {
        let maker = IdMaker::default();
        let ids: Vec<_> = (0..10_000).map(|_| maker.make("e", &Stuck)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(ids[0].len(), 34);
        assert_eq!(&ids[0][14..15], "7");
    }
}
