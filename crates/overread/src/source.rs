//! The real clock and real randomness: the only place that takes them from the air.

use std::time::{SystemTime, UNIX_EPOCH};

use overread_domain::Timestamp;
use overread_store::Source;

#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSource;

impl Source for SystemSource {
    fn now(&self) -> Timestamp {
        // Before 1970 only where a clock was never set.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn random(&self) -> u128 {
        // ChaCha12, seeded and reseeded by the operating system.
        rand::random()
    }
}
