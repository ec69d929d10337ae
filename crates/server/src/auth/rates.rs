//! How much one person, or one address, may ask: against scripts that run away, guesses, and a copy of everything taken
//! page by page. Counted by each server for itself (GCRA, by the `governor` library).

use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use overread_api::ErrorCode;

use crate::{Config, Failure};

type Limiter = RateLimiter<String, HashMapStateStore<String>, DefaultClock>;

/// Keys kept before those that are at rest are let go.
const KEPT: usize = 20_000;

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Whatever a person asks.
    Person,
    /// Their searches.
    Search,
    /// What an address asks without signing in.
    Stranger,
}

#[derive(Debug)]
pub struct Rates {
    person: Option<Limiter>,
    search: Option<Limiter>,
    stranger: Option<Limiter>,
}

impl Rates {
    pub fn new(config: &Config) -> Self {
        // A third of a minute's requests may come at once.
        let limiter = |a_minute: u32| {
            let rate = NonZeroU32::new(a_minute)?;
            let burst = NonZeroU32::new((a_minute / 3).max(1))?;
            Some(RateLimiter::hashmap(Quota::per_minute(rate).allow_burst(burst)))
        };
        Self {
            person: limiter(config.requests_per_minute),
            search: limiter(config.searches_per_minute),
            stranger: limiter(config.stranger_requests_per_minute),
        }
    }

    /// Refuses where a key asks too much, and says how long to wait.
    pub fn admit(&self, rate: Rate, key: &str) -> Result<(), Failure> {
        let limiter = match rate {
            Rate::Person => &self.person,
            Rate::Search => &self.search,
            Rate::Stranger => &self.stranger,
        };
        let Some(limiter) = limiter else { return Ok(()) };
        if limiter.len() > KEPT {
            limiter.retain_recent();
        }
        limiter.check_key(&key.to_owned()).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let seconds = wait.as_secs() + 1;
            Failure::new(
                ErrorCode::TooManyRequests,
                format!("too many requests in a short time; try again in {seconds} s"),
            )
            .retry_after(seconds)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_measure_and_nothing_is_limited_where_it_is_off() {
        let config = Config { requests_per_minute: 30, searches_per_minute: 0, ..Config::default() };
        let rates = Rates::new(&config);
        let let_through = |key: &str| (0..100).filter(|_| rates.admit(Rate::Person, key).is_ok()).count();
        for key in ["eva", "tom"] {
            let n = let_through(key);
            assert!((10..=12).contains(&n), "{n}");
        }
        assert!((0..10_000).all(|_| rates.admit(Rate::Search, "eva").is_ok()));
    }
}
