//! What the coding edits say, as the page tells it.

use overread_domain::{Action, Finding, Item, ItemId, Level};

use super::rows::RowKey;

/// A shape for each level, so that colour is not the only sign.
pub fn level_shape(level: Level) -> &'static str {
    match level {
        Level::Error => "▲",
        Level::Warning => "!",
        Level::Information | Level::Off => "i",
    }
}

pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Information => "information",
        Level::Off => "off",
    }
}

/// "2 errors, 1 warning, 3 notes"; what is overridden is counted apart.
pub fn summary(findings: &[Finding]) -> Option<String> {
    let count = |level: Level| findings.iter().filter(|f| f.level == level && f.overridden.is_none()).count();
    let overridden = findings.iter().filter(|f| f.overridden.is_some()).count();
    let part = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {many}")),
    };
    let parts: Vec<String> = [
        part(count(Level::Error), "error", "errors"),
        part(count(Level::Warning), "warning", "warnings"),
        part(count(Level::Information), "note", "notes"),
        part(overridden, "overridden", "overridden"),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The gravest level that is said of a row and not overridden, notes left out.
pub fn flag(findings: &[Finding], row: &RowKey) -> Option<Level> {
    let RowKey::Item(item) = row else { return None };
    let about = |finding: &&Finding| finding.items.contains(item);
    let open = findings.iter().filter(about).filter(|f| f.overridden.is_none());
    open.map(|f| f.level).filter(|level| *level < Level::Information).min()
}

/// What the page lists: what was found, then what would be found if the suggestions that wait were accepted.
pub fn listed(findings: &[Finding], ahead: &[Finding], at: usize) -> Option<(Finding, bool)> {
    let now = findings.get(at).map(|finding| (finding.clone(), false));
    now.or_else(|| Some((ahead.get(at.checked_sub(findings.len())?)?.clone(), true)))
}

/// Where a finding leads.
pub fn place(finding: &Finding) -> Option<RowKey> {
    finding.items.first().cloned().map(RowKey::Item)
}

/// The list in the order that a claim has it with one row moved `by` places; none where it can't move.
pub fn moved(order: &[&Item], item: &ItemId, by: isize) -> Option<Vec<ItemId>> {
    let at = order.iter().position(|row| row.id == *item)?;
    let to = at.checked_add_signed(by).filter(|to| *to < order.len())?;
    let mut ids: Vec<ItemId> = order.iter().map(|row| row.id.clone()).collect();
    let id = ids.remove(at);
    ids.insert(to, id);
    Some(ids)
}

/// The list with one row put where another stands; none where nothing moves.
pub fn dropped_on(order: &[&Item], item: &ItemId, target: &ItemId) -> Option<Vec<ItemId>> {
    let place = |id: &ItemId| order.iter().position(|row| row.id == *id);
    let by = place(target)? as isize - place(item)? as isize;
    if by == 0 { None } else { moved(order, item, by) }
}

/// Whether a decision can be taken back with one key.
pub fn can_be_taken_back(action: &Action) -> bool {
    !matches!(
        action,
        Action::Undo { .. }
            | Action::Escalate { .. }
            | Action::Return { .. }
            | Action::Finish {}
            | Action::Reopen { .. }
    )
}

#[cfg(test)]
mod tests {
    use overread_domain::{Content, ItemState, Overridden};

    use super::*;

    fn finding(level: Level, item: &str, overridden: bool) -> Finding {
        Finding {
            key: format!("{level:?} {item}"),
            rule: "C-1".into(),
            level,
            message: String::new(),
            citation: String::new(),
            items: vec![ItemId::new(item)],
            evidence: Vec::new(),
            fixes: Vec::new(),
            overridden: overridden.then(|| Overridden { decision: "d".into(), reason: "r".into() }),
        }
    }

    #[test]
    fn the_gravest_open_finding_marks_the_row() {
        let all = [
            finding(Level::Error, "s1", true),
            finding(Level::Warning, "s1", false),
            finding(Level::Information, "s2", false),
        ];
        let row = |id: &str| RowKey::Item(ItemId::new(id));
        assert_eq!(flag(&all, &row("s1")), Some(Level::Warning));
        assert_eq!(flag(&all, &row("s2")), None);
        assert_eq!(summary(&all).as_deref(), Some("1 warning, 1 note, 1 overridden"));
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn rows_move_within_the_list() {
        let item = |id: &str| Item {
            id: ItemId::new(id),
            state: ItemState::Accepted,
            content: Content::default(),
            reject_reason: None,
            decision: None,
            rank: None,
            poa: None,
        };
        let rows = [item("a"), item("b"), item("c")];
        let order: Vec<&Item> = rows.iter().collect();
        let ids = |by: isize, of: &str| {
            moved(&order, &ItemId::new(of), by)
                .map(|ids| ids.iter().map(ToString::to_string).collect::<String>())
        };
        assert_eq!(ids(-1, "b").as_deref(), Some("bac"));
        assert_eq!(ids(1, "b").as_deref(), Some("acb"));
        assert_eq!(ids(-2, "c").as_deref(), Some("cab"));
        assert_eq!(ids(-1, "a"), None);
        assert_eq!(ids(1, "c"), None);
        let dropped = |item: &str, target: &str| {
            dropped_on(&order, &ItemId::new(item), &ItemId::new(target))
                .map(|ids| ids.iter().map(ToString::to_string).collect::<String>())
        };
        assert_eq!(dropped("c", "a").as_deref(), Some("cab"));
        assert_eq!(dropped("a", "c").as_deref(), Some("bca"));
        assert_eq!(dropped("a", "a"), None);
        assert_eq!(dropped("a", "x"), None);
    }
}
