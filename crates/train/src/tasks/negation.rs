//! The `NegEx` kit: is the condition negated, over, somebody else's?
//!
//! The kit has one answer for each of the three, a suggestion has one of six for all: a negated condition of the past is
//! `absent` here. Time is therefore judged on affirmed conditions only.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use overread_domain::Assertion;

use super::{Measured, Table, one};
use crate::corpora::negex::Case;
use crate::eval::{Count, Options};

/// Asks `assertion` for each case. Intervals draw cases; the second row takes equal sentences once, for the kit repeats
/// some.
pub fn score(
    cases: &[Case],
    mut assertion: impl FnMut(&str, Range<usize>) -> Assertion,
    options: &Options,
) -> Table {
    let said: Vec<Assertion> =
        cases.iter().map(|case| assertion(&case.text, case.condition.clone())).collect();
    let measured = Measured::new(cases.len(), options);
    let mut seen = HashSet::new();
    let first: Vec<bool> =
        cases.iter().map(|case| seen.insert((&case.text, case.condition.clone()))).collect();
    let binary = |of: &dyn Fn(usize) -> Option<(bool, bool)>| -> Vec<Count> {
        let count = |at: usize| {
            let (meant, said) = of(at)?;
            Some(Count {
                matched: usize::from(meant && said),
                suggested: usize::from(said),
                reference: usize::from(meant),
            })
        };
        (0..cases.len()).map(|at| count(at).unwrap_or_default()).collect()
    };
    let negated = |at: usize| Some((cases[at].negated, said[at] == Assertion::Absent));
    let past = |at: usize| {
        let meant = cases[at].historical.filter(|_| !cases[at].negated)?;
        Some((meant, said[at] == Assertion::Historical))
    };
    let other = |at: usize| Some((cases[at].other_experiencer, said[at] == Assertion::Family));
    let right = |of: &dyn Fn(usize) -> Option<(bool, bool)>| -> Vec<(usize, usize)> {
        let hit = |at| of(at).map_or((0, 0), |(meant, said)| (usize::from(meant == said), 1));
        (0..cases.len()).map(hit).collect()
    };
    let mut said_count = BTreeMap::<&str, usize>::new();
    for answer in &said {
        *said_count.entry(answer.as_str()).or_default() += 1;
    }
    let said_count: Vec<String> = said_count.iter().map(|(name, n)| format!("{name} {n}")).collect();
    Table {
        title: format!("NegEx kit: {} cases; answers: {}", cases.len(), said_count.join(", ")),
        rows: vec![
            measured.counted("negated", &binary(&negated)),
            measured.counted("negated, each sentence once", &binary(&|at| negated(at).filter(|_| first[at]))),
            one("negated or affirmed", "accuracy", measured.share(&right(&negated))),
            measured.counted("historical, of affirmed", &binary(&past)),
            one("historical or recent, of affirmed", "accuracy", measured.share(&right(&past))),
            measured.counted("somebody else's", &binary(&other)),
        ],
    }
}

/// Ids of the cases that are wrong in negation, with what was meant.
pub fn wrong(
    cases: &[Case],
    mut assertion: impl FnMut(&str, Range<usize>) -> Assertion,
) -> Vec<(&str, bool)> {
    let cases = cases.iter();
    cases
        .filter(|case| case.negated != (assertion(&case.text, case.condition.clone()) == Assertion::Absent))
        .map(|case| (case.id.as_str(), case.negated))
        .collect()
}
