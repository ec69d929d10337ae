use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use overread_domain::Timestamp;
use overread_store::Source;

/// A clock that stands still until it is told otherwise, and randomness that a seed repeats.
#[derive(Debug)]
pub struct TestSource {
    now: AtomicI64,
    state: Mutex<u64>,
}

impl TestSource {
    /// 2026-01-05T09:00:00Z.
    pub const START: Timestamp = Timestamp(1_767_603_600_000);

    pub fn new(seed: u64) -> Self {
        Self { now: AtomicI64::new(Self::START.0), state: Mutex::new(seed) }
    }

    pub fn advance(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    /// `SplitMix64` (Steele, Lea and Flood 2014).
    pub fn next_u64(&self) -> u64 {
        let mut state = self.state.lock().expect("no test panics while it draws a number");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `end`, which is not 0.
    pub fn below(&self, end: usize) -> usize {
        (self.next_u64() % end as u64) as usize
    }
}

impl Source for TestSource {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn random(&self) -> u128 {
        u128::from(self.next_u64()) << 64 | u128::from(self.next_u64())
    }
}
