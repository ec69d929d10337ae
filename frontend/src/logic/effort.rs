//! What a decision cost: active time without pauses, keys pressed, commands used, evidence brought into view.

use overread_domain::Effort;

/// A pause longer than this counts as being away.
const IDLE_MS: i64 = 30_000;
const MOST_KEYS: usize = 32;
/// Who did nothing for so long no longer holds an entry, and the server may end the session.
const PRESENT_MS: i64 = 5 * 60_000;
const RENEW_MS: i64 = 30_000;

/// Whether the lease of the open entry is to be renewed: only for somebody who is there. All times in milliseconds.
pub fn renewal_due(renewed: Option<i64>, active: Option<i64>, now: i64) -> bool {
    let present = active.is_some_and(|active| now - active <= PRESENT_MS);
    present && renewed.is_none_or(|renewed| (now - renewed).abs() >= RENEW_MS)
}

#[derive(Clone, Debug, Default)]
pub struct Meter {
    last: Option<i64>,
    effort: Effort,
}

impl Meter {
    /// Something happened at `now`, in milliseconds.
    pub fn active(&mut self, now: i64) {
        if let Some(last) = self.last {
            let passed = (now - last).max(0);
            if passed <= IDLE_MS {
                self.effort.active_ms = self.effort.active_ms.saturating_add(passed as u32);
            }
        }
        self.last = Some(now);
    }

    pub fn last_active(&self) -> Option<i64> {
        self.last
    }

    pub fn key(&mut self, now: i64) {
        self.active(now);
        self.effort.keystrokes = self.effort.keystrokes.saturating_add(1);
    }

    pub fn command(&mut self, name: &str) {
        if self.effort.keys.len() < MOST_KEYS {
            self.effort.keys.push(name.to_owned());
        }
    }

    pub fn evidence(&mut self) {
        self.effort.evidence_opened = self.effort.evidence_opened.saturating_add(1);
    }

    /// What was spent since the last time. Stays spent until a decision is taken for it.
    pub fn spent(&self, now: i64) -> Effort {
        self.clone().take(now)
    }

    /// What was spent since the last time; counting begins anew.
    pub fn take(&mut self, now: i64) -> Effort {
        self.active(now);
        std::mem::take(&mut self.effort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_pauses_out() {
        let mut meter = Meter::default();
        meter.active(1_000);
        meter.key(3_000);
        meter.active(63_000);
        assert_eq!(meter.take(64_000).active_ms, 3_000);
    }

    #[test]
    fn counts_keys_commands_and_evidence_and_begins_anew() {
        let mut meter = Meter::default();
        meter.key(0);
        meter.command("accept");
        meter.evidence();
        let effort = meter.take(500);
        assert_eq!((effort.keystrokes, effort.evidence_opened, effort.active_ms), (1, 1, 500));
        assert_eq!(effort.keys, ["accept"]);
        assert_eq!(meter.take(500), Effort::default());
    }

    #[test]
    fn the_lease_is_renewed_only_while_somebody_is_there() {
        let at = |seconds: i64| seconds * 1000;
        assert!(!renewal_due(None, None, at(0)));
        assert!(renewal_due(None, Some(at(0)), at(0)));
        assert!(!renewal_due(Some(at(0)), Some(at(20)), at(29)));
        assert!(renewal_due(Some(at(0)), Some(at(0)), at(30)));
        assert!(renewal_due(Some(at(270)), Some(at(0)), at(300)));
        assert!(!renewal_due(Some(at(300)), Some(at(0)), at(330)), "nobody is there");
        assert!(renewal_due(Some(at(300)), Some(at(900)), at(901)), "and back at the first sign");
    }

    #[test]
    fn a_refused_decision_leaves_what_was_spent_for_the_next() {
        let mut meter = Meter::default();
        meter.key(0);
        meter.command("finish");
        let refused = meter.spent(500);
        meter.key(1_000);
        let taken = meter.take(1_000);
        assert_eq!((refused.keystrokes, refused.active_ms), (1, 500));
        assert_eq!((taken.keystrokes, taken.active_ms, taken.keys.len()), (2, 1_000, 1));
    }

    #[test]
    fn keeps_at_most_32_commands() {
        let mut meter = Meter::default();
        (0..50).for_each(|_| meter.command("next"));
        assert_eq!(meter.take(0).keys.len(), 32);
    }

    #[test]
    fn a_clock_that_steps_back_adds_nothing() {
        let mut meter = Meter::default();
        meter.active(5_000);
        assert_eq!(meter.take(1_000).active_ms, 0);
    }
}
