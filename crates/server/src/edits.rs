//! The coding edits on an entry as it stands, and before it is finished.

use std::collections::{BTreeMap, BTreeSet};

use overread_api::ErrorCode;
use overread_api::code::CodeBadge;
use overread_codes::ListKind;
use overread_domain::span::CodePoints;
use overread_domain::{Action, DecisionId, Finding, ItemId, ItemState, Level, RuleLevels};
use overread_edits::{Books, Input, entry_date};
use overread_store::EntryRecord;

use crate::views;
use crate::{App, Failure};

/// What the edits and the lists say of an entry.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// Errors and warnings that would come if the suggestions that wait were accepted as they are.
    pub ahead: Vec<Finding>,
    /// The day by which its codes are judged.
    pub date: Option<String>,
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
    let (today, shelf) = (app.today(), app.shelf());
    let input = Input {
        text: &record.text,
        meta: &record.row.meta,
        template: &record.template,
        items: entry.items(),
        overridden: entry.overridden(),
        today: &today,
    };
    let findings = overread_edits::check(&input, &shelf.books, levels);
    let ahead = ahead(&input, &shelf.books, levels, &findings);
    let date = entry_date(entry.items(), record.row.meta.service_date.as_deref());
    let codes: BTreeSet<&str> = entry
        .items()
        .iter()
        .filter_map(|item| item.content.code.as_ref())
        .map(|code| code.code.as_str())
        .collect();
    let badges = codes
        .into_iter()
        .map(|code| (code.to_owned(), badges(&shelf.books, code, date.as_deref().unwrap_or(&today))))
        .filter(|(_, badges)| !badges.is_empty())
        .collect();
    Checked { findings, ahead, date, badges }
}

/// What would be found besides if the rows that wait stood as they are suggested. Information would only be noise here.
fn ahead(input: &Input<'_>, books: &Books, levels: &RuleLevels, now: &[Finding]) -> Vec<Finding> {
    let waiting: Vec<ItemId> =
        input.items.iter().filter(|i| i.state == ItemState::Suggested).map(|i| i.id.clone()).collect();
    if waiting.is_empty() {
        return Vec::new();
    }
    let mut items = input.items.to_vec();
    for item in items.iter_mut().filter(|item| item.state == ItemState::Suggested) {
        item.state = ItemState::Accepted;
    }
    let found = overread_edits::check(&Input { items: &items, ..*input }, books, levels);
    found
        .into_iter()
        .filter(|finding| finding.level < Level::Information && finding.overridden.is_none())
        .filter(|finding| finding.items.iter().any(|item| waiting.contains(item)))
        .filter(|finding| !now.iter().any(|known| known.key == finding.key))
        .collect()
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
pub fn badges(books: &Books, code: &str, date: &str) -> Vec<CodeBadge> {
    let mut out = Vec::new();
    let mut put = |kind: &str, text: String| out.push(CodeBadge { kind: kind.to_owned(), text });
    for kind in [ListKind::Hcc, ListKind::Ccsr] {
        let Some(list) = books.list(kind, date) else { continue };
        for row in list.of(code) {
            put(
                kind.as_str(),
                row.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(" "),
            );
        }
    }
    if books.list(ListKind::PoaExempt, date).is_some_and(|list| list.holds(code)) {
        put(ListKind::PoaExempt.as_str(), "POA exempt".to_owned());
    }
    if let Some(list) = books.list(ListKind::Mce, date) {
        for row in list.of(code) {
            put(ListKind::Mce.as_str(), row.join(" ").replace('_', " "));
        }
    }
    out
}
