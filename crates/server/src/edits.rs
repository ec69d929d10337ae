//! The coding edits on an entry as it stands, and before it is finished.

use std::collections::{BTreeMap, BTreeSet};

use overread_api::ErrorCode;
use overread_api::code::CodeBadge;
use overread_codes::ListKind;
use overread_domain::span::CodePoints;
use overread_domain::{Action, DecisionId, Finding, RuleLevels};
use overread_edits::{Input, entry_date};
use overread_store::EntryRecord;

use crate::views;
use crate::{App, Failure};

/// What the edits and the lists say of an entry.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    pub badges: BTreeMap<String, Vec<CodeBadge>>,
}

/// The day by which an entry's codes are judged.
pub fn date(record: &EntryRecord) -> Option<String> {
    let points = CodePoints::new(&record.text);
    let entry = views::project(record, &points);
    entry_date(entry.items(), record.row.meta.service_date.as_deref())
}

/// Runs the edits with the levels that hold.
pub async fn check(app: &App, record: &EntryRecord) -> Result<Checked, Failure> {
    let levels = app.store.edit_levels().await?.map(|set| set.levels).unwrap_or_default();
    Ok(check_with(app, record, &[], &levels))
}

/// Runs the edits on the entry after further actions; what is not legal in them ends them, the store refuses it.
pub fn check_with(app: &App, record: &EntryRecord, actions: &[Action], levels: &RuleLevels) -> Checked {
    let points = CodePoints::new(&record.text);
    let mut entry = views::project(record, &points);
    for (nth, action) in actions.iter().enumerate() {
        if entry.apply(DecisionId::new(format!("next-{nth}")), action.clone()).is_err() {
            break;
        }
    }
    let today = app.today();
    let input = Input {
        text: &record.text,
        meta: &record.row.meta,
        template: &record.template,
        items: entry.items(),
        overridden: entry.overridden(),
        today: &today,
    };
    let findings = overread_edits::check(&input, &app.books, levels);
    let date = entry_date(entry.items(), record.row.meta.service_date.as_deref());
    let codes: BTreeSet<&str> = entry
        .items()
        .iter()
        .filter_map(|item| item.content.code.as_ref())
        .map(|code| code.code.as_str())
        .collect();
    let badges = codes
        .into_iter()
        .map(|code| (code.to_owned(), badges(app, code, date.as_deref())))
        .filter(|(_, badges)| !badges.is_empty())
        .collect();
    Checked { findings, badges }
}

/// Refuses to finish while an error stands that nobody mended or overrode with a reason.
pub async fn may_finish(app: &App, record: &EntryRecord, actions: &[Action]) -> Result<(), Failure> {
    let levels = app.store.edit_levels().await?.map(|set| set.levels).unwrap_or_default();
    let before: Vec<Action> =
        actions.iter().take_while(|action| !matches!(action, Action::Finish {})).cloned().collect();
    let blocking: Vec<Finding> =
        check_with(app, record, &before, &levels).findings.into_iter().filter(Finding::blocks).collect();
    if blocking.is_empty() {
        return Ok(());
    }
    let undecided = {
        let points = CodePoints::new(&record.text);
        let mut entry = views::project(record, &points);
        for (nth, action) in before.iter().enumerate() {
            entry.apply(DecisionId::new(format!("next-{nth}")), action.clone())?;
        }
        // What is undecided is told first: the entry itself refuses for it.
        entry.apply(DecisionId::new("next-finish"), Action::Finish {}).is_err()
    };
    if undecided {
        return Ok(());
    }
    let message = match blocking.as_slice() {
        [one] => format!("an error of the coding edits stands: {}", one.message),
        several => format!("{} errors of the coding edits stand", several.len()),
    };
    Err(Failure::new(ErrorCode::Unfinished, message).with_findings(blocking))
}

/// What lists say of a code.
pub fn badges(app: &App, code: &str, date: Option<&str>) -> Vec<CodeBadge> {
    let mut out = Vec::new();
    let mut put = |kind: &str, text: String| out.push(CodeBadge { kind: kind.to_owned(), text });
    for kind in [ListKind::Hcc, ListKind::Ccsr] {
        let Some(list) = app.books.list(kind, date) else { continue };
        for row in list.of(code) {
            put(
                kind.as_str(),
                row.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(" "),
            );
        }
    }
    if app.books.list(ListKind::PoaExempt, date).is_some_and(|list| list.holds(code)) {
        put(ListKind::PoaExempt.as_str(), "POA exempt".to_owned());
    }
    if let Some(list) = app.books.list(ListKind::Mce, date) {
        for row in list.of(code) {
            put(ListKind::Mce.as_str(), row.join(" ").replace('_', " "));
        }
    }
    out
}
