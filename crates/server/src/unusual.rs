//! What of the audit trail somebody should look at (information system activity review, 45 CFR 164.308(a)(1)(ii)(D)). Counts of a
//! person's day against what is usual for them, or for all where they are new; and what is told whenever it happens often.

use std::collections::BTreeMap;

use overread_api::audit::{Unusual, UnusualKind};
use overread_domain::{AuditAction, Timestamp, UserId};
use overread_store::Activity;

const DAY_MS: i64 = 24 * 3_600_000;
/// Days are compared with those of this time.
pub const COMPARED_MS: i64 = 90 * DAY_MS;
/// Days of this time are told.
pub const REPORTED_MS: i64 = 30 * DAY_MS;

/// Fewer entries in a day are never many.
const MANY_LEAST: u64 = 30;
/// Many is more than this many times what is usual.
const MANY_TIMES: u64 = 3;
/// Other days that somebody must have worked before their own days say what is usual.
const OWN_DAYS: usize = 5;
/// Entries viewed for one decision, where hardly anything was decided.
const VIEWED_ONLY: u64 = 20;
const SIGN_INS: u64 = 5;
const REFUSALS: u64 = 10;
const REASONS: u64 = 3;
const EXPORTS: u64 = 3;

#[derive(Clone, Copy, Debug, Default)]
struct Day {
    viewed: u64,
    decided: u64,
    sign_ins_refused: u64,
    refused: u64,
    reasons: u64,
    exports: u64,
}

/// The latest day first.
pub fn report(activity: &[Activity], since: Timestamp) -> Vec<Unusual> {
    let mut days: BTreeMap<(Timestamp, Option<UserId>), Day> = BTreeMap::new();
    for one in activity {
        let day = days.entry((one.day, one.user.clone())).or_default();
        match one.action {
            AuditAction::EntryViewed => day.viewed = one.subjects,
            AuditAction::Decided => day.decided = one.subjects,
            AuditAction::SignInRefused => day.sign_ins_refused = one.events,
            AuditAction::AccessRefused => day.refused = one.events,
            AuditAction::AccessOpened => day.reasons = one.events,
            AuditAction::CorrectionsExported => day.exports = one.events,
            _ => {}
        }
    }
    let viewed = |of: Option<&Option<UserId>>, but: Timestamp| -> Vec<u64> {
        days.iter()
            .filter(|((at, user), day)| day.viewed > 0 && *at != but && of.is_none_or(|of| of == user))
            .map(|(_, day)| day.viewed)
            .collect()
    };
    let mut out = Vec::new();
    for ((at, user), day) in days.iter().filter(|((at, _), _)| *at >= since) {
        let mut tell = |kind, count, usual| {
            out.push(Unusual { user: user.clone(), day: at.day(), kind, count, usual });
        };
        if day.viewed >= MANY_LEAST {
            let own = viewed(Some(user), *at);
            let usual = median(if own.len() >= OWN_DAYS { own } else { viewed(None, *at) });
            if usual.is_some_and(|usual| day.viewed > usual.saturating_mul(MANY_TIMES)) {
                tell(UnusualKind::ManyEntries, day.viewed, usual);
            }
            if day.viewed > day.decided.saturating_mul(VIEWED_ONLY) {
                tell(UnusualKind::ViewedOnly, day.viewed, Some(day.decided));
            }
        }
        for (kind, count, least) in [
            (UnusualKind::SignInsRefused, day.sign_ins_refused, SIGN_INS),
            (UnusualKind::AccessRefused, day.refused, REFUSALS),
            (UnusualKind::OpenedWithReason, day.reasons, REASONS),
            (UnusualKind::Exports, day.exports, EXPORTS),
        ] {
            if count >= least {
                tell(kind, count, None);
            }
        }
    }
    out.reverse();
    out
}

fn median(mut counts: Vec<u64>) -> Option<u64> {
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(user: &str, day: i64, action: AuditAction, n: u64) -> Activity {
        Activity { user: Some(user.into()), day: Timestamp(day * DAY_MS), action, events: n, subjects: n }
    }

    fn told(activity: &[Activity]) -> Vec<(String, UnusualKind, u64, Option<u64>)> {
        report(activity, Timestamp(50 * DAY_MS))
            .into_iter()
            .map(|one| (one.user.unwrap().to_string(), one.kind, one.count, one.usual))
            .collect()
    }

    #[test]
    fn a_day_is_compared_with_the_persons_own_days() {
        use AuditAction as A;
        let mut all = Vec::new();
        for day in 40..60 {
            // One looks through many every day, the other at few.
            all.push(did("busy", day, A::EntryViewed, 200));
            all.push(did("busy", day, A::Decided, 150));
            all.push(did("calm", day, A::EntryViewed, 12));
            all.push(did("calm", day, A::Decided, 12));
        }
        assert_eq!(told(&all), []);
        all.push(did("calm", 60, A::EntryViewed, 37));
        all.push(did("calm", 60, A::Decided, 30));
        assert_eq!(told(&all), [("calm".into(), UnusualKind::ManyEntries, 37, Some(12))]);
        // Somebody new is compared with everybody.
        all.push(did("new", 61, A::EntryViewed, 601));
        all.push(did("new", 61, A::Decided, 1));
        let new: Vec<_> = told(&all).into_iter().filter(|one| one.0 == "new").collect();
        assert_eq!(
            new,
            [
                ("new".into(), UnusualKind::ViewedOnly, 601, Some(1)),
                ("new".into(), UnusualKind::ManyEntries, 601, Some(37)),
            ]
        );
    }

    #[test]
    fn what_happens_often_is_told_and_what_is_old_is_not() {
        use AuditAction as A;
        let often = |day| {
            [
                did("eva", day, A::SignInRefused, 5),
                did("eva", day, A::AccessRefused, 10),
                did("eva", day, A::AccessOpened, 3),
                did("eva", day, A::CorrectionsExported, 3),
            ]
        };
        assert_eq!(told(&often(50)).len(), 4);
        assert_eq!(told(&often(49)), []);
        assert_eq!(told(&[did("eva", 55, A::SignInRefused, 4), did("eva", 55, A::EntryViewed, 29)]), []);
    }
}
