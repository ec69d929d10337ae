//! What an edition of a code system changes for entries that are not finished.

use std::collections::BTreeMap;

use overread_api::code_system::{CodeChange, Impact, ImpactCode};
use overread_codes::Release;
use overread_domain::span::CodePoints;
use overread_domain::{EntryId, EntryStatus, ItemState};
use overread_store::{QueueFilter, Store, StoreError};

use crate::views;

/// Entries read at once.
const PAGE: u32 = 500;
/// Codes that are told.
const TOLD: usize = 200;
/// Entries named with a code.
const EXAMPLES: usize = 20;

/// Looks through the entries that are not finished and that `new` will judge, against the edition `before` it.
///
/// # Errors
/// Where the database is away.
pub async fn impact(store: &Store, new: &Release, before: Option<&Release>) -> Result<Impact, StoreError> {
    let mut out = Impact::default();
    let mut codes: BTreeMap<(String, CodeChange), (u64, Vec<EntryId>)> = BTreeMap::new();
    for status in [EntryStatus::Open, EntryStatus::InProgress, EntryStatus::Exception] {
        let mut after = None;
        loop {
            let filter = QueueFilter { status: Some(status), after, limit: PAGE, ..QueueFilter::default() };
            let page = store.queue(&filter).await?;
            for row in page.rows {
                let record = store.entry(&row.id).await?;
                let points = CodePoints::new(&record.text);
                let entry = views::project(&record, &points);
                let date = overread_edits::entry_date(entry.items(), record.row.meta.service_date.as_deref());
                // Entries of before the edition are coded by another.
                if date.as_deref().is_some_and(|date| date < new.effective()) {
                    continue;
                }
                out.entries += 1;
                let mut changed: Vec<(String, CodeChange)> = entry
                    .items()
                    .iter()
                    .filter(|item| item.state != ItemState::Rejected)
                    .filter_map(|item| item.content.code.as_ref())
                    .filter(|code| code.system == new.system())
                    .filter_map(|code| Some((code.code.clone(), change(new, before, &code.code)?)))
                    .collect();
                changed.sort_unstable();
                changed.dedup();
                out.touched += u64::from(!changed.is_empty());
                for key in changed {
                    let (count, examples) = codes.entry(key).or_default();
                    *count += 1;
                    if examples.len() < EXAMPLES {
                        examples.push(row.id.clone());
                    }
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    out.codes = codes
        .into_iter()
        .map(|((code, change), (entries, examples))| ImpactCode { code, change, entries, examples })
        .collect();
    out.codes.sort_by(|a, b| b.entries.cmp(&a.entries).then_with(|| a.code.cmp(&b.code)));
    out.codes.truncate(TOLD);
    Ok(out)
}

fn change(new: &Release, before: Option<&Release>, code: &str) -> Option<CodeChange> {
    let title = |release: &Release| release.get(code).map(|entry| entry.title().to_owned());
    match new.get(code).filter(|entry| entry.is_code() && entry.code() == code) {
        None => Some(CodeChange::Deleted),
        Some(now) if !now.billable() => Some(CodeChange::Incomplete),
        Some(now) => {
            let was = before.and_then(title);
            was.is_some_and(|was| was != now.title()).then_some(CodeChange::Revised)
        }
    }
}
