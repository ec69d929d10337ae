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
}

impl Panel {
    pub fn is_open(&self) -> bool {
        *self != Self::None
    }
}
