//! Lines of the export, from entries.

use std::collections::BTreeSet;

use overread_api::correction::{CorrectionLine, FORMAT, VERSION};
use overread_domain::span::CodePoints;
use overread_domain::{Action, Decision, DecisionId, EntryStatus, Outcome, outcome};
use overread_store::EntryRecord;

use crate::views;

/// One line for every decided row and field of an entry, in the entry's order. The first line carries the note's text
/// unless it is not wanted. An entry is exported whole: a row that was decided before the last export and finished after
/// it would else be in none.
pub fn correction_lines(record: &EntryRecord, with_text: bool) -> Vec<CorrectionLine> {
    let points = CodePoints::new(&record.text);
    let entry = views::project(record, &points);
    let mut lines: Vec<CorrectionLine> = outcome::outcomes(&entry, views::suggestions(record))
        .into_iter()
        .filter_map(|outcome| line(record, outcome))
        .collect();
    if with_text && let Some(first) = lines.first_mut() {
        first.text = Some(record.text.clone());
    }
    lines
}

/// None where the decision that the outcome rests on is not there, which the store's integrity rules out.
fn line(record: &EntryRecord, outcome: Outcome) -> Option<CorrectionLine> {
    let last = record.decisions.iter().find(|decision| decision.id == outcome.decision)?.clone();
    let decisions = about(record, &outcome);
    let sum = |cost: fn(&Decision) -> u32| decisions.iter().map(cost).fold(0, u32::saturating_add);
    Some(CorrectionLine {
        format: FORMAT.to_owned(),
        version: VERSION,
        note: record.row.note.clone(),
        text_sha256: record.sha256.clone(),
        text: None,
        entry: record.row.id.clone(),
        template: record.template.id.clone(),
        template_version: record.template.version,
        finished: record.row.status == EntryStatus::Finished,
        model: record.suggestion_set.as_ref().map(|set| set.model.clone()),
        memory: record.suggestion_set.as_ref().and_then(|set| set.memory.clone()),
        code_release: record.suggestion_set.as_ref().map(|set| set.code_release.clone()),
        active_ms: sum(|decision| decision.effort.active_ms),
        keystrokes: sum(|decision| decision.effort.keystrokes),
        decisions,
        outcome,
        user: last.user,
        at: last.at,
        suggestions_shown: last.suggestions_shown,
    })
}

/// Every decision on the outcome's row or field in order, with those that took one of them back.
fn about(record: &EntryRecord, outcome: &Outcome) -> Vec<Decision> {
    let mut own: BTreeSet<DecisionId> = BTreeSet::new();
    let mut found = Vec::new();
    for decision in &record.decisions {
        let about = match &decision.action {
            Action::Accept { item }
            | Action::Correct { item, .. }
            | Action::Reject { item, .. }
            | Action::Add { item, .. } => outcome.item.as_ref() == Some(item),
            Action::ConfirmEmpty { field } => outcome.item.is_none() && outcome.field == *field,
            Action::Undo { decision } => own.contains(decision),
            _ => false,
        };
        if about {
            own.insert(decision.id.clone());
            found.push(decision.clone());
        }
    }
    found
}
