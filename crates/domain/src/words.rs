//! Enumerations that are kept and sent as words, and shown as sentences.

/// An enumeration with each variant's word (of the database and the wire) and label (for people).
macro_rules! words {
    ($(#[$outer:meta])* $of:ident { $($(#[$doc:meta])* $name:ident = $word:literal, $label:literal;)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $of {
            $($(#[$doc])* $name,)+
        }

        impl $of {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }

            /// In words, for people.
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }
    };
}
pub(crate) use words;
