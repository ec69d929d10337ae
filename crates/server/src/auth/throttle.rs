//! Back-off on failed sign-ins, per user and address and, more loosely, per address alone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use overread_domain::Timestamp;

/// Failures of one user from one address before waiting begins.
const FREE: u32 = 5;
/// The same for all users from one address.
const FREE_ADDRESS: u32 = 50;
const LONGEST_MS: i64 = 15 * 60 * 1000;
/// Keys kept; the oldest make room.
const KEPT: usize = 20_000;

#[derive(Debug, Default)]
struct Record {
    failures: u32,
    last: Timestamp,
    blocked_until: Timestamp,
}

/// In memory: a restart forgives, many servers each count for themselves.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<(String, String), Record>>);

impl Throttle {
    /// Milliseconds to wait before a try is looked at; none if it may go on. The try is counted as failed until
    /// [`Throttle::forgive`], so that many at once don't slip through while their hashes are computed.
    pub fn admit(&self, user: &str, address: &str, now: Timestamp) -> Result<(), i64> {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = [
            ((user.to_owned(), address.to_owned()), FREE),
            ((String::new(), address.to_owned()), FREE_ADDRESS),
        ];
        for (key, _) in &keys {
            if let Some(record) = records.get(key)
                && record.blocked_until > now
            {
                return Err(record.blocked_until.since(now));
            }
        }
        if records.len() >= KEPT {
            let mut ages: Vec<Timestamp> = records.values().map(|record| record.last).collect();
            ages.sort_unstable();
            let median = ages[ages.len() / 2];
            records.retain(|_, record| record.last > median);
        }
        for (key, free) in keys {
            let record = records.entry(key).or_default();
            // A quiet hour forgives.
            if now.since(record.last) > 3_600_000 {
                record.failures = 0;
            }
            record.failures += 1;
            record.last = now;
            if record.failures >= free {
                let wait = 1000_i64.saturating_mul(1 << (record.failures - free).min(20)).min(LONGEST_MS);
                record.blocked_until = now.plus_millis(wait);
            }
        }
        Ok(())
    }

    /// The try was right: this user is free again from here.
    pub fn forgive(&self, user: &str, address: &str) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.remove(&(user.to_owned(), address.to_owned()));
        if let Some(record) = records.get_mut(&(String::new(), address.to_owned())) {
            record.failures = record.failures.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let throttle = Throttle::default();
        let mut now = Timestamp(1_000_000);
        for _ in 0..FREE {
            throttle.admit("eva", "10.0.0.1", now).unwrap();
        }
        assert_eq!(throttle.admit("eva", "10.0.0.1", now), Err(1000));
        throttle.admit("eva", "10.0.0.2", now).unwrap();
        throttle.admit("tom", "10.0.0.1", now).unwrap();
        now = now.plus_millis(1000);
        throttle.admit("eva", "10.0.0.1", now).unwrap();
        assert_eq!(throttle.admit("eva", "10.0.0.1", now), Err(2000));
        for _ in 0..30 {
            now = now.plus_millis(LONGEST_MS);
            throttle.admit("eva", "10.0.0.1", now).unwrap();
        }
        assert!(throttle.admit("eva", "10.0.0.1", now).unwrap_err() <= LONGEST_MS);
    }

    #[test]
    fn success_forgives() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            throttle.admit("eva", "10.0.0.1", Timestamp(0)).unwrap();
            throttle.forgive("eva", "10.0.0.1");
        }
    }

    #[test]
    fn many_names_from_one_address_are_slowed_too() {
        let throttle = Throttle::default();
        let refused =
            (0..200).filter(|n| throttle.admit(&format!("u{n}"), "10.0.0.1", Timestamp(0)).is_err()).count();
        assert!(refused >= 140, "{refused}");
    }

    #[test]
    fn memory_stays_bounded() {
        let throttle = Throttle::default();
        for n in 0..3 * KEPT as i64 {
            let _ = throttle.admit("u", &format!("a{n}"), Timestamp(n));
        }
        assert!(throttle.0.lock().unwrap().len() <= KEPT + 2);
    }
}
