//! What is typed and not yet decided. Kept in the browser by person and entry until it is saved or thrown away.

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
}

const DRAFT: &str = "overread.draft.";
const OUTBOX: &str = "overread.outbox.";

/// Storage keys. Ids may hold any character, so each is written with its length.
pub fn draft_key(user: &str, entry: &str) -> String {
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
        assert_ne!(draft_key("a.b", "c"), draft_key("a", "b.c"));
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
}
