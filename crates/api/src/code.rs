//! Looking codes up.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct CodeQuery {
    /// A code with or without dot, or words in any order.
    pub q: String,
    pub system: Option<String>,
    /// 1 to 100; 20 if absent.
    pub limit: Option<u32>,
    pub billable: Option<bool>,
    /// Also by meaning, where the model is loaded; true if absent.
    pub semantic: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeHits {
    pub release: String,
    pub hits: Vec<CodeHit>,
    /// Whether the search by meaning took part.
    pub semantic: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeHit {
    pub system: String,
    pub code: String,
    pub title: String,
    pub billable: bool,
    /// The inclusion term or synonym that matched, where it was not the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<String>,
    pub score: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeView {
    pub system: String,
    pub release: String,
    pub code: String,
    pub title: String,
    pub billable: bool,
    /// From the chapter down.
    pub ancestors: Vec<CodeLink>,
    pub children: Vec<CodeLink>,
    pub siblings: Vec<CodeLink>,
    pub inclusion_terms: Vec<String>,
    pub notes: Vec<CodeNote>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeLink {
    pub code: String,
    pub title: String,
    pub billable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeNote {
    pub kind: NoteKind,
    pub text: String,
    /// The ancestor whose note it is; absent for the code's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited_from: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    Includes,
    Excludes1,
    Excludes2,
    CodeFirst,
    UseAdditionalCode,
    CodeAlso,
    SeventhCharacter,
    Note,
}
