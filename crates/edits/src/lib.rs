//! Coding edits and entry edits: what rules say of an entry.
//!
//! [`check`] looks at the rows of an entry that stand (accepted, corrected, added) and answers with [`Finding`]s: the
//! rule's number, its level, a sentence, where the rule is written down, the rows it is about, words of the note, and
//! decisions that would mend it. The rules are listed in [`RULES`]; their levels are data ([`RuleLevels`]), set for all
//! notes or for one document type. Excludes and instructional notes are read from the tabular list itself.
//!
//! Nothing here opens a file or knows a clock: releases, lists and today's date are passed in.

mod case;
mod rules;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use overread_codes::{CodeList, ListKind, Release};
use overread_domain::{Finding, Item, Level, NoteMeta, Overridden, RuleLevels, Template};

pub use case::{Setting, entry_date};
pub use rules::{RULES, Rule};

use case::Case;

/// All code systems and lists that are loaded.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Several editions of one system may stand side by side.
    pub releases: Vec<Arc<Release>>,
    pub lists: Vec<Arc<CodeList>>,
}

impl Books {
    /// The edition of `system` in force on `date` (ISO 8601, maybe to the month, which then counts as its end): the latest
    /// that had begun, else the earliest there is.
    pub fn release(&self, system: &str, date: &str) -> Option<&Arc<Release>> {
        let own = || self.releases.iter().filter(|r| r.system() == system);
        let begun = own().filter(|r| begun_by(r.effective(), date));
        begun.max_by_key(|r| r.effective()).or_else(|| own().min_by_key(|r| r.effective()))
    }

    /// The edition of a list in force on `date`.
    pub fn list(&self, kind: ListKind, date: &str) -> Option<&CodeList> {
        let own = || self.lists.iter().filter(|list| list.kind == kind);
        let begun = own().filter(|list| begun_by(&list.effective, date));
        let found = begun
            .max_by_key(|list| list.effective.as_str())
            .or_else(|| own().min_by_key(|list| list.effective.as_str()));
        found.map(Arc::as_ref)
    }

    /// Systems of which there is an edition, each once.
    pub fn systems(&self) -> Vec<&str> {
        let mut systems: Vec<&str> = self.releases.iter().map(|release| release.system()).collect();
        systems.sort_unstable();
        systems.dedup();
        systems
    }
}

fn begun_by(effective: &str, date: &str) -> bool {
    effective.get(..date.len()).unwrap_or(effective) <= date
}

/// An entry to check.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub text: &'a str,
    pub meta: &'a NoteMeta,
    pub template: &'a Template,
    pub items: &'a [Item],
    pub overridden: &'a BTreeMap<String, Overridden>,
    /// ISO 8601.
    pub today: &'a str,
}

/// Runs all rules that are not off; errors first, then by rule.
pub fn check(input: &Input<'_>, books: &Books, levels: &RuleLevels) -> Vec<Finding> {
    let case = Case::new(input, books);
    let mut findings = Vec::new();
    for rule in RULES {
        let level = levels.level(rule.number, rule.level, input.meta.document_type.as_deref());
        if level == Level::Off {
            continue;
        }
        for found in (rule.run)(&case) {
            let key = case.key(rule.number, &found);
            findings.push(Finding {
                overridden: input.overridden.get(&key).cloned(),
                key,
                rule: rule.number.to_owned(),
                level,
                message: found.message,
                citation: found.citation.unwrap_or_else(|| rule.citation.to_owned()),
                items: found.items,
                evidence: found.evidence,
                fixes: found.fixes,
            });
        }
    }
    // The same place is told once by each rule.
    let mut seen = std::collections::HashSet::new();
    findings.retain(|finding| seen.insert(finding.key.clone()));
    findings.sort_by(|a, b| a.level.cmp(&b.level).then_with(|| a.rule.cmp(&b.rule)));
    findings
}
