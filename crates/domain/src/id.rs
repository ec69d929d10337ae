//! Identifiers. Opaque text on every border; each kind is a type of its own so that they cannot be mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }
    };
}

id!(
    /// The note's id as its sender named it; unique within the installation.
    NoteId
);
id!(EntryId);
id!(UserId);
id!(DecisionId);
id!(SuggestionSetId);
id!(JobId);
id!(
    /// One row of an entry. A suggested row is `s` and its place in the suggestion set (`s12`); a row that a person
    /// added carries an id that the client made (`a` and random letters), so that a repeated request adds it once.
    ItemId
);

impl ItemId {
    pub fn suggested(index: usize) -> Self {
        Self(format!("s{index}"))
    }

    /// The place in the suggestion set, for a suggested row.
    pub fn suggestion_index(&self) -> Option<usize> {
        self.0.strip_prefix('s')?.parse().ok()
    }

    /// Ids of added rows: `a` followed by 1 to 40 ASCII letters, digits or hyphens.
    pub fn is_valid_added(&self) -> bool {
        self.0.strip_prefix('a').is_some_and(|rest| {
            (1..=40).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
    }
}
