//! Code systems, lists and books: what is loaded, and bringing in more. An import is taken whole or not at all.

use overread_domain::EntryId;
use serde::{Deserialize, Serialize};

use crate::system::SemanticState;

/// All that is loaded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeSystems {
    pub items: Vec<CodeSystemView>,
    /// Whether this server can keep imports.
    pub may_import: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HoldingKind {
    /// An edition of a code system.
    Release,
    /// What a list says of codes: exemptions, categories, pairs.
    List,
    /// An index or a table that leads to codes.
    Book,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeSystemView {
    pub id: String,
    pub kind: HoldingKind,
    /// The code system of a release, the name of a book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    pub title: String,
    /// First day in force, ISO 8601.
    pub effective: String,
    /// Whether it is the edition in force today.
    pub in_force: bool,
    /// Codes of a release or a list, lines of a book.
    pub size: u64,
    /// False for what ships with the product.
    pub imported: bool,
    /// Of a release: whether it can be searched by meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic: Option<SemanticState>,
    /// Official files that it was made from, with their SHA-256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceFile {
    pub name: String,
    pub sha256: String,
}

/// Query of an import of code systems; the files are the parts of a form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct ImportCodesQuery {
    /// First day in force (ISO 8601); else October 1 before the year that the files name.
    pub effective: Option<String>,
    /// Name of the system of a plain CSV file with the columns code, title and maybe parent.
    pub system: Option<String>,
    /// Only say what would be imported and what changes.
    pub dry_run: Option<bool>,
    /// Take the place of what is there under the same name with other content.
    pub replace: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportedCodes {
    pub files: Vec<ReadFile>,
    pub results: Vec<ImportedResult>,
    /// Whether anything was kept.
    pub kept: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadFile {
    /// Of files in an archive with that of the archive before it.
    pub name: String,
    /// What it was taken for, or that it was left out.
    pub taken_for: String,
}

/// What an import is to what is there under the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportStanding {
    New,
    /// The same content is there; nothing to do.
    Same,
    /// Other content is there and gives way.
    Replaces,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportedResult {
    pub id: String,
    pub kind: HoldingKind,
    /// First day in force, ISO 8601.
    pub effective: String,
    /// Counts, for people.
    pub told: String,
    pub standing: ImportStanding,
    /// Of a release: what differs from the edition before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<ReleaseChanges>,
    /// Of a release: what it changes on entries that are not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
}

/// Codes that differ between two editions: how many, and the first of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseChanges {
    /// The edition compared with.
    pub against: String,
    pub added: ChangedCodes,
    pub deleted: ChangedCodes,
    /// Other words for the same code.
    pub revised: ChangedCodes,
    /// Complete before, with codes below it now, or the other way round.
    pub completeness: ChangedCodes,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangedCodes {
    pub count: u64,
    /// At most 200 of them.
    pub codes: Vec<String>,
}

/// What an edition changes for entries that are not finished and that it will judge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Impact {
    /// Entries looked at.
    pub entries: u64,
    /// Entries that hold a code which the edition changes.
    pub touched: u64,
    /// By code, those on most entries first; at most 200.
    pub codes: Vec<ImpactCode>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImpactCode {
    pub code: String,
    pub change: CodeChange,
    pub entries: u64,
    /// Some of the entries, for those who may read them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<EntryId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CodeChange {
    /// The edition no longer has it.
    Deleted,
    /// It is complete no longer.
    Incomplete,
    /// Its words are others.
    Revised,
}
