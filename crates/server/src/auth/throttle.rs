//! Back-off on failed sign-ins: per user and address, more loosely per address alone, and per user from everywhere.
//!
//! Nobody can lock another out: a browser in which somebody has signed in before carries a sealed sign of it, and only its
//! own failures count against it (OWASP, "Device Cookies"). What comes from elsewhere in that person's name waits.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use overread_domain::Timestamp;

/// Failures of one user from one address before waiting begins.
const FREE: u32 = 5;
/// The same for all users from one address.
const FREE_ADDRESS: u32 = 50;
/// The same for one user from all addresses that are not known.
const FREE_USER: u32 = 100;
const LONGEST_MS: i64 = 15 * 60 * 1000;
/// Keys kept; the oldest make room.
const KEPT: usize = 20_000;

const MINUTE_MS: i64 = 60_000;

/// Nobody's name stands for everybody.
type Key = (Option<String>, String);

#[derive(Debug, Default)]
struct Record {
    failures: u32,
    last: Timestamp,
    /// Up to when failures have decayed.
    decayed: Timestamp,
    blocked_until: Timestamp,
}

impl Record {
    /// One failure a minute is forgotten, so that the typos of many people behind one address don't add up.
    fn decay(&mut self, now: Timestamp) {
        let minutes = now.since(self.decayed) / MINUTE_MS;
        if minutes > 0 {
            self.failures = self.failures.saturating_sub(u32::try_from(minutes).unwrap_or(u32::MAX));
            self.decayed = self.decayed.plus_millis(minutes * MINUTE_MS);
        }
    }
}

/// A try that was let through, and counts as failed until it is forgiven.
#[derive(Debug, PartialEq, Eq)]
pub struct Attempt {
    own: Key,
    /// What else it counts for, and what it made those wait for, where it did.
    others: Vec<(Key, Option<Timestamp>)>,
}

/// In memory: a restart forgives, many servers each count for themselves.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Key, Record>>);

impl Throttle {
    /// Lets a try go on, or says how many milliseconds to wait before one is looked at. The try is counted as failed until
    /// [`Throttle::forgive`], so that many at once don't slip through while their hashes are computed. `device` names a
    /// browser in which this user has signed in before.
    pub fn admit(
        &self,
        user: &str,
        address: &str,
        device: Option<&str>,
        now: Timestamp,
    ) -> Result<Attempt, i64> {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = (Some(user.to_owned()), device.unwrap_or(address).to_owned());
        let mut keys = vec![(own.clone(), FREE)];
        if device.is_none() {
            keys.push(((None, address.to_owned()), FREE_ADDRESS));
            keys.push(((Some(user.to_owned()), ANYWHERE.to_owned()), FREE_USER));
        }
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
        let mut attempt = Attempt { own: own.clone(), others: Vec::new() };
        for (key, free) in keys {
            let record = records.entry(key.clone()).or_insert_with(|| Record {
                last: now,
                decayed: now,
                ..Record::default()
            });
            // A quiet hour forgives.
            if now.since(record.last) > 60 * MINUTE_MS {
                record.failures = 0;
            }
            // Not for one user in one place: a guess a minute would be too many.
            if key != own {
                record.decay(now);
            }
            record.failures += 1;
            record.last = now;
            let mut blocked = None;
            if record.failures >= free {
                let wait = 1000_i64.saturating_mul(1 << (record.failures - free).min(20)).min(LONGEST_MS);
                record.blocked_until = now.plus_millis(wait);
                blocked = Some(record.blocked_until);
            }
            if key != own {
                attempt.others.push((key, blocked));
            }
        }
        Ok(attempt)
    }

    /// The try was right: this user is free again from here, and all else is as it was before the try.
    pub fn forgive(&self, attempt: Attempt) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.remove(&attempt.own);
        for (key, blocked_until) in attempt.others {
            if let Some(record) = records.get_mut(&key) {
                record.failures = record.failures.saturating_sub(1);
                // While it waits nobody else is admitted, so that the wait is this try's own; the one before had ended.
                if blocked_until == Some(record.blocked_until) {
                    record.blocked_until = record.last;
                }
            }
        }
    }
}

/// No address.
const ANYWHERE: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let throttle = Throttle::default();
        let mut now = Timestamp(1_000_000);
        for _ in 0..FREE {
            throttle.admit("eva", "10.0.0.1", None, now).unwrap();
        }
        assert_eq!(throttle.admit("eva", "10.0.0.1", None, now), Err(1000));
        throttle.admit("eva", "10.0.0.2", None, now).unwrap();
        throttle.admit("tom", "10.0.0.1", None, now).unwrap();
        now = now.plus_millis(1000);
        throttle.admit("eva", "10.0.0.1", None, now).unwrap();
        assert_eq!(throttle.admit("eva", "10.0.0.1", None, now), Err(2000));
        for _ in 0..30 {
            now = now.plus_millis(LONGEST_MS);
            throttle.admit("eva", "10.0.0.1", None, now).unwrap();
        }
        assert!(throttle.admit("eva", "10.0.0.1", None, now).unwrap_err() <= LONGEST_MS);
    }

    #[test]
    fn success_forgives() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            let attempt = throttle.admit("eva", "10.0.0.1", None, Timestamp(0)).unwrap();
            throttle.forgive(attempt);
        }
    }

    /// Tries by many people behind one address, `apart` milliseconds from each other, that were refused.
    fn refused(throttle: &Throttle, tries: i64, apart: i64) -> usize {
        (0..tries)
            .filter(|n| throttle.admit(&format!("u{n}"), "10.0.0.1", None, Timestamp(n * apart)).is_err())
            .count()
    }

    #[test]
    fn typos_of_many_people_behind_one_address_are_forgotten_in_time() {
        assert_eq!(refused(&Throttle::default(), 60, 4 * MINUTE_MS), 0);
        // Also where less than a minute lies between two of them.
        assert_eq!(refused(&Throttle::default(), 60, 45_000), 0);
        assert!(refused(&Throttle::default(), 60, 1000) > 0);
    }

    #[test]
    fn success_frees_the_address_from_its_own_try() {
        let throttle = Throttle::default();
        assert_eq!(refused(&throttle, i64::from(FREE_ADDRESS) - 1, 0), 0);
        for n in 0..20 {
            let attempt = throttle.admit("eva", "10.0.0.1", None, Timestamp(n)).unwrap();
            assert!(
                throttle.admit("tom", "10.0.0.1", None, Timestamp(n)).is_err(),
                "it counts while it is looked at"
            );
            throttle.forgive(attempt);
        }
        throttle.admit("tom", "10.0.0.1", None, Timestamp(30)).unwrap();
        assert!(throttle.admit("eva", "10.0.0.1", None, Timestamp(30)).is_err());
    }

    #[test]
    fn tries_without_a_name_count_as_one_user() {
        let throttle = Throttle::default();
        for _ in 0..FREE {
            throttle.admit("", "10.0.0.1", None, Timestamp(0)).unwrap();
        }
        assert!(throttle.admit("", "10.0.0.1", None, Timestamp(0)).is_err());
        throttle.admit("eva", "10.0.0.1", None, Timestamp(0)).unwrap();
    }

    #[test]
    fn many_names_from_one_address_are_slowed_too() {
        let throttle = Throttle::default();
        let refused = (0..200)
            .filter(|n| throttle.admit(&format!("u{n}"), "10.0.0.1", None, Timestamp(0)).is_err())
            .count();
        assert!(refused >= 140, "{refused}");
    }

    #[test]
    fn nobody_locks_another_out() {
        let throttle = Throttle::default();
        let now = Timestamp(0);
        // From everywhere in the world, in Eva's name.
        let refused = (0..1000)
            .filter(|n| throttle.admit("eva", &format!("10.1.{}.{}", n / 200, n % 200), None, now).is_err())
            .count();
        assert!(refused >= 890, "{refused}");
        // Her own browser is known, at whatever address.
        let attempt = throttle.admit("eva", "10.1.0.1", Some("device-1"), now).unwrap();
        throttle.forgive(attempt);
        assert!(throttle.admit("tom", "10.0.0.1", None, now).is_ok());
        // A known browser gets no more tries than others.
        for _ in 0..FREE {
            throttle.admit("eva", "10.0.0.1", Some("device-1"), now).unwrap();
        }
        assert!(throttle.admit("eva", "10.0.0.1", Some("device-1"), now).is_err());
    }

    #[test]
    fn memory_stays_bounded() {
        let throttle = Throttle::default();
        for n in 0..3 * KEPT as i64 {
            let _ = throttle.admit("u", &format!("a{n}"), None, Timestamp(n));
        }
        assert!(throttle.0.lock().unwrap().len() <= KEPT + 3);
    }
}
