//! What can be open in place of the current row's card.

use overread_domain::{ItemId, Quoted};

use crate::logic::form::Form;

#[derive(Clone, Debug, PartialEq)]
pub enum Panel {
    None,
    /// Choosing why a row is rejected.
    Reject {
        item: ItemId,
        comment: String,
    },
    Edit(Form),
    /// Finding a code for a row.
    Codes {
        item: ItemId,
        query: String,
    },
    /// Choosing the field that an added value belongs to.
    Add {
        words: Option<Quoted>,
    },
    FindWords,
    Escalate {
        comment: String,
    },
    Reopen {
        reason: String,
    },
    /// Saying which site, queue and categories the note belongs to.
    Place,
    /// Saying why a masked note is needed as it is written.
    AsWritten,
    /// What the coding edits found; with a reason while one is being overridden.
    Checks {
        at: usize,
        overriding: Option<String>,
    },
    Poa {
        item: ItemId,
    },
}

impl Panel {
    pub fn is_open(&self) -> bool {
        *self != Self::None
    }

    /// Whether it acts on a row that was there when it was opened: it closes when another row becomes the current one.
    pub fn is_about_a_row(&self) -> bool {
        match self {
            Self::Reject { .. } | Self::Codes { .. } | Self::Poa { .. } => true,
            Self::Edit(form) => !form.adds,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_panels_about_a_row_close_with_it() {
        let reject = Panel::Reject { item: "s1".into(), comment: String::new() };
        let codes = Panel::Codes { item: "s1".into(), query: String::new() };
        assert!(reject.is_about_a_row() && codes.is_about_a_row());
        for panel in [Panel::None, Panel::FindWords, Panel::Escalate { comment: String::new() }] {
            assert!(!panel.is_about_a_row(), "{panel:?}");
        }
    }
}
