//! What is typed and not yet decided. Kept in the browser by person, entry and what it is about, until that is saved or
//! thrown away.

use overread_domain::ItemId;
use overread_domain::decision::ExceptionCause;
use serde::{Deserialize, Serialize};

use super::form::Form;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "draft", rename_all = "snake_case")]
pub enum Draft {
    Form { form: Form },
    Reject { item: ItemId, comment: String },
    Escalate { cause: Option<ExceptionCause>, comment: String },
    Reopen { reason: String },
}

impl Draft {
    /// Whether there is something in it that would be a loss.
    pub fn is_worth_keeping(&self) -> bool {
        match self {
            Self::Form { .. } => true,
            Self::Reject { comment, .. } | Self::Escalate { comment, .. } => !comment.trim().is_empty(),
            Self::Reopen { reason } => !reason.trim().is_empty(),
        }
    }

    /// What it is about. Drafts about two things never replace each other; a new value has an id of its own.
    pub fn slot(&self) -> String {
        match self {
            Self::Form { form } => form_slot(&form.item),
            Self::Reject { item, .. } => reject_slot(item),
            Self::Escalate { .. } => ESCALATE.to_owned(),
            Self::Reopen { .. } => REOPEN.to_owned(),
        }
    }

    /// The row that it is about, where that must be there.
    pub fn row(&self) -> Option<&ItemId> {
        match self {
            Self::Form { form } if !form.adds => Some(&form.item),
            Self::Reject { item, .. } => Some(item),
            _ => None,
        }
    }
}

pub const ESCALATE: &str = "escalate";
pub const REOPEN: &str = "reopen";

pub fn form_slot(item: &ItemId) -> String {
    format!("form.{item}")
}

pub fn reject_slot(item: &ItemId) -> String {
    format!("reject.{item}")
}

/// A draft as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// When it was typed, milliseconds since 1970; 0 for drafts of versions that kept one an entry.
    #[serde(default)]
    pub at: i64,
    #[serde(flatten)]
    pub draft: Draft,
}

/// The latest typed first.
pub fn newest_first(mut kept: Vec<Kept>) -> Vec<Draft> {
    kept.sort_by_key(|kept| std::cmp::Reverse(kept.at));
    kept.into_iter().map(|kept| kept.draft).collect()
}

const DRAFT: &str = "overread.draft.";
const TYPED: &str = "overread.typed.";
const OUTBOX: &str = "overread.outbox.";

/// Storage keys. Ids may hold any character, so each is written with its length.
pub fn draft_key(user: &str, entry: &str, slot: &str) -> String {
    format!("{}{slot}", draft_keys(user, entry))
}

/// How the keys of all of a person's drafts on an entry begin.
pub fn draft_keys(user: &str, entry: &str) -> String {
    format!("{TYPED}{}.{user}.{}.{entry}.", user.len(), entry.len())
}

/// Where earlier versions kept the only draft of an entry.
pub fn old_draft_key(user: &str, entry: &str) -> String {
    format!("{DRAFT}{}.{user}.{entry}", user.len())
}

pub fn outbox_key(user: &str, entry: &str, tab: &str) -> String {
    format!("{OUTBOX}{}.{user}.{}.{entry}.{tab}", user.len(), entry.len())
}

/// Whose outbox a storage key names, for which entry.
pub fn parse_outbox_key(key: &str) -> Option<(&str, &str)> {
    let rest = key.strip_prefix(OUTBOX)?;
    let (user, rest) = sized(rest)?;
    let (entry, _) = sized(rest.strip_prefix('.')?)?;
    Some((user, entry))
}

fn sized(text: &str) -> Option<(&str, &str)> {
    let (len, rest) = text.split_once('.')?;
    let len: usize = len.parse().ok()?;
    Some((rest.get(..len)?, rest.get(len..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_people_and_entries_apart() {
        assert_ne!(draft_key("a.b", "c", ESCALATE), draft_key("a", "b.c", ESCALATE));
        assert!(!draft_key("a", "b.c", ESCALATE).starts_with(&draft_keys("a", "b")));
        let key = outbox_key("ann.b", "e/1.x", "t1");
        assert_eq!(parse_outbox_key(&key), Some(("ann.b", "e/1.x")));
        assert_eq!(parse_outbox_key("overread.draft.1.a.b"), None);
        assert_eq!(parse_outbox_key("overread.outbox.99.a"), None);
    }

    #[test]
    fn a_draft_comes_back_as_it_was() {
        let draft = Draft::Reject { item: "s1".into(), comment: "siehe Befund 😀".into() };
        let json = serde_json::to_string(&draft).unwrap();
        assert_eq!(serde_json::from_str::<Draft>(&json).unwrap(), draft);
        assert!(draft.is_worth_keeping());
        assert!(!Draft::Reopen { reason: "  ".into() }.is_worth_keeping());
    }

    fn form(item: &str, adds: bool) -> Form {
        Form {
            item: item.into(),
            adds,
            field: "diagnosis".into(),
            value: "gout".into(),
            evidence: Vec::new(),
            assertion: None,
            code: None,
            code_title: None,
            role: None,
            attributes: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn drafts_about_different_things_have_different_slots() {
        let drafts = [
            Draft::Form { form: form("s1", false) },
            Draft::Form { form: form("s2", false) },
            Draft::Form { form: form("a9", true) },
            Draft::Reject { item: "s1".into(), comment: "x".into() },
            Draft::Escalate { cause: None, comment: "x".into() },
            Draft::Reopen { reason: "x".into() },
        ];
        let mut keys: Vec<_> = drafts.iter().map(|draft| draft_key("ann", "e", &draft.slot())).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), drafts.len());
    }

    #[test]
    fn only_drafts_about_a_row_need_one() {
        assert_eq!(Draft::Form { form: form("s1", false) }.row(), Some(&"s1".into()));
        assert_eq!(Draft::Form { form: form("a1", true) }.row(), None);
    }

    #[test]
    fn the_newest_comes_first_and_drafts_without_a_time_last() {
        let old = serde_json::to_string(&Draft::Form { form: form("s1", false) }).unwrap();
        let old: Kept = serde_json::from_str(&old).unwrap();
        let early = Kept { at: 5, draft: Draft::Reopen { reason: "a".into() } };
        let late = Kept { at: 9, draft: Draft::Form { form: form("a1", true) } };
        let json = serde_json::to_string(&late).unwrap();
        assert_eq!(serde_json::from_str::<Kept>(&json).unwrap(), late);
        let all = newest_first(vec![old.clone(), late.clone(), early.clone()]);
        assert_eq!(all, [late.draft, early.draft, old.draft]);
    }
}
